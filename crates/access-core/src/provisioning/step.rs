//! Single writes, and what the tenant looks like when they are done.

use serde::Serialize;

use super::{Account, AccountChanges, AccountKind, NewAccount, Role};
use crate::model::{DisplayName, NativeId, ResourceId};

/// One write. Every one of them asks for a state, so that asking twice is the same as asking once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// An account is to hold a role.
    AddMember(Membership),
    /// An account is not to hold a role.
    RemoveMember(Membership),
    /// An account is to exist.
    CreateAccount(NewAccount),
    /// An account is to have other attributes.
    UpdateAccount {
        /// Which.
        account: ResourceId,
        /// Its kind.
        kind: AccountKind,
        /// What is to change.
        changes: AccountChanges,
    },
    /// An account is not to exist.
    DeleteAccount {
        /// Which.
        account: ResourceId,
        /// Its kind.
        kind: AccountKind,
    },
}

/// An account in a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The role.
    pub role: ResourceId,
    /// Its name when the change was planned.
    pub role_name: DisplayName,
    /// The account.
    pub account: NativeId,
}

/// What the tenant was seen to look like, as far as a step is about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// The role; `None` if there is none of that id.
    Role(Option<Box<Role>>),
    /// The account; `None` if there is none.
    Account(Option<Box<Account>>),
}

/// A request as it would be sent, for people to read beforehand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestPreview {
    /// HTTP method.
    pub method: &'static str,
    /// The whole address.
    pub url: String,
    /// The body, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl Step {
    /// Whether the tenant looks as the step wants it.
    #[must_use]
    pub fn holds_in(&self, seen: &Observation) -> bool {
        match (self, seen) {
            (Self::AddMember(wanted), Observation::Role(role)) => role
                .as_ref()
                .is_some_and(|role| role.members.contains(&wanted.account)),
            (Self::RemoveMember(wanted), Observation::Role(role)) => role
                .as_ref()
                .is_none_or(|role| !role.members.contains(&wanted.account)),
            (Self::CreateAccount(wanted), Observation::Account(account)) => {
                account.as_ref().is_some_and(|account| {
                    account.kind == wanted.kind() && account.has_email(&wanted.person().email)
                })
            }
            (Self::UpdateAccount { changes, .. }, Observation::Account(account)) => {
                account.as_ref().is_some_and(|account| changes.hold_for(account))
            }
            (Self::DeleteAccount { .. }, Observation::Account(account)) => account.is_none(),
            _ => false,
        }
    }

    /// What the step does, e.g. `add user 7 to the role Service Desk (role:1)`.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::AddMember(Membership {
                role,
                role_name,
                account,
            }) => {
                format!("add user {account} to the role {role_name} ({role})")
            }
            Self::RemoveMember(Membership {
                role,
                role_name,
                account,
            }) => {
                format!("remove user {account} from the role {role_name} ({role})")
            }
            Self::CreateAccount(wanted) => format!("create {}", wanted.label()),
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
