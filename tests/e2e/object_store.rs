//! Datasets in buckets, with a real S3 server over HTTP: failures at every request.

use std::process::Stdio;
use std::time::{Duration, SystemTime};

use access_dataset::{POINTER, Table};
use insta::assert_snapshot;
use ninjaone_sim::{Fault, SimConfig, Tenant, When};
use s3_sim::{S3Conditions, S3Fault, S3Refusal, S3Sim};

use crate::harness::{RunOutput, TestContext};
use crate::lake::{command, lake};
use crate::support::dataset::{Files, latest, named, parts};

const SINK: [&str; 2] = ["--sink", "parquet=s3://lake/access"];

fn run(context: &TestContext, s3: &S3Sim) -> RunOutput {
    context.finish(&mut command(context, s3, &SINK))
}

/// The files of the dataset, relative to its root.
fn files(s3: &S3Sim) -> Files {
    let objects = s3.objects().into_iter();
    objects
        .filter_map(|(key, bytes)| Some((key.strip_prefix("access/")?.to_owned(), bytes)))
        .collect()
}

fn normalized_error(context: &TestContext, s3: &S3Sim, ran: &RunOutput) -> String {
    let shown = context.error_snapshot(ran).replace(&s3.endpoint(), "[S3]");
    match shown.split_once("_staging/") {
        Some((before, claim)) => format!("{before}_staging/[SYNC]{}", &claim[27..]),
        None => shown,
    }
}

#[test]
fn a_dataset_is_published_twice() {
    let (context, s3) = (TestContext::msp(), lake(None));
    let ran = run(&context, &s3);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let first = latest(&files(&s3)).unwrap();
    assert_eq!(run(&context, &s3).code, Some(0));
    let second = latest(&files(&s3)).unwrap();
    assert_eq!(second.previous.unwrap().sync_id, first.sync.id);
    assert!(!files(&s3).keys().any(|path| path.starts_with("_staging")));
    assert!(s3.unfinished_uploads().is_empty());
}

#[test]
fn unusable_stores() {
    let context = TestContext::msp();
    let s3 = lake(None);
    let mut wrong = command(&context, &s3, &SINK);
    let ran = context.finish(wrong.env("AWS_SECRET_ACCESS_KEY", "another"));
    assert_snapshot!("s3_wrong_secret", normalized_error(&context, &s3, &ran));
    let ran = context.finish(&mut command(&context, &s3, &["--sink", "csv=s3://pond/access"]));
    assert_snapshot!("s3_no_bucket", normalized_error(&context, &s3, &ran));
    assert!(
        context.sim().ledger().calls().is_empty(),
        "nothing is read for a run that cannot end well"
    );
    let s3 = lake(Some("access"));
    assert_snapshot!(
        "s3_read_only",
        normalized_error(&context, &s3, &run(&context, &s3))
    );
    assert!(s3.objects().is_empty());
    let mut nobody = command(&context, &s3, &SINK);
    let ran = context.finish(nobody.env("AWS_ENDPOINT", "http://127.0.0.1:1"));
    assert_eq!(ran.code, Some(14), "{}", ran.stderr);
}

/// Every request fails once, and from every request on all fail: afterwards the pointer names the old sync or the new
/// one, whole; the exit code says which; and a run on the mended store removes what was left.
#[test]
fn a_store_that_fails_at_any_request() {
    let context = TestContext::msp();
    let s3 = lake(None);
    assert_eq!(run(&context, &s3).code, Some(0));
    s3.forget_requests();
    assert_eq!(run(&context, &s3).code, Some(0));
    let requests = s3.requests().len() as u64;
    assert!(requests > 20, "{requests}");

    let mut failed = 0;
    for n in 0..requests {
        for fault in [S3Fault::Status(500), S3Fault::AfterEffect] {
            let before = latest(&files(&s3)).unwrap().sync.id;
            // Those that come once are survived; those that stay are not.
            s3.fail_once(n, fault);
            let ran = run(&context, &s3);
            assert_eq!(ran.code, Some(0), "request {n}, {fault:?} once: {}", ran.stderr);
            s3.fail_from(None, fault);
            let after = latest(&files(&s3)).unwrap().sync.id;
            assert_ne!(before, after);
        }
    }
    for n in (0..requests).step_by(2) {
        let before = latest(&files(&s3)).unwrap().sync.id;
        s3.fail_from(Some(n), S3Fault::Status(403));
        let ran = run(&context, &s3);
        s3.fail_from(None, S3Fault::Reset);
        let after = latest(&files(&s3)).unwrap().sync.id;
        if ran.code == Some(0) {
            assert_ne!(before, after, "request {n}");
        } else {
            assert_eq!(ran.code, Some(7), "request {n}: {}", ran.stderr);
            assert_eq!(before, after, "request {n}");
            failed += 1;
        }
    }
    assert!(failed > requests / 3, "{failed}");
}

