//! Roles as provisioning sees them.

use std::collections::HashSet;

use super::{AccountKind, AccountSchema, Certainty, ProvisioningError};
use crate::model::{Entitlement, NativeId, Resource, ResourceId, ResourceTypeId, Slug};

/// What the things are called that can be changed, and what cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisioningTerms {
    /// The resource type of accounts.
    pub account_type: ResourceTypeId,
    /// The resource type of roles.
    pub role_type: ResourceTypeId,
    /// The slug of the entitlement that is granted.
    pub role_slug: Slug,
    /// Resource types whose entitlements can only be looked at.
    pub immutable_types: Vec<ResourceTypeId>,
    /// Names of permissions that belong to accounts themselves. No role gives them.
    pub account_permissions: Vec<&'static str>,
    /// What accounts are.
    pub accounts: &'static AccountSchema,
}

impl ProvisioningTerms {
    /// Refuses to make or remove anything but accounts. An empty type leaves the choice, and there is no other.
    ///
    /// # Errors
    /// [`ProvisioningError::NotAnAccountType`].
    pub fn require_account_type(
        &self,
        resource_type: &str,
        done: &'static str,
    ) -> Result<(), ProvisioningError> {
        if resource_type.is_empty() || resource_type == self.account_type.as_str() {
            return Ok(());
        }
        Err(ProvisioningError::NotAnAccountType {
            resource_type: resource_type.to_owned(),
            accounts: self.account_type.to_string(),
            done,
        })
    }
}

/// Who is in a role, as far as the tenant says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleMembers {
    /// All of them: the tenant gave a list, and every entry of it can be read.
    Known(HashSet<NativeId>),
    /// The tenant does not say; the text is the reason, for people. Nobody is known to be in the role then, and nobody
    /// is known not to be.
    Unknown(String),
}

impl RoleMembers {
    /// Whether an account is in the role.
    #[must_use]
    pub fn contain(&self, account: &NativeId) -> Certainty {
        match self {
            Self::Known(members) => Certainty::said(members.contains(account)),
            Self::Unknown(reason) => Certainty::Unknown(reason.clone()),
        }
    }
}

/// A role with those who hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The role, as a sync emits it.
    pub resource: Resource,
    /// Being assigned it.
    pub entitlement: Entitlement,
    /// The kind of accounts that can hold it; `None` if the tenant's word for it is not known here: then the tenant
    /// judges.
    pub holders: Option<AccountKind>,
    /// Accounts that hold it.
    pub members: RoleMembers,
}

impl Role {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &ResourceId {
        &self.resource.id
    }

    /// Name and entitlement id for people.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} ({})", self.resource.display_name, self.entitlement.id)
    }
}
