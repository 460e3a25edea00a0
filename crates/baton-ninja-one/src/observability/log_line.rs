//! Formats a log event as a line: for a person at a terminal, and in the two formats of the reference
//! (docs/reference/conductorone.md §1.8).

use std::fmt::{self, Write as _};

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;
use tracing::field::{Field, Visit};
use tracing::{Level, Metadata};

use crate::output::console::{Label, Text, escape_json, escape_line};

const CONSOLE_TIME: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// An event for a person: the message, the wait and the cause. Other fields are only shown below the level of warnings.
pub(super) fn person_line(level: Level, fields: &Fields) -> Text {
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
            // The attempts in an error are omitted, because this line announces the next one.
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

/// Shortens the fraction of a duration: `6.123456s` becomes `6.1s`.
fn rounded(duration: &str) -> String {
    let Some((seconds, rest)) = duration.split_once('.') else {
        return duration.to_owned();
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (fraction, unit) = rest.split_at(digits);
    format!("{seconds}.{}{unit}", fraction.get(..1).unwrap_or(fraction))
}

fn caller(metadata: &Metadata<'_>) -> String {
    let file = metadata.file().unwrap_or_default();
    let mut parts = file.rsplit('/');
    let (name, folder) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{folder}/{name}:{}", metadata.line().unwrap_or(0))
}

/// A JSON line in the reference's format.
#[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 fit a double")]
pub(super) fn json_line(now: OffsetDateTime, metadata: &Metadata<'_>, fields: Fields) -> String {
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

pub(super) fn console_line(now: OffsetDateTime, metadata: &Metadata<'_>, fields: Fields) -> String {
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
pub(super) struct Fields {
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
