//! The reference SDK as an oracle for what we write, read and send, where Go is present. `tests/interop` is our program around it.

mod cli;
mod convert;
mod large_files;
mod our_files;
mod rows;
mod sdk_files;
mod service_day;
mod tenant;
mod v3;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;

use crate::harness::{report_skipped, workspace};

/// Messages of `go build` where the modules cannot be downloaded. Any other failure is our mistake.
const OFFLINE: [&str; 6] = [
    "dial tcp",
    "no such host",
    "module lookup disabled",
    "connection refused",
    "i/o timeout",
    "proxyconnect",
];

/// Our Go program, built once.
pub(crate) struct Reference(PathBuf);

impl Reference {
    /// The program; `None`, with a message, where it cannot be built.
    pub(crate) fn here(what: &str) -> Option<&'static Self> {
        static BUILT: OnceLock<Result<Reference, String>> = OnceLock::new();
        match BUILT.get_or_init(|| built("interop", ".").map(Reference)) {
            Ok(reference) => Some(reference),
            Err(reason) => {
                report_skipped(&format!("{what} with the reference SDK"), reason);
                None
            }
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.0);
        command.args(arguments);
        command
    }

    fn run(&self, folder: &Path, arguments: &[&str]) -> Output {
        self.command(arguments).current_dir(folder).output().unwrap()
    }

    /// Runs a subcommand that must succeed and returns its output.
    fn invoke(&self, folder: &Path, arguments: &[&str]) -> String {
        let output = self.run(folder, arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same, for commands that print JSON, one value a line.
    fn json_lines(&self, folder: &Path, arguments: &[&str]) -> Vec<Value> {
        let printed = self.invoke(folder, arguments);
        printed
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// A program of our Go module, or of a module that it requires.
fn built(name: &str, package: &str) -> Result<PathBuf, String> {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let output = Command::new("go")
        .args(["build", "-ldflags", "-s -w", "-o"])
        .arg(&program)
        .arg(package)
        .current_dir(workspace().join("tests/interop"))
        .output()
        .map_err(|error| format!("there is no Go here: {error}"))?;
    if output.status.success() {
        return Ok(program);
    }
    let reason = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(OFFLINE.iter().any(|word| reason.contains(word)), "{reason}");
    Err(reason)
}

/// Counts the operations of the reference that passed. `cargo xtask interop` adds them up.
struct Operations {
    what: &'static str,
    passed: usize,
}

impl Operations {
    fn on(what: &'static str) -> Self {
        Self { what, passed: 0 }
    }

    /// Something was done and its outcome is right.
    fn pass(&mut self) {
        self.passed += 1;
    }

    #[expect(clippy::print_stderr, reason = "a figure for people and for xtask")]
    fn print_counts(self) {
        eprintln!("interop: {} operations passed ({})", self.passed, self.what);
    }
}
