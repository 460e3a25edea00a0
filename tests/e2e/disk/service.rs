//! Service mode over a failing disk: `ConductorOne` never gets half a file, the task is finished with the right class or
//! done by the next process, and nothing stays in the temporary folder.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use baton_proto::connectorapi_baton_v1::task::{SyncFullTask, TaskType};
use baton_proto::tonic::Code;
use c1_sim::{C1SimConfig, Pace, TaskId, TaskState};

use super::outputs::c1z_syncs;
use super::scenario::tenant;
use super::shim::{Effect, Fault, Outcome, Plan, calls, shim};
use super::small;
use super::sweep::{FAULTS, is_exhaustive, sample_calls};
use crate::harness::TestContext;
use crate::support::service::{PATIENCE, Served, render_finish};

/// Runs at a time: nearly all of a run is waiting.
const WORKERS: usize = 8;

#[test]
fn an_upload_is_complete_or_absent() {
    let Some(shim) = shim() else { return };
    let (_, kinds) = attempt(shim, &Plan::none());
    let of = |fault: &Fault| kinds.chars().filter(|kind| fault.kinds.contains(*kind)).count();
    let mut plans = Vec::new();
    for (fault, _) in FAULTS {
        let sample_calls = if is_exhaustive() {
            // A few more than there are calls, so that every call is hit.
            (1..=of(&fault) + 4).collect()
        } else {
            sample_calls(of(&fault), 2)
        };
        plans.extend(sample_calls.into_iter().map(|at| Plan { fault, at }));
    }
    let (waiting, struck) = (Mutex::new(plans.iter()), Mutex::new(BTreeMap::<_, usize>::new()));
    let work = || {
        loop {
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(plan) = next else { break };
            if attempt(shim, plan).0 {
                *struck.lock().unwrap().entry(plan.fault.name).or_default() += 1;
            } else {
                assert!(is_exhaustive(), "it did not strike: {plan:?}");
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(work);
        }
    });
    let struck = struck.into_inner().unwrap();
    let total: usize = struck.values().sum();
    eprintln!("service: {} runs, {total} struck: {struck:?}", plans.len());
    assert!(total * 10 > plans.len() * 8);
}

/// One task on a failing disk, and the next on a healthy one. Returns whether the fault occurred, and the kinds of all calls.
fn attempt(shim: &Path, plan: &Plan) -> (bool, String) {
    let c1 = C1SimConfig {
        pace: Pace {
            next_poll: Duration::from_millis(5),
            redeliver_after: Duration::from_millis(300),
            ..Pace::default()
        },
        ..C1SimConfig::default()
    };
    let mut served = Served::not_started(&tenant(&small(), 2), c1);
    let temp = served.context.path("tmp");
    std::fs::create_dir_all(&temp).unwrap();
    let (temp, report) = (temp.canonicalize().unwrap(), served.context.path("report"));
    served.start_with(&[], |command| plan.apply(command, shim, &temp, &report));
    let first = served.push(TaskType::SyncFull(SyncFullTask::default()));
    let is_killed = matches!(plan.fault.effect, Effect::Kill | Effect::Killed);
    let died = ended(&mut served, &first);
    let calls_made = calls(&report);
    let struck = calls_made
        .iter()
        .find(|call| call.outcome == Outcome::Struck)
        .cloned();
    let details = format!("{plan:?}: {struck:?}\n{}", served.log());
    let stop_requested = plan.fault.effect == Effect::Term && struck.is_some();
    assert!(
        stop_requested || died == (is_killed && struck.is_some()),
        "{details}"
    );
    if stop_requested {
        // A task that has begun has time to end; one that has not is for the next process.
        assert_eq!(served.ended(), Some(0), "{details}");
        assert!(served.temp_is_empty(), "something was left behind: {details}");
        served.start(&[]);
        assert!(served.finished(&first).is_success(), "{details}");
    } else if died {
        served.start(&[]);
        assert!(served.finished(&first).is_success(), "{details}");
    } else {
        let finish = served.finished(&first);
        let escape_control_chars =
            struck.is_none() || plan.fault.effect == Effect::Short || plan.fault.errno == 4;
        if escape_control_chars {
            assert!(finish.is_success(), "{}: {details}", render_finish(&finish));
        } else if !finish.is_success() {
            let codes = match plan.fault.errno {
                28 if finish.message().contains("the disk did not confirm it") => &[Code::Unknown][..],
                28 => &[Code::ResourceExhausted],
                _ => &[Code::Unknown],
            };
            assert!(
                codes.contains(&finish.code()),
                "{}: {details}",
                render_finish(&finish)
            );
        }
        // The disk is healthy again for the next process.
        assert_eq!(served.stop(), Some(0), "{details}");
        let leaves = plan.fault.kinds.contains('u') || plan.fault.effect == Effect::Stay;
        let opened_to_remove = struck.is_some_and(|call| call.kind == 'o');
        assert!(
            leaves || opened_to_remove || served.temp_is_empty(),
            "something was left behind: {details}"
        );
        served.start(&[]);
    }
    let second = served.push(TaskType::SyncFull(SyncFullTask::default()));
    assert!(served.finished(&second).is_success(), "{details}");
    assert_eq!(served.stop(), Some(0));
    assert!(
        served.temp_is_empty(),
        "the next process does not sweep: {details}"
    );
    delivered_completely(&served, &[first, second], &details);
    let kinds = calls_made.iter().map(|call| call.kind).collect();
    (
        calls_made.iter().any(|call| call.outcome == Outcome::Struck),
        kinds,
    )
}