/// The pointer may move although the answer is lost: the sync it names must stay.
#[test]
fn writes_without_an_answer_are_resolved() {
    let context = TestContext::msp();
    let s3 = lake(None);
    assert_eq!(run(&context, &s3).code, Some(0));
    s3.forget_requests();
    assert_eq!(run(&context, &s3).code, Some(0));
    let requests = s3.requests().len() as u64;
    let mut moved_unheard = 0;
    for n in requests - 16..requests {
        let before = latest(&files(&s3)).unwrap().sync.id;
        s3.fail_from(Some(n), S3Fault::AfterEffect);
        let ran = run(&context, &s3);
        s3.fail_from(None, S3Fault::Reset);
        let after = latest(&files(&s3))
            .expect("the pointer names a whole sync")
            .sync
            .id;
        moved_unheard += usize::from(before != after && ran.code != Some(0));
        // A claim that stays costs the next run a request, and its requests are counted.
        for claim in s3.objects().into_keys().filter(|key| key.contains("/_staging/")) {
            s3.delete(&claim);
        }
    }
    assert!(moved_unheard > 0, "the case came about");
}

/// A process that dies after any request leaves what a store that answers no more has: the pointer names a whole sync,
/// and once the claim is old, a later run sweeps.
#[test]
fn leftovers_of_a_killed_run_are_swept() {
    let context = TestContext::msp();
    let s3 = lake(None);
    assert_eq!(run(&context, &s3).code, Some(0));
    s3.forget_requests();
    assert_eq!(run(&context, &s3).code, Some(0));
    let requests = s3.requests().len() as u64;
    for n in (4..requests).step_by(5) {
        s3.fail_from(Some(n), S3Fault::Status(403));
        run(&context, &s3);
        s3.fail_from(None, S3Fault::Reset);
        latest(&files(&s3)).expect("the pointer names a whole sync");
    }
    // Claims of runs that may still be alive stay; old ones do not.
    let claims: Vec<String> = s3
        .objects()
        .into_keys()
        .filter(|key| key.starts_with("access/_staging/"))
        .collect();
    assert!(!claims.is_empty());
    assert_eq!(run(&context, &s3).code, Some(0));
    assert!(claims.iter().all(|claim| s3.objects().contains_key(claim)));
    for claim in &claims {
        s3.set_modified(claim, SystemTime::now() - Duration::from_hours(25));
    }
    assert_eq!(run(&context, &s3).code, Some(0));
    let files = files(&s3);
    assert_eq!(parts(&files), named(&files));
    assert!(!files.keys().any(|path| path.starts_with("_staging")));
}

