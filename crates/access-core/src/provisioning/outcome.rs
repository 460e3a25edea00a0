//! The outcome of a change.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{ChangeOperation, Observation};
use crate::model::{GrantId, Resource, ResourceId, SyncId};
use crate::ports::Warning;

/// The id of an attempt, in the audit log and in messages. A KSUID, like sync ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeId(pub(super) SyncId);

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl Serialize for ChangeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

/// A successful change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The id of the attempt.
    pub change_id: ChangeId,
    /// The operation.
    pub change: ChangeOperation,
    /// Description of the requested change.
    #[serde(rename = "wanted")]
    pub request: String,
    /// Whether the tenant was changed.
    pub result: ChangeResult,
    /// The affected role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<NamedRef>,
    /// The affected account; present if the change was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<NamedRef>,
    /// The grant that was created or removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<GrantId>,
    /// The current account, if one was created, found or updated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<Box<Resource>>,
    /// Verified roles of a new account.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<NamedRef>,
    /// The requests that were sent.
    pub steps: Vec<StepReport>,
    /// Warnings.
    pub warnings: Vec<Warning>,
}

/// The result of a successful change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeResult {
    /// The tenant was changed.
    Changed,
    /// The tenant says that it already was in the requested state.
    #[serde(rename = "already")]
    AlreadyApplied,
    /// The tenant accepted the change, but does not report the new state: it is unknown whether it was applied or
    /// unnecessary.
    Accepted,
}

/// A resource with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedRef {
    /// The id.
    pub id: ResourceId,
    /// The name, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl fmt::Display for NamedRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} ({})", self.id),
            None => fmt::Display::fmt(&self.id, f),
        }
    }
}

impl From<&Resource> for NamedRef {
    fn from(resource: &Resource) -> Self {
        Self {
            id: resource.id.clone(),
            name: Some(resource.display_name.to_string()),
        }
    }
}

/// A write and its verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// Description of the step.
    pub step: String,
    /// Method and address.
    pub request: String,
    /// Request id for the tenant's support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Number of attempts, not counting retries of the client.
    pub tries: u32,
    /// How the effect was verified.
    pub verified: VerificationMethod,
    /// Why it could not be verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether the tenant already was in the requested state, known only from its rejection.
    pub already: bool,
    /// The state afterwards.
    #[serde(skip)]
    pub seen: Observation,
}

/// How the effect of a write was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VerificationMethod {
    /// The response shows it.
    ByAnswer,
    /// Reading back shows it.
    ByReadingBack,
    /// The tenant accepted it, and neither the response nor reading back shows the effect.
    NotVerifiable,
}
