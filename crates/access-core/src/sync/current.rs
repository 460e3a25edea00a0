//! Ids of the data of a run, for comparison with the previous sync.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{EntitlementId, ResourceTypeId};

use super::resource_index::{Ordinal, ResourceIndex};
use super::unstated_index::UnstatedIndex;

/// Resources and grants of a run by id. Takes a few dozen bytes per resource and entitlement, and 4 bytes per grant.
#[derive(Debug, Default)]
pub struct CurrentSync {
    pub(super) resources: ResourceIndex,
    pub(super) entitlements: HashMap<EntitlementId, Arc<EntitlementHolders>>,
    pub(super) unstated: UnstatedIndex,
}

/// An entitlement and its principals.
#[derive(Debug)]
pub(super) struct EntitlementHolders {
    pub(super) resource_type: ResourceTypeId,
    /// Sorted when the entitlement is closed.
    pub(super) holders: Box<[Ordinal]>,
    pub(super) closed: bool,
}

impl EntitlementHolders {
    pub(super) fn new(resource_type: ResourceTypeId) -> Self {
        Self {
            resource_type,
            holders: Box::default(),
            closed: false,
        }
    }

    pub(super) fn contains(&self, ordinal: Ordinal) -> bool {
        self.holders.binary_search(&ordinal).is_ok()
    }
}

impl CurrentSync {
    /// All resources, indexed by the ordinals that [`holders`](Self::holders) returns.
    #[must_use]
    pub fn resources(&self) -> Vec<(&ResourceTypeId, String)> {
        self.resources.in_order()
    }

    /// Every entitlement with the sorted ordinals of its principals.
    pub fn holders(&self) -> impl Iterator<Item = (&EntitlementId, &[u32])> {
        let entitlements = self.entitlements.iter();
        entitlements.map(|(id, state)| (id, state.holders.as_ref()))
    }
}
