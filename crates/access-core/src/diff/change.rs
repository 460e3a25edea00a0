//! Changes of single records.

use serde::Serialize;

use super::Record;
use super::RecordKind;

/// A record that differs between two syncs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordChange {
    /// The kind of the record.
    pub subject: RecordKind,
    /// The key, see [`RecordKind::key`].
    pub key: Vec<Box<str>>,
    /// How the record changed.
    pub kind: ChangeKind,
    /// Type of the resource; for entitlements and grants, of the resource they are on.
    pub resource_type: Box<str>,
    /// Display names, see [`RecordKind::names`]; from the new side if it has the record.
    pub names: Vec<Option<Box<str>>>,
    /// The fields that differ; for added and removed records, all fields with a value.
    pub fields: Vec<FieldChange>,
}

/// How the record changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Only the new side has the record.
    Added,
    /// Only the old side has the record, and the new side covers its type completely.
    Removed,
    /// Both sides have the record with different fields.
    Changed,
}

/// A field with its old and new value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// Name of the field; profile attributes have the prefix `profile.`.
    pub field: Box<str>,
    /// The old value.
    pub old: Option<Box<str>>,
    /// The kind of the record.
    pub new: Option<Box<str>>,
}

impl ChangeKind {
    /// The serialized name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

impl RecordChange {
    pub(super) fn added_or_removed(subject: RecordKind, kind: ChangeKind, record: &impl Record) -> Self {
        let side = |value: Option<&str>| match kind {
            ChangeKind::Removed => (value.map(Box::from), None),
            ChangeKind::Added | ChangeKind::Changed => (None, value.map(Box::from)),
        };
        let mut fields = Vec::new();
        for (n, field) in record.fields().iter().enumerate() {
            if let Some(value) = record.field(n) {
                let (old, new) = side(Some(value));
                fields.push(FieldChange {
                    field: (*field).into(),
                    old,
                    new,
                });
            }
        }
        for (name, value) in record.attributes() {
            if !is_redundant(record, &name) {
                let (old, new) = side(Some(&value));
                fields.push(FieldChange {
                    field: attribute(&name),
                    old,
                    new,
                });
            }
        }
        Self::new(subject, kind, record, fields)
    }

    /// The change of a record that both sides have; `None` if all compared fields are equal.
    pub(super) fn between(subject: RecordKind, old: &impl Record, new: &impl Record) -> Option<Self> {
        let fields = changed_fields(old, new);
        (!fields.is_empty()).then(|| Self::new(subject, ChangeKind::Changed, new, fields))
    }

    fn new(subject: RecordKind, kind: ChangeKind, record: &impl Record, fields: Vec<FieldChange>) -> Self {
        Self {
            subject,
            key: (0..subject.key().len())
                .map(|part| record.key(part).into())
                .collect(),
            kind,
            resource_type: record.resource_type().into(),
            names: (0..subject.names().len())
                .map(|n| record.name(n).map(Box::from))
                .collect(),
            fields,
        }
    }
}

/// Compares two records with the same key.
pub fn changed_fields(old: &impl Record, new: &impl Record) -> Vec<FieldChange> {
    let mut fields = Vec::new();
    for (n, field) in new.fields().iter().enumerate() {
        let (old, new) = (old.field(n), new.field(n));
        if old != new {
            fields.push(FieldChange {
                field: (*field).into(),
                old: old.map(Box::from),
                new: new.map(Box::from),
            });
        }
    }
    if old.profile() != new.profile() {
        attributes(new, old.attributes(), new.attributes(), &mut fields);
    }
    fields
}

/// Compares two sorted lists of attributes and skips those that a field covers.
fn attributes(
    record: &impl Record,
    old: Vec<(Box<str>, Box<str>)>,
    new: Vec<(Box<str>, Box<str>)>,
    fields: &mut Vec<FieldChange>,
) {
    let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
    while let Some(name) = [old.peek(), new.peek()]
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .min()
    {
        let was = old.next_if(|(other, _)| *other == name).map(|(_, value)| value);
        let is = new.next_if(|(other, _)| *other == name).map(|(_, value)| value);
        let redundant = is_redundant(record, &name);
        if was != is && !redundant {
            fields.push(FieldChange {
                field: attribute(&name),
                old: was,
                new: is,
            });
        }
    }
}

/// Whether an attribute is covered by a field or excluded from comparison.
fn is_redundant(record: &impl Record, attribute: &str) -> bool {
    record.fields().contains(&attribute) || record.ignores(attribute)
}

fn attribute(name: &str) -> Box<str> {
    format!("profile.{name}").into()
}
