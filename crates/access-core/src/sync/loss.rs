//! Losses: what a full sync lacks of the sync that it replaces.

use std::fmt;

use serde::Serialize;

use crate::model::{EntitlementId, ResourceTypeId, RowKind, SyncId};

/// A loss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// Resources or grants.
    pub kind: RowKind,
    /// The type.
    pub resource_type: ResourceTypeId,
    /// The entitlement, if the loss is that it has no grants left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entitlement: Option<EntitlementId>,
    /// Rows in the previous sync.
    pub before: u64,
    /// Rows that still exist, by id.
    pub kept: u64,
    /// The previous sync.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<SyncId>,
    /// Missing rows that are not denied, if the loss consists of them.
    #[serde(skip_serializing_if = "is_zero")]
    pub unstated: u64,
    /// Whether the type is no longer read.
    #[serde(skip_serializing_if = "is_false")]
    pub not_read: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            resource_type,
            before,
            kept,
            unstated,
            ..
        } = self;
        let kind = self.kind.plural();
        if self.not_read {
            return write!(
                f,
                "type {resource_type} is not read any more ({before} {kind} before)"
            );
        }
        match &self.entitlement {
            Some(entitlement) => write!(f, "{entitlement} lost all of its {before} holders"),
            None if *unstated > 0 => {
                write!(
                    f,
                    "{unstated} of {before} {kind} of type {resource_type} are not stated"
                )
            }
            None => write!(f, "{kept} of {before} {kind} of type {resource_type} are left"),
        }
    }
}

/// An accepted loss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AcceptedLoss {
    /// The loss.
    #[serde(flatten)]
    pub loss: Loss,
    /// The option that accepted it, e.g. `--accept-drop role`.
    pub accepted_by: String,
}
