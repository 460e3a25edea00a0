//! The validation rules of requests in the wire format: lengths, counts and formats.

mod hello;
mod requests;

use std::ops::RangeInclusive;

use tonic::Status;

pub(crate) use hello::check_os_info;

use crate::tasks::TaskId;

/// A request with validation rules.
pub(crate) trait Validate {
    /// Returns the first violation as an error.
    fn validate(&self) -> Result<(), Violation>;
}

/// A field and the rule it breaks.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub(crate) struct Violation {
    field: String,
    rule: String,
}

pub(crate) type ValidationResult = Result<(), Violation>;

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

/// The rules `min_len` and `max_len`, which count characters.
fn check_characters(field: &str, text: &str, allowed: &RangeInclusive<usize>) -> ValidationResult {
    check_count(field, text.chars().count(), allowed, "characters")
}

/// The rules `min_bytes` and `max_bytes`.
fn check_bytes(field: &str, text: &str, allowed: &RangeInclusive<usize>) -> ValidationResult {
    check_count(field, text.len(), allowed, "bytes")
}

/// [`check_bytes`] with `ignore_empty`.
fn check_bytes_unless_empty(field: &str, text: &str, allowed: &RangeInclusive<usize>) -> ValidationResult {
    if text.is_empty() {
        return Ok(());
    }
    check_bytes(field, text, allowed)
}

/// A list of annotations has at most 16.
fn annotations<T>(field: &str, list: &[T]) -> ValidationResult {
    check_count(field, list.len(), &(0..=16), "entries")
}

fn host_id(field: &str, text: &str) -> ValidationResult {
    check_characters(field, text, &(1..=256))
}

fn task_id(field: &str, text: &str) -> ValidationResult {
    TaskId::parse(text)
        .map(drop)
        .map_err(|error| Violation::new(field, error.to_string()))
}

fn check_count(field: &str, count: usize, allowed: &RangeInclusive<usize>, unit: &str) -> ValidationResult {
    if allowed.contains(&count) {
        return Ok(());
    }
    let (min, max) = (allowed.start(), allowed.end());
    let rule = format!("{count} {unit}, but {min} to {max} are allowed");
    Err(Violation::new(field, rule))
}
