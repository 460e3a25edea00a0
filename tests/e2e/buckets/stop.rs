//! A stop while a bucket hangs.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use s3_sim::{S3Fault, S3Sim};

use super::c1z::C1Z;
use super::{command, run, run_ok};
use crate::harness::TestContext;
use crate::lake::lake;

/// A stop while a store hangs: within a second, without local leftovers.
fn stopped_while_hanging(context: &TestContext, s3: &S3Sim, arguments: &[&str], n: u64, signal: Signal) {
    s3.forget_requests();
    s3.fail_from(Some(n), S3Fault::Hang);
    let mut command = command(context, s3, arguments);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while (s3.requests().len() as u64) <= n {
        assert!(
            begin.elapsed() < Duration::from_mins(1) && child.try_wait().unwrap().is_none(),
            "{arguments:?}: request {n} does not come: {}",
            String::from_utf8_lossy(&child.wait_with_output().unwrap().stderr)
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(100));
    let begin = Instant::now();
    kill_process(Pid::from_child(&child), signal).unwrap();
    let code = child.wait().unwrap().code();
    let took = begin.elapsed();
    s3.fail_from(None, S3Fault::Reset);
    let stderr = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    assert_eq!(code, Some(1), "{arguments:?}, request {n}: {stderr}");
    assert!(
        took < Duration::from_secs(1),
        "{arguments:?}, request {n}: it took {took:?}"
    );
    assert!(stderr.contains("stopped on request"), "{arguments:?}: {stderr}");
    let temp: Vec<_> = fs::read_dir(context.path("tmp")).unwrap().flatten().collect();
    assert!(temp.is_empty(), "{arguments:?}, request {n}: {temp:?} is left");
}

#[test]
fn a_stop_does_not_wait_for_a_hanging_bucket() {
    let context = TestContext::msp();
    let s3 = lake(None);
    for sink in ["parquet=s3://lake/access", &format!("c1z={C1Z}")] {
        run_ok(&context, &s3, &["--sink", sink]);
        s3.forget_requests();
        run_ok(&context, &s3, &["--sink", sink]);
        let requests = s3.requests().len() as u64;
        for n in (0..requests).step_by(4).chain([requests - 1]) {
            stopped_while_hanging(&context, &s3, &["--sink", sink], n, Signal::TERM);
        }
    }
    for arguments in [
        vec!["check", "--file", C1Z],
        vec!["verify", "s3://lake/access"],
        vec!["inspect", "s3://lake/access", "users"],
        vec!["inspect", C1Z, "syncs"],
        vec!["diff", "s3://lake/access"],
        vec!["diff", C1Z, "s3://lake/access"],
        vec!["report", "--from", C1Z],
        vec!["export", "--from", "s3://lake/access", "--sink", "csv=out"],
        vec!["convert", C1Z, "new.c1z"],
    ] {
        for output in ["new.c1z", "report.html"] {
            let _ = fs::remove_file(context.path(output));
        }
        s3.forget_requests();
        let ran = run(&context, &s3, &arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.stderr);
        for output in ["new.c1z", "report.html"] {
            let _ = fs::remove_file(context.path(output));
        }
        let requests = s3.requests().len() as u64;
        let step = usize::try_from(requests / 3).unwrap().max(1);
        for n in (0..requests).step_by(step).chain([requests - 1]) {
            stopped_while_hanging(&context, &s3, &arguments, n, Signal::INT);
        }
    }
}
