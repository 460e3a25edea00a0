//! The rules that requests must keep, by the table of the wire format: lengths, counts and forms.

mod hello;
mod requests;

use std::ops::RangeInclusive;

use tonic::Status;

pub(crate) use hello::check_os_info;

use crate::tasks::TaskId;

/// A request with rules.
pub(crate) trait Ruled {
    /// The first broken rule.
    fn check(&self) -> Result<(), Violation>;
}

/// A field and the rule it breaks.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub(crate) struct Violation {
    field: String,
    rule: String,
}

pub(crate) type Checked = Result<(), Violation>;

impl Violation {
    pub(crate) fn new(field: &str, rule: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            rule: rule.into(),
        }
    }
}

impl From<Violation> for Status {
    fn from(violation: Violation) -> Self {
        Self::invalid_argument(violation.to_string())
    }
}

/// `min_len` and `max_len` count characters.
fn characters(field: &str, text: &str, allowed: &RangeInclusive<usize>) -> Checked {
    within(field, text.chars().count(), allowed, "characters")
}

/// `min_bytes` and `max_bytes`.
fn bytes(field: &str, text: &str, allowed: &RangeInclusive<usize>) -> Checked {
    within(field, text.len(), allowed, "bytes")
}

/// The same with `ignore_empty`.
fn bytes_unless_empty(field: &str, text: &str, allowed: &RangeInclusive<usize>) -> Checked {
    if text.is_empty() {
        return Ok(());
    }
    bytes(field, text, allowed)
}

/// Every list of annotations has at most 16.
fn annotations<T>(field: &str, list: &[T]) -> Checked {
    within(field, list.len(), &(0..=16), "entries")
}

fn host_id(field: &str, text: &str) -> Checked {
    characters(field, text, &(1..=256))
}

fn task_id(field: &str, text: &str) -> Checked {
    TaskId::parse(text)
        .map(drop)
        .map_err(|error| Violation::new(field, error.to_string()))
}

fn within(field: &str, count: usize, allowed: &RangeInclusive<usize>, what: &str) -> Checked {
    if allowed.contains(&count) {
        return Ok(());
    }
    let (least, most) = (allowed.start(), allowed.end());
    let rule = format!("{count} {what}, but {least} to {most} are allowed");
    Err(Violation::new(field, rule))
}
