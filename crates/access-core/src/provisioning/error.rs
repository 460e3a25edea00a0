//! Errors of provisioning and their effect on the tenant.

use super::{AccountKind, ReportedFlag};
use crate::model::Resource;
use crate::ports::{AuditError, ProvisionerError};
use crate::{Diagnostic, StatusCode};

/// Why a change failed. [`extent`](Self::extent) reports what was changed anyway.
#[derive(Debug, thiserror::Error)]
pub enum ProvisioningError {
    /// An empty name.
    #[error("the name of the {what} is empty")]
    EmptyName {
        /// The type of the object.
        what: &'static str,
    },
    /// An entitlement that cannot be granted.
    #[error("`{entitlement}` cannot be granted or revoked: only {grantable} can be")]
    NotGrantable {
        /// The text.
        entitlement: String,
        /// The form of grantable entitlements.
        grantable: String,
    },
    /// The id of an object that is not an account.
    #[error("`{text}` is not an account: write user:<id> or a login")]
    NotAnAccount {
        /// The text.
        text: String,
    },
    /// An unknown action.
    #[error("there is no action `{name}`")]
    UnknownAction {
        /// The name.
        name: String,
    },
    /// An action that does not support this resource type.
    #[error("there is no action `{name}` for resources of type `{resource_type}`")]
    UnsupportedActionType {
        /// The name.
        name: String,
        /// The resource type.
        resource_type: String,
    },
    /// A resource type that cannot be created or deleted.
    #[error("resources of type `{resource_type}` cannot be {done}: only accounts (type {accounts}) can be")]
    NotAnAccountType {
        /// The resource type.
        resource_type: String,
        /// The account type.
        accounts: String,
        /// The operation, e.g. `created`.
        done: &'static str,
    },
    /// Not a grant id.
    #[error("`{text}` is not the id of a grant: write role:<id>:assigned:user:<id>")]
    InvalidGrantId {
        /// The text.
        text: String,
    },
    /// Invalid attributes.
    #[error("invalid attributes for {what}: {}", problems.join("; "))]
    InvalidAttributes {
        /// What they are for.
        what: &'static str,
        /// All problems.
        problems: Vec<String>,
    },
    /// An attribute that cannot be changed.
    #[error("{attribute} cannot be changed: {reason}")]
    ImmutableAttribute {
        /// The attribute.
        attribute: String,
        /// The reason.
        reason: &'static str,
    },
    /// Attributes that this account kind does not have.
    #[error("{account} is {}; only {holders}s have {}", kind.with_article(), attributes.join(" and "))]
    UnsupportedForAccountKind {
        /// The account.
        account: String,
        /// Its kind.
        kind: AccountKind,
        /// The kind with these attributes.
        holders: AccountKind,
        /// The attributes.
        attributes: Vec<&'static str>,
    },
    /// No object matches.
    #[error("there is no {what} {requested}{}", similar_names(similar))]
    NotFound {
        /// The type of the object.
        what: &'static str,
        /// The text.
        requested: String,
        /// Similar names with ids.
        similar: Vec<String>,
    },
    /// A permission that is not a role.
    #[error("{requested} is not a role: it is a permission of the account itself")]
    NotARole {
        /// The text.
        requested: String,
    },
    /// Several objects match.
    #[error("{requested} names {} {what}s: {}", candidates.len(), candidates.join(", "))]
    Ambiguous {
        /// The type of the object.
        what: &'static str,
        /// The name.
        requested: String,
        /// The matching objects.
        candidates: Vec<String>,
    },
    /// The role is for another account kind.
    #[error("{role} is a role for {holders}s, and {account} is {}", kind.with_article())]
    RoleKindMismatch {
        /// The role.
        role: String,
        /// The account kind of the role.
        holders: AccountKind,
        /// The account.
        account: String,
        /// The kind of the account.
        kind: AccountKind,
    },
    /// The address is in use.
    #[error("the e-mail {email} is in use by {}", by.as_deref().unwrap_or("an account that this client cannot see"))]
    EmailTaken {
        /// The address.
        email: String,
        /// The account that uses it, if visible.
        by: Option<String>,
    },
    /// Administrators are protected from deletion.
    #[error("{account} {}", administrator_reason(*kind, title, *last, claim))]
    AdministratorProtected {
        /// The account.
        account: String,
        /// Its kind.
        kind: AccountKind,
        /// Title of accounts with full rights.
        title: &'static str,
        /// Whether it is the last known active administrator.
        last: bool,
        /// What the tenant reports about its rights.
        claim: ReportedFlag,
    },
    /// Two sources of the tenant contradict each other.
    #[error("the tenant contradicts itself about {what}: {says}")]
    Contradiction {
        /// The object.
        what: String,
        /// What they report.
        says: String,
    },
    /// The tenant does not report whether there is anything to do.
    #[error("it is not known whether {what}: {reason}")]
    Undetermined {
        /// The unknown fact.
        what: String,
        /// The cause.
        reason: String,
    },
    /// Reading failed before anything was changed.
    #[error("{0}")]
    ReadFailed(#[source] ProvisionerError),
    /// The audit log could not be written before anything was changed.
    #[error("{0}; nothing was changed, because every change must be audited")]
    AuditFailed(#[source] AuditError),
    /// A step failed and certainly had no effect.
    #[error("could not {step}: {cause}")]
    NotApplied {
        /// The step.
        step: String,
        /// The cause.
        #[source]
        cause: ProvisionerError,
    },
    /// A step failed, and reading back shows that it had no effect.
    #[error("could not {step}: {cause}; reading it back shows no change")]
    VerifiedNotApplied {
        /// The step.
        step: String,
        /// The cause.
        #[source]
        cause: ProvisionerError,
    },
    /// The tenant accepted the step, but reading back failed.
    #[error("the tenant accepted the request to {step}, but it could not be verified: {cause}")]
    Unverified {
        /// The change.
        step: String,
        /// Why the state could not be verified.
        #[source]
        cause: ProvisionerError,
    },
    /// The tenant accepted the step, but reading back shows that it had no effect.
    #[error("the tenant accepted the request to {step}, but reading it back shows no change")]
    AcceptedNotApplied {
        /// The step.
        step: String,
    },
    /// The response was lost, and reading back failed.
    #[error("the outcome is unknown: {step}: {cause}; reading it back failed too: {reading}")]
    OutcomeUnknown {
        /// The step.
        step: String,
        /// How the response was lost.
        #[source]
        cause: ProvisionerError,
        /// Why the state could not be verified.
        reading: ProvisionerError,
    },
    /// The response was lost, and the tenant does not report the state.
    #[error("the outcome is unknown: {step}: {cause}; reading it back does not show the outcome: {reason}")]
    OutcomeNotVisible {
        /// The step.
        step: String,
        /// How the response was lost.
        #[source]
        cause: ProvisionerError,
        /// Why the state could not be verified.
        reason: String,
    },
    /// Stopped on request while the change was made.
    #[error("stopped on request while the change was made; the outcome is unknown: {request}")]
    Stopped {
        /// The change.
        request: String,
    },
    /// The account was created, but not all roles were assigned.
    #[error("{} was created{}, but without {}: {cause}", account.id, granted_roles(granted), missing.join(", "))]
    PartiallyApplied {
        /// The created account.
        account: Box<Resource>,
        /// The assigned roles.
        granted: Vec<String>,
        /// Roles that are, or may be, missing.
        missing: Vec<String>,
        /// The cause of the first failure.
        #[source]
        cause: Box<ProvisioningError>,
    },
    /// The change was applied, but writing the audit log failed.
    #[error("the change was made ({done}), but not written to the audit log: {source}")]
    AuditFailedAfterChange {
        /// The change.
        done: String,
        /// The cause.
        source: AuditError,
    },
}

/// What was changed in spite of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeExtent {
    /// Nothing was changed.
    Nothing,
    /// A part was changed; the error describes it.
    Part,
    /// The complete change was applied.
    All,
    /// Unknown.
    Unknown,
}

impl ProvisioningError {
    /// What was changed in spite of the error.
    #[must_use]
    pub fn extent(&self) -> ChangeExtent {
        match self {
            Self::PartiallyApplied { .. } => ChangeExtent::Part,
            Self::Unverified { .. }
            | Self::OutcomeUnknown { .. }
            | Self::OutcomeNotVisible { .. }
            | Self::AcceptedNotApplied { .. }
            | Self::Stopped { .. } => ChangeExtent::Unknown,
            Self::AuditFailedAfterChange { .. } => ChangeExtent::All,
            _ => ChangeExtent::Nothing,
        }
    }
}

fn administrator_reason(kind: AccountKind, title: &str, last: bool, claim: &ReportedFlag) -> String {
    match claim {
        ReportedFlag::Contradicted(says) => format!("may be a {title}: {says}"),
        ReportedFlag::Unknown => {
            let kind = kind.with_article();
            format!("is {kind} that may be a {title}: the tenant does not report it")
        }
        ReportedFlag::Yes | ReportedFlag::No if last => format!("is the last {title} known to be in use"),
        ReportedFlag::Yes | ReportedFlag::No => format!("is a {title}"),
    }
}

/// Whether a text is neither an id nor an address.
fn is_name(requested: &str) -> bool {
    let text = requested.trim_matches('`');
    text.len() < requested.len() && !text.contains('@') && text.contains(|c: char| !c.is_ascii_digit())
}

fn similar_names(similar: &[String]) -> String {
    if similar.is_empty() {
        String::new()
    } else {
        format!("; close to it: {}", similar.join(", "))
    }
}

fn granted_roles(granted: &[String]) -> String {
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
            Self::Stopped { .. } => StatusCode::Cancelled,
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
                requested,
                ..
            } if is_name(requested) => "name it by its id, e.g. user:901, or by its login",
            Self::NotARole { .. } => "grant or revoke it in the tenant's own console",
            Self::UnknownAction { .. } | Self::UnsupportedActionType { .. } => {
                "--list-action-schemas shows the actions"
            }
            Self::RoleKindMismatch { .. } => "choose a role for this kind of account",
            Self::EmailTaken { .. } => "use another address, or free this one in the tenant",
            Self::AdministratorProtected {
                last: true, title, ..
            } => {
                return Some(format!(
                    "make somebody else a {title} in the tenant first, or use --allow-admin-delete"
                ));
            }
            Self::AdministratorProtected { .. } => "use --allow-admin-delete to delete it anyway",
            Self::ImmutableAttribute { attribute, .. } if attribute == "roles" => "use `grant` and `revoke`",
            Self::ImmutableAttribute { .. } => "change it in the tenant or in the identity provider",
            Self::AcceptedNotApplied { .. } => {
                "an identity provider (SCIM) or somebody else may have undone it; check the account in the tenant"
            }
            Self::Contradiction { .. } => {
                "nothing was changed; check it in the tenant, or run the same command again in a minute"
            }
            Self::Undetermined { .. } => "nothing was changed; check it in the tenant",
            Self::Unverified { .. }
            | Self::OutcomeUnknown { .. }
            | Self::OutcomeNotVisible { .. }
            | Self::Stopped { .. } => {
                "run the same command again: it checks first and does only what is missing"
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
