//! Steps: single writes, and the states that satisfy them.

use serde::Serialize;

use super::{Account, AccountChanges, AccountKind, Certainty, NewAccount, Role};
use crate::model::{DisplayName, NativeId, ResourceId};

/// A write. Every step requests a state, so repeating it is harmless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Adds an account to a role.
    AddMember(Membership),
    /// Removes an account from a role.
    RemoveMember(Membership),
    /// Creates an account.
    CreateAccount(NewAccount),
    /// Updates an account.
    UpdateAccount {
        /// The account id.
        account: ResourceId,
        /// The account kind.
        kind: AccountKind,
        /// The changes.
        changes: AccountChanges,
    },
    /// Deletes an account.
    DeleteAccount {
        /// The account id.
        account: ResourceId,
        /// The account kind.
        kind: AccountKind,
    },
}

/// Membership of an account in a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The role.
    pub role: ResourceId,
    /// Name of the role at planning time; `None` if it was not listed.
    pub role_name: Option<DisplayName>,
    /// The account.
    pub account: NativeId,
}

impl Membership {
    /// The membership of an account in a role as it is now.
    #[must_use]
    pub fn new(role: &Role, account: &NativeId) -> Self {
        Self {
            role: role.id().clone(),
            role_name: Some(role.resource.display_name.clone()),
            account: account.clone(),
        }
    }

    fn role_label(&self) -> String {
        match &self.role_name {
            Some(name) => format!("the role {name} ({})", self.role),
            None => format!("the role {}", self.role.id),
        }
    }
}

/// The state of the tenant that a step is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// The role; `None` if it is not listed.
    Role(Option<Box<Role>>),
    /// The account; `None` if it does not exist.
    Account(Option<Box<Account>>),
}

/// Preview of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestPreview {
    /// HTTP method.
    pub method: &'static str,
    /// The complete URL.
    pub url: String,
    /// The body, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl Step {
    /// Whether the tenant is in the state that the step requests.
    #[must_use]
    pub fn is_satisfied_by(&self, seen: &Observation) -> Certainty {
        match (self, seen) {
            (Self::AddMember(membership), Observation::Role(Some(role))) => {
                role.members.contains(&membership.account)
            }
            (Self::RemoveMember(membership), Observation::Role(Some(role))) => {
                match role.members.contains(&membership.account) {
                    Certainty::Yes => Certainty::No,
                    Certainty::No => Certainty::Yes,
                    unknown @ Certainty::Unknown(_) => unknown,
                }
            }
            // A role may be unlisted for other reasons than having no members.
            (Self::RemoveMember(membership), Observation::Role(None)) => {
                Certainty::Unknown(format!("{} is not listed", membership.role))
            }
            (Self::CreateAccount(requested), Observation::Account(account)) => {
                Certainty::from_bool(account.as_ref().is_some_and(|account| {
                    account.kind == requested.kind && account.has_email(&requested.person.email)
                }))
            }
            (Self::UpdateAccount { changes, .. }, Observation::Account(Some(account))) => {
                changes.are_satisfied_by(account)
            }
            (Self::DeleteAccount { .. }, Observation::Account(account)) => {
                Certainty::from_bool(account.is_none())
            }
            _ => Certainty::No,
        }
    }

    /// Whether the step removes a member from an unlisted role.
    pub(super) fn is_removal_from_unlisted_role(&self, seen: &Observation) -> bool {
        matches!((self, seen), (Self::RemoveMember(_), Observation::Role(None)))
    }

    /// Description of the step, e.g. `add user 7 to the role Service Desk (role:1)`.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::AddMember(membership) => {
                format!("add user {} to {}", membership.account, membership.role_label())
            }
            Self::RemoveMember(membership) => {
                format!(
                    "remove user {} from {}",
                    membership.account,
                    membership.role_label()
                )
            }
            Self::CreateAccount(requested) => format!("create {}", requested.label()),
            Self::UpdateAccount {
                account,
                kind,
                changes,
            } => {
                format!("change the {kind} {account}: {}", changes.label())
            }
            Self::DeleteAccount { account, kind } => format!("delete the {kind} {account}"),
        }
    }
}
