//! Every fault at every call, or at some of them, and what has to be true afterwards.
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
use super::scenario::{Left, Scene};
use super::shim::{CHANGES, Call, Fault, Outcome, Plan, What};

const EINTR: i32 = 4;
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// Runs at a time: most of a run is waiting.
const WORKERS: usize = 3;

/// All faults, and at how many places each strikes unless all are wanted.
pub(super) const FAULTS: [(Fault, usize); 12] = [
    (
        fault("the disk is full from then on", What::Stay, "cdwts", ENOSPC),
        2,
    ),
    (fault("no space, once", What::Fail, "cdwts", ENOSPC), 3),
    (fault("input/output error", What::Fail, "corwtmdl", EIO), 4),
    (fault("a sync fails", What::Fail, "s", EIO), 4),
    (fault("a rename fails", What::Fail, "n", EIO), 3),
    (fault("a removal fails", What::Fail, "u", EIO), 2),
    (
        fault("the disk is dead from then on", What::Stay, "corwstndum", EIO),
        2,
    ),
    (fault("a short write", What::Short, "w", 0), 2),
    (fault("a call is interrupted", What::Fail, "corws", EINTR), 3),
    (fault("killed before", What::Kill, CHANGES, 0), 3),
    (fault("killed after", What::Killed, CHANGES, 0), 3),
    (fault("asked to stop", What::Term, CHANGES, 0), 3),
];

const fn fault(name: &'static str, what: What, kinds: &'static str, errno: i32) -> Fault {
    Fault {
        name,
        what,
        kinds,
        errno,
    }
}

/// Whether faults are to strike until no call is left: `DISK_FAULTS=all`, or at every fifth call `DISK_FAULTS=5`.
pub(super) fn all_wanted() -> bool {
    stride().is_some()
}

fn stride() -> Option<usize> {
    match env::var("DISK_FAULTS").ok()?.as_str() {
        "all" => Some(1),
        number => number.parse().ok().filter(|stride| *stride > 0),
    }
}

/// Says what was going on if a check fails.
struct Told<'a> {
    scene: &'a str,
    plan: Plan,
    left: String,
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "{}: {} at call {}\n{}",
                self.scene, self.plan.fault.name, self.plan.at, self.left
            );
        }
    }
}

/// What came of all runs with one fault.
#[derive(Default)]
struct Tally {
    runs: usize,
    struck: usize,
    failed: usize,
    ends: BTreeMap<String, usize>,
}

/// Places among so many calls, spread evenly. The last tenth is left out: how many calls there are varies a little, as
/// compressors write when they please.
pub(super) fn places(calls: usize, wanted: usize) -> Vec<usize> {
    let last = (calls * 9).div_ceil(10);
    let wanted = wanted.min(last);
    (0..wanted)
        .map(|n| 1 + n * (last - 1) / (wanted - 1).max(1))
        .collect()
}

/// Strikes a scene with every fault.
pub(super) fn sweep(scene: &mut Scene, shim: &Path) {
    sweep_some(scene, shim, 1, |_| true);
}

