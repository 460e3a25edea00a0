//! What may be read as gone.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Completeness, ResourceTypeId, SyncType};

use super::Record;
use super::RecordKind;

/// Says of which records the new side can be believed that they are gone: a sync of everything, and types whose data was read to
/// the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemovalPolicy {
    complete: BTreeSet<Box<str>>,
    any_type: bool,
}

impl RemovalPolicy {
    /// What a sync with a word for every type can be believed.
    #[must_use]
    pub fn from_completeness(
        sync_type: SyncType,
        completeness: &BTreeMap<ResourceTypeId, Completeness>,
    ) -> Self {
        let complete = completeness
            .iter()
            .filter(|(_, state)| **state == Completeness::Complete);
        Self::from_complete_types(sync_type == SyncType::Full, complete.map(|(id, _)| id.as_str()))
    }

    /// What a sync can be believed whose complete types are these.
    #[must_use]
    pub fn from_complete_types<'a>(full: bool, complete: impl IntoIterator<Item = &'a str>) -> Self {
        let complete = complete.into_iter().filter(|_| full).map(Box::from).collect();
        Self {
            complete,
            any_type: false,
        }
    }

    /// Everything that is missing is gone: a file says so of all its types by being a full sync.
    #[must_use]
    pub fn confirm_all() -> Self {
        Self {
            complete: BTreeSet::new(),
            any_type: true,
        }
    }

    /// Whether a record that is missing is gone. A grant depends on both of its ends: where not all principals were read, those
    /// that were not have no grants either.
    pub fn confirms(&self, subject: RecordKind, record: &impl Record) -> bool {
        let complete = |id: &str| self.any_type || self.complete.contains(id);
        complete(record.resource_type()) && (subject != RecordKind::Grant || complete(record.key(1)))
    }
}
