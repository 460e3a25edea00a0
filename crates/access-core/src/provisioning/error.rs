//! Why a change was not made, and what is true of the tenant then.

use super::{AccountKind, ReportedFlag};
use crate::model::Resource;
use crate::ports::{AuditError, ProvisionerError};
use crate::{Diagnostic, StatusCode};

/// Why a change was not made, or not wholly, or nobody knows. [`extent`](Self::extent) says which.
#[derive(Debug, thiserror::Error)]
pub enum ProvisioningError {
    /// A name of no characters.
    #[error("the name of the {what} is empty")]
    EmptyName {
        /// What is named.
        what: &'static str,
    },
    /// An entitlement that cannot be granted.
    #[error("`{entitlement}` cannot be granted or revoked: only {grantable} can be")]
    NotGrantable {
        /// What was asked for.
        entitlement: String,
        /// What can be.
        grantable: String,
    },
    /// The id of something that is no account.
    #[error("`{text}` is not an account: write user:<id> or a login")]
    NotAnAccount {
        /// What was asked for.
        text: String,
    },
    /// An action that does not exist.
    #[error("there is no action `{name}`")]
    UnknownAction {
        /// Its name.
        name: String,
    },
    /// An action that is not for resources of this type.
    #[error("there is no action `{name}` for resources of type `{resource_type}`")]
    UnsupportedActionType {
        /// Its name.
        name: String,
        /// The type that it was invoked for.
        resource_type: String,
    },
    /// A resource that cannot be made or removed.
    #[error("resources of type `{resource_type}` cannot be {done}: only accounts (type {accounts}) can be")]
    NotAnAccountType {
        /// Its type.
        resource_type: String,
        /// The type that can.
        accounts: String,
        /// What was to be done.
        done: &'static str,
    },
    /// A text that names no grant.
    #[error("`{text}` is not the id of a grant: write role:<id>:assigned:user:<id>")]
    InvalidGrantId {
        /// What was asked for.
        text: String,
    },
    /// Attributes that make no account or update.
    #[error("{what} cannot be made of these attributes: {}", problems.join("; "))]
    InvalidAttributes {
        /// What was to be made.
        what: &'static str,
        /// All that is wrong.
        problems: Vec<String>,
    },
    /// An attribute that cannot be changed.
    #[error("{attribute} cannot be changed: {reason}")]
    ImmutableAttribute {
        /// Which.
        attribute: String,
        /// Why.
        reason: &'static str,
    },
    /// An attribute that this kind of account does not have.
    #[error("{account} is {}; only {holders}s have {}", kind.with_article(), attributes.join(" and "))]
    UnsupportedForAccountKind {
        /// Which account.
        account: String,
        /// Its kind.
        kind: AccountKind,
        /// The kind that has them.
        holders: AccountKind,
        /// Which attributes.
        attributes: Vec<&'static str>,
    },
    /// There is no such thing.
    #[error("there is no {what} {wanted}{}", close(similar))]
    NotFound {
        /// What sort.
        what: &'static str,
        /// How it was named.
        wanted: String,
        /// Things with a similar name, each with its id.
        similar: Vec<String>,
    },
    /// A permission that no role stands for.
    #[error("{wanted} is not a role: it is a permission of the account itself")]
    NotARole {
        /// How it was named.
        wanted: String,
    },
    /// A name that several things have.
    #[error("{wanted} names {} {what}s: {}", candidates.len(), candidates.join(", "))]
    Ambiguous {
        /// What sort.
        what: &'static str,
        /// The name.
        wanted: String,
        /// Those that have it.
        candidates: Vec<String>,
    },
    /// A role of one kind for an account of the other.
    #[error("{role} is a role for {holders}s, and {account} is {}", kind.with_article())]
    RoleKindMismatch {
        /// The role.
        role: String,
        /// Whom it is for.
        holders: AccountKind,
        /// The account.
        account: String,
        /// What it is.
        kind: AccountKind,
    },
    /// The address belongs to somebody else.
    #[error("the e-mail {email} is in use by {}", by.as_deref().unwrap_or("an account that this client cannot see"))]
    EmailTaken {
        /// The address.
        email: String,
        /// Who has it, if that can be seen.
        by: Option<String>,
    },
    /// An administrator is not deleted by the way.
    #[error("{account} {}", administrator(*kind, title, *last, claim))]
    AdministratorProtected {
        /// Who.
        account: String,
        /// Its kind.
        kind: AccountKind,
        /// What accounts with full rights are called.
        title: &'static str,
        /// No other is known to be in use.
        last: bool,
        /// What the tenant says of it: yes, nothing, or both.
        claim: ReportedFlag,
    },
    /// Two sources of the tenant say what cannot both be true.
    #[error("the tenant contradicts itself about {what}: {says}")]
    Contradiction {
        /// What it is about.
        what: String,
        /// What they say.
        says: String,
    },
    /// The tenant does not say whether there is anything to do.
    #[error("it is not known whether {what}: {reason}")]
    Undetermined {
        /// What is not known.
        what: String,
        /// Why not.
        reason: String,
    },
    /// The tenant could not be read, before anything was changed.
    #[error("{0}")]
    ReadFailed(#[source] ProvisionerError),
    /// The audit log could not be written, before anything was changed.
    #[error("{0}; nothing was changed, because changes without an audit are not made")]
    AuditFailed(#[source] AuditError),
    /// A step failed, and it is certain that it has no effect.
    #[error("could not {step}: {cause}")]
    NotApplied {
        /// What was tried.
        step: String,
        /// Why not.
        #[source]
        cause: ProvisionerError,
    },
    /// A step failed, and what the tenant looks like shows that it had no effect.
    #[error("could not {step}: {cause}; reading back shows that it is not done")]
    VerifiedNotApplied {
        /// What was tried.
        step: String,
        /// Why not.
        #[source]
        cause: ProvisionerError,
    },
    /// The tenant says that it did, and could not be asked to show it.
    #[error("the tenant accepted to {step}, but it could not be verified: {cause}")]
    Unverified {
        /// What was done.
        step: String,
        /// Why it could not be seen.
        #[source]
        cause: ProvisionerError,
    },
    /// The tenant says that it did, and it is not so.
    #[error("the tenant accepted to {step}, but reading back shows that it is not so")]
    AcceptedNotApplied {
        /// What should have been done.
        step: String,
    },
    /// The answer is lost, and the tenant could not be asked to show it.
    #[error("it is not known whether this was done: {step}: {cause}; reading back failed too: {reading}")]
    OutcomeUnknown {
        /// What was tried.
        step: String,
        /// How the answer was lost.
        #[source]
        cause: ProvisionerError,
        /// Why it could not be seen.
        reading: ProvisionerError,
    },
    /// The answer is lost, and nothing that the tenant says shows whether it was done.
    #[error(
        "it is not known whether this was done: {step}: {cause}; reading back does not show it: {reason}"
    )]
    OutcomeNotVisible {
        /// What was tried.
        step: String,
        /// How the answer was lost.
        #[source]
        cause: ProvisionerError,
        /// Why it could not be seen.
        reason: String,
    },
    /// An account was made, but not all of its roles were assigned.
    #[error("{} was created{}, but without {}: {cause}", account.id, roles(granted), missing.join(", "))]
    PartiallyApplied {
        /// The account, which exists.
        account: Box<Resource>,
        /// Roles that it has.
        granted: Vec<String>,
        /// Roles that it lacks, or may lack.
        missing: Vec<String>,
        /// What went wrong with the first of them.
        #[source]
        cause: Box<ProvisioningError>,
    },
    /// The change is made, and the audit log does not say so.
    #[error("the change was made ({done}), but not written to the audit log: {source}")]
    AuditFailedAfterChange {
        /// What was done.
        done: String,
        /// Why it is not written.
        source: AuditError,
    },
}

