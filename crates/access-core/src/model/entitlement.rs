//! Entitlements.

use serde::Serialize;

use super::{Description, DisplayName, EntitlementId, IdError, ResourceId, ResourceTypeId, Slug};

/// Access that can be granted on a resource, e.g. membership of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entitlement {
    /// The id, built from the resource and the slug.
    pub id: EntitlementId,
    /// The resource.
    pub resource: ResourceId,
    /// Name of the entitlement within its resource.
    pub slug: Slug,
    /// The display name.
    pub display_name: DisplayName,
    /// What the entitlement allows.
    pub description: Option<Description>,
    /// The purpose.
    pub purpose: Purpose,
    /// Resource types of the principals it can be granted to.
    pub grantable_to: Vec<ResourceTypeId>,
    /// Whether it is read-only: no connector can grant or revoke it.
    pub immutable: bool,
}

impl Entitlement {
    /// A mutable entitlement without description. The id is built in the frozen form.
    ///
    /// # Errors
    /// [`IdError::TooLong`] if the id exceeds the limit.
    pub fn new(
        resource: ResourceId,
        slug: Slug,
        display_name: DisplayName,
        purpose: Purpose,
        grantable_to: Vec<ResourceTypeId>,
    ) -> Result<Self, IdError> {
        let id = resource.entitlement(&slug)?;
        Ok(Self {
            id,
            resource,
            slug,
            display_name,
            description: None,
            purpose,
            grantable_to,
            immutable: false,
        })
    }
}

/// The purpose of an entitlement (docs/reference/c1z.md §4.1, `Entitlement.PurposeValue`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Unknown to the source.
    Unspecified,
    /// Membership or assignment.
    Assignment,
    /// A permission.
    Permission,
    /// Ownership.
    Ownership,
}

impl Purpose {
    /// The name in datasets and documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Assignment => "assignment",
            Self::Permission => "permission",
            Self::Ownership => "ownership",
        }
    }
}
