//! What can be held.

use serde::Serialize;

use super::{Description, DisplayName, EntitlementId, IdError, ResourceId, ResourceTypeId, Slug};

/// Something one can hold on a resource, e.g. being assigned a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entitlement {
    /// Its id, made of the resource and the slug.
    pub id: EntitlementId,
    /// The resource it is held on.
    pub resource: ResourceId,
    /// Which of the resource's entitlements it is.
    pub slug: Slug,
    /// Its name for people.
    pub display_name: DisplayName,
    /// What holding it means.
    pub description: Option<Description>,
    /// What sort of thing is held.
    pub purpose: Purpose,
    /// The kinds of principals that can hold it.
    pub grantable_to: Vec<ResourceTypeId>,
    /// Whether it can only be looked at: nobody but the tenant itself can grant or revoke it.
    pub immutable: bool,
}

impl Entitlement {
    /// An entitlement with its id put together in the frozen form; mutable, without description.
    ///
    /// # Errors
    /// [`IdError::TooLong`] if the id would be longer than an id may be.
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

/// Sorts of entitlements (docs/reference/c1z.md §4.1, `Entitlement.PurposeValue`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The source does not say.
    Unspecified,
    /// Being a member or assignee.
    Assignment,
    /// Being allowed something.
    Permission,
    /// Owning it.
    Ownership,
}

impl Purpose {
    /// The word in datasets and documents.
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
