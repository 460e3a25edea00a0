//! A c1z file in a bucket.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use ninjaone_sim::{Fault, When};
use s3_sim::S3Fault;

use super::{command, run, run_ok};
use crate::harness::TestContext;
use crate::lake::lake;

pub(super) const C1Z: &str = "s3://lake/my files/sync.c1z";

const KEY: &str = "my files/sync.c1z";

#[test]
fn a_c1z_in_a_bucket_is_written_and_read() {
    let context = TestContext::msp();
    let s3 = lake(None);
    run_ok(&context, &s3, &["check", "--file", C1Z]);
    assert!(s3.objects().is_empty(), "a check leaves nothing");
    run_ok(&context, &s3, &["--file", C1Z]);
    let mut by_variable = command(&context, &s3, &[]);
    let ran = context.finish(by_variable.env("BATON_FILE", C1Z));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    run_ok(
        &context,
        &s3,
        &["--sink", &format!("c1z={C1Z}"), "--sink", "csv=out"],
    );
    assert_eq!(s3.objects().keys().collect::<Vec<_>>(), [KEY]);
    context.assert_only_files(&["out"]);

    let listed = run_ok(&context, &s3, &["inspect", C1Z, "syncs", "--output", "json"]);
    assert_eq!(
        listed.stdout.lines().count(),
        2,
        "history is kept: {}",
        listed.stdout
    );
    run_ok(&context, &s3, &["inspect", C1Z, "users"]);
    let ran = run_ok(&context, &s3, &["diff", C1Z]);
    assert!(!ran.stdout.contains("tmp"), "{}", ran.stdout);
    run_ok(
        &context,
        &s3,
        &["export", "--from", C1Z, "--sink", "csv=exported"],
    );
    run_ok(&context, &s3, &["report", "--from", C1Z]);
    run_ok(&context, &s3, &["convert", C1Z, "v3.c1z"]);
    fs::write(context.path("copy.c1z"), &s3.objects()[KEY]).unwrap();
    let ran = context.run(&["diff", "copy.c1z", "v3.c1z", "--exit-code"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    let ran = run(&context, &s3, &["verify", C1Z]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let ran = run(&context, &s3, &["inspect", "s3://lake/no/sync.c1z", "users"]);
    assert_eq!(ran.code, Some(5), "{}", ran.stderr);
    let ran = run(&context, &s3, &["--file", "s3://lake/access"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
}

/// Existing objects are refused as in a folder, before the tenant is read, and stay.
#[test]
fn foreign_and_damaged_objects_are_not_overwritten() {
    let (context, other) = (TestContext::msp(), TestContext::msp());
    let s3 = lake(None);
    run_ok(&context, &s3, &["--file", C1Z]);
    let good = s3.objects()[KEY].clone();
    for contents in [b"no c1z".to_vec(), good[..good.len() / 2].to_vec(), good.clone()] {
        s3.put(KEY, contents.clone());
        let ran = run(&other, &s3, &["--file", C1Z]);
        assert!(matches!(ran.code, Some(9 | 15)), "{:?} {}", ran.code, ran.stderr);
        assert!(ran.stderr.contains(C1Z), "{}", ran.stderr);
        assert_eq!(s3.objects()[KEY], contents);
        assert_eq!(s3.objects().len(), 1);
    }
    let calls = other.sim().ledger().calls();
    assert!(calls.iter().all(|call| !call.path.starts_with("/v2")));
    run_ok(&other, &s3, &["--file", C1Z, "--replace-existing"]);
}

#[test]
fn an_object_replaced_during_the_sync_is_not_overwritten() {
    let slow = Fault::SlowBody {
        first: Duration::from_secs(3),
        pause: Duration::ZERO,
        piece: 1 << 20,
    };
    for there in [false, true] {
        let context = TestContext::faulty("/v2/users", When::Always, slow.clone());
        let s3 = lake(None);
        if there {
            run_ok(&context, &s3, &["--file", C1Z]);
        }
        let calls = context.sim().ledger().count("GET", "/v2/users");
        let mut command = command(&context, &s3, &["--file", C1Z, "--replace-existing"]);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        while context.sim().ledger().count("GET", "/v2/users") == calls {
            std::thread::sleep(Duration::from_millis(10));
        }
        s3.put(KEY, "somebody else's");
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(10), "{stderr}");
        assert_eq!(s3.objects()[KEY], b"somebody else's");
        assert_eq!(s3.objects().len(), 1);
    }
}

/// Every request fails in every way: the old or the new file is there, complete, and the exit code tells which.
#[test]
fn a_failure_at_any_request_leaves_a_complete_file() {
    let context = TestContext::msp();
    let s3 = lake(None);
    run_ok(&context, &s3, &["--file", C1Z]);
    s3.forget_requests();
    run_ok(&context, &s3, &["--file", C1Z]);
    let requests = s3.requests().len() as u64;
    for n in 0..requests {
        s3.fail_once(n, S3Fault::AfterEffect);
        run_ok(&context, &s3, &["--file", C1Z]);
        s3.fail_from(None, S3Fault::Reset);
        let before = s3.objects()[KEY].clone();
        s3.fail_from(Some(n), S3Fault::Status(403));
        let ran = run(&context, &s3, &["--file", C1Z]);
        s3.fail_from(None, S3Fault::Reset);
        let is_new = s3.objects()[KEY] != before;
        // Without reading it back, the outcome is unknown.
        assert!(ran.code == Some(7), "request {n}: {:?} {}", ran.code, ran.stderr);
        assert_eq!(is_new, n + 1 == requests, "request {n} of {requests}");
        for leftover in s3.objects().keys().filter(|key| *key != KEY) {
            s3.delete(leftover);
        }
    }
}
