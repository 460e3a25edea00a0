//! Service mode under every code on every call, and for a long time.

use std::fs;
use std::time::{Duration, Instant};

use baton_proto::connectorapi_baton_v1::task::{SyncFullTask, TaskType};
use baton_proto::tonic::Code;
use c1_sim::{C1SimConfig, Endpoint, Fault, Outcome, Pace, TaskState, When};
use ninjaone_sim::{SimConfig, Tenant};

use crate::support::service::{PATIENCE, Served, grant};

const CODES: [Code; 16] = [
    Code::Cancelled,
    Code::Unknown,
    Code::InvalidArgument,
    Code::DeadlineExceeded,
    Code::NotFound,
    Code::AlreadyExists,
    Code::PermissionDenied,
    Code::ResourceExhausted,
    Code::FailedPrecondition,
    Code::Aborted,
    Code::OutOfRange,
    Code::Unimplemented,
    Code::Internal,
    Code::Unavailable,
    Code::DataLoss,
    Code::Unauthenticated,
];

fn fast() -> C1SimConfig {
    C1SimConfig {
        pace: Pace {
            next_poll: Duration::from_millis(1),
            next_heartbeat: Duration::from_millis(1),
            redeliver_after: Duration::from_secs(2),
        },
        ..C1SimConfig::default()
    }
}

fn serve(c1: C1SimConfig, arguments: &[&str]) -> Served {
    Served::new(&SimConfig::new(Tenant::fixture("msp").unwrap()), c1, arguments)
}

/// Whatever a single call returns, the task is finished, and the service continues.
fn sweep(endpoint: Endpoint) {
    let mut served = serve(fast(), &[]);
    for code in CODES {
        served
            .c1
            .faults()
            .at(endpoint, When::First(1), Fault::Refuse(code));
        let id = served.push(TaskType::SyncFull(SyncFullTask::default()));
        let done = served
            .c1
            .tasks()
            .wait_for(&id, PATIENCE, |progress| progress.state == TaskState::Finished);
        let done = done.unwrap_or_else(|| panic!("{endpoint:?} {code:?}: never finished\n{}", served.log()));
        assert_eq!(done.finishes.len(), 1, "{endpoint:?} {code:?}");
        let calls = served.c1.ledger().calls_of(endpoint);
        let struck = calls.iter().any(|call| call.outcome == Outcome::Code(code));
        assert!(struck, "{endpoint:?} {code:?} was never answered");
        served.c1.faults().clear();
    }
    assert_eq!(served.stop(), Some(0));
    assert!(served.temp_is_empty());
}

#[test]
fn every_code_on_polls() {
    sweep(Endpoint::GetTask);
}

#[test]
fn every_code_on_heartbeats() {
    sweep(Endpoint::Heartbeat);
}

#[test]
fn every_code_on_finishes() {
    sweep(Endpoint::FinishTask);
}

#[test]
fn every_code_on_uploads() {
    sweep(Endpoint::UploadAsset);
}

/// Some answers to the first hello are final; after all others the service repeats it (docs/reference/conductorone.md §3.5).
#[test]
fn every_code_on_hellos() {
    let fatal = [
        (Code::InvalidArgument, 3),
        (Code::NotFound, 5),
        (Code::PermissionDenied, 7),
        (Code::FailedPrecondition, 9),
        (Code::Unimplemented, 12),
        (Code::Unauthenticated, 16),
    ];
    for code in CODES {
        let c1 = fast();
        // Twice: a new token is tried once where the old one may be at fault.
        c1.faults.at(Endpoint::Hello, When::First(2), Fault::Refuse(code));
        let mut served = serve(c1, &[]);
        if let Some((_, exit)) = fatal.iter().find(|(known, _)| *known == code) {
            assert_eq!(served.ended(), Some(*exit), "{code:?}");
        } else {
            let hellos = served.c1.tasks().wait_for_hellos(1, PATIENCE);
            assert_eq!(hellos.len(), 1, "{code:?}\n{}", served.log());
            assert_eq!(served.stop(), Some(0), "{code:?}");
        }
    }
}

fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

/// Every tenth task is a full sync. `SOAK_CYCLES=10000` makes it the long one, in which syncs feed two datasets besides the
/// upload: the allocator's arenas need some hundred tasks until they have their size.
#[test]
fn memory_stays_flat_over_many_tasks() {
    let long = std::env::var("SOAK_CYCLES").ok();
    let cycles: usize = long.as_ref().map_or(300, |cycles| cycles.parse().unwrap());
    let mut flags = vec!["--provisioning", "--log-level", "error"];
    if long.is_some() {
        flags.extend(["--sink", "parquet=feed/parquet", "--sink", "csv=feed/csv"]);
    }
    let mut served = serve(fast(), &flags);
    let mut warm = 0;
    let begin = Instant::now();
    for cycle in 0..cycles {
        let task = if cycle % 10 == 0 {
            TaskType::SyncFull(SyncFullTask::default())
        } else {
            grant("role:1:assigned", "7")
        };
        let id = served.push(task);
        assert!(served.finished(&id).is_success());
        if cycle == cycles / 4 {
            warm = resident_kib(served.pid());
        }
        if (cycle + 1) % (cycles / 10) == 0 {
            eprintln!("{} tasks: {} KiB", cycle + 1, resident_kib(served.pid()));
        }
    }
    let last = resident_kib(served.pid());
    eprintln!(
        "{cycles} tasks in {:?}: {warm} KiB after a quarter, {last} KiB at the end",
        begin.elapsed()
    );
    assert!(last < warm + 8 * 1024, "{warm} KiB became {last} KiB");
    assert_eq!(served.stop(), Some(0));
}

/// Processor time so far, in clock ticks of 10 ms.
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// With a poll a second.
#[test]
fn waiting_for_tasks_uses_almost_no_cpu() {
    let mut c1 = fast();
    c1.pace.next_poll = Duration::from_secs(1);
    let mut served = serve(c1, &["--log-level", "error"]);
    assert_eq!(served.c1.tasks().wait_for_hellos(1, PATIENCE).len(), 1);
    std::thread::sleep(Duration::from_secs(1));
    let before = ticks(served.pid());
    std::thread::sleep(Duration::from_secs(6));
    let used = ticks(served.pid()) - before;
    assert!(
        served.c1.ledger().count(Endpoint::GetTask) >= 5,
        "it does not ask for tasks"
    );
    eprintln!("{used} ticks of 10 ms in 6 s");
    assert!(used <= 12, "{used} ticks of 10 ms in 6 s");
    assert_eq!(served.stop(), Some(0));
}
