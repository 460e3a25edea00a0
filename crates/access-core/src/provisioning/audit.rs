//! Entries of the audit log.

use serde::Serialize;
use time::OffsetDateTime;

use super::{
    AttributeValue, Attributes, Certainty, ChangeExtent, ChangeId, ChangeOperation, ChangeResult,
    Observation, Outcome, Plan, ProvisioningError, ResolvedChange, Role, RoleMembers, Step, StepReport,
};
use crate::Diagnostic;
use crate::StatusCode;
use crate::model::{NativeId, ResourceId};

/// A line of the audit log. An attempt that writes has two: `started` before the first write, so that a crash leaves a
/// trace, and `finished`. Others have only the second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// The time, in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub time: OffsetDateTime,
    /// Which of the two lines it is.
    pub event: AuditEvent,
    /// The id of the attempt.
    pub change_id: ChangeId,
    /// Who requested the change.
    pub requested_by: String,
    /// The tenant.
    pub tenant: String,
    /// The requested operation.
    pub change: ChangeOperation,
    /// Description of the requested change.
    #[serde(rename = "wanted")]
    pub request: String,
    /// The affected role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<ResourceId>,
    /// The affected account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<ResourceId>,
    /// The planned steps.
    pub plan: Vec<String>,
    /// The requests that were sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<StepReport>,
    /// The state before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Attributes>,
    /// The state after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Attributes>,
    /// The result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<AuditResult>,
    /// The access review decision behind the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionReference>,
}

/// Reference to a decision of an access review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecisionReference {
    /// Id of the review line.
    pub line_id: String,
    /// Id of the review.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_id: Option<String>,
    /// Seal of the reviewed report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_sha256: Option<String>,
    /// File name of the review sheet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// SHA-256 of the sheet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet_sha256: Option<String>,
    /// Row in the sheet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// The reviewer.
    pub reviewer: String,
    /// Time of the decision, as in the sheet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<String>,
    /// The reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The event of an audit line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditEvent {
    /// Before the first write.
    Started,
    /// The attempt ended.
    Finished,
}

/// The result of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum AuditResult {
    /// The tenant was changed.
    Changed,
    /// The tenant already was in the requested state.
    Already,
    /// The tenant accepted the change, but does not report the new state.
    Accepted,
    /// The change failed; nothing was changed.
    NotChanged {
        /// The status.
        status: StatusCode,
        /// The reason.
        message: String,
    },
    /// The change was applied partially.
    PartlyChanged {
        /// The status.
        status: StatusCode,
        /// What was applied, and why the rest was not.
        message: String,
    },
    /// The outcome is unknown.
    Unknown {
        /// The status.
        status: StatusCode,
        /// The message.
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

/// Common fields of the entries of an attempt.
pub(super) struct AuditContext {
    pub(super) time: OffsetDateTime,
    pub(super) change_id: ChangeId,
    pub(super) requested_by: String,
    pub(super) tenant: String,
}

impl AuditContext {
    /// The entry of a change that was refused during planning.
    pub(super) fn refused(
        self,
        change: ChangeOperation,
        requested: String,
        error: &ProvisioningError,
    ) -> AuditEntry {
        let entry = self.entry(change, requested);
        AuditEntry {
            event: AuditEvent::Finished,
            result: Some(error.into()),
            ..entry
        }
    }

    /// The entry before the first write; the base of the last one.
    pub(super) fn planned(self, plan: &Plan, created: &NativeId) -> AuditEntry {
        let (role, account, before) = subject(plan);
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

    fn entry(self, change: ChangeOperation, requested: String) -> AuditEntry {
        AuditEntry {
            time: self.time,
            event: AuditEvent::Started,
            change_id: self.change_id,
            requested_by: self.requested_by,
            tenant: self.tenant,
            change,
            request: requested,
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
    /// The last entry of an attempt.
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

/// The role and account of the change, and the state before.
fn subject(plan: &Plan) -> (Option<ResourceId>, Option<ResourceId>, Option<Attributes>) {
    match &plan.change {
        ResolvedChange::Grant { role, account } => (
            Some(role.id().clone()),
            Some(account.id.clone()),
            Some(role_state(Some(role), Some(&account.id))),
        ),
        ResolvedChange::Revoke {
            role,
            requested,
            account,
        } => {
            let before = role_state(role.as_deref(), Some(&account.id));
            (Some(requested.clone()), Some(account.id.clone()), Some(before))
        }
        ResolvedChange::CreateAccount {
            existing: Some(account),
            ..
        }
        | ResolvedChange::UpdateAccount { account, .. } => (
            None,
            Some(account.id().clone()),
            Some(account.audited_attributes()),
        ),
        ResolvedChange::CreateAccount { existing: None, .. } => {
            (None, None, Some(state(&Observation::Account(None), None)))
        }
        ResolvedChange::DeleteAccount { id, account } => (
            None,
            Some(id.clone()),
            Some(state(&Observation::Account(account.clone()), None)),
        ),
    }
}

/// The audited part of an observation.
fn state(seen: &Observation, account: Option<&ResourceId>) -> Attributes {
    match seen {
        Observation::Role(role) => role_state(role.as_deref(), account),
        Observation::Account(None) => [("exists".to_owned(), AttributeValue::Flag(false))].into(),
        Observation::Account(Some(account)) => account.audited_attributes(),
    }
}

/// The audited state of a role: the number of members, not the members.
fn role_state(role: Option<&Role>, account: Option<&ResourceId>) -> Attributes {
    let Some(role) = role else {
        return [("role_exists".to_owned(), AttributeValue::Flag(false))].into();
    };
    let mut state = Attributes::from([("role_name".to_owned(), role.resource.display_name.as_str().into())]);
    let holds = match account.map(|account| role.members.contains(&account.id)) {
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
