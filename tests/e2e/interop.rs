//! The reference's own reader on our file, where Go is present.

use std::collections::BTreeSet;
use std::process::Command;

use crate::golden::reference_lines;
use crate::harness::{TestContext, skipped, workspace};

const WHAT: &str = "reading the file with the reference SDK";

/// Builds the Go program; nothing where that cannot be done.
fn reference_reader(context: &TestContext) -> Option<std::path::PathBuf> {
    let folder = workspace().join("tests/interop");
    let program = context.path("interop");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(folder)
        .output();
    match built {
        Ok(output) if output.status.success() => Some(program),
        // Without the modules there is nothing to build; anything else is a mistake of ours.
        Ok(output) => {
            let reason = String::from_utf8_lossy(&output.stderr).into_owned();
            let offline = [
                "dial tcp",
                "no such host",
                "module lookup disabled",
                "connection refused",
                "i/o timeout",
                "proxyconnect",
            ];
            assert!(offline.iter().any(|word| reason.contains(word)), "{reason}");
            skipped(WHAT, &reason);
            None
        }
        Err(error) => {
            skipped(WHAT, &format!("there is no Go here: {error}"));
            None
        }
    }
}

#[test]
fn the_reference_finds_every_row() {
    let context = TestContext::msp();
    let Some(reader) = reference_reader(&context) else {
        return;
    };
    assert_eq!(context.run(&[]).code, Some(0));
    // The second sync continues the first one's file.
    assert_eq!(context.run(&[]).code, Some(0));
    let output = Command::new(reader)
        .arg(context.path("sync.c1z"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let found = String::from_utf8(output.stdout).unwrap();
    let (stats, rows): (BTreeSet<&str>, BTreeSet<&str>) =
        found.lines().partition(|line| line.starts_with("stat "));
    let written = reference_lines(&context);
    assert_eq!(rows, written.iter().map(String::as_str).collect::<BTreeSet<_>>());
    for stat in [
        "stat grants 90",
        "stat entitlements 20",
        "stat user 57",
        "stat role 8",
        "stat organization 9",
        "stat tenant 1",
    ] {
        assert!(stats.contains(stat), "{stat} is not in {stats:?}");
    }
}
