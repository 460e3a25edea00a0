//! Access that the tenant does not report: an absent field or `null` (docs/reference/design.md §3). It is neither
//! granted nor denied.

use serde::Serialize;

use super::{EntitlementId, NativeId, ResourceTypeId};

/// Access that the tenant does not report. Grants of the previous sync in this scope may still exist, so the pipeline
/// compares: if any of them are missing now, the type is incomplete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unstated {
    /// Rows that may exist although no response lists them.
    pub scope: UnstatedScope,
    /// The missing field or list for messages, e.g. `members of roles`. Equal texts are counted together.
    pub field: String,
    /// Number of rows without the field.
    pub count: u64,
    /// Examples of these rows, e.g. `Service Desk (role 3)`.
    pub examples: Vec<String>,
    /// Consequence if there is no previous full sync to compare with.
    pub without_baseline: WithoutBaseline,
}

/// Consequence of missing information without a previous sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutBaseline {
    /// Expected: an instance may send `null` for an empty value. The type is complete.
    Complete,
    /// Unexpected, e.g. no role lists its members. The type is incomplete.
    Incomplete,
    /// Impossible in a real tenant, e.g. users exist but no roles. The type is incomplete, and nothing is published to
    /// a location whose previous full sync is unknown.
    Implausible,
}

/// The rows that may exist although no response lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnstatedScope {
    /// All grants of this entitlement.
    Holders(EntitlementId),
    /// Grants of this entitlement to these principals.
    Grants {
        /// The entitlement.
        entitlement: EntitlementId,
        /// The type of the principals.
        principal_type: ResourceTypeId,
        /// The principals.
        principals: Vec<NativeId>,
    },
    /// Grants on any resource of a type to these principals.
    GrantsOn {
        /// The resource type.
        resource_type: ResourceTypeId,
        /// The type of the principals.
        principal_type: ResourceTypeId,
        /// The principals.
        principals: Vec<NativeId>,
    },
    /// All grants on resources of this type.
    AllGrants(ResourceTypeId),
    /// Resources of this type, with all grants on them and to them.
    Resources(ResourceTypeId),
}

impl UnstatedScope {
    /// The type whose completeness is affected.
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

/// A missing field in the summary of a sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnstatedNote {
    /// The affected type.
    pub resource_type: ResourceTypeId,
    /// The field or list, e.g. `members of roles`.
    pub field: String,
    /// Number of rows without it.
    pub count: u64,
    /// Examples.
    pub examples: Vec<String>,
}
