//! Every fault at every call, or at some of them, with the checks afterwards.
#![expect(
    clippy::print_stderr,
    reason = "figures, and which run a failed check is about"
)]

use std::collections::BTreeMap;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::Signal;

use super::power_loss_model::lost_by_power_cut;
use super::scenario::{RunResult, Scenario};
use super::shim::{CHANGES, Call, Effect, Fault, Outcome, Plan};

const EINTR: i32 = 4;
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// Runs at a time: most of a run is waiting.
const WORKERS: usize = 3;

/// All faults, and how many calls each hits unless the sweep is exhaustive.
pub(super) const FAULTS: [(Fault, usize); 12] = [
    (
        fault("the disk is full from then on", Effect::Stay, "cdwts", ENOSPC),
        2,
    ),
    (fault("no space, once", Effect::Fail, "cdwts", ENOSPC), 3),
    (fault("input/output error", Effect::Fail, "corwtmdl", EIO), 4),
    (fault("a sync fails", Effect::Fail, "s", EIO), 4),
    (fault("a rename fails", Effect::Fail, "n", EIO), 3),
    (fault("a removal fails", Effect::Fail, "u", EIO), 2),
    (
        fault("the disk is dead from then on", Effect::Stay, "corwstndum", EIO),
        2,
    ),
    (fault("a short write", Effect::Short, "w", 0), 2),
    (fault("a call is interrupted", Effect::Fail, "corws", EINTR), 3),
    (fault("killed before", Effect::Kill, CHANGES, 0), 3),
    (fault("killed after", Effect::Killed, CHANGES, 0), 3),
    (fault("asked to stop", Effect::Term, CHANGES, 0), 3),
];

const fn fault(name: &'static str, effect: Effect, kinds: &'static str, errno: i32) -> Fault {
    Fault {
        name,
        effect,
        kinds,
        errno,
    }
}

/// Whether faults hit every call until none is left (`DISK_FAULTS=all`), or e.g. every fifth call (`DISK_FAULTS=5`).
pub(super) fn is_exhaustive() -> bool {
    stride().is_some()
}

fn stride() -> Option<usize> {
    match env::var("DISK_FAULTS").ok()?.as_str() {
        "all" => Some(1),
        number => number.parse().ok().filter(|stride| *stride > 0),
    }
}

/// Prints the scenario and fault if a check fails.
struct ReportOnPanic<'a> {
    scenario: &'a str,
    plan: Plan,
    details: String,
}

impl Drop for ReportOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "{}: {} at call {}\n{}",
                self.scenario, self.plan.fault.name, self.plan.at, self.details
            );
        }
    }
}

/// The results of all runs with one fault.
#[derive(Default)]
struct Tally {
    runs: usize,
    struck: usize,
    failed: usize,
    ends: BTreeMap<String, usize>,
}

/// Places among so many calls, spread evenly. The last tenth is left out: how many calls there are varies a little, as
/// compressors write when they please.
pub(super) fn sample_calls(calls: usize, sample: usize) -> Vec<usize> {
    let last = (calls * 9).div_ceil(10);
    let sample = sample.min(last);
    (0..sample)
        .map(|n| 1 + n * (last - 1) / (sample - 1).max(1))
        .collect()
}

/// Runs a scenario under every fault.
pub(super) fn sweep(scenario: &mut Scenario, shim: &Path) {
    sweep_some(scenario, shim, 1, |_| true);
}

/// Runs a scenario under some faults, at every `every`-th call at most. Returns the calls of a good run.
pub(super) fn sweep_some(
    scenario: &mut Scenario,
    shim: &Path,
    every: usize,
    these: fn(&Fault) -> bool,
) -> Vec<Call> {
    let RunResult { calls, folder, .. } = scenario.rehearse(shim);
    let lost = lost_by_power_cut(&calls, &folder);
    assert!(lost.is_empty(), "a power cut would lose {lost:?}");
    let mut failed = 0;
    for (fault, sample) in FAULTS.into_iter().filter(|(fault, _)| these(fault)) {
        let possible = calls
            .iter()
            .filter(|call| fault.kinds.contains(call.kind))
            .count();
        if possible > 0 {
            let mut sample_calls = sample_calls(possible, sample);
            if fault.kinds.contains('o') {
                sample_calls.extend(earlier_manifest(&calls, fault));
            }
            failed += strike(scenario, shim, fault, possible, sample_calls, every);
        }
    }
    assert_eq!(
        failed, 0,
        "{}: runs with a fault that ended wrongly",
        scenario.name
    );
    calls
}

