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
use super::shim::{Fault, Outcome, Plan, What, calls, shim};
use super::small;
use super::sweep::{FAULTS, all_wanted, places};
use crate::harness::TestContext;
use crate::support::service::{PATIENCE, Served, shown};

/// Runs at a time: nearly all of a run is waiting.
const WORKERS: usize = 8;

#[test]
fn an_upload_is_whole_or_there_is_none() {
    let Some(shim) = shim() else { return };
    let (_, kinds) = attempt(shim, &Plan::none());
    let of = |fault: &Fault| kinds.chars().filter(|kind| fault.kinds.contains(*kind)).count();
    let mut plans = Vec::new();
    for (fault, _) in FAULTS {
        let places = if all_wanted() {
            // A few more than there are calls, so that none is left to strike.
            (1..=of(&fault) + 4).collect()
        } else {
            places(of(&fault), 2)
        };
        plans.extend(places.into_iter().map(|at| Plan { fault, at }));
    }
    let (waiting, struck) = (Mutex::new(plans.iter()), Mutex::new(BTreeMap::<_, usize>::new()));
    let work = || {
        loop {
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(plan) = next else { break };
            if attempt(shim, plan).0 {
                *struck.lock().unwrap().entry(plan.fault.name).or_default() += 1;
            } else {
                assert!(all_wanted(), "it did not strike: {plan:?}");
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

/// One task on a failing disk, and the next on a healthy one. Gives whether the fault struck, and the kinds of all calls.
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
    let is_killed = matches!(plan.fault.what, What::Kill | What::Killed);
    let died = ended(&mut served, &first);
    let made = calls(&report);
    let struck = made.iter().find(|call| call.outcome == Outcome::Struck).cloned();
    let told = format!("{plan:?}: {struck:?}\n{}", served.log());
    let asked_to_stop = plan.fault.what == What::Term && struck.is_some();
    assert!(asked_to_stop || died == (is_killed && struck.is_some()), "{told}");
    if asked_to_stop {
        // A task that has begun has time to end; one that has not is for the next process.
        assert_eq!(served.ended(), Some(0), "{told}");
        assert!(served.temp_is_empty(), "something was left behind: {told}");
        served.start(&[]);
        assert!(served.finished(&first).is_success(), "{told}");
    } else if died {
        served.start(&[]);
        assert!(served.finished(&first).is_success(), "{told}");
    } else {
        let finish = served.finished(&first);
        let escape_control_chars =
            struck.is_none() || plan.fault.what == What::Short || plan.fault.errno == 4;
        if escape_control_chars {
            assert!(finish.is_success(), "{}: {told}", shown(&finish));
        } else if !finish.is_success() {
            let wanted = match plan.fault.errno {
                28 if finish.message().contains("the disk did not confirm it") => &[Code::Unknown][..],
                28 => &[Code::ResourceExhausted],
                _ => &[Code::Unknown],
            };
            assert!(wanted.contains(&finish.code()), "{}: {told}", shown(&finish));
        }
        // The disk is whole again for the next process.
        assert_eq!(served.stop(), Some(0), "{told}");
        let leaves = plan.fault.kinds.contains('u') || plan.fault.what == What::Stay;
        let opened_to_remove = struck.is_some_and(|call| call.kind == 'o');
        assert!(
            leaves || opened_to_remove || served.temp_is_empty(),
            "something was left behind: {told}"
        );
        served.start(&[]);
    }
    let second = served.push(TaskType::SyncFull(SyncFullTask::default()));
    assert!(served.finished(&second).is_success(), "{told}");
    assert_eq!(served.stop(), Some(0));
    assert!(served.temp_is_empty(), "the next process does not sweep: {told}");
    delivered_whole(&served, &[first, second], &told);
    let kinds = made.iter().map(|call| call.kind).collect();
    (made.iter().any(|call| call.outcome == Outcome::Struck), kinds)
}

/// Waits for the task's end or the process's. Gives whether it was the process's.
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

/// What `ConductorOne` took for an asset is a whole file, the same whenever it was made.
fn delivered_whole(served: &Served, tasks: &[TaskId], told: &str) {
    let mut contents = Vec::new();
    for task in tasks {
        let progress = served.c1.tasks().progress(task).unwrap();
        let succeeded = progress.finishes.iter().any(c1_sim::Finish::is_success);
        assert!(
            !succeeded || progress.assets().count() > 0,
            "done without a file: {told}"
        );
        contents.extend(progress.assets().map(|asset| c1z_syncs(&asset.path)));
    }
    assert!(contents.iter().all(|content| content.len() == 1));
    contents.dedup();
    assert_eq!(contents.len(), 1, "uploads differ: {told}");
}

/// The judge judged: half an upload is seen, and one that is another tenant's.
#[test]
fn a_spoilt_upload_is_seen() {
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
    let judge = || catch_unwind(AssertUnwindSafe(|| delivered_whole(&served, &tasks, ""))).is_ok();
    assert!(judge());
    let progress = served.c1.tasks().progress(&tasks[0]).unwrap();
    let asset = progress.assets().next().unwrap().path.clone();
    let whole = std::fs::read(&asset).unwrap();
    std::fs::write(&asset, &whole[..whole.len() / 2]).unwrap();
    assert!(!judge(), "half of it");
    let other = TestContext::with(&tenant(&small(), 3));
    assert_eq!(other.run(&["--file", "other.c1z"]).code, Some(0));
    std::fs::copy(other.path("other.c1z"), &asset).unwrap();
    assert!(!judge(), "another tenant's");
    std::fs::write(&asset, whole).unwrap();
    assert!(judge());
}
