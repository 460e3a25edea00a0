//! `sync_full`: heartbeats during the sync and its upload.

use std::collections::BTreeSet;
use std::time::Duration;

use access_core::model::{AccessDepth, NativeId, ResourceId, ResourceTypeId, SyncScope};
use access_core::{Diagnostic, StatusCode};
use baton_proto::connectorapi_baton_v1::task::SyncFullTask;

use super::handler::TaskHandler;
use super::response::{TaskDisposition, task_failure};
use crate::connector::{CancelHandle, CancelReason, CancelToken, SyncTaskSpec, TaskFailure};
use crate::{C1Error, TaskId, TaskResult};

/// Maximum attempts of the first heartbeat.
const MAX_FIRST_HEARTBEAT_ATTEMPTS: u32 = 3;
const FIRST_HEARTBEAT_WAIT: Duration = Duration::from_secs(1);

impl TaskHandler {
    /// The first heartbeat decides whether the task still exists; the others continue until the upload is complete.
    pub(super) async fn sync(
        &self,
        id: &TaskId,
        request: SyncFullTask,
        debug: bool,
        shutdown: CancelToken,
    ) -> TaskDisposition {
        let first = match self.first_heartbeat(id).await {
            Ok(Some(next)) => next,
            Ok(None) => {
                tracing::info!(task = %id, "cancelled before it began");
                return TaskDisposition::NoFinish;
            }
            Err(error) => {
                tracing::warn!(task = %id, %error, "the first heartbeat failed; the task is left to others");
                return TaskDisposition::NoFinish;
            }
        };
        let spec = match parse_sync_task(&request) {
            Ok(spec) => SyncTaskSpec { debug, ..spec },
            Err(failure) => return TaskDisposition::Finish(task_failure(failure, false)),
        };
        let (handle, stop) = CancelToken::new();
        let work = self.connector.sync(id, spec, stop.clone());
        tokio::pin!(work);
        let done = tokio::select! {
            done = &mut work => done,
            () = self.watch_for_cancellation(id, first, &handle, shutdown) => work.await,
        };
        TaskDisposition::Finish(match (done, stop.reason()) {
            (Ok(()), _) => TaskResult::Success {
                response: None,
                annotations: Vec::new(),
            },
            (Err(_), Some(reason)) => {
                task_failure(TaskFailure::new(StatusCode::Cancelled, reason.as_str()), true)
            }
            // The reference retries everything except permanent failures (docs/reference/conductorone.md §3.5, table).
            (Err(failure), None) => {
                let permanent = matches!(
                    failure.status,
                    StatusCode::Internal | StatusCode::InvalidArgument | StatusCode::Unimplemented
                );
                task_failure(failure, !permanent)
            }
        })
    }

    /// The wait before the next heartbeat; `None` if the task was cancelled. Transient failures are retried, because an
    /// abandoned task is reassigned much later.
    async fn first_heartbeat(&self, id: &TaskId) -> Result<Option<Duration>, C1Error> {
        let mut tries = 1;
        loop {
            match self.client.heartbeat(id).await {
                Ok(heartbeat) => {
                    return Ok((!heartbeat.cancelled).then_some(heartbeat.next));
                }
                Err(error) if tries == MAX_FIRST_HEARTBEAT_ATTEMPTS || !error.retryable() => {
                    return Err(error);
                }
                Err(error) => {
                    tracing::warn!(task = %id, tries, %error, "the first heartbeat failed");
                    tries += 1;
                    tokio::time::sleep(FIRST_HEARTBEAT_WAIT).await;
                }
            }
        }
    }

    /// Cancels the sync when it has to end.
    async fn watch_for_cancellation(
        &self,
        id: &TaskId,
        first: Duration,
        handle: &CancelHandle,
        shutdown: CancelToken,
    ) {
        let heartbeats = self.send_heartbeats(id, first);
        let reason = tokio::select! {
            reason = heartbeats => reason,
            () = shutdown.cancelled() => CancelReason::ShuttingDown,
        };
        tracing::info!(task = %id, reason = reason.as_str(), "stopping the sync");
        handle.cancel(reason);
    }

    async fn send_heartbeats(&self, id: &TaskId, first: Duration) -> CancelReason {
        let (mut next, mut failures) = (first, 0);
        loop {
            tokio::time::sleep(next.min(self.max_heartbeat_pause)).await;
            match self.client.heartbeat(id).await {
                Ok(heartbeat) if heartbeat.cancelled => return CancelReason::Cancelled,
                Ok(heartbeat) => (next, failures) = (heartbeat.next, 0),
                Err(error) => {
                    failures += 1;
                    tracing::warn!(task = %id, failures, %error, "a heartbeat failed");
                    if failures >= self.heartbeat_failures {
                        return CancelReason::HeartbeatLost;
                    }
                }
            }
        }
    }
}

/// Parses the parameters of a sync task.
pub(crate) fn parse_sync_task(request: &SyncFullTask) -> Result<SyncTaskSpec, TaskFailure> {
    let refuse =
        |error: access_core::model::IdError| TaskFailure::new(StatusCode::InvalidArgument, error.to_string());
    let types: BTreeSet<ResourceTypeId> = request
        .sync_resource_type_ids
        .iter()
        .map(|id| ResourceTypeId::new(id).map_err(refuse))
        .collect::<Result<_, _>>()?;
    let mut targets = BTreeSet::new();
    for id in request
        .targeted_sync_resources
        .iter()
        .filter_map(|resource| resource.id.as_ref())
    {
        targets.insert(ResourceId::new(
            ResourceTypeId::new(&id.resource_type).map_err(refuse)?,
            NativeId::new(&id.resource).map_err(refuse)?,
        ));
    }
    let depth = match (request.skip_entitlements_and_grants, request.skip_grants) {
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
        storage_engine: request.storage_engine.clone(),
        debug: false,
    })
}