/// What is true of the tenant after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeExtent {
    /// Nothing was changed.
    Nothing,
    /// A part was; the error says which.
    Part,
    /// All was.
    All,
    /// That is not known.
    Unknown,
}

impl ProvisioningError {
    /// What is true of the tenant.
    #[must_use]
    pub fn extent(&self) -> ChangeExtent {
        match self {
            Self::PartiallyApplied { .. } => ChangeExtent::Part,
            Self::Unverified { .. } | Self::OutcomeUnknown { .. } | Self::OutcomeNotVisible { .. } => {
                ChangeExtent::Unknown
            }
            Self::AuditFailedAfterChange { .. } => ChangeExtent::All,
            _ => ChangeExtent::Nothing,
        }
    }
}

fn administrator(kind: AccountKind, title: &str, last: bool, claim: &ReportedFlag) -> String {
    match claim {
        ReportedFlag::Contradicted(says) => format!("may be a {title}: {says}"),
        ReportedFlag::Unknown => {
            let kind = kind.with_article();
            format!("is {kind} of whom the tenant does not say whether it is a {title}")
        }
        ReportedFlag::Yes | ReportedFlag::No if last => format!("is the last {title} known to be in use"),
        ReportedFlag::Yes | ReportedFlag::No => format!("is a {title}"),
    }
}

