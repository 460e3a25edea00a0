//! Shared machines: files of others where this program writes, sweeps or reads.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, mknodat};

use crate::harness::{TestContext, report_skipped};
use crate::support::service::Served;

/// Another user.
const OTHER: u32 = 12_345;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn is_root(what: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        report_skipped(what, "files of another user can be made by root only");
    }
    root
}

#[test]
fn a_foreign_temporary_file_is_not_reused() {
    if !is_root("files of another user") {
        return;
    }
    for (sink, temp) in [
        ("c1z=sync.c1z", "sync.c1z.tmp"),
        ("html=report.html", "report.html.tmp"),
    ] {
        let context = TestContext::msp();
        set_mode(context.folder.path(), 0o1777);
        let temp = context.path(temp);
        fs::write(&temp, "theirs").unwrap();
        set_mode(&temp, 0o666);
        chown(&temp, Some(OTHER), Some(OTHER)).unwrap();
        let ran = context.run(&["--sink", sink]);
        assert_ne!(ran.code, Some(0), "{}", ran.stderr);
        assert!(ran.stderr.contains("another user (uid 12345)"), "{}", ran.stderr);
        assert_eq!(fs::read(&temp).unwrap(), b"theirs");
        assert!(!context.path("sync.c1z").exists() && !context.path("report.html").exists());
    }
}

