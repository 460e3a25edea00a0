//! Plans: changes with resolved names and the remaining step.

use super::{Account, AccountChanges, ChangeOperation, Membership, NewAccount, Role, Step};
use crate::model::{GrantId, IdError, NativeId, ResourceId};
use crate::ports::Warning;

/// A planned change: the current state and the remaining step. Nothing has been written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The change with resolved names.
    pub change: ResolvedChange,
    /// The remaining step; `None` if the tenant already is in the requested state.
    pub step: Option<Step>,
    /// Warnings before execution.
    pub warnings: Vec<Warning>,
}

/// A change with resolved names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolvedChange {
    /// Assign the role to the account.
    Grant {
        /// The role.
        role: Box<Role>,
        /// The account.
        account: Principal,
    },
    /// Remove the role from the account.
    Revoke {
        /// The role; `None` if it is not listed.
        role: Option<Box<Role>>,
        /// The id of the role.
        requested: ResourceId,
        /// The account.
        account: Principal,
    },
    /// Create the account.
    CreateAccount {
        /// The requested account.
        requested: Box<NewAccount>,
        /// An existing account with this kind and address.
        existing: Option<Box<Account>>,
        /// The requested roles.
        roles: Vec<Role>,
    },
    /// Update the account.
    UpdateAccount {
        /// The account.
        account: Box<Account>,
        /// The changes.
        changes: AccountChanges,
    },
    /// Delete the account.
    DeleteAccount {
        /// The account id.
        id: ResourceId,
        /// The account, if it exists.
        account: Option<Box<Account>>,
    },
}

/// The account of a grant. Only the id is known if a role lists a member that no longer exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The id.
    pub id: ResourceId,
    /// The account, if it was looked up.
    pub account: Option<Box<Account>>,
}

impl Principal {
    /// Name and id for messages.
    #[must_use]
    pub fn label(&self) -> String {
        self.account
            .as_ref()
            .map_or_else(|| self.id.to_string(), |account| account.label())
    }
}

impl Plan {
    /// The change with resolved names.
    #[must_use]
    pub fn kind(&self) -> ChangeOperation {
        match &self.change {
            ResolvedChange::Grant { .. } => ChangeOperation::Grant,
            ResolvedChange::Revoke { .. } => ChangeOperation::Revoke,
            ResolvedChange::CreateAccount { .. } => ChangeOperation::CreateAccount,
            ResolvedChange::UpdateAccount { .. } => ChangeOperation::UpdateAccount,
            ResolvedChange::DeleteAccount { .. } => ChangeOperation::DeleteAccount,
        }
    }

    /// All steps. Steps after the creation of an account need its id, for which `created` stands.
    #[must_use]
    pub fn steps(&self, created: &NativeId) -> Vec<Step> {
        let roles = match &self.change {
            ResolvedChange::CreateAccount {
                roles,
                existing: None,
                ..
            } => roles.as_slice(),
            _ => &[],
        };
        let roles = roles
            .iter()
            .map(|role| Step::AddMember(Membership::new(role, created)));
        self.step.clone().into_iter().chain(roles).collect()
    }

    /// The id of the grant that is created or removed.
    ///
    /// # Errors
    /// [`IdError`] if it exceeds the limit.
    pub fn grant_id(&self) -> Result<Option<GrantId>, IdError> {
        match &self.change {
            ResolvedChange::Grant { role, account }
            | ResolvedChange::Revoke {
                role: Some(role),
                account,
                ..
            } => grant_id(role, &account.id).map(Some),
            _ => Ok(None),
        }
    }

    /// Description of the change with resolved names.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.change {
            ResolvedChange::Grant { role, account } => {
                format!("grant {} to {}", role.label(), account.label())
            }
            ResolvedChange::Revoke {
                role,
                requested,
                account,
            } => {
                let role = role
                    .as_ref()
                    .map_or_else(|| requested.to_string(), |role| role.label());
                format!("revoke {role} from {}", account.label())
            }
            ResolvedChange::CreateAccount { requested, roles, .. } => {
                let roles: Vec<String> = roles.iter().map(Role::label).collect();
                let roles = if roles.is_empty() {
                    String::new()
                } else {
                    format!(" with {}", roles.join(", "))
                };
                format!("create {}{roles}", requested.label())
            }
            ResolvedChange::UpdateAccount { account, changes } => {
                format!("change {}: {}", account.label(), changes.label())
            }
            ResolvedChange::DeleteAccount { id, account } => {
                let account = account
                    .as_ref()
                    .map_or_else(|| id.to_string(), |account| account.label());
                format!("delete {account}")
            }
        }
    }
}

fn grant_id(role: &Role, account: &ResourceId) -> Result<GrantId, IdError> {
    role.entitlement.id.grant_to(&account.resource_type, &account.id)
}
