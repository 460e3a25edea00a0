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

#[cfg(test)]
mod tests {
    use access_core::model::{MAX_SOURCE_TEXT_BYTES, NativeId};
    use serde_json::{Value, json};

    use super::*;
    use crate::api::OrganizationRow;

    fn found(examples: &[&str]) -> Found {
        let mut found = Found::default();
        for example in examples {
            found.note(|| (*example).to_owned());
        }
        found
    }

    #[test]
    fn finding_counts_all_and_keeps_five_examples() {
        let mut few = found(&["a", "b", "c"]);
        assert_eq!((few.count, few.example().as_str()), (3, ", e.g. a"));
        few.add(found(&["d", "e", "f"]));
        assert_eq!((few.count, few.examples.concat().as_str()), (6, "abcde"));
        few.add(found(&["g"]));
        few.note(|| panic!("an example that is not kept is not made"));
        assert_eq!((few.count, few.examples.len()), (8, 5));
        let none = Found::default();
        assert_eq!((none.count, none.example().as_str()), (0, ""));
    }

    #[test]
    fn skipped_rows_are_counted_by_reason_and_bounded() {
        let mut skips = SkipCounts::default();
        let long = "w".repeat(MAX_SOURCE_TEXT_BYTES + 1);
        for _ in 0..=MAX_LEFT_OUT_ROWS {
            let words = Some(long.clone());
            let row = SkippedRow {
                words,
                ..SkippedRow::default()
            };
            skips.book(SkipReason::Duplicate, row);
        }
        skips.book(SkipReason::WrongShape, SkippedRow::default());
        let by_reason: Vec<_> = skips.by_reason().collect();
        let numbers: Vec<_> = by_reason
            .iter()
            .map(|(reason, skip)| (*reason, skip.count, skip.rows.len()))
            .collect();
        let expected = [
            (SkipReason::Duplicate, 1001, 1000),
            (SkipReason::WrongShape, 1, 1),
        ];
        assert_eq!(numbers, expected);
        let words = by_reason[0].1.rows[0].words.as_ref().unwrap();
        assert!(words.len() <= MAX_SOURCE_TEXT_BYTES, "{}", words.len());
    }

    fn unreadable(notes: &[(&'static str, &str)]) -> Unreadable {
        let mut unreadable = Unreadable::default();
        for (field, example) in notes {
            unreadable.note(field, || (*example).to_owned());
        }
        unreadable
    }

    #[test]
    fn unreadable_values_have_a_sentence_for_each_field() {
        let mut both = unreadable(&[("email", "Ada"), (ROW, "a row without a name")]);
        both.add(unreadable(&[("email", "Bob"), ("phone", "Cid")]));
        let counts = ["email", "phone", ROW, "uid"].map(|field| both.count(field));
        assert_eq!(counts, [2, 1, 1, 0]);
        let sentences: Vec<String> = both.reasons("/v2/users").map(|(_, sentence)| sentence).collect();
        insta::assert_snapshot!(sentences.join("\n"), @r#"
        email cannot be read in 2 rows of /v2/users, e.g. Ada
        phone cannot be read in 1 row of /v2/users, e.g. Cid
        1 row of /v2/users cannot be read, e.g. a row without a name
        "#);
    }

    #[test]
    fn clipped_labels_have_a_sentence_for_each_field() {
        let clipped = |fields: &[&'static str], example: &str| {
            let mut clipped = Clipped::default();
            clipped.note(fields.iter().copied(), || example.to_owned());
            clipped
        };
        let mut both = clipped(&["name", "description"], "organization 7");
        both.add(clipped(&["name"], "organization 8"));
        let sentences: Vec<String> = both.messages("/v2/organizations").collect();
        insta::assert_snapshot!(sentences.join("\n"), @r#"
        description has more than 4096 bytes in 1 row of /v2/organizations, e.g. organization 7: clipped
        name has more than 4096 bytes in 2 rows of /v2/organizations, e.g. organization 7: clipped
        "#);
    }

    fn row(value: Value) -> Row<OrganizationRow> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn only_rows_with_a_usable_id_are_used() {
        let mut findings = Findings::default();
        let (id, used) = findings.usable(row(json!({"id": 7, "name": "Acme"}))).unwrap();
        assert_eq!((id, used.name.text()), (7, Some("Acme")));
        assert_eq!(findings.skips.clone().by_reason().count(), 0);
        for unusable in [
            json!(null),
            json!("Acme"),
            json!({"name": "No id"}),
            json!({"id": {}, "name": "Odd id"}),
            json!({"id": [], "description": "no name either"}),
        ] {
            assert_eq!(findings.usable(row(unusable)), None);
        }
        findings.duplicate(
            ResourceId::new(organization_type(), NativeId::new("7").unwrap()),
            &used,
        );
        assert_eq!(findings.silent.count, 2);
        assert_eq!(findings.silent.examples, ["a row without a name", "No id"]);
        assert_eq!(
            (findings.unreadable.count(ROW), findings.unreadable.count(ID)),
            (1, 2)
        );
        let shown = |row: &SkippedRow| {
            let resource = row.resource.as_ref().map(ToString::to_string);
            format!(
                "{} {}",
                resource.unwrap_or_default(),
                row.words.as_deref().unwrap_or("-")
            )
        };
        let skips: Vec<String> = findings
            .skips
            .by_reason()
            .map(|(reason, skip)| {
                let rows: Vec<String> = skip.rows.iter().map(shown).collect();
                format!("{reason:?} {}: {}", skip.count, rows.join(","))
            })
            .collect();
        insta::assert_snapshot!(skips.join("\n"), @r#"
        UnusableId 3:  No id, Odd id, -
        Duplicate 1: organization:7 Acme
        WrongShape 2:  -, -
        "#);
    }

    #[test]
    fn fields_of_a_page_row_are_recorded() {
        let mut findings = Findings::default();
        let Row::Object(row) = row(json!({"id": 7, "name": "n".repeat(5000), "description": 5})) else {
            panic!("not an object");
        };
        findings.fields(&row, || "unreadable".to_owned(), || "clipped".to_owned());
        assert_eq!(findings.unreadable.count("description"), 1);
        let messages: Vec<String> = findings.clipped.messages("/v2/organizations").collect();
        assert_eq!(
            messages,
            ["name has more than 4096 bytes in 1 row of /v2/organizations, e.g. clipped: clipped"]
        );
    }
}
