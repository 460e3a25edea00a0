//! Errors of a sync.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use crate::location::LocationConflict;
use crate::memory::MemoryExhausted;
use crate::model::{EntitlementId, ResourceTypeId};
use crate::ports::{SinkError, SourceError};
use crate::{Diagnostic, StatusCode};

use super::loss::Loss;

/// Errors of a sync.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The request contains an unknown resource type.
    #[error("invalid resource type '{requested}' in {named_in}")]
    UnknownType {
        /// The part of the request that contains it.
        named_in: &'static str,
        /// The unknown type.
        requested: ResourceTypeId,
        /// The types of the source.
        known: Vec<ResourceTypeId>,
    },
    /// The source failed.
    #[error(transparent)]
    Source(SourceError),
    /// The source violated the row order of [`AccessSource::read`](crate::ports::AccessSource::read).
    #[error("the source broke its contract: {0}")]
    Contract(ContractViolation),
    /// The ledger does not balance.
    #[error(
        "the ledger does not balance for {kind} of {resource_type}: {received} received, {written} written, {dropped} dropped"
    )]
    Imbalance {
        /// The row kind.
        kind: &'static str,
        /// The resource type.
        resource_type: ResourceTypeId,
        /// Received rows.
        received: u64,
        /// Written rows.
        written: u64,
        /// Dropped rows.
        dropped: u64,
    },
    /// A sink failed; all sinks were aborted.
    #[error("cannot {stage} {sink}")]
    Sink {
        /// The sink.
        sink: String,
        /// The stage.
        stage: SinkStage,
        /// The cause.
        source: SinkError,
    },
    /// The id scheme differs from that of a sink.
    #[error("cannot write this sync to {sink}: {conflict}")]
    Location {
        /// The sink.
        sink: String,
        /// The cause.
        conflict: LocationConflict,
    },
    /// A sink prepared a different number of rows than it received.
    #[error("{sink} has {prepared} rows, but {written} were written to it")]
    RowsMissing {
        /// The sink.
        sink: String,
        /// Prepared rows.
        prepared: u64,
        /// Rows it received.
        written: u64,
    },
    /// A sink failed to publish after others had published.
    #[error("cannot publish {sink}; already published: {}", published.join(", "))]
    PartlyPublished {
        /// The failed sink.
        sink: String,
        /// The sinks that published.
        published: Vec<String>,
        /// The cause.
        source: SinkError,
    },
    /// The sync lost more of the previous one than the shrink guard accepts.
    #[error("not published, because too much is missing: {} since the last sync in {}", join_losses(losses), since.join(", "))]
    Shrunk {
        /// The losses.
        losses: Vec<Loss>,
        /// Types accepted in a variable or file, which does not apply to this loss.
        standing: Vec<ResourceTypeId>,
        /// The sinks with the previous sync.
        since: Vec<String>,
        /// Locations of quarantined output.
        kept: Vec<String>,
    },
    /// The memory budget is exhausted.
    #[error("{spent}, after {received}")]
    MemoryExhausted {
        /// The exceeded limit.
        spent: MemoryExhausted,
        /// The last received rows.
        received: String,
    },
    /// The run exceeded its time limit.
    #[error("the sync was not complete after {} min; nothing was published", limit.as_secs().div_ceil(60))]
    TooLong {
        /// The time limit.
        limit: Duration,
    },
    /// Implausible missing information, and the previous sync is unknown.
    #[error(
        "not published, because the tenant does not state {}, and what {} holds is not known",
        join_fields(findings), sinks.join(", ")
    )]
    Implausible {
        /// The types and the missing fields.
        findings: Vec<(ResourceTypeId, String)>,
        /// The sinks whose last sync cannot be compared.
        sinks: Vec<String>,
        /// Locations of quarantined output.
        kept: Vec<String>,
    },
    /// The run was cancelled.
    #[error("stopped on request; nothing was published")]
    Cancelled,
}

fn join_losses(losses: &[Loss]) -> String {
    let losses: Vec<String> = losses.iter().map(ToString::to_string).collect();
    losses.join(", ")
}

fn join_fields(findings: &[(ResourceTypeId, String)]) -> String {
    let join_fields: Vec<&str> = findings.iter().map(|(_, field)| field.as_str()).collect();
    join_fields.join(" and ")
}

fn inspect_hint(kept: &[String]) -> String {
    match kept {
        [] => "check the tenant".to_owned(),
        locations => format!("check what was quarantined in {}", locations.join(" and ")),
    }
}

fn shrink_hint(losses: &[Loss], standing: &[ResourceTypeId], kept: &[String]) -> String {
    let acceptance: BTreeSet<String> = losses
        .iter()
        .map(|loss| match loss.since {
            Some(since) => format!("{}@{since}", loss.resource_type),
            None => loss.resource_type.to_string(),
        })
        .collect();
    let acceptance: Vec<String> = acceptance.into_iter().collect();
    let look = inspect_hint(kept);
    let standing = match standing {
        [] => "",
        _ => " (in a variable or a file only this form counts)",
    };
    format!(
        "{look}; if the loss is real, publish it with --accept-drop {}{standing}",
        acceptance.join(",")
    )
}

/// The stage of a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkStage {
    /// Opening.
    Begin,
    /// Writing rows.
    Write,
    /// Comparing with the previous sync.
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

/// A violation of the row order of sources.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContractViolation {
    /// Grants of an entitlement were not consecutive.
    #[error("grants of {entitlement} came after grants of another entitlement")]
    EntitlementReopened {
        /// The entitlement.
        entitlement: EntitlementId,
    },
    /// A resource has a trait that its type does not have.
    #[error("a resource of type {resource_type} has a trait that its type does not have")]
    TraitMismatch {
        /// The type.
        resource_type: ResourceTypeId,
    },
    /// More resources than ordinals.
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
            } => Some(shrink_hint(losses, standing, kept)),
            Self::Implausible { findings, kept, .. } => {
                let types: Vec<&str> = findings.iter().map(|(id, _)| id.as_str()).collect();
                Some(format!(
                    "{}; if this is correct, publish it with --accept-drop {} as a flag",
                    inspect_hint(kept),
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
