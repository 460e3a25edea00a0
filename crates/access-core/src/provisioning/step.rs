//! Single writes, and what the tenant looks like when they are done.

use serde::Serialize;

use super::{Account, AccountChanges, AccountKind, Certainty, NewAccount, Role};
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
    /// Its name when the change was planned; `None` if no role of this id was listed then.
    pub role_name: Option<DisplayName>,
    /// The account.
    pub account: NativeId,
}

impl Membership {
    fn role_label(&self) -> String {
        match &self.role_name {
            Some(name) => format!("the role {name} ({})", self.role),
            None => format!("the role {}", self.role.id),
        }
    }
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
    /// Whether the tenant looks as the step leaves it.
    #[must_use]
    pub fn is_satisfied_by(&self, seen: &Observation) -> Certainty {
        match (self, seen) {
            (Self::AddMember(membership), Observation::Role(Some(role))) => {
                role.members.contain(&membership.account)
            }
            (Self::RemoveMember(membership), Observation::Role(Some(role))) => {
                match role.members.contain(&membership.account) {
                    Certainty::Yes => Certainty::No,
                    Certainty::No => Certainty::Yes,
                    unknown @ Certainty::Unknown(_) => unknown,
                }
            }
            // That a role is not listed may have other reasons than that nobody holds it.
            (Self::RemoveMember(membership), Observation::Role(None)) => {
                Certainty::Unknown(format!("{} is not listed", membership.role))
            }
            (Self::CreateAccount(requested), Observation::Account(account)) => {
                Certainty::said(account.as_ref().is_some_and(|account| {
                    account.kind == requested.kind && account.has_email(&requested.person.email)
                }))
            }
            (Self::UpdateAccount { changes, .. }, Observation::Account(Some(account))) => {
                changes.hold_for(account)
            }
            (Self::DeleteAccount { .. }, Observation::Account(account)) => Certainty::said(account.is_none()),
            _ => Certainty::No,
        }
    }

    /// Whether there is no role to take anybody out of.
    pub(super) fn is_void_in(&self, seen: &Observation) -> bool {
        matches!((self, seen), (Self::RemoveMember(_), Observation::Role(None)))
    }

    /// What the step does, e.g. `add user 7 to the role Service Desk (role:1)`.
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
