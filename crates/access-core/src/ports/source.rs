//! Where access data comes from.

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
    /// Makes one real call for each thing that a sync needs and tells what came of it. Problems with single endpoints
    /// are findings in the report, not errors.
    ///
    /// # Errors
    /// [`SourceError`] if nothing can be found out at all, e.g. because sign-in fails.
    async fn check(&self) -> Result<CheckReport, SourceError>;

    /// What is read, e.g. the tenant's base URL. The same for every sync of the same tenant.
    fn tenant(&self) -> String;

    /// The kinds of things this source can list, opted-in ones included.
    fn resource_types(&self) -> Vec<ResourceType>;

    /// Reads the tenant. Rows come in this order, which lets everything downstream work in one pass with little
    /// memory:
    ///
    /// 1. a resource type before its resources, a resource before its entitlements;
    /// 2. an entitlement and all principals before the grants;
    /// 3. the grants of one entitlement together: once another entitlement's grants begin, it is closed.
    ///
    /// After an error the stream ends. Dropping the stream stops all work behind it.
    fn read(&self, scope: &SyncScope) -> BoxStream<'_, Result<SourceEvent, SourceError>>;

    /// What reading has cost so far.
    fn usage(&self) -> ApiUsage;

    /// What the source is doing at the moment, for people who wait for it.
    fn activity(&self) -> Activity {
        Activity::default()
    }
}

/// What a source is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Activity {
    /// The list that is being read.
    pub list: Option<ListStep>,
    /// What is waited for before the next try.
    pub wait: Option<Wait>,
}

/// A list of several that are read one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListStep {
    /// Its name, e.g. `roles`.
    pub name: &'static str,
    /// Which of the lists it is, from 1.
    pub number: usize,
    /// How many lists there are.
    pub of: usize,
}

/// A wait before something is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Whether the tenant asked for it; otherwise a call has failed.
    pub is_throttled: bool,
    /// How long it still takes.
    pub left: Duration,
    /// The number of the try that comes next.
    pub next_try: u32,
}

/// What a source says while it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceEvent {
    /// Rows.
    Batch(AccessBatch),
    /// Rows that came but cannot be used.
    Skipped(SkippedRows),
    /// Whether a type was read to the end. Types without such an event are complete.
    Completeness(ResourceTypeId, Completeness),
    /// Access that the tenant does not state. Comes after the principals that it names.
    Unstated(Unstated),
    /// What the tenant says of a resource that is in none of its lists, e.g. the name of a role's member.
    Mention(Mention),
    /// How ids are made in this sync. A source with one scheme only need not say it.
    IdScheme(IdScheme),
    /// Something a person should know.
    Warning(Warning),
}

/// What the tenant says of a resource that it does not list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The resource.
    pub resource: ResourceId,
    /// The tenant's words, e.g. `Pat Departed <pat@example.net>`; at most
    /// [`MAX_SOURCE_TEXT_BYTES`](crate::model::MAX_WORDS_BYTES) are kept.
    pub words: String,
}

/// A skipped row, as far as the tenant names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SkippedRow {
    /// The resource, or the one on which something would be held.
    pub resource: Option<ResourceId>,
    /// What would be held, of a grant.
    pub entitlement: Option<EntitlementId>,
    /// Who would hold it, of a grant.
    pub principal: Option<ResourceId>,
    /// The tenant's words for the row; at most [`MAX_SOURCE_TEXT_BYTES`](crate::model::MAX_WORDS_BYTES) are kept.
    pub words: Option<String>,
}

/// Rows that the source received but cannot express.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedRows {
    /// What the rows would have been.
    pub kind: RowKind,
    /// Their type; for grants, the type of the resource they are held on.
    pub resource_type: ResourceTypeId,
    /// Why they are of no use.
    pub reason: SkipReason,
    /// How many.
    pub count: u64,
    /// Some or all of them, for the list of what was left out; never more than `count`.
    pub rows: Vec<SkippedRow>,
}

/// Why a source skips a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// It has no id, or none that can be used.
    UnusableId,
    /// The same row was there before.
    Duplicate,
    /// It is not an object of the expected shape.
    WrongShape,
}

/// A finding that does not stop the sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// A stable word for programs, e.g. `older_instance`.
    pub code: &'static str,
    /// The finding for people.
    pub message: String,
}

/// What reading has cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ApiUsage {
    /// Requests sent, sign-in and repeats included.
    pub calls: u64,
    /// Requests that were repeats.
    pub retries: u64,
    /// Answers that asked to slow down.
    pub throttled: u64,
    /// Bytes of answers, decompressed.
    pub bytes: u64,
    /// Time spent waiting before repeats.
    #[serde(serialize_with = "as_seconds", rename = "waited_seconds")]
    pub waited: Duration,
}

impl ApiUsage {
    /// What was added to an earlier count.
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

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// The tenant that was asked, e.g. its base URL.
    pub tenant: String,
    /// How the ids of a sync would be made; `None` if that was not found out, or there is one way only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_scheme: Option<IdScheme>,
    /// One entry for each call.
    pub endpoints: Vec<EndpointCheck>,
    /// What the credentials may do, against what is needed.
    pub scopes: Vec<ScopeCheck>,
}

/// One call of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndpointCheck {
    /// Method and path.
    pub endpoint: String,
    /// What it is needed for.
    pub purpose: &'static str,
    /// What came of it.
    pub outcome: CheckOutcome,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum CheckOutcome {
    /// It answered as it should.
    Ok {
        /// What was seen, e.g. `12 organizations`.
        detail: String,
    },
    /// It did not, and the sync can do without it.
    Degraded {
        /// What the sync does instead.
        detail: String,
    },
    /// It did not, and a sync would fail.
    Failed {
        /// The class of the failure.
        status: StatusCode,
        /// What went wrong.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
}

/// One permission of the credentials, judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScopeCheck {
    /// Its name, e.g. `monitoring`.
    pub scope: String,
    /// Whether the credentials have it; `None` if the tenant does not say.
    pub granted: Option<bool>,
    /// Whether a sync needs it.
    pub needed: bool,
    /// The judgement in words.
    pub advice: String,
}