/// Waits for the end of the task or the process. Returns whether the process ended.
fn ended(served: &mut Served, task: &TaskId) -> bool {
    let begin = Instant::now();
    loop {
        if served.child.as_mut().unwrap().try_wait().unwrap().is_some() {
            return true;
        }
        if served.c1.tasks().progress(task).unwrap().state == TaskState::Finished {
            return false;
        }
        assert!(begin.elapsed() < PATIENCE, "neither ends\n{}", served.log());
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// Every asset that `ConductorOne` accepted is a complete file, the same in every run.
fn delivered_completely(served: &Served, tasks: &[TaskId], details: &str) {
    let mut contents = Vec::new();
    for task in tasks {
        let progress = served.c1.tasks().progress(task).unwrap();
        let succeeded = progress.finishes.iter().any(c1_sim::Finish::is_success);
        assert!(
            !succeeded || progress.assets().count() > 0,
            "done without a file: {details}"
        );
        contents.extend(progress.assets().map(|asset| c1z_syncs(&asset.path)));
    }
    assert!(contents.iter().all(|content| content.len() == 1));
    contents.dedup();
    assert_eq!(contents.len(), 1, "uploads differ: {details}");
}

/// Test of the check: half an upload is detected, and so is one of another tenant.
#[test]
fn a_damaged_upload_is_detected() {
    if shim().is_none() {
        return;
    }
    let mut served = Served::not_started(&tenant(&small(), 2), C1SimConfig::default());
    served.start(&[]);
    let tasks = [(), ()].map(|()| served.push(TaskType::SyncFull(SyncFullTask::default())));
    for task in &tasks {
        assert!(served.finished(task).is_success());
    }
    assert_eq!(served.stop(), Some(0));
    let judge = || catch_unwind(AssertUnwindSafe(|| delivered_completely(&served, &tasks, ""))).is_ok();
    assert!(judge());
    let progress = served.c1.tasks().progress(&tasks[0]).unwrap();
    let asset = progress.assets().next().unwrap().path.clone();
    let complete = std::fs::read(&asset).unwrap();
    std::fs::write(&asset, &complete[..complete.len() / 2]).unwrap();
    assert!(!judge(), "half of it");
    let other = TestContext::with(&tenant(&small(), 3));
    assert_eq!(other.run(&["--file", "other.c1z"]).code, Some(0));
    std::fs::copy(other.path("other.c1z"), &asset).unwrap();
    assert!(!judge(), "another tenant's");
    std::fs::write(&asset, complete).unwrap();
    assert!(judge());
}