#[test]
fn a_pointer_moved_by_another_run() {
    let slow = Fault::SlowBody {
        first: Duration::from_secs(1),
        pause: Duration::ZERO,
        piece: 1 << 20,
    };
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    config.faults = ninjaone_sim::FaultSchedule::at("/v2/users", When::Always, slow);
    let (context, s3) = (TestContext::with(&config), lake(None));
    assert_eq!(run(&context, &s3).code, Some(0));
    let first = s3.objects()[&format!("access/{POINTER}")].clone();
    let before = context.sim().ledger().count("GET", "/v2/users");
    let child = command(&context, &s3, &SINK)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while context.sim().ledger().count("GET", "/v2/users") == before {
        std::thread::sleep(Duration::from_millis(5));
    }
    // Another run's pointer: the same sync, written again.
    let moved = [first.as_slice(), b"\n"].concat();
    s3.put(format!("access/{POINTER}"), moved.clone());
    let output = child.wait_with_output().unwrap();
    let ran = RunOutput {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    let sync = latest(&files(&s3)).unwrap().sync.id;
    assert_snapshot!(
        "s3_pointer_moved",
        context.error_snapshot(&ran).replace(&sync, "[SYNC]")
    );
    assert_eq!(s3.objects()[&format!("access/{POINTER}")], moved);
    let parts = files(&s3)
        .keys()
        .filter(|path| path.ends_with(".parquet"))
        .count();
    let expected = Table::ALL.len() + Table::HISTORY.len();
    assert_eq!(parts, expected, "the loser leaves nothing");
}

#[test]
fn a_refused_sync_is_kept_in_quarantine() {
    let context = TestContext::msp();
    let s3 = lake(None);
    assert_eq!(run(&context, &s3).code, Some(0));
    let before = latest(&files(&s3)).unwrap();
    context.sim().faults().add(ninjaone_sim::FaultRule {
        method: None,
        path: "/v2/organizations".to_owned(),
        when: When::Always,
        fault: Fault::EmptyList,
    });
    // The second candidate replaces the first.
    for _ in 0..2 {
        let ran = run(&context, &s3);
        assert_eq!(ran.code, Some(9), "{}", ran.stderr);
        let files = files(&s3);
        assert_eq!(latest(&files).unwrap().sync, before.sync);
        let kept = files.keys().filter(|path| path.starts_with("_candidate/"));
        assert_eq!(kept.count(), Table::ALL.len() + 1);
        assert!(!files.keys().any(|path| path.starts_with("_staging")));
    }
}

/// A store that ignores or refuses conditional writes is detected before the tenant is read, and left unchanged.
#[test]
fn stores_without_conditional_writes() {
    let context = TestContext::msp();
    for conditions in [
        S3Conditions::Ignored,
        S3Conditions::ReplaceIgnored,
        S3Conditions::NotImplemented,
        S3Conditions::InvalidArgument,
    ] {
        let s3 = lake(None);
        s3.set_conditions(conditions);
        let ran = run(&context, &s3);
        assert_eq!(ran.code, Some(12), "{conditions:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("needs conditional writes"), "{}", ran.stderr);
        assert!(
            s3.objects().is_empty(),
            "{conditions:?}: {:?}",
            s3.objects().keys()
        );
    }
    let s3 = lake(None);
    s3.leave_out_e_tags();
    let ran = run(&context, &s3);
    assert_eq!(ran.code, Some(12), "{}", ran.stderr);
    assert!(s3.objects().is_empty(), "{:?}", s3.objects().keys());
    let s3 = lake(None);
    let mut disabled = command(&context, &s3, &SINK);
    let ran = context.finish(disabled.env("AWS_CONDITIONAL_PUT", "disabled"));
    assert_eq!(ran.code, Some(12), "{}", ran.stderr);
    assert!(s3.objects().is_empty());
    assert!(
        context.sim().ledger().calls().is_empty(),
        "the tenant is not read"
    );
}

/// Permanent errors have their own exit code and a hint.
#[test]
fn permanent_errors_are_not_retried() {
    let context = TestContext::msp();
    for (refusal, code, hint) in [
        (S3Refusal::PermanentRedirect, 3, "set AWS_REGION=eu-central-1"),
        (
            S3Refusal::AuthorizationHeaderMalformed,
            3,
            "set AWS_REGION=eu-central-1",
        ),
        (
            S3Refusal::ChecksumRequired,
            9,
            "set AWS_CHECKSUM_ALGORITHM=sha256",
        ),
        (S3Refusal::RequestTimeTooSkewed, 9, "clock"),
        (S3Refusal::ContainerNotFound, 5, "create the bucket"),
        (S3Refusal::AuthorizationFailure, 16, "AWS_ACCESS_KEY_ID"),
    ] {
        let s3 = lake(None);
        s3.fail_from(Some(0), S3Fault::Refusal(refusal));
        let ran = run(&context, &s3);
        assert_eq!(ran.code, Some(code), "{refusal:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(hint), "{refusal:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("again later"), "{refusal:?}: {}", ran.stderr);
    }
    assert!(
        context.sim().ledger().calls().is_empty(),
        "the tenant is not read"
    );
    // With the checksum the same bucket accepts everything.
    let s3 = lake(None);
    s3.fail_from(Some(0), S3Fault::Refusal(S3Refusal::ChecksumRequired));
    let mut checked = command(&context, &s3, &SINK);
    let ran = context.finish(checked.env("AWS_CHECKSUM_ALGORITHM", "sha256"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

/// Whose clock is a day ahead must not take a run that is under way for a dead one.
#[test]
fn claims_are_aged_by_the_clock_of_the_store() {
    let context = TestContext::msp();
    let s3 = lake(None);
    assert_eq!(run(&context, &s3).code, Some(0));
    let sync = latest(&files(&s3)).unwrap().sync.id;
    // Its contents claim that it is old; the store has just written it.
    let claim = "access/_staging/2vU7QmBvvjK3kdYyV0000000001.json";
    s3.put(claim, r#"{"claimed_at":1}"#);
    assert_eq!(run(&context, &s3).code, Some(0));
    assert!(s3.objects().contains_key(claim));
    s3.set_modified(claim, SystemTime::now() - Duration::from_hours(25));
    assert_eq!(run(&context, &s3).code, Some(0));
    assert!(!s3.objects().contains_key(claim));
    assert_ne!(latest(&files(&s3)).unwrap().sync.id, sync);
}

/// A failed read never means "absent": it does not sweep a published sync whose claim was left behind.
#[test]
fn a_failed_read_removes_nothing() {
    let context = TestContext::msp();
    let s3 = lake(None);
    assert_eq!(run(&context, &s3).code, Some(0));
    let sync = latest(&files(&s3)).unwrap().sync.id;
    let claim = format!("access/_staging/{sync}.json");
    let before = files(&s3);
    for n in 0..24 {
        s3.put(claim.clone(), r#"{"claimed_at":1}"#);
        s3.set_modified(&claim, SystemTime::now() - Duration::from_hours(25));
        s3.fail_once(n, S3Fault::Status(403));
        run(&context, &s3);
        s3.fail_from(None, S3Fault::Reset);
        let after = files(&s3);
        let lost = before
            .keys()
            .filter(|path| path.contains(&sync) && !path.contains("_history/") && !after.contains_key(*path));
        assert_eq!(lost.collect::<Vec<_>>(), Vec::<&String>::new(), "request {n}");
    }
}
