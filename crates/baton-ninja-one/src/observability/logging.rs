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

/// Crates that log at the configured level; others only log warnings.
const OURS: [&str; 6] = [
    "baton_ninja_one",
    "access_core",
    "ninjaone",
    "c1_service",
    "sink_c1z",
    "c1z",
];
/// Starts logging, and the export of traces and logs if a collector is configured. Terminal lines suspend the progress
/// display; lines of tasks also go to the logs of the tasks. The first lines are the remarks on the settings, so that every
/// command shows them. Dropping the returned value sends the remaining records to the collector.
pub(crate) fn start(
    settings: &Settings,
    progress: &MultiProgress,
    tasks: Option<&TaskLogs>,
) -> Result<Option<Telemetry>, SettingsError> {
    // Checked here because every command that connects calls this.
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
    // The most verbose level is the greatest.
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
    // Fails if a subscriber is already set, e.g. by a test, which keeps it.
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
    // Private, because lines contain personal data.
    regular_file::open_to_append(path, Some(0o600)).map_err(|error| SettingsError::Log {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

enum Output {
    /// Messages of at least this level for a person, on standard error.
    Terminal(Level),
    Stdout,
    Stderr,
    File(File),
}

struct Lines {
    json: bool,
    /// Minimum level of all outputs except a terminal.
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
