//! Roles in provisioning.

use std::collections::HashSet;

use super::{AccountKind, AccountSchema, Certainty, ProvisioningError};
use crate::model::{Entitlement, NativeId, Resource, ResourceId, ResourceTypeId, Slug};

/// Resource types, slugs and account rules of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisioningTerms {
    /// The resource type of accounts.
    pub account_type: ResourceTypeId,
    /// The resource type of roles.
    pub role_type: ResourceTypeId,
    /// Slug of the grantable entitlement.
    pub role_slug: Slug,
    /// Resource types with read-only entitlements.
    pub immutable_types: Vec<ResourceTypeId>,
    /// Names of permissions that belong to accounts and cannot be granted by roles.
    pub account_permissions: Vec<&'static str>,
    /// The account schema.
    pub accounts: &'static AccountSchema,
}

impl ProvisioningTerms {
    /// Requires the account type. An empty type is accepted, because there is no other choice.
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

/// Members of a role, as far as the tenant lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleMembers {
    /// The complete list; every entry is readable.
    Known(HashSet<NativeId>),
    /// The tenant does not list them; the text is the reason, for messages. No account is known to be, or not to be, a
    /// member.
    Unknown(String),
}

impl RoleMembers {
    /// Whether an account is in the role.
    #[must_use]
    pub fn contains(&self, account: &NativeId) -> Certainty {
        match self {
            Self::Known(members) => Certainty::from_bool(members.contains(account)),
            Self::Unknown(reason) => Certainty::Unknown(reason.clone()),
        }
    }
}

/// A role and its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The role, as in a sync.
    pub resource: Resource,
    /// Its entitlement.
    pub entitlement: Entitlement,
    /// The account kind that the role is for; `None` if it is unknown: then the tenant decides.
    pub holders: Option<AccountKind>,
    /// The members.
    pub members: RoleMembers,
}

impl Role {
    /// The id.
    #[must_use]
    pub fn id(&self) -> &ResourceId {
        &self.resource.id
    }

    /// Name and entitlement id for messages.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} ({})", self.resource.display_name, self.entitlement.id)
    }
}