/// Strikes a scene with some faults, at every `every`-th call at most. Gives the calls of a good run.
pub(super) fn sweep_some(
    scene: &mut Scene,
    shim: &Path,
    every: usize,
    these: fn(&Fault) -> bool,
) -> Vec<Call> {
    let Left { calls, folder, .. } = scene.rehearse(shim);
    let lost = lost_by_power_cut(&calls, &folder);
    assert!(lost.is_empty(), "a power cut would lose {lost:?}");
    let mut failed = 0;
    for (fault, wanted) in FAULTS.into_iter().filter(|(fault, _)| these(fault)) {
        let possible = calls
            .iter()
            .filter(|call| fault.kinds.contains(call.kind))
            .count();
        if possible > 0 {
            let mut places = places(possible, wanted);
            if fault.kinds.contains('o') {
                places.extend(earlier_manifest(&calls, fault));
            }
            failed += strike(scene, shim, fault, possible, places, every);
        }
    }
    assert_eq!(failed, 0, "{}: runs with a fault that ended wrongly", scene.name);
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
/// Gives how many runs ended wrongly.
fn strike(
    scene: &Scene,
    shim: &Path,
    fault: Fault,
    possible: usize,
    places: Vec<usize>,
    every: usize,
) -> usize {
    let stride = stride();
    let (all, every) = (stride.is_some(), every * stride.unwrap_or(1));
    let places: Box<dyn Iterator<Item = usize> + Send> = if all {
        Box::new((1..).step_by(every))
    } else {
        Box::new(places.into_iter())
    };
    let places = Mutex::new(places.fuse());
    let tally = Mutex::new(Tally::default());
    let work = || {
        loop {
            let next = places.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(at) = next else { break };
            let attempt = || attempt(scene, shim, Plan { fault, at });
            // All places are tried, so that what fails can be told from what does not.
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
        scene.name, fault.name, tally.runs, tally.struck, tally.ends
    );
    if all {
        let least = (possible * 9).div_ceil(10 * every);
        assert!(tally.struck >= least, "the sweep ended early");
    } else {
        assert_eq!(tally.struck, tally.runs, "a planned fault did not strike");
    }
    tally.failed
}

/// One run and everything that has to be true after it. Gives how it ended, and whether the fault struck.
fn attempt(scene: &Scene, shim: &Path, plan: Plan) -> (String, bool) {
    let mut told = Told {
        scene: scene.name,
        plan,
        left: String::new(),
    };
    let left = scene.run(shim, &plan);
    let kinds = plan.fault.kinds;
    let made = left.calls.iter().filter(|call| kinds.contains(call.kind)).count();
    let struck: Vec<&Call> = left
        .calls
        .iter()
        .filter(|call| call.outcome == Outcome::Struck)
        .collect();
    told.left = format!(
        "exit {:?}, signal {:?}, struck {:?}\n{}",
        left.code,
        left.signal,
        struck.first(),
        left.stderr
    );
    assert!(
        !struck.is_empty() || made < plan.at,
        "{made} calls were made and none was struck"
    );
    let Some(first) = struck.first().map(|call| (*call).clone()) else {
        assert_eq!(left.code, Some(0));
        return ("nothing happened".to_owned(), false);
    };
    let is_new = scene.is_new(&left);
    ends_as_it_should(plan.fault, &first, &left);
    tells_the_truth(scene, &left, &is_new);
    let cleans_up = match plan.fault.what {
        What::Kill | What::Killed => false,
        What::Stay => plan.fault.errno != EIO,
        _ => true,
    };
    // What could not be removed is for the next run.
    if cleans_up && first.kind != 'u' && !is_scratch_folder(&first) {
        scene.nothing_else_is_there(&left);
    }
    let end = match (left.code, left.signal) {
        (Some(code), _) => format!("exit {code}"),
        (None, signal) => format!("signal {}", signal.unwrap_or_default()),
    };
    // The next run is made where something may have been left, and now and then elsewhere.
    if cleans_up && first.kind != 'u' && plan.at % 3 != 1 && !all_wanted() {
        return (end, true);
    }
    let again = scene.run_again(left, shim);
    told.left = format!(
        "{}\nthe next run: exit {:?}\n{}",
        told.left, again.code, again.stderr
    );
    assert_eq!(again.code, Some(0), "the next run fails");
    scene.ends_new(&again);
    scene.nothing_else_is_there(&again);
    (end, true)
}

/// Ends runs from outside at any time.
pub(super) fn end_at_any_time(scene: &mut Scene, shim: &Path, times: u64) {
    scene.rehearse(shim);
    let mut ended = 0;
    for n in 0..times {
        let signal = if n % 3 == 2 { Signal::TERM } else { Signal::KILL };
        // No two alike, and all over a run of a quarter of a second.
        let left = scene.run_until(shim, Duration::from_micros(n * 7_919 % 260_000), signal);
        let is_new = scene.is_new(&left);
        tells_the_truth(scene, &left, &is_new);
        if left.signal.is_none() {
            assert!(matches!(left.code, Some(0 | 1)), "{}", left.stderr);
            scene.nothing_else_is_there(&left);
        }
        ended += usize::from(left.code != Some(0));
        let again = scene.run_again(left, shim);
        assert_eq!(again.code, Some(0), "the next run fails: {}", again.stderr);
        scene.ends_new(&again);
        scene.nothing_else_is_there(&again);
    }
    eprintln!("{}: {times} runs, {ended} ended from outside in time", scene.name);
    assert!(ended > 0, "no run was ended in time");
}

/// Whether a temporary folder is looked into, which is done to remove it, or locked, without which it is only not swept.
fn is_scratch_folder(call: &Call) -> bool {
    let name = call.path.file_name().unwrap_or_default().to_string_lossy();
    matches!(call.kind, 'o' | 'l') && (name.starts_with("_scratch-") || name.starts_with("c1z-read-"))
}

/// Exit code and message fit the fault.
fn ends_as_it_should(fault: Fault, first: &Call, left: &Left) {
    let code = left.code;
    match fault.what {
        What::Kill | What::Killed => assert_eq!(left.signal, Some(9)),
        What::Short => assert_eq!(code, Some(0)),
        What::Term => assert!(matches!(code, Some(0 | 1))),
        _ if fault.errno == EINTR => assert_eq!(code, Some(0), "an interrupted call is made again"),
        // What cannot be removed is left to the next run. Removing a folder begins with opening it.
        _ if first.kind == 'u' || is_scratch_folder(first) => assert!(matches!(code, Some(0 | 2))),
        // So is a history that nobody needs any more, which is looked for when all is published.
        _ if code == Some(0) && left.stderr.contains("a later run removes the history") => {}
        _ if fault.errno == ENOSPC => {
            let unconfirmed = left.stderr.contains("the disk did not confirm it");
            let told = left.stderr.contains("no space left") || unconfirmed;
            assert_eq!(code, Some(if unconfirmed { 2 } else { 8 }));
            assert!(told && left.stderr.contains("hint: "));
        }
        _ => {
            assert_eq!(code, Some(2));
            // SQLite has words of its own, and we for what it cannot tell from damage.
            let words = [
                "Input/output error",
                "disk I/O error",
                "unable to open database file",
                "the disk gave all of it only when asked again",
            ];
            let told = words.iter().any(|words| left.stderr.contains(words));
            assert!(told && left.stderr.contains("hint: "));
        }
    }
    for word in ["panicked", "is a bug", "unexpectedly", "damaged"] {
        assert!(!left.stderr.contains(word), "a failing disk is called \"{word}\"");
    }
}

/// What is said of the outputs is so.
pub(super) fn tells_the_truth(scene: &Scene, left: &Left, is_new: &[bool]) {
    if left.code == Some(0) {
        assert!(
            is_new.iter().all(|new| *new),
            "it says that all is well, and not all is new"
        );
        let lost = lost_by_power_cut(&left.calls, &left.folder);
        let cleaned = |path: &Path| path.iter().any(|part| part == "_staging");
        let lost: Vec<_> = lost.iter().filter(|path| !cleaned(path)).collect();
        assert!(
            lost.is_empty(),
            "it says that all is well, and a power cut would lose {lost:?}"
        );
    }
    for words in ["nothing was published", "untouched"] {
        if left.stderr.contains(words) {
            assert!(
                is_new.iter().all(|new| !new) || left.stderr.contains("already published"),
                "{}: it says \"{words}\", and the new output is visible",
                scene.name
            );
        }
    }
}
