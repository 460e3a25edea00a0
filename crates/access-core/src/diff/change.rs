//! What became of a record.

use serde::Serialize;

use super::Record;
use super::RecordKind;

/// What became of one record between two syncs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordChange {
    /// What it is.
    pub subject: RecordKind,
    /// Its key, see [`RecordKind::key`].
    pub key: Vec<Box<str>>,
    /// Added, removed or changed.
    pub kind: ChangeKind,
    /// The kind of resource that it is, or that it is held on.
    pub resource_type: Box<str>,
    /// Names for people, see [`RecordKind::names`]; those of the new side where it has the record.
    pub names: Vec<Option<Box<str>>>,
    /// The fields that differ; all that there are of a record that was added or removed.
    pub fields: Vec<FieldChange>,
}

/// Added, removed or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Only the new side has it.
    Added,
    /// Only the old side has it, and the new side would have it if it were still there.
    Removed,
    /// Both have it, with other fields.
    Changed,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// Its name; that of an attribute begins with `profile.`.
    pub field: Box<str>,
    /// What it was.
    pub old: Option<Box<str>>,
    /// What it is.
    pub new: Option<Box<str>>,
}

impl ChangeKind {
    /// The word.
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
    pub(super) fn whole(subject: RecordKind, kind: ChangeKind, record: &impl Record) -> Self {
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
            if !is_told(record, &name) {
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

    /// What changed of a record that both sides have; nothing if nothing did.
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

/// The fields in which two records of the same key differ.
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

/// Merges two sorted lists of attributes. What a field tells already is not told again.
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
        let told = is_told(record, &name);
        if was != is && !told {
            fields.push(FieldChange {
                field: attribute(&name),
                old: was,
                new: is,
            });
        }
    }
}

/// Whether a field tells an attribute already, or a change of it is no change.
fn is_told(record: &impl Record, attribute: &str) -> bool {
    record.fields().contains(&attribute) || record.ignores(attribute)
}

fn attribute(name: &str) -> Box<str> {
    format!("profile.{name}").into()
}
