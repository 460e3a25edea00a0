//! Many runs in parallel. Each can be repeated alone.

use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Runs at a time: most of one run is waiting.
const AT_ONCE: usize = 4;
/// Failures that are shown.
const SHOWN: usize = 8;

/// `MISBEHAVE=all` makes every sweep the exhaustive one.
pub(crate) fn exhaustive() -> bool {
    std::env::var("MISBEHAVE").is_ok_and(|what| what == "all")
}

/// `SEED` selects the cases of a sweep that is not exhaustive, and all random combinations.
pub(crate) fn seed() -> u64 {
    std::env::var("SEED").map_or(6, |seed| seed.parse().unwrap())
}

/// A choice that is the same for the same seed.
pub(crate) struct Picks {
    state: u64,
    all: bool,
}

impl Picks {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: seed,
            all: exhaustive(),
        }
    }

    /// The next number (`SplitMix64`).
    pub(crate) fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.number() % bound as u64).unwrap()
    }

    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// One of these; in the exhaustive form all.
    pub(crate) fn of<T: Clone>(&mut self, of: &[T]) -> Vec<T> {
        if self.all {
            of.to_vec()
        } else {
            vec![self.one(of).clone()]
        }
    }
}

/// Runs all cases, of which each is named, and says how they ended. Each of the threads prepares something of its own. `CASE` chooses the cases with these words in their
/// names.
pub(crate) fn sweep<C: Sync, S>(
    test: &str,
    cases: &[(String, C)],
    prepare: impl Fn() -> S + Sync,
    run: impl Fn(&mut S, &C) -> Result<String, String> + Sync,
) {
    let begin = Instant::now();
    let name_filter = std::env::var("CASE").unwrap_or_default();
    let cases: Vec<&(String, C)> = cases
        .iter()
        .filter(|(name, _)| name.contains(&name_filter))
        .collect();
    let next = AtomicUsize::new(0);
    let ends: Mutex<BTreeMap<String, usize>> = Mutex::default();
    let failures: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let mut state = prepare();
                while let Some((name, case)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let ended = catch_unwind(AssertUnwindSafe(|| run(&mut state, case)));
                    match ended.unwrap_or_else(|_| Err("it panicked".to_owned())) {
                        Ok(end) => *ends.lock().unwrap().entry(end).or_default() += 1,
                        Err(failure) => failures.lock().unwrap().push(format!("{name}\n{failure}")),
                    }
                }
            });
        }
    });
    let ends = ends.into_inner().unwrap();
    let failures = failures.into_inner().unwrap();
    let _ = writeln!(
        std::io::stderr(),
        "{test}: {} cases in {:.1} s, {} failed: {ends:?}",
        cases.len(),
        begin.elapsed().as_secs_f64(),
        failures.len()
    );
    let all = if exhaustive() { "MISBEHAVE=all " } else { "" };
    let shown: Vec<String> = failures
        .iter()
        .take(SHOWN)
        .map(|failure| {
            let name = failure.lines().next().unwrap_or_default();
            format!(
                "{failure}\n  again: {all}SEED={} CASE='{name}' cargo test --workspace --test e2e -- {test}",
                seed()
            )
        })
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        cases.len(),
        shown.join("\n\n")
    );
}
