//! Why a sync ended without being published.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use crate::location::LocationConflict;
use crate::memory::MemoryExhausted;
use crate::model::{EntitlementId, ResourceTypeId};
use crate::ports::{SinkError, SourceError};
use crate::{Diagnostic, StatusCode};

use super::shrink_guard::Loss;

/// Why a sync ended without being published.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The request names a type that the source does not have.
    #[error("invalid resource type '{wanted}' in {named_in}")]
    UnknownType {
        /// Which part of the request names it.
        named_in: &'static str,
        /// The type that was asked for.
        wanted: ResourceTypeId,
        /// What the source has.
        known: Vec<ResourceTypeId>,
    },
    /// The tenant could not be read.
    #[error(transparent)]
    Source(SourceError),
    /// The source gave rows in an order that [`AccessSource::read`](crate::ports::AccessSource::read) rules out.
    #[error("the source broke its contract: {0}")]
    Contract(ContractViolation),
    /// Rows got lost on the way.
    #[error(
        "the ledger does not balance for {kind} of {resource_type}: {received} received, {written} written, {dropped} dropped"
    )]
    Imbalance {
        /// Kind of row.
        kind: &'static str,
        /// Type of the line.
        resource_type: ResourceTypeId,
        /// Rows that came in.
        received: u64,
        /// Rows that went to the sinks.
        written: u64,
        /// Rows that went nowhere.
        dropped: u64,
    },
    /// A sink failed; all were aborted.
    #[error("cannot {stage} {sink}")]
    Sink {
        /// Its name.
        sink: String,
        /// What it was doing.
        stage: SinkStage,
        /// Why.
        source: SinkError,
    },
    /// The ids of this sync are made in another way than those of a sink.
    #[error("{sink} does not take this sync: {conflict}")]
    Location {
        /// Its name.
        sink: String,
        /// Why.
        conflict: LocationConflict,
    },
    /// A sink prepared another number of rows than it was given.
    #[error("{sink} holds {prepared} rows where {written} were written to it")]
    RowsMissing {
        /// Its name.
        sink: String,
        /// Rows in its output.
        prepared: u64,
        /// Rows it was given.
        written: u64,
    },
    /// A sink failed to publish after others had.
    #[error("cannot publish {sink}; already published: {}", published.join(", "))]
    PartlyPublished {
        /// The one that failed.
        sink: String,
        /// The ones that show the new sync.
        published: Vec<String>,
        /// Why.
        source: SinkError,
    },
    /// So much of the previous sync is gone that it looks like a mistake.
    #[error("not published, because too much is missing: {} since the last sync in {}", listed(losses), since.join(", "))]
    Shrunk {
        /// What is missing.
        losses: Vec<Loss>,
        /// Types for which leave stands in a variable or a file, which is not taken for this loss.
        standing: Vec<ResourceTypeId>,
        /// The sinks that hold what there was.
        since: Vec<String>,
        /// Where sinks keep what they did not publish.
        kept: Vec<String>,
    },
    /// The memory budget is spent.
    #[error("{spent}, after {received}")]
    MemoryExhausted {
        /// What is spent.
        spent: MemoryExhausted,
        /// The rows that came last.
        received: String,
    },
    /// The run took longer than it may.
    #[error("the sync was not complete after {} min; nothing was published", limit.as_secs().div_ceil(60))]
    TooLong {
        /// How long it may take.
        limit: Duration,
    },
    /// The tenant does not state what every tenant has, and nobody knows what it would replace.
    #[error(
        "not published, because the tenant does not state {}, and what {} holds is not known",
        fields(findings), sinks.join(", ")
    )]
    Implausible {
        /// The types, and what is not stated.
        findings: Vec<(ResourceTypeId, String)>,
        /// The sinks whose last sync cannot be compared with.
        sinks: Vec<String>,
        /// Where sinks keep what they did not publish.
        kept: Vec<String>,
    },
    /// Somebody asked the run to stop.
    #[error("stopped on request; nothing was published")]
    Cancelled,
}

fn listed(losses: &[Loss]) -> String {
    let losses: Vec<String> = losses.iter().map(ToString::to_string).collect();
    losses.join(", ")
}

