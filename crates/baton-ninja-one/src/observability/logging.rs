//! Starts logging, and writes each log line to the configured outputs.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use access_core::secrets::redact;
use indicatif::MultiProgress;
use time::OffsetDateTime;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::log_line::{Fields, console_line, json_line, person_line};
use crate::observability::otlp::Telemetry;
use crate::observability::task_logs::TaskLogs;
use crate::settings::{Remark, Settings, SettingsError};

/// Crates whose log lines are wanted at the configured level; of others only warnings.
const OURS: [&str; 6] = [
    "baton_ninja_one",
    "access_core",
    "ninjaone",
    "c1_service",
    "sink_c1z",
    "c1z",
];
/// Starts logging, and sending traces and logs to a collector if there is one. Lines for the terminal go around the
/// progress display; those of tasks go to their logs too. The first lines are the remarks on the settings, so that every command
/// shows them. What is returned sends what is left to the collector when it is dropped.
pub(crate) fn start(
    settings: &Settings,
    progress: &MultiProgress,
    tasks: Option<&TaskLogs>,
) -> Result<Option<Telemetry>, SettingsError> {
    // Every command that connects starts here.
    settings.check_proxies()?;
    let logs = settings.logs()?;
    let telemetry = settings.telemetry()?.as_ref().map(Telemetry::start).transpose()?;
    let mut outputs = Vec::new();
    for path in &logs.paths {
        outputs.push(match path.as_str() {
            "stderr" => logs.terminal.map_or(Output::Stderr, Output::Terminal),
            "stdout" => Output::Stdout,
            path => Output::File(open(Path::new(path))?),
        });
    }
    let by_person = outputs.iter().filter_map(|output| match output {
        Output::Terminal(level) => Some(*level),
        Output::Stdout | Output::Stderr | Output::File(_) => None,
    });
    let others = outputs
        .iter()
        .any(|output| !matches!(output, Output::Terminal(_)));
    // The least severe level is the greatest.
    let level = by_person
        .chain(others.then_some(logs.level))
        .max()
        .unwrap_or(logs.level);
    let layer = Lines {
        json: logs.json,
        level: logs.level,
        outputs: Arc::new(Mutex::new(outputs)),
        progress: progress.clone(),
    };
    let targets = |level: Level| {
        Targets::new()
            .with_default(Level::WARN.min(level))
            .with_targets(OURS.map(|target| (target, level)))
    };
    let records = telemetry
        .as_ref()
        .and_then(|telemetry| telemetry.records(targets(logs.level)));
    let of_tasks = Targets::new()
        .with_default(Level::WARN)
        .with_targets(OURS.map(|target| (target, Level::DEBUG)));
    let tasks = tasks.map(|tasks| tasks.clone().with_filter(of_tasks));
    let subscriber = tracing_subscriber::registry()
        .with(tasks)
        .with(layer.with_filter(targets(level)))
        .with(records)
        .with(telemetry.as_ref().and_then(Telemetry::spans));
    // Somebody who has set a subscriber already, as a test may, keeps it.
    let _ = tracing::subscriber::set_global_default(subscriber);
    for Remark { origin, problem } in settings.remarks() {
        tracing::warn!(setting = origin, "{origin}: {problem}");
    }
    for setting in settings.secrets_on_command_line() {
        tracing::warn!(
            setting,
            "a secret on the command line is readable by every local user in the list of processes; use its variable or file"
        );
    }
    Ok(telemetry)
}

fn open(path: &Path) -> Result<File, SettingsError> {
    // Its lines name people.
    regular_file::open_to_append(path, Some(0o600)).map_err(|error| SettingsError::Log {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

enum Output {
    /// Messages of at least this level for a person at standard error.
    Terminal(Level),
    Stdout,
    Stderr,
    File(File),
}

struct Lines {
    json: bool,
    /// Minimum level of all outputs but a terminal.
    level: Level,
    outputs: Arc<Mutex<Vec<Output>>>,
    progress: MultiProgress,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = *event.metadata().level();
        let now = OffsetDateTime::now_utc();
        let message = person_line(level, &fields);
        let line = if self.json {
            json_line(now, event.metadata(), fields)
        } else {
            console_line(now, event.metadata(), fields)
        };
        let line = redact(&line);
        for output in &mut *self.outputs.lock().unwrap_or_else(PoisonError::into_inner) {
            // A log that cannot be written must not end the sync.
            let _ = match output {
                Output::Terminal(least) if level <= *least => self
                    .progress
                    .suspend(|| io::stderr().write_all(redact(message.as_str()).as_bytes())),
                Output::Stdout if level <= self.level => io::stdout().write_all(line.as_bytes()),
                Output::Stderr if level <= self.level => {
                    self.progress.suspend(|| io::stderr().write_all(line.as_bytes()))
                }
                Output::File(file) if level <= self.level => file.write_all(line.as_bytes()),
                Output::Terminal(_) | Output::Stdout | Output::Stderr | Output::File(_) => Ok(()),
            };
        }
    }
}
