//! The static program that is handed out: musl's resolver words its errors otherwise than glibc's. It is run where
//! `cargo xtask dist` has built one into `out/dist`, or where `STATIC_PROGRAM` names one.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::harness::{SECRET, TestContext, workspace};

fn static_program() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("STATIC_PROGRAM") {
        return Some(named.into());
    }
    let built = fs::read_dir(workspace().join("out/dist")).ok()?;
    built
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.contains("-musl") && path.extension().is_none_or(|extension| extension != "json")
        })
}

#[test]
fn static_binary_syncs_and_retries_unresolved_names() {
    let Some(program) = static_program() else {
        eprintln!(
            "SKIPPED: there is no static program; `cargo xtask dist` builds one where musl-gcc is installed"
        );
        return;
    };
    let context = TestContext::msp();
    let run = |base_url: &str, arguments: &[&str]| {
        let mut command = Command::new(&program);
        command
            .args(arguments)
            .current_dir(context.folder.path())
            .env_clear()
            .env("BATON_NINJA_ONE_BASE_URL", base_url)
            .env("BATON_NINJA_ONE_CLIENT_ID", "sim-client")
            .env("BATON_NINJA_ONE_CLIENT_SECRET", SECRET)
            .env("BATON_NINJA_ONE_RETRY_SECONDS", "2");
        context.finish(&mut command)
    };
    let synced = run(context.base_url.as_deref().unwrap(), &["sync"]);
    assert_eq!(synced.code, Some(0), "{}", synced.stderr);
    // Whether this machine has a name server or none: a name that does not exist is final, everything else is tried again.
    let unknown = run("https://no-such-host.invalid", &["check"]);
    assert!(
        matches!(unknown.code, Some(3 | 14)),
        "{:?} {}",
        unknown.code,
        unknown.stderr
    );
}
