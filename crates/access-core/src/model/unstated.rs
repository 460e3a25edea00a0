//! Access that the tenant does not state: an absent field or `null` (docs/reference/design.md §3: *not said*). It is neither
//! yes nor no.

use serde::Serialize;

use super::{EntitlementId, NativeId, ResourceTypeId};

/// Something that the tenant does not say. Whoever held it in the sync before may hold it still, so the pipeline compares:
/// if the sync before had rows in this scope that are missing now, the type is not complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unstated {
    /// Which rows may exist without being listed.
    pub scope: UnstatedScope,
    /// The field or list that is silent, for people, e.g. `members of roles`. Equal texts are counted together.
    pub field: String,
    /// How many rows of the tenant's answers are silent about it.
    pub count: u64,
    /// Some of these rows, for people, e.g. `Service Desk (role 3)`; a few are enough.
    pub examples: Vec<String>,
    /// What this silence is worth where there is no earlier full sync to compare with.
    pub without_baseline: WithoutBaseline,
}

/// What silence is worth where nothing can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutBaseline {
    /// Normal: an instance may send `null` for what is empty.
    Complete,
    /// Never normal, e.g. if no role at all says who is in it: the type is not complete.
    Incomplete,
    /// No tenant is like that, e.g. one with technicians and without any role: the type is not complete, and a place whose
    /// earlier full sync cannot be known gets nothing at all.
    Implausible,
}

/// Which rows may exist although no answer lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnstatedScope {
    /// Grants of this entitlement, to anybody.
    Holders(EntitlementId),
    /// Grants of this entitlement to these principals.
    Grants {
        /// What may be held.
        entitlement: EntitlementId,
        /// The type of the principals.
        principal_type: ResourceTypeId,
        /// Who may hold it.
        principals: Vec<NativeId>,
    },
    /// Grants on any resource of a type to these principals.
    GrantsOn {
        /// The type of the resources on which something may be held.
        resource_type: ResourceTypeId,
        /// The type of the principals.
        principal_type: ResourceTypeId,
        /// Who may hold something.
        principals: Vec<NativeId>,
    },
    /// Grants on any resource of this type, to anybody.
    AllGrants(ResourceTypeId),
    /// Resources of this type, with everything that is held on them or by them.
    Resources(ResourceTypeId),
}

impl UnstatedScope {
    /// The type whose completeness depends on it.
    #[must_use]
    pub fn resource_type(&self) -> ResourceTypeId {
        match self {
            Self::Holders(entitlement) | Self::Grants { entitlement, .. } => entitlement.resource_type(),
            Self::GrantsOn { resource_type, .. }
            | Self::AllGrants(resource_type)
            | Self::Resources(resource_type) => resource_type.clone(),
        }
    }
}

/// A silent field in the summary of a sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnstatedNote {
    /// The type whose access it is about.
    pub resource_type: ResourceTypeId,
    /// The field or list, e.g. `members of roles`.
    pub field: String,
    /// How many rows are silent about it.
    pub count: u64,
    /// Some of them.
    pub examples: Vec<String>,
}