/// Where the manifest of the sync that was there before is opened: without it, a loss would go unnoticed.
fn earlier_manifest(calls: &[Call], fault: Fault) -> Option<usize> {
    let of_kind = calls.iter().filter(|call| fault.kinds.contains(call.kind));
    let mut opens = of_kind.zip(1..);
    let is_manifest = |call: &Call| call.kind == 'o' && call.path.iter().any(|part| part == "_manifests");
    opens.find(|(call, _)| is_manifest(call)).map(|(_, at)| at)
}

/// One fault, at some of so many calls or, if all are wanted, at every `every`-th until none is left to strike.
/// Returns the number of failed runs.
fn strike(
    scenario: &Scenario,
    shim: &Path,
    fault: Fault,
    possible: usize,
    sample_calls: Vec<usize>,
    every: usize,
) -> usize {
    let stride = stride();
    let (all, every) = (stride.is_some(), every * stride.unwrap_or(1));
    let sample_calls: Box<dyn Iterator<Item = usize> + Send> = if all {
        Box::new((1..).step_by(every))
    } else {
        Box::new(sample_calls.into_iter())
    };
    let sample_calls = Mutex::new(sample_calls.fuse());
    let tally = Mutex::new(Tally::default());
    let work = || {
        loop {
            let next = sample_calls.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(at) = next else { break };
            let attempt = || attempt(scenario, shim, Plan { fault, at });
            // All calls are tried, so that failures can be compared with successes.
            let ended = catch_unwind(AssertUnwindSafe(attempt)).ok();
            let failed = ended.is_none();
            let (end, struck) = ended.unwrap_or_else(|| ("FAILED".to_owned(), true));
            let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.runs += 1;
            tally.struck += usize::from(struck);
            tally.failed += usize::from(failed);
            *tally.ends.entry(end).or_default() += 1;
            if !struck {
                break;
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            worker.join().unwrap();
        }
    });
    let tally = tally.into_inner().unwrap();
    eprintln!(
        "{}: {}: {} runs, {} struck, of {possible} calls, ends {:?}",
        scenario.name, fault.name, tally.runs, tally.struck, tally.ends
    );
    if all {
        let min_struck = (possible * 9).div_ceil(10 * every);
        assert!(tally.struck >= min_struck, "the sweep ended early");
    } else {
        assert_eq!(tally.struck, tally.runs, "a planned fault did not strike");
    }
    tally.failed
}

/// One run and the checks after it. Returns how it ended, and whether the fault occurred.
fn attempt(scenario: &Scenario, shim: &Path, plan: Plan) -> (String, bool) {
    let mut report_on_panic = ReportOnPanic {
        scenario: scenario.name,
        plan,
        details: String::new(),
    };
    let result = scenario.run(shim, &plan);
    let kinds = plan.fault.kinds;
    let matching = result
        .calls
        .iter()
        .filter(|call| kinds.contains(call.kind))
        .count();
    let struck: Vec<&Call> = result
        .calls
        .iter()
        .filter(|call| call.outcome == Outcome::Struck)
        .collect();
    report_on_panic.details = format!(
        "exit {:?}, signal {:?}, struck {:?}\n{}",
        result.code,
        result.signal,
        struck.first(),
        result.stderr
    );
    assert!(
        !struck.is_empty() || matching < plan.at,
        "{matching} calls were made and none was struck"
    );
    let Some(first) = struck.first().map(|call| (*call).clone()) else {
        assert_eq!(result.code, Some(0));
        return ("nothing happened".to_owned(), false);
    };
    let is_new = scenario.is_new(&result);
    assert_exit_fits_fault(plan.fault, &first, &result);
    assert_report_is_true(scenario, &result, &is_new);
    let cleans_up = match plan.fault.effect {
        Effect::Kill | Effect::Killed => false,
        Effect::Stay => plan.fault.errno != EIO,
        _ => true,
    };
    // Files that could not be removed are left to the next run.
    if cleans_up && first.kind != 'u' && !is_scratch_folder(&first) {
        scenario.assert_no_leftovers(&result);
    }
    let end = match (result.code, result.signal) {
        (Some(code), _) => format!("exit {code}"),
        (None, signal) => format!("signal {}", signal.unwrap_or_default()),
    };
    // The next run is made where something may be left over, and for a sample of the others.
    if cleans_up && first.kind != 'u' && plan.at % 3 != 1 && !is_exhaustive() {
        return (end, true);
    }
    let again = scenario.run_again(result, shim);
    report_on_panic.details = format!(
        "{}\nthe next run: exit {:?}\n{}",
        report_on_panic.details, again.code, again.stderr
    );
    assert_eq!(again.code, Some(0), "the next run fails");
    scenario.assert_latest_is_new(&again);
    scenario.assert_no_leftovers(&again);
    (end, true)
}

