//! Log lines in the two forms of the reference (docs/reference/conductorone.md §1.8).

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use access_core::secrets::redact;
use indicatif::MultiProgress;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::observability::otlp::Telemetry;
use crate::observability::task_logs::TaskLogs;
use crate::output::console::Label;
use crate::output::console::Text;
use crate::output::console::escape_json;
use crate::output::console::escape_line;
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
const CONSOLE_TIME: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

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
        let message = message(level, &fields);
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

/// An event as one line for a person: what happened, how long is waited, and why. Numbers and ids are for programs, unless
/// somebody wants to know everything.
fn message(level: Level, fields: &Fields) -> Text {
    let label = match level {
        Level::ERROR => Label::Error,
        Level::WARN => Label::Warning,
        Level::INFO => Label::Info,
        _ => Label::Debug,
    };
    let mut line = fields.message.clone();
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if let Some(wait) = fields.rest.get("wait") {
        let _ = write!(line, " in {}", rounded(&word(wait)));
    }
    for key in ["cause", "error", "reason"] {
        if let Some(cause) = fields.rest.get(key) {
            let cause = word(cause);
            // An error says what was tried; here it is tried again.
            let cause = cause.split(", gave up after").next().unwrap_or_default();
            let _ = write!(line, ": {cause}");
        }
    }
    if level > Level::WARN {
        let known = ["cause", "error", "reason", "wait"];
        for (key, value) in fields
            .rest
            .iter()
            .filter(|(key, _)| !known.contains(&key.as_str()))
        {
            let _ = write!(line, " {key}={}", word(value));
        }
    }
    let mut text = Text::new();
    text.labelled(label, line);
    text
}

/// A duration without a long fraction: `6.123456s` is `6.1s`.
fn rounded(duration: &str) -> String {
    let Some((whole, rest)) = duration.split_once('.') else {
        return duration.to_owned();
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (fraction, unit) = rest.split_at(digits);
    format!("{whole}.{}{unit}", fraction.get(..1).unwrap_or(fraction))
}

fn caller(metadata: &Metadata<'_>) -> String {
    let file = metadata.file().unwrap_or_default();
    let mut parts = file.rsplit('/');
    let (name, folder) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{folder}/{name}:{}", metadata.line().unwrap_or(0))
}

/// A line as the reference writes it.
#[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 fit a double")]
pub(crate) fn json_line(now: OffsetDateTime, metadata: &Metadata<'_>, fields: Fields) -> String {
    let seconds = (now.unix_timestamp_nanos() / 1000) as f64 / 1e6;
    let mut line = format!(
        r#"{{"level":"{}","ts":{seconds},"caller":{},"msg":{}"#,
        metadata.level().to_string().to_lowercase(),
        json!(caller(metadata)),
        json!(fields.message),
    );
    for (key, value) in fields.rest {
        let _ = write!(line, ",{}:{value}", json!(key));
    }
    line.push_str("}\n");
    escape_json(&line).into_owned()
}

fn console_line(now: OffsetDateTime, metadata: &Metadata<'_>, fields: Fields) -> String {
    let time = now.format(CONSOLE_TIME).unwrap_or_default();
    let mut line = format!(
        "{time}\t{}\t{}\t{}",
        metadata.level(),
        caller(metadata),
        escape_line(&fields.message)
    );
    if !fields.rest.is_empty() {
        let rest = Value::Object(fields.rest).to_string();
        let _ = write!(line, "\t{}", escape_json(&rest));
    }
    line.push('\n');
    line
}

/// The message of an event and its other fields.
#[derive(Default)]
pub(crate) struct Fields {
    message: String,
    rest: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.rest.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.put(field, Value::from(format!("{value:?}")));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.put(field, Value::from(value));
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::from(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Value::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::from(value));
    }
}
