//! Records on their way into a comparison.

use std::cmp::Ordering;

use super::RecordKind;

/// A record as a comparison sees it. Values are texts; lists are JSON arrays, flags `true` or `false`.
pub trait Record {
    /// A part of the key, see [`RecordKind::key`].
    fn key(&self, part: usize) -> &str;

    /// The fields that are compared, see [`RecordKind::fields`]. They are the same on both sides of a comparison.
    fn fields(&self) -> &[&'static str];

    /// Whether a change of an attribute of the profile is no change of the record.
    fn ignores(&self, _attribute: &str) -> bool {
        false
    }

    /// A field, by its place in [`fields`](Self::fields).
    fn field(&self, n: usize) -> Option<&str>;

    /// A name for people, see [`RecordKind::names`].
    fn name(&self, n: usize) -> Option<&str>;

    /// The kind of resource that it is, or that it is held on.
    fn resource_type(&self) -> &str;

    /// All attributes as one text, only to be compared as a whole.
    fn profile(&self) -> Option<&str> {
        None
    }

    /// The attributes one by one in the order of their names, values as JSON.
    fn attributes(&self) -> Vec<(Box<str>, Box<str>)> {
        Vec::new()
    }
}

/// Records of one kind in the order of their keys, one at a time. Before the first [`advance`](Self::advance) and after one that
/// found nothing there is no record to look at.
pub trait Records: Record {
    /// Why records could not be read.
    type Error;

    /// Goes to the next record; false after the last.
    ///
    /// # Errors
    /// [`Self::Error`].
    fn advance(&mut self) -> Result<bool, Self::Error>;
}

/// Which of two sides is next in the order of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinSide {
    /// The old side's record is not on the new side.
    Old,
    /// The new side's record is not on the old side.
    New,
    /// Both sides have the record.
    Both,
}

impl JoinSide {
    /// Looks at the records at hand; nothing if both sides are at their end.
    #[must_use]
    pub fn next(subject: RecordKind, old: Option<&impl Record>, new: Option<&impl Record>) -> Option<Self> {
        Some(match (old, new) {
            (None, None) => return None,
            (Some(_), None) => Self::Old,
            (None, Some(_)) => Self::New,
            (Some(old), Some(new)) => match order(subject, old, new) {
                Ordering::Less => Self::Old,
                Ordering::Greater => Self::New,
                Ordering::Equal => Self::Both,
            },
        })
    }
}

/// The order of two records' keys.
pub fn order(subject: RecordKind, a: &impl Record, b: &impl Record) -> Ordering {
    (0..subject.key().len())
        .map(|part| a.key(part).cmp(b.key(part)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}
