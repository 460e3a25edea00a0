//! Which missing records count as removed.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Completeness, ResourceTypeId, SyncType};

use super::Record;
use super::RecordKind;

/// Decides which missing records count as removed: those of complete types in a full sync.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemovalPolicy {
    complete: BTreeSet<Box<str>>,
    any_type: bool,
}

impl RemovalPolicy {
    /// The policy of a sync with known completeness for each type.
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

    /// The policy of a sync with the given complete types.
    #[must_use]
    pub fn from_complete_types<'a>(full: bool, complete: impl IntoIterator<Item = &'a str>) -> Self {
        let complete = complete.into_iter().filter(|_| full).map(Box::from).collect();
        Self {
            complete,
            any_type: false,
        }
    }

    /// Every missing record counts as removed. For c1z files, where a full sync covers all its types.
    #[must_use]
    pub fn confirm_all() -> Self {
        Self {
            complete: BTreeSet::new(),
            any_type: true,
        }
    }

    /// Whether a missing record counts as removed. A grant depends on the types of both ends: if not all principals
    /// were read, grants of the others are missing too.
    pub fn confirms(&self, subject: RecordKind, record: &impl Record) -> bool {
        let complete = |id: &str| self.any_type || self.complete.contains(id);
        complete(record.resource_type()) && (subject != RecordKind::Grant || complete(record.key(1)))
    }
}
