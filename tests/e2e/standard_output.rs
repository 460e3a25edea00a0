//! What is printed to standard output: complete, or the run fails; and without secrets.

use std::fs::OpenOptions;
use std::process::Stdio;

use ninjaone_sim::{Fault, When};

use crate::harness::{SECRET, TestContext};

/// A list of access that ends early looks complete. So the run fails if a line cannot be written, whatever the command.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_a_failure() {
    let context = TestContext::msp();
    assert_eq!(context.run(&[]).code, Some(0));
    for arguments in [
        &["inspect", "sync.c1z", "users"][..],
        &["inspect", "sync.c1z", "grants", "--output=json"],
        &["inspect", "sync.c1z", "grants", "--output=csv"],
        &["inspect", "sync.c1z"],
        &["check"],
        &["config"],
        &["capabilities"],
        &["completion", "bash"],
        &["--help"],
        &["--version"],
        &["inspect", "--help"],
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = context
            .command(arguments)
            .stdout(full)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(8), "{arguments:?}: {message}");
        assert!(
            message.contains("cannot write to standard output: No space left on device"),
            "{arguments:?}: {message}"
        );
    }
}

/// A reader that has enough is no failure.
#[test]
fn a_closed_pipe_is_no_failure() {
    let context = TestContext::msp();
    assert_eq!(context.run(&[]).code, Some(0));
    let mut child = context
        .command(&["inspect", "sync.c1z", "grants", "--output=json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).as_ref()
        ),
        (Some(0), "")
    );
}

/// A tenant can repeat the client secret in a name, in any form, also in two fields.
#[test]
fn names_with_a_secret_are_published_without_it() {
    let secret = SECRET;
    let characters = secret.chars().map(|c| format!("\\u{:04x}", u32::from(c)));
    let escaped = characters.collect::<Vec<_>>().concat();
    let first = &secret[..secret.len() / 2];
    let rows = format!(
        r#"[{{"id":1,"name":"a {escaped}","type":"TECHNICIAN","description":"{first}","members":[]}},
            {{"id":2,"name":"b {first}","type":"TECHNICIAN","description":"{secret}","members":[]}}]"#
    );
    let context = TestContext::faulty(
        "/v2/user/roles",
        When::Always,
        Fault::Answer {
            status: 200,
            content_type: "application/json",
            body: rows.into_bytes(),
        },
    );
    let sync = context.run(&["--sink=c1z=sync.c1z", "--sink=csv=ds"]);
    assert_eq!(sync.code, Some(0), "{}", sync.stderr);
    for format in ["--output=json", "--output=csv", "--columns=all"] {
        let shown = context.run(&["inspect", "sync.c1z", "roles", format]).stdout;
        assert!(shown.contains("[redacted]"), "{shown}");
        for part in [secret, first] {
            assert!(!shown.contains(part), "{part}: {shown}");
        }
    }
}
