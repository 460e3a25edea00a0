//! Folders, pipes, sockets, devices and links as locations: never opened, never replaced, and never blocking.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use crate::harness::{RunOutput, TestContext, report_skipped};

/// Runs a command that must end within seconds.
fn run_without_hanging(context: &TestContext, arguments: &[&str]) -> RunOutput {
    let begin = Instant::now();
    let mut command = Command::new("timeout");
    let connector = context.command(arguments);
    command.args(["-s", "KILL", "20"]).arg(connector.get_program());
    command.args(arguments).current_dir(context.folder.path());
    command
        .stdin(Stdio::null())
        .env_clear()
        .env("PATH", "/usr/bin:/bin");
    let variables = connector.get_envs();
    command.envs(variables.filter_map(|(name, value)| Some((name, value?))));
    let ran = context.finish(&mut command);
    assert!(begin.elapsed() < Duration::from_secs(15), "{arguments:?} hangs");
    ran
}

/// Creates special files of every type in the test's folder, as far as this user may.
fn special_files(context: &TestContext) -> Vec<(&'static str, &'static str)> {
    fs::create_dir(context.path("folder")).unwrap();
    mknodat(
        CWD,
        context.path("pipe"),
        FileType::Fifo,
        Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    drop(UnixListener::bind(context.path("socket")).unwrap());
    symlink("pipe", context.path("link")).unwrap();
    let mut special_files = vec![
        ("folder", "directory"),
        ("pipe", "a pipe"),
        ("socket", "a socket"),
        ("link", "a pipe"),
    ];
    let null = makedev(1, 3);
    match mknodat(
        CWD,
        context.path("null"),
        FileType::CharacterDevice,
        Mode::from_raw_mode(0o666),
        null,
    ) {
        Ok(()) => special_files.push(("null", "a device")),
        Err(error) => report_skipped("a device node", &format!("mknod: {error}")),
    }
    special_files
}

fn assert_still_special(path: &Path) {
    let file_type = fs::symlink_metadata(path).unwrap().file_type();
    assert!(
        file_type.is_dir()
            || file_type.is_fifo()
            || file_type.is_socket()
            || file_type.is_char_device()
            || file_type.is_symlink(),
        "{} became something else",
        path.display()
    );
}

#[test]
fn special_files_are_not_written() {
    let context = TestContext::msp();
    context.write_good_sync();
    for (name, description) in special_files(&context) {
        let sinks = [
            format!("c1z={name}"),
            format!("html={name}"),
            format!("parquet={name}"),
        ];
        let mut runs: Vec<Vec<&str>> = vec![
            vec!["--file", name],
            vec!["--file", name, "--replace-existing"],
            vec!["report", "--from", "sync.c1z", "-o", name],
            vec!["--sink", &sinks[0]],
            vec!["--sink", &sinks[1]],
        ];
        if name != "folder" {
            runs.push(vec!["--sink", &sinks[2]]);
        }
        for arguments in runs {
            let ran = run_without_hanging(&context, &arguments);
            assert_eq!(ran.code, Some(3), "{arguments:?}: {}", ran.stderr);
            assert_still_special(&context.path(name));
            let reasons = [description, "is a folder", "is not a folder"];
            assert!(
                reasons.iter().any(|words| ran.stderr.contains(words)),
                "{}",
                ran.stderr
            );
        }
        let ran = run_without_hanging(&context, &["convert", "sync.c1z", name]);
        assert_eq!(ran.code, Some(6), "{}", ran.stderr);
        assert_still_special(&context.path(name));
    }
    let read = |path: &str| path.starts_with("/v2");
    let calls = context.sim().ledger().calls();
    assert!(
        calls.iter().all(|call| !read(&call.path)),
        "the tenant was read for nothing"
    );
    for name in ["folder", "pipe", "socket", "link"] {
        let ran = run_without_hanging(&context, &["check", "--file", name]);
        assert_eq!(ran.code, Some(3), "{name}: {}", ran.stderr);
    }
}

#[test]
fn special_files_are_not_read() {
    let context = TestContext::msp();
    let good = context.write_good_sync();
    for (name, description) in special_files(&context) {
        if name == "folder" {
            continue;
        }
        for arguments in [
            vec!["inspect", name, "users"],
            vec!["inspect", name, "syncs"],
            vec!["diff", name, "sync.c1z"],
            vec!["diff", "sync.c1z", name],
            vec!["export", "--from", name, "--sink", "csv=out"],
            vec!["report", "--from", name],
            vec!["report", "--from", "sync.c1z", "--previous", name],
            vec!["convert", name, "new.c1z"],
            vec!["verify", name],
            vec!["verify", name, "sync.c1z"],
        ] {
            let ran = run_without_hanging(&context, &arguments);
            assert_eq!(ran.code, Some(3), "{arguments:?}: {}", ran.stderr);
            let reasons = [description, "is not a folder", "one dataset at a time"];
            assert!(
                reasons.iter().any(|words| ran.stderr.contains(words)),
                "{arguments:?}: {}",
                ran.stderr
            );
            assert_still_special(&context.path(name));
        }
    }
    assert_eq!(fs::read(context.path("sync.c1z")).unwrap(), good);
}

/// A log may be a terminal or `/dev/null`, but not a file that blocks.
#[test]
fn logs_do_not_block() {
    let context = TestContext::msp();
    for (name, _) in special_files(&context)
        .into_iter()
        .filter(|(name, _)| *name != "null")
    {
        let ran = run_without_hanging(&context, &["check", "--log-path", name]);
        assert_eq!(ran.code, Some(3), "{name}: {}", ran.stderr);
        let ran = run_without_hanging(&context, &["check", "--provisioning", "--audit-log", name]);
        assert!(
            matches!(ran.code, Some(3 | 9)),
            "{name}: {:?} {}",
            ran.code,
            ran.stderr
        );
    }
    let ran = run_without_hanging(&context, &["check", "--log-path", "/dev/null"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[test]
fn a_link_is_written_at_its_target() {
    let context = TestContext::msp();
    fs::create_dir(context.path("data")).unwrap();
    symlink("data/current.c1z", context.path("sync.c1z")).unwrap();
    symlink(context.path("data/current.html"), context.path("report.html")).unwrap();
    symlink("loop", context.path("loop")).unwrap();
    symlink("nowhere/x.c1z", context.path("lost")).unwrap();
    for times in 1..=2 {
        for arguments in [["--file", "sync.c1z"], ["--sink", "html=report.html"]] {
            let ran = context.run(&arguments);
            assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        }
        for (link, target) in [
            ("sync.c1z", "data/current.c1z"),
            ("report.html", "data/current.html"),
        ] {
            assert!(
                fs::symlink_metadata(context.path(link)).unwrap().is_symlink(),
                "{link}"
            );
            assert!(
                fs::symlink_metadata(context.path(target)).unwrap().is_file(),
                "{target}"
            );
        }
        let listed = context.run(&["inspect", "sync.c1z", "syncs", "--output", "json"]);
        assert_eq!(listed.stdout.lines().count(), times, "{}", listed.stdout);
    }
    assert_eq!(fs::read_dir(context.path("data")).unwrap().count(), 2);
    let ran = context.run(&["--file", "loop"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("too many levels"), "{}", ran.stderr);
    let ran = context.run(&["--file", "lost"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("nowhere does not exist"), "{}", ran.stderr);
    let ran = context.run(&["--file", "-"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
}
