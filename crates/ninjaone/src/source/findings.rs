//! Problems in a list: skipped rows, and unreadable or clipped values.

use std::collections::BTreeMap;

use access_core::model::{MAX_LEFT_OUT_ROWS, ResourceId, ResourceTypeId, clip_source_text};
use access_core::ports::{SkipReason, SkippedRow};

use crate::api::ListRow;
use crate::api::MAX_LABEL_BYTES;
use crate::api::PagedRow;
use crate::api::Row;
use crate::api::Stated;
use crate::mapping::{device_type, organization_type, role_type, tenant_type, user_type};

/// Maximum number of examples of a finding.
const MAX_EXAMPLES: usize = 5;

/// A row that is not an object.
const ROW: &str = "row";
/// The field that identifies a row.
const ID: &str = "id";

/// Skipped rows by reason, with the first ones by name.
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

/// The number of occurrences, with the first examples.
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

/// Values of an unexpected type, by field.
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

    /// Number of rows in which a field is unreadable.
    pub(super) fn count(&self, field: &str) -> u64 {
        self.0.get(field).map_or(0, |found| found.count)
    }

    /// Each field with a sentence about it.
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

/// Labels that were clipped, by field.
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

/// The findings of a list.
#[derive(Debug, Clone, Default)]
pub(super) struct Findings {
    pub(super) skips: SkipCounts,
    /// Rows without an id.
    pub(super) silent: Found,
    pub(super) unreadable: Unreadable,
    pub(super) clipped: Clipped,
}

impl Findings {
    /// Returns a row with a usable id, and counts any other as skipped.
    pub(super) fn usable<T: ListRow>(&mut self, row: Row<T>) -> Option<(u64, T)> {
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
        let id = row.id();
        if let Stated::Value(id) = id {
            return Some((id, row));
        }
        let words = row.label().map(String::from);
        let example = || words.clone().unwrap_or_else(nameless);
        if id.is_unreadable() {
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

    /// Counts a row with the id of an earlier row.
    pub(super) fn duplicate(&mut self, id: ResourceId, row: &impl ListRow) {
        let skipped = SkippedRow {
            resource: Some(id),
            words: row.label().map(String::from),
            ..SkippedRow::default()
        };
        self.skips.book(SkipReason::Duplicate, skipped);
    }

    /// Records the unreadable and the clipped fields of a row.
    pub(super) fn fields(
        &mut self,
        row: &impl PagedRow,
        unreadable_example: impl Fn() -> String,
        clipped_example: impl Fn() -> String,
    ) {
        for field in row.unreadable() {
            self.unreadable.note(field, &unreadable_example);
        }
        self.clipped.note(row.clipped(), clipped_example);
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