/// Whether somebody is named by something that is neither an id nor an address.
fn is_name(wanted: &str) -> bool {
    let text = wanted.trim_matches('`');
    text.len() < wanted.len() && !text.contains('@') && text.contains(|c: char| !c.is_ascii_digit())
}

fn close(similar: &[String]) -> String {
    if similar.is_empty() {
        String::new()
    } else {
        format!("; close to it: {}", similar.join(", "))
    }
}

fn roles(granted: &[String]) -> String {
    if granted.is_empty() {
        String::new()
    } else {
        format!(" with {}", granted.join(", "))
    }
}

impl Diagnostic for ProvisioningError {
    fn status(&self) -> StatusCode {
        match self {
            Self::EmptyName { .. }
            | Self::NotAnAccount { .. }
            | Self::InvalidGrantId { .. }
            | Self::InvalidAttributes { .. }
            | Self::UnsupportedForAccountKind { .. }
            | Self::Ambiguous { .. }
            | Self::RoleKindMismatch { .. } => StatusCode::InvalidArgument,
            Self::NotGrantable { .. }
            | Self::NotARole { .. }
            | Self::NotAnAccountType { .. }
            | Self::ImmutableAttribute { .. } => StatusCode::Unimplemented,
            Self::NotFound { .. } | Self::UnknownAction { .. } | Self::UnsupportedActionType { .. } => {
                StatusCode::NotFound
            }
            Self::Contradiction { .. } | Self::Undetermined { .. } => StatusCode::DataLoss,
            Self::EmailTaken { .. } => StatusCode::AlreadyExists,
            Self::AdministratorProtected { .. } => StatusCode::FailedPrecondition,
            Self::AcceptedNotApplied { .. } => StatusCode::Aborted,
            Self::ReadFailed(cause)
            | Self::NotApplied { cause, .. }
            | Self::VerifiedNotApplied { cause, .. }
            | Self::Unverified { cause, .. }
            | Self::OutcomeUnknown { cause, .. }
            | Self::OutcomeNotVisible { cause, .. } => cause.status(),
            Self::PartiallyApplied { cause, .. } => cause.status(),
            Self::AuditFailed(cause) | Self::AuditFailedAfterChange { source: cause, .. } => cause.status(),
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Ambiguous { .. } => "name it by its id",
            Self::NotFound { similar, .. } if !similar.is_empty() => {
                "name it by its id, the part before the bracket"
            }
            Self::NotFound {
                what: "account",
                wanted,
                ..
            } if is_name(wanted) => "name it by its id, e.g. user:901, or by its login",
            Self::NotARole { .. } => "only the tenant's own console can give or take it",
            Self::UnknownAction { .. } | Self::UnsupportedActionType { .. } => {
                "--list-action-schemas shows the actions"
            }
            Self::RoleKindMismatch { .. } => "choose a role for this kind of account",
            Self::EmailTaken { .. } => "use another address, or free this one in the tenant",
            Self::AdministratorProtected {
                last: true, title, ..
            } => {
                return Some(format!(
                    "make somebody else a {title} in the tenant first, or say --allow-admin-delete"
                ));
            }
            Self::AdministratorProtected { .. } => "say --allow-admin-delete if it is meant",
            Self::ImmutableAttribute { attribute, .. } if attribute == "roles" => "use `grant` and `revoke`",
            Self::ImmutableAttribute { .. } => "change it in the tenant, or where the account comes from",
            Self::AcceptedNotApplied { .. } => {
                "an identity provider (SCIM) or somebody else may have undone it; look at the account in the tenant"
            }
            Self::Contradiction { .. } => {
                "nothing was changed; look at it in the tenant, or run the same command again in a minute"
            }
            Self::Undetermined { .. } => "nothing was changed; look at it in the tenant",
            Self::Unverified { .. } | Self::OutcomeUnknown { .. } | Self::OutcomeNotVisible { .. } => {
                "run the same command again: it looks first, and does only what is missing"
            }
            Self::PartiallyApplied { cause, .. } => {
                let first = cause
                    .hint()
                    .map(|hint| format!("{hint}; then "))
                    .unwrap_or_default();
                return Some(format!(
                    "{first}grant the missing roles with `grant`; creating again changes nothing"
                ));
            }
            Self::ReadFailed(cause)
            | Self::NotApplied { cause, .. }
            | Self::VerifiedNotApplied { cause, .. } => {
                return cause.hint();
            }
            Self::AuditFailed(cause) | Self::AuditFailedAfterChange { source: cause, .. } => {
                return cause.hint();
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
