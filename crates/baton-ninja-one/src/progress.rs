//! What a person at a terminal sees while a sync runs.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use access_core::model::{ResourceTypeId, RowKind};
use access_core::ports::{Phase, SyncObserver, Warning};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::console::escape_line;
use crate::table::grouped;

/// One line for each resource type, with counts that grow, and one for the step.
pub(crate) struct Progress {
    display: MultiProgress,
    step: ProgressBar,
    lines: Mutex<BTreeMap<ResourceTypeId, Line>>,
    phases: Mutex<Vec<(Phase, Instant)>>,
}

struct Line {
    bar: ProgressBar,
    counts: BTreeMap<RowKind, u64>,
}

const TICK: Duration = Duration::from_millis(100);

impl Progress {
    /// A display on standard error; hidden if that is no terminal or nobody wants it.
    pub(crate) fn new(display: MultiProgress, wanted: bool) -> Self {
        if !wanted || !std::io::stderr().is_terminal() {
            display.set_draw_target(ProgressDrawTarget::hidden());
        }
        let step = display.add(ProgressBar::new_spinner());
        step.enable_steady_tick(TICK);
        Self {
            display,
            step,
            lines: Mutex::new(BTreeMap::new()),
            phases: Mutex::new(Vec::new()),
        }
    }

    /// The steps so far and how long each took, the last one until now.
    pub(crate) fn phases(&self) -> Vec<(Phase, Duration)> {
        let phases = self.phases.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = phases.iter().skip(1).map(|(_, end)| *end).chain([Instant::now()]);
        phases
            .iter()
            .zip(ends)
            .map(|((phase, begin), end)| (*phase, end - *begin))
            .collect()
    }

    /// Takes the display away.
    pub(crate) fn finish(&self) {
        for line in self.lines.lock().unwrap_or_else(PoisonError::into_inner).values() {
            line.bar.finish_and_clear();
        }
        self.step.finish_and_clear();
    }
}

impl SyncObserver for Progress {
    fn phase(&self, phase: Phase) {
        self.phases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((phase, Instant::now()));
        self.step.set_message(match phase {
            Phase::Reading => "reading the tenant",
            Phase::Preparing => "completing and verifying the output",
            Phase::Publishing => "publishing",
        });
    }

    fn rows(&self, kind: RowKind, resource_type: &ResourceTypeId, count: u64) {
        if kind == RowKind::ResourceType {
            return;
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let line = lines.entry(resource_type.clone()).or_insert_with(|| {
            let bar = self.display.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("  {prefix:13} {msg}") {
                bar.set_style(style);
            }
            bar.set_prefix(escape_line(resource_type.as_str()).into_owned());
            Line {
                bar,
                counts: BTreeMap::new(),
            }
        });
        *line.counts.entry(kind).or_default() += count;
        let counts: Vec<String> = line
            .counts
            .iter()
            .map(|(kind, count)| format!("{} {}", grouped(*count), kind.plural()))
            .collect();
        line.bar.set_message(counts.join(", "));
    }

    fn warning(&self, warning: &Warning) {
        tracing::warn!(code = warning.code, "{}", warning.message);
    }
}
