//! Runs fuzz targets in slices of a few minutes, always the one with the least processor time, until each has enough.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::ledger::{Effort, Ledger};
use super::sources::SourcesDigest;
use crate::process::{Failure, target_folder, workspace};
use crate::process_stats;

/// Memory limit of one input, including the fuzzer's own.
const MAX_MEMORY_MIB: u32 = 1024;
/// Time limit of one input, on the clock: other programs may be running.
const INPUT_TIMEOUT: Duration = Duration::from_mins(1);
const SLICE: Duration = Duration::from_mins(5);

/// A built fuzz target.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) program: PathBuf,
    pub(super) sources: SourcesDigest,
    /// It is run until it has had this processor time over all runs.
    pub(super) enough: Duration,
}

struct State {
    ledger: Ledger,
    running: BTreeSet<String>,
}

/// Runs targets, `at_once` at a time, each for the time that `slice` is given. After `end` no slice begins. A target with a failing
/// input is not run again before its sources change.
pub(super) fn run(
    targets: &[Target],
    ledger: Ledger,
    at_once: usize,
    end: Option<Instant>,
    slice: impl Fn(&Target, Duration) -> Result<Effort, Failure> + Sync,
) -> Result<Ledger, Failure> {
    let state = Mutex::new(State {
        ledger,
        running: BTreeSet::new(),
    });
    let work = || -> Result<(), Failure> {
        loop {
            let next = next(targets, &mut lock(&state), end);
            let Some((target, left)) = next else {
                return Ok(());
            };
            let outcome = slice(target, left.min(SLICE));
            let mut state = lock(&state);
            state.running.remove(&target.name);
            state.ledger.record(&target.name, &target.sources, outcome?)?;
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        let lost = |_| {
            Err(Failure::Unexpected(
                "a fuzzing thread ended unexpectedly".to_owned(),
            ))
        };
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(lost))
    })?;
    let State { ledger, .. } = state.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(ledger)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The next target, and the processor time that it lacks. It counts as running from now on.
fn next<'a>(
    targets: &'a [Target],
    state: &mut State,
    end: Option<Instant>,
) -> Option<(&'a Target, Duration)> {
    if end.is_some_and(|end| Instant::now() >= end) {
        return None;
    }
    let waiting = targets
        .iter()
        .filter(|target| !state.running.contains(&target.name));
    let totals = waiting.map(|target| (target, state.ledger.total(&target.name, &target.sources)));
    let unfinished = totals.filter(|(target, total)| !total.failed && total.processor < target.enough);
    let (target, total) = unfinished.min_by_key(|(_, total)| total.processor)?;
    state.running.insert(target.name.clone());
    Some((target, target.enough.saturating_sub(total.processor)))
}

/// Runs the fuzzer of a target for a time on the clock.
pub(super) fn slice(target: &Target, time: Duration) -> Result<Effort, Failure> {
    let name = &target.name;
    let tests = workspace().join("tests/fuzz");
    let folder = |path: PathBuf| match fs::create_dir_all(&path) {
        Ok(()) => Ok(path),
        Err(source) => Err(Failure::file(&path, source)),
    };
    // New inputs go into the first folder; the committed ones are only read.
    let found = folder(target_folder().join("fuzz-corpus").join(name))?;
    let failing = folder(tests.join("artifacts").join(name))?;
    let log_path = folder(target_folder().join("fuzz-logs"))?.join(name);
    let log = File::create(&log_path).map_err(|source| Failure::file(&log_path, source))?;
    let mut command = Command::new(&target.program);
    command
        .arg(found)
        .arg(tests.join("corpus").join(name))
        .arg(format!("-artifact_prefix={}/", failing.display()))
        // One second at least: zero would be no limit.
        .arg(format!("-max_total_time={}", time.as_secs().max(1)))
        .arg(format!("-rss_limit_mb={MAX_MEMORY_MIB}"))
        .arg(format!("-timeout={}", INPUT_TIMEOUT.as_secs()))
        .args(["-max_len=65536", "-print_final_stats=1"])
        .current_dir(&tests)
        .stdout(
            log.try_clone()
                .map_err(|source| Failure::file(&log_path, source))?,
        )
        .stderr(log);
    let dictionary = tests.join("dictionaries").join(name);
    if dictionary.exists() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    let (status, cost) = process_stats::measure(&mut command)?;
    let log = fs::read(&log_path).map_err(|source| Failure::file(&log_path, source))?;
    // A fuzzer that was stopped by a signal found nothing.
    let failed = status.code().is_some_and(|code| code != 0);
    if failed {
        println!(
            "{name}: {status}; see {} and {}",
            failing.display(),
            log_path.display()
        );
    }
    Ok(Effort {
        processor: cost.cpu,
        inputs: executed(&String::from_utf8_lossy(&log)),
        failed,
    })
}

