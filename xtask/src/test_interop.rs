//! `cargo xtask interop`: tests our files and our service mode against the reference SDK. Needs Go and its modules.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::process::{Failure, cargo, run_ok, workspace};

/// Checks our Go program, runs every test that uses it, and counts the reference's operations that passed.
pub(crate) fn run() -> Result<(), Failure> {
    let mut vet = Command::new("go");
    run_ok(
        vet.args(["vet", "."])
            .current_dir(workspace().join("tests/interop")),
    )?;
    let mut tests = cargo([
        "test",
        "--workspace",
        "--test",
        "e2e",
        "--locked",
        "--",
        "interop::",
        "--nocapture",
    ]);
    let failed = |source| Failure::Start {
        program: "cargo".to_owned(),
        source,
    };
    let mut child = tests.stderr(Stdio::piped()).spawn().map_err(failed)?;
    let mut operations = 0;
    for line in child
        .stderr
        .take()
        .into_iter()
        .flat_map(|pipe| BufReader::new(pipe).lines())
    {
        let line = line.map_err(failed)?;
        eprintln!("{line}");
        if line.starts_with("SKIPPED") {
            return Err(Failure::Unexpected(line));
        }
        operations += passed_operations(&line);
    }
    let status = child.wait().map_err(failed)?;
    if !status.success() || operations == 0 {
        return Err(Failure::Status {
            command_line: "interop".to_owned(),
            status: status.to_string(),
        });
    }
    println!("interop: {operations} operations passed");
    Ok(())
}

/// The count in a line such as `interop: 12 operations passed (our files)`.
fn passed_operations(line: &str) -> u32 {
    let figure = line
        .split_once("interop: ")
        .and_then(|(_, rest)| rest.split_once(" operations passed ("));
    figure
        .and_then(|(figure, _)| figure.parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::passed_operations;

    #[test]
    fn operation_counts_are_parsed() {
        assert_eq!(passed_operations("interop: 12 operations passed (our files)"), 12);
        assert_eq!(
            passed_operations("test x ... interop: 3 operations passed (y)"),
            3
        );
        assert_eq!(passed_operations("test interop::our_files::x ... ok"), 0);
    }
}
