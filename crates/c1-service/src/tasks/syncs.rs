//! `sync_full`: heartbeats beside the sync and its upload.

use std::collections::BTreeSet;
use std::time::Duration;

use access_core::model::{AccessDepth, NativeId, ResourceId, ResourceTypeId, SyncScope};
use access_core::{Diagnostic, StatusCode};
use baton_proto::connectorapi_baton_v1::task::SyncFullTask;

use super::{TaskDisposition, TaskHandler, failed};
use crate::connector::{CancelHandle, Stop, StopReason, SyncTaskSpec, TaskFailure};
use crate::{C1Error, TaskId, TaskResult};

/// How often the first heartbeat is tried.
const FIRST_BEAT_TRIES: u32 = 3;
const FIRST_BEAT_WAIT: Duration = Duration::from_secs(1);

impl TaskHandler {
    /// The first heartbeat decides whether the task is still wanted; the others go on until the upload is done.
    pub(super) async fn sync(
        &self,
        id: &TaskId,
        wanted: SyncFullTask,
        debug: bool,
        down: Stop,
    ) -> TaskDisposition {
        let first = match self.first_beat(id).await {
            Ok(Some(next)) => next,
            Ok(None) => {
                tracing::info!(task = %id, "cancelled before it began");
                return TaskDisposition::NoEnd;
            }
            Err(error) => {
                tracing::warn!(task = %id, %error, "the first heartbeat failed; the task is left to others");
                return TaskDisposition::NoEnd;
            }
        };
        let order = match order(&wanted) {
            Ok(order) => SyncTaskSpec { debug, ..order },
            Err(failure) => return TaskDisposition::End(failed(failure, false)),
        };
        let (handle, stop) = Stop::new();
        let work = self.connector.sync(id, order, stop.clone());
        tokio::pin!(work);
        let done = tokio::select! {
            done = &mut work => done,
            () = self.watch(id, first, &handle, down) => work.await,
        };
        TaskDisposition::End(match (done, stop.reason()) {
            (Ok(()), _) => TaskResult::Success {
                response: None,
                annotations: Vec::new(),
            },
            (Err(_), Some(reason)) => failed(TaskFailure::new(StatusCode::Cancelled, reason.as_str()), true),
            // The reference tries everything again but what no second try can mend (docs/reference/conductorone.md §3.5,
            // table).
            (Err(failure), None) => {
                let lasting = matches!(
                    failure.status,
                    StatusCode::Internal | StatusCode::InvalidArgument | StatusCode::Unimplemented
                );
                failed(failure, !lasting)
            }
        })
    }

    /// When the next heartbeat is due; none if the task is not wanted any more. What passes is waited for: a task that is
    /// left alone is given out again much later only.
    async fn first_beat(&self, id: &TaskId) -> Result<Option<Duration>, C1Error> {
        let mut tries = 1;
        loop {
            match self.client.heartbeat(id).await {
                Ok(beat) => return Ok((!beat.cancelled).then_some(beat.next)),
                Err(error) if tries == FIRST_BEAT_TRIES || !error.retryable() => return Err(error),
                Err(error) => {
                    tracing::warn!(task = %id, tries, %error, "the first heartbeat failed");
                    tries += 1;
                    tokio::time::sleep(FIRST_BEAT_WAIT).await;
                }
            }
        }
    }

    /// Ends when the sync is to end, having told it.
    async fn watch(&self, id: &TaskId, first: Duration, handle: &CancelHandle, down: Stop) {
        let beats = self.beat(id, first);
        let reason = tokio::select! {
            reason = beats => reason,
            () = down.wanted() => StopReason::ShuttingDown,
        };
        tracing::info!(task = %id, reason = reason.as_str(), "stopping the sync");
        handle.stop(reason);
    }

    async fn beat(&self, id: &TaskId, first: Duration) -> StopReason {
        let (mut next, mut failures) = (first, 0);
        loop {
            tokio::time::sleep(next.min(self.longest_pause)).await;
            match self.client.heartbeat(id).await {
                Ok(beat) if beat.cancelled => return StopReason::Cancelled,
                Ok(beat) => (next, failures) = (beat.next, 0),
                Err(error) => {
                    failures += 1;
                    tracing::warn!(task = %id, failures, %error, "a heartbeat failed");
                    if failures >= self.heartbeat_failures {
                        return StopReason::HeartbeatLost;
                    }
                }
            }
        }
    }
}

/// What is asked for.
pub(crate) fn order(wanted: &SyncFullTask) -> Result<SyncTaskSpec, TaskFailure> {
    let refuse =
        |error: access_core::model::IdError| TaskFailure::new(StatusCode::InvalidArgument, error.to_string());
    let types: BTreeSet<ResourceTypeId> = wanted
        .sync_resource_type_ids
        .iter()
        .map(|id| ResourceTypeId::new(id).map_err(refuse))
        .collect::<Result<_, _>>()?;
    let mut targets = BTreeSet::new();
    for id in wanted
        .targeted_sync_resources
        .iter()
        .filter_map(|resource| resource.id.as_ref())
    {
        targets.insert(ResourceId::new(
            ResourceTypeId::new(&id.resource_type).map_err(refuse)?,
            NativeId::new(&id.resource).map_err(refuse)?,
        ));
    }
    let depth = match (wanted.skip_entitlements_and_grants, wanted.skip_grants) {
        (true, _) => AccessDepth::ResourcesOnly,
        (false, true) => AccessDepth::WithoutGrants,
        (false, false) => AccessDepth::Full,
    };
    Ok(SyncTaskSpec {
        scope: SyncScope {
            types: (!types.is_empty()).then_some(types),
            targets: (!targets.is_empty()).then_some(targets),
            depth,
        },
        storage_engine: wanted.storage_engine.clone(),
        debug: false,
    })
}