/// Ends runs by a signal at any time.
pub(super) fn end_at_any_time(scenario: &mut Scenario, shim: &Path, times: u64) {
    scenario.rehearse(shim);
    let mut ended = 0;
    for n in 0..times {
        let signal = if n % 3 == 2 { Signal::TERM } else { Signal::KILL };
        // No two alike, and all over a run of a quarter of a second.
        let result = scenario.run_until(shim, Duration::from_micros(n * 7_919 % 260_000), signal);
        let is_new = scenario.is_new(&result);
        assert_report_is_true(scenario, &result, &is_new);
        if result.signal.is_none() {
            assert!(matches!(result.code, Some(0 | 1)), "{}", result.stderr);
            scenario.assert_no_leftovers(&result);
        }
        ended += usize::from(result.code != Some(0));
        let again = scenario.run_again(result, shim);
        assert_eq!(again.code, Some(0), "the next run fails: {}", again.stderr);
        scenario.assert_latest_is_new(&again);
        scenario.assert_no_leftovers(&again);
    }
    eprintln!(
        "{}: {times} runs, {ended} ended from outside in time",
        scenario.name
    );
    assert!(ended > 0, "no run was ended in time");
}

/// Whether the call lists a temporary folder to remove it, or locks it; without the lock it is only not swept.
fn is_scratch_folder(call: &Call) -> bool {
    let name = call.path.file_name().unwrap_or_default().to_string_lossy();
    matches!(call.kind, 'o' | 'l') && (name.starts_with("_scratch-") || name.starts_with("c1z-read-"))
}

/// The exit code and message must fit the fault.
fn assert_exit_fits_fault(fault: Fault, first: &Call, result: &RunResult) {
    let code = result.code;
    match fault.effect {
        Effect::Kill | Effect::Killed => assert_eq!(result.signal, Some(9)),
        Effect::Short => assert_eq!(code, Some(0)),
        Effect::Term => assert!(matches!(code, Some(0 | 1))),
        _ if fault.errno == EINTR => assert_eq!(code, Some(0), "an interrupted call is made again"),
        // Files that cannot be removed are left to the next run. Removing a folder begins with opening it.
        _ if first.kind == 'u' || is_scratch_folder(first) => assert!(matches!(code, Some(0 | 2))),
        // So is an obsolete history, which is removed after everything is published.
        _ if code == Some(0) && result.stderr.contains("a later run removes the history") => {}
        _ if fault.errno == ENOSPC => {
            let unconfirmed = result.stderr.contains("the disk did not confirm it");
            let is_reported = result.stderr.contains("no space left") || unconfirmed;
            assert_eq!(code, Some(if unconfirmed { 2 } else { 8 }));
            assert!(is_reported && result.stderr.contains("hint: "));
        }
        _ => {
            assert_eq!(code, Some(2));
            // SQLite has its own messages, and we have one for errors it reports as damage.
            let words = [
                "Input/output error",
                "disk I/O error",
                "unable to open database file",
                "the disk gave all of it only when asked again",
            ];
            let is_reported = words.iter().any(|words| result.stderr.contains(words));
            assert!(is_reported && result.stderr.contains("hint: "));
        }
    }
    for word in ["panicked", "is a bug", "unexpectedly", "damaged"] {
        assert!(
            !result.stderr.contains(word),
            "a failing disk is called \"{word}\""
        );
    }
}

/// Checks that the messages about the outputs are true.
pub(super) fn assert_report_is_true(scenario: &Scenario, result: &RunResult, is_new: &[bool]) {
    if result.code == Some(0) {
        assert!(
            is_new.iter().all(|new| *new),
            "it says that all is well, and not all is new"
        );
        let lost = lost_by_power_cut(&result.calls, &result.folder);
        let cleaned = |path: &Path| path.iter().any(|part| part == "_staging");
        let lost: Vec<_> = lost.iter().filter(|path| !cleaned(path)).collect();
        assert!(
            lost.is_empty(),
            "it says that all is well, and a power cut would lose {lost:?}"
        );
    }
    for words in ["nothing was published", "untouched"] {
        if result.stderr.contains(words) {
            assert!(
                is_new.iter().all(|new| !new) || result.stderr.contains("already published"),
                "{}: it says \"{words}\", and the new output is visible",
                scenario.name
            );
        }
    }
}
