//! Sources of access data.

use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde::Serialize;

use crate::StatusCode;
use crate::model::{
    AccessBatch, Completeness, EntitlementId, IdScheme, ResourceId, ResourceType, ResourceTypeId, RowKind,
    SyncScope, Unstated,
};

use super::SourceError;

/// A tenant that can be read.
#[async_trait]
pub trait AccessSource: Send + Sync {
    /// Makes one real call for each endpoint that a sync needs. Problems of single endpoints are part of the report,
    /// not errors.
    ///
    /// # Errors
    /// [`SourceError`] if no endpoint can be checked, e.g. because sign-in fails.
    async fn check(&self) -> Result<CheckReport, SourceError>;

    /// The tenant, e.g. its base URL. The same for every sync of a tenant.
    fn tenant(&self) -> String;

    /// Resource types that this source lists, including opted-in ones.
    fn resource_types(&self) -> Vec<ResourceType>;

    /// Reads the tenant. Rows arrive in this order, so that consumers need one pass and little memory:
    ///
    /// 1. a resource type before its resources, a resource before its entitlements;
    /// 2. an entitlement and all principals before the grants;
    /// 3. grants of one entitlement together: once grants of another entitlement begin, it is closed.
    ///
    /// The stream ends after an error. Dropping it stops all work behind it.
    fn read(&self, scope: &SyncScope) -> BoxStream<'_, Result<SourceEvent, SourceError>>;

    /// Request counts so far.
    fn usage(&self) -> ApiUsage;

    /// The current activity, for progress display.
    fn activity(&self) -> Activity {
        Activity::default()
    }
}

/// The current activity of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Activity {
    /// The list being read.
    pub list: Option<ListStep>,
    /// The wait before the next attempt.
    pub wait: Option<Wait>,
}

/// A list and its position among all lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListStep {
    /// Its name, e.g. `roles`.
    pub name: &'static str,
    /// Its number, from 1.
    pub number: usize,
    /// Number of lists.
    pub of: usize,
}

/// A wait before an attempt is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Whether the tenant throttles; otherwise a call failed.
    pub is_throttled: bool,
    /// Remaining time.
    pub left: Duration,
    /// Number of the next attempt.
    pub next_try: u32,
}

/// Events of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceEvent {
    /// Rows.
    Batch(AccessBatch),
    /// Received rows that cannot be used.
    Skipped(SkippedRows),
    /// Whether a type was read completely. Types without this event are complete.
    Completeness(ResourceTypeId, Completeness),
    /// Access that the tenant does not report. Follows the principals that it names.
    Unstated(Unstated),
    /// Description of a resource that no list contains, e.g. a role member.
    Mention(Mention),
    /// The id scheme of this sync. Optional for sources with a single scheme.
    IdScheme(IdScheme),
    /// A warning.
    Warning(Warning),
}

/// Description of an unlisted resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The resource.
    pub resource: ResourceId,
    /// The description, e.g. `Pat Departed <pat@example.net>`; truncated to
    /// [`MAX_SOURCE_TEXT_BYTES`](crate::model::MAX_SOURCE_TEXT_BYTES).
    pub words: String,
}

/// Details of a skipped row, as far as known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SkippedRow {
    /// The resource, or the resource of the entitlement.
    pub resource: Option<ResourceId>,
    /// The entitlement of a grant.
    pub entitlement: Option<EntitlementId>,
    /// The principal of a grant.
    pub principal: Option<ResourceId>,
    /// Source text of the row; truncated to [`MAX_SOURCE_TEXT_BYTES`](crate::model::MAX_SOURCE_TEXT_BYTES).
    pub words: Option<String>,
}

/// Received rows that cannot be represented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedRows {
    /// The kind of the rows.
    pub kind: RowKind,
    /// The resource type; for grants, of the resource they are on.
    pub resource_type: ResourceTypeId,
    /// Why they were skipped.
    pub reason: SkipReason,
    /// Number of rows.
    pub count: u64,
    /// Details of some or all of them; at most `count`.
    pub rows: Vec<SkippedRow>,
}

/// The reason for skipping a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// The id is missing or unusable.
    UnusableId,
    /// The row is a duplicate.
    Duplicate,
    /// The row does not have the expected structure.
    WrongShape,
}

/// A finding that does not fail the sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// A stable code for programs, e.g. `older_instance`.
    pub code: &'static str,
    /// The message.
    pub message: String,
}

/// Request counts of a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ApiUsage {
    /// Requests, including sign-in and retries.
    pub calls: u64,
    /// Retries.
    pub retries: u64,
    /// Throttled responses.
    pub throttled: u64,
    /// Response bytes, decompressed.
    pub bytes: u64,
    /// Time spent waiting for retries.
    #[serde(serialize_with = "as_seconds", rename = "waited_seconds")]
    pub waited: Duration,
}

impl ApiUsage {
    /// The difference to an earlier count.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(earlier.calls),
            retries: self.retries.saturating_sub(earlier.retries),
            throttled: self.throttled.saturating_sub(earlier.throttled),
            bytes: self.bytes.saturating_sub(earlier.bytes),
            waited: self.waited.saturating_sub(earlier.waited),
        }
    }
}

fn as_seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// The tenant, e.g. its base URL.
    pub tenant: String,
    /// The id scheme that a sync would use; `None` if unknown or if there is only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_scheme: Option<IdScheme>,
    /// One entry per call.
    pub endpoints: Vec<EndpointCheck>,
    /// Granted scopes compared with required ones.
    pub scopes: Vec<ScopeCheck>,
}

/// One call of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndpointCheck {
    /// Method and path.
    pub endpoint: String,
    /// What the sync needs it for.
    pub purpose: &'static str,
    /// The outcome.
    pub outcome: CheckOutcome,
}

/// The outcome of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum CheckOutcome {
    /// The call succeeded.
    Ok {
        /// Summary of the response, e.g. `12 organizations`.
        detail: String,
    },
    /// The call failed, and a sync works without it.
    Degraded {
        /// The consequence for a sync.
        detail: String,
    },
    /// The call failed, and a sync would fail.
    Failed {
        /// The status.
        status: StatusCode,
        /// The error message.
        message: String,
        /// The hint.
        hint: Option<String>,
    },
}

/// An OAuth scope of the credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScopeCheck {
    /// The name, e.g. `monitoring`.
    pub scope: String,
    /// Whether it is granted; `None` if unknown.
    pub granted: Option<bool>,
    /// Whether a sync requires it.
    pub needed: bool,
    /// What to change, if anything.
    pub advice: String,
}
