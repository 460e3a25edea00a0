//! What the audit log says of an attempt.

use serde::Serialize;
use time::OffsetDateTime;

use super::{
    AttributeValue, Attributes, Certainty, ChangeExtent, ChangeId, ChangeOperation, ChangeResult,
    Observation, Outcome, Plan, ProvisioningError, Role, RoleMembers, Step, StepReport,
};
use crate::Diagnostic;
use crate::StatusCode;
use crate::model::{NativeId, ResourceId};

/// One line of the audit log. An attempt that writes has two: `started` before the first write, so that a crash leaves
/// a trace, and `finished`. Others have one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// When, in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub time: OffsetDateTime,
    /// Which of the two lines.
    pub event: AuditEvent,
    /// Names the attempt.
    pub change_id: ChangeId,
    /// Who asked for it.
    pub requested_by: String,
    /// The tenant.
    pub tenant: String,
    /// What was asked for.
    pub change: ChangeOperation,
    /// What was asked for, in words.
    pub wanted: String,
    /// The role that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<ResourceId>,
    /// The account that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<ResourceId>,
    /// What was going to be written.
    pub plan: Vec<String>,
    /// What was written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<StepReport>,
    /// What was there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Attributes>,
    /// What is there now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Attributes>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<AuditResult>,
    /// The decision of an access review that it carries out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionReference>,
}

/// A decision of an access review, as the audit log names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecisionReference {
    /// The line of the review.
    pub line_id: String,
    /// The review.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_id: Option<String>,
    /// The seal of the report that was reviewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_sha256: Option<String>,
    /// The file with the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// SHA-256 of that file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet_sha256: Option<String>,
    /// The row in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// Who decided.
    pub reviewer: String,
    /// When, as the sheet has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Which line of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditEvent {
    /// Writing begins.
    Started,
    /// It ended.
    Finished,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum AuditResult {
    /// The tenant was changed.
    Changed,
    /// The tenant was as wanted already.
    Already,
    /// The tenant accepted it, and does not say whether it is so.
    Accepted,
    /// It was not made: nothing was changed.
    NotChanged {
        /// The class.
        status: StatusCode,
        /// Why.
        message: String,
    },
    /// A part of it was made.
    PartlyChanged {
        /// The class.
        status: StatusCode,
        /// What is there, and why not all.
        message: String,
    },
    /// Nobody knows.
    Unknown {
        /// The class.
        status: StatusCode,
        /// What is known.
        message: String,
    },
}

impl From<ChangeResult> for AuditResult {
    fn from(done: ChangeResult) -> Self {
        match done {
            ChangeResult::Changed => Self::Changed,
            ChangeResult::AlreadyApplied => Self::Already,
            ChangeResult::Accepted => Self::Accepted,
        }
    }
}

impl From<&ProvisioningError> for AuditResult {
    fn from(error: &ProvisioningError) -> Self {
        let (status, message) = (error.status(), error.to_string());
        match error.extent() {
            ChangeExtent::Nothing => Self::NotChanged { status, message },
            ChangeExtent::Part => Self::PartlyChanged { status, message },
            ChangeExtent::All => Self::Changed,
            ChangeExtent::Unknown => Self::Unknown { status, message },
        }
    }
}

/// An entry of an attempt that nothing is known of yet.
pub(super) struct AuditContext {
    pub(super) time: OffsetDateTime,
    pub(super) change_id: ChangeId,
    pub(super) requested_by: String,
    pub(super) tenant: String,
}

impl AuditContext {
    /// The line of a change that was refused before a plan was made.
    pub(super) fn refused(
        self,
        change: ChangeOperation,
        wanted: String,
        error: &ProvisioningError,
    ) -> AuditEntry {
        let entry = self.entry(change, wanted);
        AuditEntry {
            event: AuditEvent::Finished,
            result: Some(error.into()),
            ..entry
        }
    }

    /// The line before the first write, and the base of the last one.
    pub(super) fn planned(self, plan: &Plan, created: &NativeId) -> AuditEntry {
        let (role, account, before) = plan.subject();
        let steps: Vec<String> = plan.steps(created).iter().map(Step::label).collect();
        let entry = self.entry(plan.kind(), plan.label());
        AuditEntry {
            role,
            account,
            before,
            plan: steps,
            ..entry
        }
    }

    fn entry(self, change: ChangeOperation, wanted: String) -> AuditEntry {
        AuditEntry {
            time: self.time,
            event: AuditEvent::Started,
            change_id: self.change_id,
            requested_by: self.requested_by,
            tenant: self.tenant,
            change,
            wanted,
            role: None,
            account: None,
            plan: Vec::new(),
            requests: Vec::new(),
            before: None,
            after: None,
            result: None,
            decision: None,
        }
    }
}

impl AuditEntry {
    /// The last line of an attempt.
    pub(super) fn finished(
        self,
        time: OffsetDateTime,
        ended: &Result<Outcome, ProvisioningError>,
        steps: &[StepReport],
    ) -> Self {
        let (result, account) = match ended {
            Ok(outcome) => (
                outcome.result.into(),
                outcome.account.as_ref().map(|account| account.id.clone()),
            ),
            Err(error @ ProvisioningError::PartiallyApplied { account, .. }) => {
                (error.into(), Some(account.id.clone()))
            }
            Err(error) => (error.into(), None),
        };
        let after = steps
            .first()
            .map(|report| state(&report.seen, self.account.as_ref()));
        Self {
            time,
            event: AuditEvent::Finished,
            account: self.account.or(account),
            requests: steps.to_vec(),
            after,
            result: Some(result),
            ..self
        }
    }
}

/// What is worth keeping of what was seen.
pub(super) fn state(seen: &Observation, account: Option<&ResourceId>) -> Attributes {
    match seen {
        Observation::Role(role) => role_state(role.as_deref(), account),
        Observation::Account(None) => [("exists".to_owned(), AttributeValue::Flag(false))].into(),
        Observation::Account(Some(account)) => account.facts(),
    }
}

/// What is worth keeping of a role: not its members, of whom there may be many, but their number, if it is known.
pub(super) fn role_state(role: Option<&Role>, account: Option<&ResourceId>) -> Attributes {
    let Some(role) = role else {
        return [("role_exists".to_owned(), AttributeValue::Flag(false))].into();
    };
    let mut state = Attributes::from([("role_name".to_owned(), role.resource.display_name.as_str().into())]);
    let holds = match account.map(|account| role.members.contain(&account.id)) {
        Some(Certainty::Yes) => AttributeValue::Flag(true),
        Some(Certainty::No) | None => AttributeValue::Flag(false),
        Some(Certainty::Unknown(_)) => "unknown".into(),
    };
    state.insert("holds_role".to_owned(), holds);
    if let RoleMembers::Known(members) = &role.members {
        let members = i64::try_from(members.len()).unwrap_or(i64::MAX);
        state.insert("members".to_owned(), AttributeValue::Number(members));
    }
    state
}
