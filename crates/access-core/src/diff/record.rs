//! Records as input of a comparison.

use std::cmp::Ordering;

use super::RecordKind;

/// A record with its comparable values as text; lists are JSON arrays, flags `true` or `false`.
pub trait Record {
    /// Part of the key, see [`RecordKind::key`].
    fn key(&self, part: usize) -> &str;

    /// Names of the compared fields, see [`RecordKind::fields`]. Both sides of a comparison have the same.
    fn fields(&self) -> &[&'static str];

    /// Whether changes of a profile attribute are ignored.
    fn ignores(&self, _attribute: &str) -> bool {
        false
    }

    /// A field by its index in [`fields`](Self::fields).
    fn field(&self, n: usize) -> Option<&str>;

    /// A display name by its index in [`RecordKind::names`].
    fn name(&self, n: usize) -> Option<&str>;

    /// Type of the resource; for entitlements and grants, of the resource they are on.
    fn resource_type(&self) -> &str;

    /// The complete profile as one text, used to skip equal profiles.
    fn profile(&self) -> Option<&str> {
        None
    }

    /// The profile attributes sorted by name, with JSON values.
    fn attributes(&self) -> Vec<(Box<str>, Box<str>)> {
        Vec::new()
    }
}

/// An iterator over records of one kind in key order. There is no current record before the first
/// [`advance`](Self::advance) or after one that returned false.
pub trait Records: Record {
    /// Error of reading records.
    type Error;

    /// Moves to the next record; returns false after the last.
    ///
    /// # Errors
    /// [`Self::Error`].
    fn advance(&mut self) -> Result<bool, Self::Error>;
}

/// The side of a merge join that has the next key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinSide {
    /// The next key exists on the old side only.
    Old,
    /// The next key exists on the new side only.
    New,
    /// The next key exists on both sides.
    Both,
}

impl JoinSide {
    /// Compares the keys of the current records; `None` if both sides are exhausted.
    #[must_use]
    pub fn next(subject: RecordKind, old: Option<&impl Record>, new: Option<&impl Record>) -> Option<Self> {
        Some(match (old, new) {
            (None, None) => return None,
            (Some(_), None) => Self::Old,
            (None, Some(_)) => Self::New,
            (Some(old), Some(new)) => match compare_keys(subject, old, new) {
                Ordering::Less => Self::Old,
                Ordering::Greater => Self::New,
                Ordering::Equal => Self::Both,
            },
        })
    }
}

/// Compares the keys of two records.
pub fn compare_keys(subject: RecordKind, a: &impl Record, b: &impl Record) -> Ordering {
    (0..subject.key().len())
        .map(|part| a.key(part).cmp(b.key(part)))
        .find(|compare_keys| compare_keys.is_ne())
        .unwrap_or(Ordering::Equal)
}
