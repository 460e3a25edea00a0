//! The progress display of a sync on a terminal.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use access_core::model::{ResourceTypeId, RowKind};
use access_core::ports::{Activity, ApiUsage, ListStep, Phase, SyncObserver, Wait, Warning};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::console::escape_line;
use crate::output::text_table::counted;
use crate::output::text_table::size;

/// One line for the step with the elapsed time, and one for each resource type with its counts.
pub(crate) struct Progress {
    display: MultiProgress,
    step: ProgressBar,
    lines: Mutex<BTreeMap<ResourceTypeId, Line>>,
    phases: Mutex<Vec<(Phase, Instant)>>,
    /// The number of steps that read lists.
    lists: Mutex<usize>,
}

struct Line {
    bar: ProgressBar,
    counts: BTreeMap<RowKind, u64>,
}

const TICK: Duration = Duration::from_millis(100);
/// Steps after reading: comparing, sealing, publishing.
const STEPS_AFTER_READING: usize = 3;

impl Progress {
    /// Creates a display on standard error; hidden without a terminal, or if disabled.
    pub(crate) fn new(display: MultiProgress, enabled: bool) -> Self {
        if !enabled || !std::io::stderr().is_terminal() {
            display.set_draw_target(ProgressDrawTarget::hidden());
        }
        let step = display.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
            step.set_style(style);
        }
        step.enable_steady_tick(TICK);
        Self {
            display,
            step,
            lines: Mutex::new(BTreeMap::new()),
            phases: Mutex::new(Vec::new()),
            lists: Mutex::new(1),
        }
    }

    /// The steps so far with their durations; the last one until now.
    pub(crate) fn phases(&self) -> Vec<(Phase, Duration)> {
        let phases = self.phases.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = phases.iter().skip(1).map(|(_, end)| *end).chain([Instant::now()]);
        phases
            .iter()
            .zip(ends)
            .map(|((phase, begin), end)| (*phase, end - *begin))
            .collect()
    }

    /// Removes the display permanently.
    pub(crate) fn finish(&self) {
        self.step.disable_steady_tick();
        for line in self.lines.lock().unwrap_or_else(PoisonError::into_inner).values() {
            line.bar.finish_and_clear();
        }
        self.step.finish_and_clear();
        // An unwritable terminal shows nothing anyway.
        let _ = self.display.clear();
        self.display.set_draw_target(ProgressDrawTarget::hidden());
    }
}

impl SyncObserver for Progress {
    fn phase(&self, phase: Phase) {
        self.phases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((phase, Instant::now()));
        let lists = *self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        self.step.set_message(step_line(phase, lists));
    }

    fn progress(&self, usage: &ApiUsage, activity: &Activity) {
        let phases = self.phases.lock().unwrap_or_else(PoisonError::into_inner);
        if phases.last().is_some_and(|(phase, _)| *phase != Phase::Reading) {
            return;
        }
        drop(phases);
        if let Some(list) = activity.list {
            *self.lists.lock().unwrap_or_else(PoisonError::into_inner) = list.of;
        }
        self.step.set_message(reading_line(usage, activity));
    }

    fn rows(&self, kind: RowKind, resource_type: &ResourceTypeId, count: u64) {
        if kind == RowKind::ResourceType {
            return;
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let line = lines.entry(resource_type.clone()).or_insert_with(|| {
            let bar = self.display.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("  {prefix:13} {wide_msg}") {
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
            .map(|(kind, count)| counted(*count, &kind.to_string(), kind.plural()))
            .collect();
        line.bar.set_message(counts.join(", "));
    }

    fn warning(&self, warning: &Warning) {
        tracing::warn!(code = warning.code, "{}", warning.message);
    }
}

/// A step with its number and the total.
fn step_line(phase: Phase, lists: usize) -> String {
    let (after_reading, does) = match phase {
        Phase::Reading => return "reading".to_owned(),
        Phase::Comparing => (1, "comparing with the last sync"),
        Phase::Preparing => (2, "sealing and verifying the output"),
        Phase::Publishing => (3, "publishing"),
    };
    format!("{}/{} {does}", lists + after_reading, lists + STEPS_AFTER_READING)
}

/// What is read, or the current wait.
fn reading_line(usage: &ApiUsage, activity: &Activity) -> String {
    let wait = activity.wait.map(|wait| {
        let Wait {
            is_throttled,
            left,
            next_try,
        } = wait;
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        if is_throttled {
            format!("NinjaOne asks to wait {seconds} s (try {next_try})")
        } else {
            format!("a call failed; try {next_try} in {seconds} s")
        }
    });
    let mut parts = Vec::new();
    match activity.list {
        // The wait comes first: a narrow terminal shows nothing else.
        Some(ListStep { name, number, of }) => {
            let does = if wait.is_some() { "" } else { "reading " };
            parts.push(format!("{number}/{} {does}{name}", of + STEPS_AFTER_READING));
        }
        None if usage.calls > 0 => parts.push("signing in".to_owned()),
        None => parts.push("reading".to_owned()),
    }
    parts.extend(wait);
    if usage.bytes > 0 {
        parts.push(size(usage.bytes));
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_its_number() {
        let mut usage = ApiUsage::default();
        let mut activity = Activity::default();
        assert_eq!(reading_line(&usage, &activity), "reading");
        usage.calls = 1;
        assert_eq!(reading_line(&usage, &activity), "signing in");
        usage.bytes = 9 << 20;
        activity.list = Some(ListStep {
            name: "users",
            number: 4,
            of: 5,
        });
        assert_eq!(reading_line(&usage, &activity), "4/8 reading users · 9.0 MiB");
        activity.wait = Some(Wait {
            is_throttled: true,
            left: Duration::from_millis(5200),
            next_try: 2,
        });
        assert_eq!(
            reading_line(&usage, &activity),
            "4/8 users · NinjaOne asks to wait 6 s (try 2) · 9.0 MiB"
        );
        let steps = [Phase::Comparing, Phase::Preparing, Phase::Publishing].map(|phase| step_line(phase, 5));
        assert_eq!(
            steps,
            [
                "6/8 comparing with the last sync",
                "7/8 sealing and verifying the output",
                "8/8 publishing"
            ]
        );
    }
}
