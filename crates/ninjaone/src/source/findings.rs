//! What a list leaves open: rows of no use, rows that nothing tells from others, values that are not readable.

use std::collections::BTreeMap;

use access_core::model::{MAX_LEFT_OUT_ROWS, ResourceTypeId, clip_source_text};
use access_core::ports::{SkipReason, SkippedRow};

use crate::api::Id;
use crate::api::MAX_LABEL_BYTES;
use crate::api::Row;
use crate::api::Said;
use crate::mapping::{device_type, organization_type, role_type, tenant_type, user_type};

/// Rows that are named of those that are silent about something.
const MAX_EXAMPLES: usize = 5;

/// A row that is no object.
const ROW: &str = "row";
/// The field that names a row.
const ID: &str = "id";

/// Rows that are of no use, and those of them that can be named.
#[derive(Debug, Clone, Default)]
pub(super) struct SkipCounts {
    unusable: Skip,
    duplicate: Skip,
    wrong_shape: Skip,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Skip {
    pub(super) count: u64,
    pub(super) rows: Vec<SkippedRow>,
}

impl Skip {
    fn book(&mut self, row: SkippedRow) {
        self.count += 1;
        if self.rows.len() < MAX_LEFT_OUT_ROWS {
            let words = row.words.map(|words| clip_source_text(&words));
            self.rows.push(SkippedRow { words, ..row });
        }
    }
}

impl SkipCounts {
    pub(super) fn book(&mut self, reason: SkipReason, row: SkippedRow) {
        match reason {
            SkipReason::UnusableId => self.unusable.book(row),
            SkipReason::Duplicate => self.duplicate.book(row),
            SkipReason::WrongShape => self.wrong_shape.book(row),
        }
    }

    pub(super) fn by_reason(self) -> impl Iterator<Item = (SkipReason, Skip)> {
        let skips = [
            (SkipReason::UnusableId, self.unusable),
            (SkipReason::Duplicate, self.duplicate),
            (SkipReason::WrongShape, self.wrong_shape),
        ];
        skips.into_iter().filter(|(_, skip)| skip.count > 0)
    }
}

/// How often something was found, with the first rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) count: u64,
    pub(super) examples: Vec<String>,
}

impl Found {
    pub(super) fn note(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(example());
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.count += other.count;
        let room = MAX_EXAMPLES.saturating_sub(self.examples.len());
        self.examples.extend(other.examples.into_iter().take(room));
    }

    /// `, e.g. Ada Example (user 7)`, or nothing.
    pub(super) fn example(&self) -> String {
        match self.examples.first() {
            Some(example) => format!(", e.g. {example}"),
            None => String::new(),
        }
    }
}

/// Values of another type than is due, by field.
#[derive(Debug, Clone, Default)]
pub(super) struct Unreadable(BTreeMap<&'static str, Found>);

impl Unreadable {
    pub(super) fn note(&mut self, field: &'static str, example: impl FnOnce() -> String) {
        self.0.entry(field).or_default().note(example);
    }

    pub(super) fn add(&mut self, other: Self) {
        for (field, found) in other.0 {
            self.0.entry(field).or_default().add(found);
        }
    }

    /// How many rows of a field could not be read.
    pub(super) fn count(&self, field: &str) -> u64 {
        self.0.get(field).map_or(0, |found| found.count)
    }

    /// Field by field, with a sentence about it.
    pub(super) fn reasons(&self, list: &str) -> impl Iterator<Item = (&'static str, String)> {
        self.0.iter().map(move |(field, found)| {
            let rows = if found.count == 1 { "row" } else { "rows" };
            let what = match *field {
                ROW => format!("{} {rows} of {list} cannot be read", found.count),
                _ => format!("{field} cannot be read in {} {rows} of {list}", found.count),
            };
            (*field, format!("{what}{}", found.example()))
        })
    }
}

/// Labels that were longer than is kept, by field.
#[derive(Debug, Clone, Default)]
pub(super) struct Clipped(BTreeMap<&'static str, Found>);

impl Clipped {
    pub(super) fn note(&mut self, fields: impl Iterator<Item = &'static str>, example: impl Fn() -> String) {
        for field in fields {
            self.0.entry(field).or_default().note(&example);
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        for (field, found) in other.0 {
            self.0.entry(field).or_default().add(found);
        }
    }

    /// A sentence for each field.
    pub(super) fn messages(&self, list: &str) -> impl Iterator<Item = String> {
        self.0.iter().map(move |(field, found)| {
            let rows = if found.count == 1 { "row" } else { "rows" };
            format!(
                "{field} has more than {MAX_LABEL_BYTES} bytes in {} {rows} of {list}{}: clipped",
                found.count,
                found.example()
            )
        })
    }
}

/// What a list leaves open.
#[derive(Debug, Clone, Default)]
pub(super) struct Findings {
    pub(super) skips: SkipCounts,
    /// Rows of which no id is said.
    pub(super) silent: Found,
    pub(super) unreadable: Unreadable,
    pub(super) clipped: Clipped,
}

impl Findings {
    /// The row, if its id tells it from others; books it otherwise.
    pub(super) fn usable<T>(
        &mut self,
        row: Row<T>,
        id: impl FnOnce(&T) -> Id,
        words: impl FnOnce(&T) -> Option<Box<str>>,
    ) -> Option<(u64, T)> {
        let nameless = || "a row without a name".to_owned();
        let row = match row {
            Row::Object(row) => row,
            Row::Null => {
                self.skips.book(SkipReason::WrongShape, SkippedRow::default());
                self.silent.note(nameless);
                return None;
            }
            Row::Other => {
                self.skips.book(SkipReason::WrongShape, SkippedRow::default());
                self.unreadable.note(ROW, nameless);
                return None;
            }
        };
        let id = id(&row);
        if let Said::Said(id) = id {
            return Some((id, row));
        }
        let words = words(&row).map(String::from);
        let example = || words.clone().unwrap_or_else(nameless);
        if id.is_not_readable() {
            self.unreadable.note(ID, example);
        } else {
            self.silent.note(example);
        }
        let row = SkippedRow {
            words,
            ..SkippedRow::default()
        };
        self.skips.book(SkipReason::UnusableId, row);
        None
    }
}

/// The types that depend on a field of a user.
pub(super) fn types_of_user_field(field: &str) -> Vec<ResourceTypeId> {
    match field {
        ROW | ID => vec![
            user_type(),
            role_type(),
            organization_type(),
            tenant_type(),
            device_type(),
        ],
        "administrator" | "permitAllClients" | "fullPortalAccess" => vec![tenant_type(), user_type()],
        "organizationId" => vec![organization_type(), user_type()],
        "userType" => vec![user_type(), organization_type(), tenant_type(), role_type()],
        "roles" => vec![role_type(), user_type()],
        "deviceIds" | "accessibleDeviceIds" | "assignedDeviceIds" => vec![device_type()],
        _ => vec![user_type()],
    }
}
