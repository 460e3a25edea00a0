//! What was done.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{ChangeOperation, Observation};
use crate::model::{GrantId, Resource, ResourceId, SyncId};
use crate::ports::Warning;

/// Names one attempt to change something, in the audit log and in messages. A KSUID, like the id of a sync.
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

/// A change that is made, or need not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Names the attempt.
    pub change_id: ChangeId,
    /// What was asked for.
    pub change: ChangeOperation,
    /// What was asked for, in words.
    pub wanted: String,
    /// Whether there was anything to do.
    pub result: ChangeResult,
    /// The role that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<NamedRef>,
    /// The account that it is about; a change that could be made names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<NamedRef>,
    /// The grant that exists now, or no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<GrantId>,
    /// The account as it is now, where one was made, found or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<Box<Resource>>,
    /// Roles that a new account was given, and is seen to have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<NamedRef>,
    /// What was written.
    pub steps: Vec<StepReport>,
    /// What a person should know.
    pub warnings: Vec<Warning>,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeResult {
    /// The tenant was changed.
    Changed,
    /// The tenant says that it already was in the requested state.
    #[serde(rename = "already")]
    AlreadyApplied,
    /// The tenant accepted the change, and nothing that it says shows whether it is so now. It is neither known to be
    /// made nor known to have been needless.
    Accepted,
}

/// A thing with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedRef {
    /// Its id.
    pub id: ResourceId,
    /// Its name, if it is known.
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

/// A write, and how it is known to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// What it does.
    pub step: String,
    /// Method and address.
    pub request: String,
    /// What the tenant's support asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// How often it was sent, as far as this program decides that.
    pub tries: u32,
    /// How it is known to be done.
    pub verified: VerificationMethod,
    /// Why it could not be verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether the tenant was as wanted before, which only its refusal told.
    pub already: bool,
    /// The tenant afterwards.
    #[serde(skip)]
    pub seen: Observation,
}

/// How a write is known to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VerificationMethod {
    /// Its answer shows it.
    ByAnswer,
    /// Reading back shows it.
    ByReadingBack,
    /// The tenant accepted it, and neither its answer nor reading back says whether it is so.
    NotVerifiable,
}
