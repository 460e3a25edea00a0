//! Stopped from outside: within a second, without a trace.
#![cfg(unix)]

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use ninjaone_sim::{Fault, When};
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Ran, TestContext};

fn stopped_while(path: &str, fault: Fault, signal: Signal) {
    let context = TestContext::faulty(path, When::Always, fault);
    let before = context.good_sync();
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
    let ran = Ran {
        code: status.code(),
        stdout: String::new(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    assert_eq!(
        context.shown(&ran),
        "exit 1\nerror: stopped on request; nothing was published\n",
        "{path}"
    );
    assert!(took < Duration::from_secs(1), "{path}: it took {took:?}");
    assert_eq!(fs::read(context.path("sync.c1z")).unwrap(), before);
    context.only_holds(&["sync.c1z"]);
    assert_eq!(
        fs::read_dir(context.path("tmp")).unwrap().count(),
        0,
        "temporary files were left behind"
    );
}

const FOR_EVER: Duration = Duration::from_mins(10);

#[test]
fn while_an_answer_does_not_come() {
    let silent = Fault::SlowBody {
        first: FOR_EVER,
        pause: FOR_EVER,
        piece: 1,
    };
    stopped_while("/v2/users", silent.clone(), Signal::TERM);
    stopped_while("/v2/user/roles", silent.clone(), Signal::INT);
    stopped_while("/ws/oauth/token", silent, Signal::TERM);
}

#[test]
fn while_an_answer_trickles() {
    let trickle = Fault::SlowBody {
        first: Duration::ZERO,
        pause: Duration::from_millis(20),
        piece: 16,
    };
    stopped_while("/v2/users", trickle, Signal::TERM);
}

#[test]
fn while_waiting_to_try_again() {
    stopped_while("/v2/users", Fault::RateLimit(Some("2".to_owned())), Signal::INT);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
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
