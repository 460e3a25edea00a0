//! The run after one that was killed, onto a bucket that fails: a read that fails is never "there is none", so nothing of a sync
//! that is published is removed. `disk/after_kill.rs` is the same for a folder.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use s3_sim::{S3Fault, S3Sim};

use crate::harness::{RunOutput, TestContext};
use crate::lake::{command, lake};
use crate::support::dataset::latest;

type Objects = BTreeMap<String, Vec<u8>>;

const SINK: [&str; 2] = ["--sink", "parquet=s3://lake/access"];
const ORPHAN: &str = "2vU7QmBvvjK3kdYyV0000000001";

fn run(context: &TestContext, s3: &S3Sim) -> RunOutput {
    context.finish(&mut command(context, s3, &SINK))
}

fn restore(s3: &S3Sim, objects: &Objects, claims: &[String]) {
    for key in s3.objects().keys().filter(|key| !objects.contains_key(*key)) {
        s3.delete(key);
    }
    for (key, bytes) in objects {
        s3.put(key.clone(), bytes.clone());
    }
    for claim in claims {
        s3.set_modified(claim, SystemTime::now() - Duration::from_hours(25));
    }
}

#[test]
fn a_failed_read_of_a_bucket_after_a_kill_removes_nothing() {
    let context = TestContext::msp();
    let s3 = lake(None);
    assert_eq!(run(&context, &s3).code, Some(0));
    let inside = |objects: &Objects| {
        let objects = objects.iter();
        objects
            .map(|(key, bytes)| (key.trim_start_matches("access/").to_owned(), bytes.clone()))
            .collect()
    };
    let published = latest(&inside(&s3.objects())).unwrap().sync.id;
    // One was killed right after it had moved the pointer, one while it wrote files.
    let claims = [&published, ORPHAN].map(|id| format!("access/_staging/{id}.json"));
    for claim in &claims {
        s3.put(claim.clone(), "{\"claimed_at\":1}\n");
    }
    s3.put(
        format!("access/users/sync_date=2026-11-01/sync={ORPHAN}/part-00000.parquet"),
        "PAR1",
    );
    let before = s3.objects();
    restore(&s3, &before, &claims);
    s3.forget_requests();
    assert_eq!(run(&context, &s3).code, Some(0));
    assert!(
        !s3.objects().keys().any(|key| key.contains(ORPHAN)),
        "it is swept"
    );
    let requests = s3.requests().len() as u64;
    let all = std::env::var("DISK_FAULTS").is_ok();
    // A permanent fault without retries, a single fault, and a permanent fault with retries for seconds.
    let faults: [(S3Fault, bool, u64); 9] = [
        (S3Fault::Status(403), true, 1),
        (S3Fault::Page(404), true, 2),
        (S3Fault::Page(403), true, 3),
        (S3Fault::Page(404), false, 2),
        (S3Fault::Status(500), false, 3),
        (S3Fault::Half, false, 2),
        (S3Fault::Reset, false, 5),
        (S3Fault::Status(503), true, 17),
        (S3Fault::Half, true, 19),
    ];
    for (fault, lasts, stride) in faults {
        let stride = if all { stride.min(8) } else { stride * 2 };
        let mut ends: BTreeMap<Option<i32>, usize> = BTreeMap::new();
        for n in (0..requests).step_by(usize::try_from(stride).unwrap()) {
            restore(&s3, &before, &claims);
            if lasts {
                s3.fail_from(Some(n), fault);
            } else {
                s3.fail_once(n, fault);
            }
            let ran = run(&context, &s3);
            s3.fail_from(None, S3Fault::Reset);
            let after = s3.objects();
            let details = format!(
                "{fault:?} at {n}, lasting {lasts}: {:?}\n{}",
                ran.code, ran.stderr
            );
            let needed = before.iter().filter(|(key, _)| {
                key.contains(&published) && !key.contains("_staging/") && !key.contains("_history/")
            });
            for (key, bytes) in needed {
                assert_eq!(after.get(key), Some(bytes), "{key}: {details}");
            }
            assert!(
                matches!(ran.code, Some(0 | 7 | 14)),
                "an error has another class: {details}"
            );
            assert!(latest(&inside(&after)).is_some(), "{details}");
            *ends.entry(ran.code).or_default() += 1;
        }
        let runs: usize = ends.values().sum();
        eprintln!(
            "bucket after a kill: {fault:?}, lasting {lasts}: {runs} runs of {requests} requests, ends {ends:?}"
        );
    }
    // Without faults the next run sweeps the leftovers of the killed runs.
    restore(&s3, &before, &claims);
    assert_eq!(run(&context, &s3).code, Some(0));
    assert!(!s3.objects().keys().any(|key| key.contains("_staging/")));
}

/// Code that drops an error where a read decides about removing, replacing or starting again. A second net below the sweeps.
#[test]
fn no_read_near_a_removal_forgets_its_error() {
    const DROPPED_ERRORS: [&str; 4] = [
        ".ok().flatten()",
        ".await.ok()",
        ".await.unwrap_or_default()",
        ".exists()",
    ];
    // Where files have no identity, by name only.
    const NOT_UNIX: &str = "    path.exists()";
    let mut looked = 0;
    let mut folders: Vec<_> = [
        "crates/access-dataset/src/publish",
        "crates/access-dataset/src/store",
        "crates/c1z/src",
        "crates/sink-c1z/src",
        "crates/sink-html/src",
        "crates/sink-upload/src",
        "crates/sink-worker/src",
        "crates/baton-ninja-one/src/commands/service",
    ]
    .map(|folder| crate::harness::workspace().join(folder))
    .into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "rs") || path.ends_with("tests.rs") {
                continue;
            }
            looked += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            let code = code.split("#[cfg(all(test, unix))]\nmod tests").next().unwrap();
            for line in code.lines().filter(|line| *line != NOT_UNIX) {
                for words in DROPPED_ERRORS {
                    assert!(!line.contains(words), "{}: {line}", path.display());
                }
            }
        }
    }
    assert!(looked > 50, "{looked}");
}