#[test]
fn an_open_leftover_is_not_published() {
    let context = TestContext::msp();
    let temp = context.path("sync.c1z.tmp");
    fs::write(&temp, "left").unwrap();
    set_mode(&temp, 0o666);
    let theirs = fs::OpenOptions::new().write(true).open(&temp).unwrap();
    let ran = context.run(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let published = fs::metadata(context.path("sync.c1z")).unwrap();
    assert_ne!(published.ino(), theirs.metadata().unwrap().ino());
    context.assert_only_files(&["sync.c1z"]);
}

#[test]
fn existing_files_at_the_temporary_path_stay() {
    for kind in ["link", "hard link", "pipe", "folder"] {
        let context = TestContext::msp();
        let temp = context.path("sync.c1z.tmp");
        let precious = context.path("precious");
        fs::write(&precious, "precious").unwrap();
        match kind {
            "link" => symlink(&precious, &temp).unwrap(),
            "hard link" => fs::hard_link(&precious, &temp).unwrap(),
            "pipe" => mknodat(CWD, &temp, FileType::Fifo, 0o600.into(), 0).unwrap(),
            _ => fs::create_dir(&temp).unwrap(),
        }
        let ran = context.run(&[]);
        assert_ne!(ran.code, Some(0), "{kind}: {}", ran.stderr);
        assert_eq!(fs::read(&precious).unwrap(), b"precious", "{kind}");
        assert!(!context.path("sync.c1z").exists(), "{kind}");
    }
}

#[test]
fn a_pipe_in_the_temporary_folder_does_not_block() {
    let mut served = Served::not_started(
        &ninjaone_sim::SimConfig::new(ninjaone_sim::Tenant::fixture("msp").unwrap()),
        c1_sim::C1SimConfig::default(),
    );
    let temp = served.context.path("temp");
    fs::create_dir(&temp).unwrap();
    let pipes = [
        "baton-ninja-one-sync-x",
        "c1z-read-x",
        "baton-ninja-one-sync-link",
    ]
    .map(|name| temp.join(name));
    for pipe in &pipes[..2] {
        mknodat(CWD, pipe, FileType::Fifo, 0o666.into(), 0).unwrap();
    }
    let elsewhere = served.context.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("kept"), "").unwrap();
    symlink(&elsewhere, &pipes[2]).unwrap();
    served.start_with(&[], |command| {
        command.env("BATON_TMPDIR", "temp");
    });
    let begin = Instant::now();
    while served.c1.ledger().count(c1_sim::Endpoint::Hello) == 0 {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "no hello\n{}",
            served.log()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    served.stop();
    assert!(elsewhere.join("kept").exists());
    assert!(pipes.iter().all(|pipe| pipe.symlink_metadata().is_ok()));
}

#[test]
fn a_config_file_writable_by_others_is_refused() {
    let context = TestContext::msp();
    let file = context.path(".baton.yaml");
    let give = |path: &Path, owner: u32| chown(path, Some(owner), None).unwrap();
    let refused = |reason: &str| {
        let ran = context.run(&[]);
        assert_eq!(ran.code, Some(3), "{reason}: {}", ran.stderr);
        assert!(
            ran.stderr.contains(".baton.yaml is not trusted: "),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains(reason), "{}", ran.stderr);
        assert!(!context.path("evil.c1z").exists());
        assert_eq!(context.sim().ledger().calls().len(), 0);
    };
    fs::write(&file, "file: evil.c1z\n").unwrap();
    set_mode(&file, 0o666);
    refused("every user may write to it");
    set_mode(&file, 0o644);
    set_mode(context.folder.path(), 0o1777);
    refused("every user may write to its folder");
    set_mode(context.folder.path(), 0o755);
    if is_root("a config file of another user") {
        give(&file, OTHER);
        refused("it belongs to another user (uid 12345)");
        give(&file, 0);
        give(context.folder.path(), OTHER);
        refused("belongs to another user");
        give(context.folder.path(), 0);
        fs::rename(&file, context.path("theirs.yaml")).unwrap();
        symlink("theirs.yaml", &file).unwrap();
        std::os::unix::fs::lchown(&file, Some(OTHER), None).unwrap();
        refused("the link belongs to another user");
        fs::remove_file(&file).unwrap();
        fs::rename(context.path("theirs.yaml"), &file).unwrap();
    }
    // A named file is used; so is a file of one's own.
    set_mode(&file, 0o666);
    let named = context.run(&["--config", ".baton.yaml", "--file", "named.c1z"]);
    assert_eq!(named.code, Some(0), "{}", named.stderr);
    set_mode(&file, 0o600);
    assert_eq!(context.run(&[]).code, Some(0));
    assert!(context.path("evil.c1z").exists());
}

#[test]
fn a_reader_of_a_dataset_cannot_hold_its_lock() {
    let context = TestContext::msp();
    assert_eq!(context.run(&["--sink", "csv=data"]).code, Some(0));
    let lock = context.path("data/_lock");
    assert_eq!(mode(&lock), 0o600);
    // As an older version left it, and in a folder that a group shares.
    set_mode(&lock, 0o644);
    assert_eq!(context.run(&["--sink", "csv=data"]).code, Some(0));
    assert_eq!(mode(&lock), 0o600);
    set_mode(&context.path("data"), 0o775);
    assert_eq!(context.run(&["--sink", "csv=data"]).code, Some(0));
    assert_eq!(mode(&lock), 0o660);
    set_mode(&context.path("data"), 0o755);
    assert_eq!(context.run(&["--sink", "csv=data"]).code, Some(0));
    if is_root("another user who locks") {
        set_mode(context.folder.path(), 0o755);
        let mut holds = Command::new("setpriv")
            .args([
                "--reuid",
                "12345",
                "--regid",
                "12345",
                "--clear-groups",
                "flock",
                "-s",
                "-n",
            ])
            .arg(&lock)
            .args(["sleep", "20"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(context.run(&["--sink", "csv=data"]).code, Some(0));
        let _ = holds.kill();
        let _ = holds.wait();
    }
    // A pipe at this path is an error and does not block.
    fs::remove_file(&lock).unwrap();
    mknodat(CWD, &lock, FileType::Fifo, 0o600.into(), 0).unwrap();
    assert_ne!(context.run(&["--sink", "csv=data"]).code, Some(0));
}

#[test]
fn log_files_are_private() {
    let context = TestContext::msp();
    assert_eq!(
        context
            .run(&["--log-path", "lines.log", "--log-level", "debug"])
            .code,
        Some(0)
    );
    assert_eq!(mode(&context.path("lines.log")), 0o600);
}

#[test]
fn an_unreadable_proxy_is_an_error() {
    for variable in [
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "ALL_PROXY",
        "all_proxy",
    ] {
        for value in [
            "http://user:pw-of-the-proxy-1@[::bad",
            "ftp://user:pw-of-the-proxy-1@proxy.example",
            "socks5://proxy.example:1080",
            "http://proxy:port",
        ] {
            let context = TestContext::msp();
            for arguments in [&[][..], &["check"], &["grant", "role:3", "--to", "user:16", "-p"]] {
                let ran = context.finish(context.command(arguments).env(variable, value));
                assert_eq!(ran.code, Some(3), "{variable}={value}: {}", ran.stderr);
                assert!(ran.stderr.contains(variable), "{}", ran.stderr);
                assert!(!ran.stderr.contains("pw-of-the-proxy"), "{}", ran.stderr);
            }
            assert_eq!(context.sim().ledger().calls().len(), 0, "{variable}={value}");
        }
    }
}

#[test]
fn parts_of_a_base_url_beyond_its_host_are_not_printed() {
    for url in [
        "https://app.ninjarmm.com/?client_secret=SEKRIT-9d81",
        "https://app.ninjarmm.com?SEKRIT-9d81",
        "https://app.ninjarmm.com/#SEKRIT-9d81",
        "https://app.ninjarmm.com/SEKRIT-9d81",
        "https://user:SEKRIT-9d81@app.ninjarmm.com",
        "https://SEKRIT-9d81@app.ninjarmm.com",
        "app.ninjarmm.com?client_secret=SEKRIT-9d81",
        "https://app.ninjarmm.com:SEKRIT-9d81",
    ] {
        let context = TestContext {
            base_url: Some(url.to_owned()),
            ..TestContext::bare()
        };
        let ran = context.run(&[]);
        assert_eq!(ran.code, Some(3), "{}", ran.stderr);
        assert!(!ran.stderr.contains("SEKRIT"), "{}", ran.stderr);
    }
}
