//! A stop by a signal: within a second, without leftovers.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::Read;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use ninjaone_sim::{Fault, When};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::harness::{RunOutput, TestContext};

fn stopped_while(path: &str, fault: Fault, signal: Signal) {
    let context = TestContext::faulty(path, When::Always, fault);
    let before = context.write_good_sync();
    let mut child: Child = context
        .command(&[])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while context.sim().ledger().count("GET", path) + context.sim().ledger().count("POST", path) == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(100));
    let begin = Instant::now();
    kill_process(Pid::from_child(&child), signal).unwrap();
    let status = child.wait().unwrap();
    let took = begin.elapsed();
    let output = child.wait_with_output().unwrap();
    let ran = RunOutput {
        code: status.code(),
        stdout: String::new(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    assert_eq!(
        context.error_snapshot(&ran),
        "exit 1\nerror: stopped on request; nothing was published\n",
        "{path}"
    );
    assert!(took < Duration::from_secs(1), "{path}: it took {took:?}");
    assert_eq!(fs::read(context.path("sync.c1z")).unwrap(), before);
    context.assert_only_files(&["sync.c1z"]);
    assert_eq!(
        fs::read_dir(context.path("tmp")).unwrap().count(),
        0,
        "temporary files were left behind"
    );
}

const FOREVER: Duration = Duration::from_mins(10);

#[test]
fn a_stop_during_a_silent_answer() {
    let silent = Fault::SlowBody {
        first: FOREVER,
        pause: FOREVER,
        piece: 1,
    };
    stopped_while("/v2/users", silent.clone(), Signal::TERM);
    stopped_while("/v2/user/roles", silent.clone(), Signal::INT);
    stopped_while("/ws/oauth/token", silent, Signal::TERM);
}

#[test]
fn a_stop_during_a_slow_answer() {
    let trickle = Fault::SlowBody {
        first: Duration::ZERO,
        pause: Duration::from_millis(20),
        piece: 16,
    };
    stopped_while("/v2/users", trickle, Signal::TERM);
}

#[test]
fn a_stop_during_a_retry_pause() {
    stopped_while("/v2/users", Fault::RateLimit(Some("2".to_owned())), Signal::INT);
}

#[test]
fn a_closed_output_is_success() {
    let context = TestContext::msp();
    let mut child = context
        .command(&[])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

/// The confirmation prompt of a change on a terminal can be interrupted.
#[test]
fn a_stop_does_not_wait_at_a_prompt() {
    let context = TestContext::msp();
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let open_terminal = || {
        let mut options = File::options();
        options
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap()
    };
    let mut command = context.command(&["revoke", "role:1", "--from", "user:7", "--provisioning"]);
    command
        .stdin(open_terminal())
        .stdout(open_terminal())
        .stderr(open_terminal());
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut reader = File::from(terminal);
    let mut shown = String::new();
    let mut chunk = [0; 4096];
    while !shown.contains("[y/N]") {
        let got = reader.read(&mut chunk).unwrap_or(0);
        assert!(got > 0, "no prompt: {shown}");
        shown.push_str(&String::from_utf8_lossy(&chunk[..got]));
    }
    std::thread::sleep(Duration::from_millis(100));
    let begin = Instant::now();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let code = child.wait().unwrap().code();
    assert!(begin.elapsed() < Duration::from_secs(1), "it waits for an answer");
    while let Ok(got @ 1..) = reader.read(&mut chunk) {
        shown.push_str(&String::from_utf8_lossy(&chunk[..got]));
    }
    assert_eq!(code, Some(1), "{shown}");
    assert!(
        shown.contains("stopped on request; nothing was changed"),
        "{shown}"
    );
}