fn fields(findings: &[(ResourceTypeId, String)]) -> String {
    let fields: Vec<&str> = findings.iter().map(|(_, field)| field.as_str()).collect();
    fields.join(" and ")
}

fn look_at(kept: &[String]) -> String {
    match kept {
        [] => "look at the tenant".to_owned(),
        places => format!("look at what was kept aside in {}", places.join(" and ")),
    }
}

fn what_to_do(losses: &[Loss], standing: &[ResourceTypeId], kept: &[String]) -> String {
    let leave: BTreeSet<String> = losses
        .iter()
        .map(|loss| match loss.since {
            Some(since) => format!("{}@{since}", loss.resource_type),
            None => loss.resource_type.to_string(),
        })
        .collect();
    let leave: Vec<String> = leave.into_iter().collect();
    let look = look_at(kept);
    let standing = match standing {
        [] => "",
        _ => " (leave that stands in a variable or a file counts only in this form)",
    };
    format!(
        "{look}; if the loss is real, publish it with --accept-drop {}{standing}",
        leave.join(",")
    )
}

/// What a sink was doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkStage {
    /// Getting ready.
    Begin,
    /// Taking rows.
    Write,
    /// Comparing with what it holds.
    Compare,
    /// Completing its output.
    Prepare,
    /// Making it visible.
    Publish,
}

impl fmt::Display for SinkStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Begin => "open",
            Self::Write => "write to",
            Self::Compare => "read the last sync of",
            Self::Prepare => "complete",
            Self::Publish => "publish",
        })
    }
}

/// A breach of the order that sources promise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContractViolation {
    /// Grants of an entitlement came in two places.
    #[error("grants of {entitlement} came after grants of another entitlement")]
    EntitlementReopened {
        /// The entitlement.
        entitlement: EntitlementId,
    },
    /// A resource has another trait than its type.
    #[error("a resource of type {resource_type} has a trait that its type does not have")]
    TraitMismatch {
        /// The type.
        resource_type: ResourceTypeId,
    },
    /// More resources than can be told apart.
    #[error("more than 4 billion resources came")]
    TooManyResources,
}

impl Diagnostic for SyncError {
    fn status(&self) -> StatusCode {
        match self {
            Self::UnknownType { .. } => StatusCode::InvalidArgument,
            Self::Source(source) => source.status(),
            Self::Contract(_) | Self::Imbalance { .. } | Self::RowsMissing { .. } => StatusCode::Internal,
            Self::Sink { source, .. } | Self::PartlyPublished { source, .. } => source.status(),
            Self::Shrunk { .. } | Self::Implausible { .. } => StatusCode::FailedPrecondition,
            Self::Location { conflict, .. } => conflict.status(),
            Self::MemoryExhausted { spent, .. } => spent.status(),
            Self::TooLong { .. } => StatusCode::DeadlineExceeded,
            Self::Cancelled => StatusCode::Cancelled,
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Source(source) => source.retryable(),
            Self::Sink { source, .. } | Self::PartlyPublished { source, .. } => source.retryable(),
            _ => false,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownType { known, .. } => {
                let known: Vec<&str> = known.iter().map(ResourceTypeId::as_str).collect();
                Some(format!("this connector has the types {}", known.join(", ")))
            }
            Self::Source(source) => source.hint(),
            Self::Sink { source, .. } | Self::PartlyPublished { source, .. } => source.hint(),
            Self::Contract(_) | Self::Imbalance { .. } | Self::RowsMissing { .. } => {
                Some("this is a bug in the connector; please report it with the log of the run".to_owned())
            }
            Self::Shrunk {
                losses,
                standing,
                kept,
                ..
            } => Some(what_to_do(losses, standing, kept)),
            Self::Implausible { findings, kept, .. } => {
                let types: Vec<&str> = findings.iter().map(|(id, _)| id.as_str()).collect();
                Some(format!(
                    "{}; if the tenant is like that, publish it with --accept-drop {} as a flag",
                    look_at(kept),
                    types.join(",")
                ))
            }
            Self::Location { conflict, .. } => conflict.hint(),
            Self::MemoryExhausted { spent, .. } => spent.hint(),
            Self::TooLong { .. } => Some(
                "raise --sync-timeout-minutes if the tenant is this large; the log says what was read last"
                    .to_owned(),
            ),
            Self::Cancelled => None,
        }
    }
}
