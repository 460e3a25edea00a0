//! The repairs of a response, for the warning about them.

use std::ops::AddAssign;

/// Numbers of repairs by type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Repairs {
    /// Halves of surrogate pairs, bytes that are not UTF-8, and cut escapes: U+FFFD stands for each.
    pub(crate) not_unicode: u64,
    /// Control characters and escapes that JSON does not have; repaired without loss.
    pub(crate) escapes: u64,
    /// Values such as `NaN`, read as null.
    pub(crate) not_numbers: u64,
}

impl Repairs {
    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl AddAssign for Repairs {
    fn add_assign(&mut self, other: Self) {
        self.not_unicode += other.not_unicode;
        self.escapes += other.escapes;
        self.not_numbers += other.not_numbers;
    }
}

/// A repaired entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RepairedEntry {
    /// Its position in the list, from 1.
    pub(crate) entry: u64,
    /// Its id, if it has one.
    pub(crate) id: Option<u64>,
    pub(crate) repairs: Repairs,
}

/// All repairs of a response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RepairLog {
    /// The first repaired entries.
    pub(crate) entries: Vec<RepairedEntry>,
    /// Number of all repaired entries.
    pub(crate) entry_count: u64,
    pub(crate) total: Repairs,
}

impl RepairLog {
    /// Maximum number of named entries.
    const MAX_NAMED: usize = 20;

    pub(super) fn add(&mut self, entry: RepairedEntry) {
        self.entry_count += 1;
        self.total += entry.repairs;
        if self.entries.len() < Self::MAX_NAMED {
            self.entries.push(entry);
        }
    }
}