/// The number of inputs in libFuzzer's statistics. They are missing if it was killed.
fn executed(log: &str) -> u64 {
    let mut lines = log.lines();
    let number = lines.find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    number
        .and_then(|number| number.trim().parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str) -> Target {
        Target {
            name: name.to_owned(),
            program: PathBuf::new(),
            sources: SourcesDigest(name.to_owned()),
            enough: Duration::from_secs(100),
        }
    }

    fn effort(seconds: u64, failed: bool) -> Effort {
        Effort {
            processor: Duration::from_secs(seconds),
            inputs: 1,
            failed,
        }
    }

    fn ledger(name: &str) -> (PathBuf, Ledger) {
        let path = std::env::temp_dir().join(format!("fuzz-{name}-{}.tsv", std::process::id()));
        (path.clone(), Ledger::open(path).unwrap())
    }

    #[test]
    fn the_target_with_the_least_time_is_next() {
        let targets = ["c1z", "config", "lists", "token"].map(target);
        let (path, mut ledger) = ledger("order");
        for (target, effort) in targets.iter().zip([
            effort(90, false),
            effort(1, true),
            effort(70, false),
            effort(100, false),
        ]) {
            ledger.record(&target.name, &target.sources, effort).unwrap();
        }
        fs::remove_file(path).unwrap();
        let mut state = State {
            ledger,
            running: BTreeSet::new(),
        };
        let mut next = |end| {
            let next = next(&targets, &mut state, end);
            next.map(|(target, left)| (target.name.as_str(), left.as_secs()))
        };
        assert_eq!(next(Some(Instant::now())), None, "the time is over");
        assert_eq!(next(None), Some(("lists", 30)));
        assert_eq!(next(None), Some(("c1z", 10)), "lists is running");
        assert_eq!(next(None), None, "config has failed, token has had enough");
    }

    /// The slices of the two targets wait for each other, so they end only if both run at a time. Each needs two.
    #[test]
    fn each_target_runs_until_it_has_enough() {
        let targets = ["lists", "token"].map(target);
        let (path, ledger) = ledger("enough");
        let both = std::sync::Barrier::new(2);
        let lacking = Mutex::new(Vec::new());
        let ledger = run(&targets, ledger, 2, None, |_, left| {
            both.wait();
            lock(&lacking).push(left.as_secs());
            Ok(effort(60, false))
        });
        fs::remove_file(path).unwrap();
        let mut lacking = lacking.into_inner().unwrap();
        lacking.sort_unstable();
        assert_eq!(lacking, [40, 40, 100, 100]);
        for target in &targets {
            let total = ledger.as_ref().unwrap().total(&target.name, &target.sources);
            let both = Effort {
                inputs: 2,
                ..effort(120, false)
            };
            assert_eq!(total, both);
        }
    }

    #[test]
    fn the_statistics_of_the_fuzzer_are_read() {
        let log = "INFO: seed corpus\nDone 7 runs\nstat::number_of_executed_units: 1234\nstat::slowest: 9";
        assert_eq!(executed(log), 1234);
        assert_eq!(executed("INFO: seed corpus"), 0);
    }
}
