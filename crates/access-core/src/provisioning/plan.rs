//! What is going to be done, with the reasons looked up.

use super::audit::{role_state, state};
use super::{
    Account, AccountChanges, Attributes, ChangeOperation, Membership, NewAccount, Observation, Role, Step,
};
use crate::model::{GrantId, IdError, NativeId, ResourceId};
use crate::ports::Warning;

/// A change that has been looked into: what is there, and what is left to do. Nothing has been written yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What it is for.
    pub goal: ResolvedChange,
    /// What is left to do; `None` if the tenant already is as wanted.
    pub step: Option<Step>,
    /// What a person should know beforehand.
    pub warnings: Vec<Warning>,
}

/// What a plan is for, with everything it names looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolvedChange {
    /// The account holds the role.
    Grant {
        /// The role.
        role: Box<Role>,
        /// The account.
        account: Principal,
    },
    /// The account does not hold the role.
    Revoke {
        /// The role; `None` if it is not listed.
        role: Option<Box<Role>>,
        /// How the role was named.
        wanted: ResourceId,
        /// The account.
        account: Principal,
    },
    /// The account exists.
    Create {
        /// The account that is wanted.
        wanted: Box<NewAccount>,
        /// The account that is there already.
        existing: Option<Box<Account>>,
        /// Roles that are wanted.
        roles: Vec<Role>,
    },
    /// The account has other attributes.
    Update {
        /// The account.
        account: Box<Account>,
        /// The attributes.
        changes: AccountChanges,
    },
    /// The account does not exist.
    Delete {
        /// Which.
        id: ResourceId,
        /// The account, unless it is gone.
        account: Option<Box<Account>>,
    },
}

/// The account of a grant. It may be known by its id alone: a role can list members that no longer exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Its id.
    pub id: ResourceId,
    /// The account, if it was looked up.
    pub account: Option<Box<Account>>,
}

impl Principal {
    /// Name and id for people.
    #[must_use]
    pub fn label(&self) -> String {
        self.account
            .as_ref()
            .map_or_else(|| self.id.to_string(), |account| account.label())
    }
}

impl Plan {
    /// What it is for.
    #[must_use]
    pub fn kind(&self) -> ChangeOperation {
        match &self.goal {
            ResolvedChange::Grant { .. } => ChangeOperation::Grant,
            ResolvedChange::Revoke { .. } => ChangeOperation::Revoke,
            ResolvedChange::Create { .. } => ChangeOperation::CreateAccount,
            ResolvedChange::Update { .. } => ChangeOperation::UpdateAccount,
            ResolvedChange::Delete { .. } => ChangeOperation::DeleteAccount,
        }
    }

    /// All steps, as far as they can be told: what follows the creation of an account needs the id that it will get,
    /// in whose place `created` stands.
    #[must_use]
    pub fn steps(&self, created: &NativeId) -> Vec<Step> {
        let roles = match &self.goal {
            ResolvedChange::Create {
                roles,
                existing: None,
                ..
            } => roles.as_slice(),
            _ => &[],
        };
        let roles = roles
            .iter()
            .map(|role| Step::AddMember(Membership::of(role, created)));
        self.step.clone().into_iter().chain(roles).collect()
    }

    /// The id of the grant that is made or taken back.
    ///
    /// # Errors
    /// [`IdError`] if it would be too long.
    pub fn grant_id(&self) -> Result<Option<GrantId>, IdError> {
        match &self.goal {
            ResolvedChange::Grant { role, account }
            | ResolvedChange::Revoke {
                role: Some(role),
                account,
                ..
            } => grant_id(role, &account.id).map(Some),
            _ => Ok(None),
        }
    }
}

fn grant_id(role: &Role, account: &ResourceId) -> Result<GrantId, IdError> {
    role.entitlement.id.grant_to(&account.resource_type, &account.id)
}

impl Membership {
    /// An account in a role.
    #[must_use]
    pub fn of(role: &Role, account: &NativeId) -> Self {
        Self {
            role: role.id().clone(),
            role_name: Some(role.resource.display_name.clone()),
            account: account.clone(),
        }
    }
}

impl Plan {
    /// What is asked for, with the names looked up.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.goal {
            ResolvedChange::Grant { role, account } => {
                format!("grant {} to {}", role.label(), account.label())
            }
            ResolvedChange::Revoke {
                role,
                wanted,
                account,
            } => {
                let role = role
                    .as_ref()
                    .map_or_else(|| wanted.to_string(), |role| role.label());
                format!("revoke {role} from {}", account.label())
            }
            ResolvedChange::Create { wanted, roles, .. } => {
                let roles: Vec<String> = roles.iter().map(Role::label).collect();
                let roles = if roles.is_empty() {
                    String::new()
                } else {
                    format!(" with {}", roles.join(", "))
                };
                format!("create {}{roles}", wanted.label())
            }
            ResolvedChange::Update { account, changes } => {
                format!("change {}: {}", account.label(), changes.label())
            }
            ResolvedChange::Delete { id, account } => {
                let account = account
                    .as_ref()
                    .map_or_else(|| id.to_string(), |account| account.label());
                format!("delete {account}")
            }
        }
    }

    /// The role and the account that it is about, and what is there before.
    pub(super) fn subject(&self) -> (Option<ResourceId>, Option<ResourceId>, Option<Attributes>) {
        match &self.goal {
            ResolvedChange::Grant { role, account } => (
                Some(role.id().clone()),
                Some(account.id.clone()),
                Some(role_state(Some(role), Some(&account.id))),
            ),
            ResolvedChange::Revoke {
                role,
                wanted,
                account,
            } => {
                let before = role_state(role.as_deref(), Some(&account.id));
                (Some(wanted.clone()), Some(account.id.clone()), Some(before))
            }
            ResolvedChange::Create {
                existing: Some(account),
                ..
            }
            | ResolvedChange::Update { account, .. } => {
                (None, Some(account.id().clone()), Some(account.facts()))
            }
            ResolvedChange::Create { existing: None, .. } => {
                (None, None, Some(state(&Observation::Account(None), None)))
            }
            ResolvedChange::Delete { id, account } => (
                None,
                Some(id.clone()),
                Some(state(&Observation::Account(account.clone()), None)),
            ),
        }
    }
}
