//! The connector behind the service: NinjaOne, the sinks, the audit log.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use access_core::model::{Provenance, ResourceTypeId, SyncScope};
use access_core::ports::{
    AccessSink, AccessSource, ApiUsage, AuditLog, EventCursor, EventFeed, EventPage, NoopAuditLog,
};
use access_core::provisioning::{Change, Outcome, Provisioning};
use access_core::sync::{ShrinkGuard, SyncOutcome, SyncPipeline, SyncRequest};
use access_core::{Diagnostic, StatusCode};
use async_trait::async_trait;
use c1_service::{C1Client, CancelToken, Connector, SyncTaskSpec, TaskFailure, TaskId};
use ninjaone::{
    ClientConfig, NinjaOneClient, NinjaOneEventFeed, NinjaOneProvisioner, NinjaOneSource, SourceOptions,
    WritePolicy,
};
use sink_c1z::{C1zSink, C1zSinkConfig, StorageEngine};
use sink_upload::{LastDelivery, StateFolder, UploadSink};

use super::empty_source::EmptySource;
use super::uploader::TaskUploader;
use super::work_dir::TempFolder;
use super::work_dir::sweep;
use crate::commands::provision::{AuditFile, NOTHING_CHANGED};
use crate::failure::Failure;
use crate::observability::metrics::{Metrics, SyncProgress};
use crate::observability::spans;
use crate::observability::task_logs::TaskLog;
use crate::observability::task_logs::TaskLogs;
use crate::runtime::system::KsuidGenerator;
use crate::runtime::system::SystemClock;
use crate::runtime::watch::WatchedSync;
use crate::settings::Settings;

/// The file of a task's log, in the folder of the task.
const TASK_LOG: &str = "debug.log";

/// The connector that serves ConductorOne's tasks.
pub(super) struct NinjaOneConnector {
    c1: C1Client,
    ninja: ClientConfig,
    options: SourceOptions,
    temp_folder: PathBuf,
    c1z: C1zSinkConfig,
    /// Sinks that receive the same rows.
    others: Vec<Arc<dyn AccessSink>>,
    provisioner: Option<NinjaOneProvisioner>,
    events: NinjaOneEventFeed,
    audit: Box<dyn AuditLog>,
    metrics: Metrics,
    guard: ShrinkGuard,
    /// Types that are synced if a task names neither types nor resources.
    types: Option<BTreeSet<ResourceTypeId>>,
    provenance: Provenance,
    sync_timeout: Option<Duration>,
    delivered: LastDelivery,
    /// Locked by the sync that writes to the other sinks, because each accepts one sync at a time.
    turn: tokio::sync::Mutex<()>,
    /// Whether full syncs are empty (`--skip-full-sync`).
    skip_full_sync: bool,
    /// The API usage of changes at the last report.
    recorded_usage: Mutex<ApiUsage>,
    /// Debug logs of tasks that request them.
    task_logs: TaskLogs,
}

impl NinjaOneConnector {
    /// Creates the connector; nothing is sent yet.
    pub(super) fn new(
        settings: &Settings,
        mut ninja: ClientConfig,
        client_id: &str,
        c1: C1Client,
        metrics: Metrics,
        task_logs: TaskLogs,
    ) -> Result<Self, Failure> {
        let changes_enabled = settings.provisioning()?;
        ninja.writes = if changes_enabled {
            WritePolicy::Enabled
        } else {
            WritePolicy::Disabled
        };
        let temp_folder = settings.temp_folder()?;
        sweep(&temp_folder);
        let provisioner = changes_enabled
            .then(|| NinjaOneClient::new(ninja.clone()).map(NinjaOneProvisioner::new))
            .transpose()?;
        let audit: Box<dyn AuditLog> = match settings.audit_log()? {
            Some(path) if changes_enabled => Box::new(AuditFile::open(&path)?),
            _ => Box::new(NoopAuditLog),
        };
        Ok(Self {
            events: NinjaOneEventFeed::new(NinjaOneClient::new(ninja.clone())?),
            options: settings.source_options()?,
            c1z: settings.c1z(PathBuf::new())?,
            others: settings.build_sinks(&settings.named_sinks()?)?,
            c1,
            ninja,
            temp_folder,
            provisioner,
            audit,
            metrics,
            guard: settings.shrink_guard()?,
            types: settings.scope()?.types,
            provenance: settings.provenance()?,
            sync_timeout: settings.sync_timeout()?,
            delivered: match settings.state_folder()? {
                Some(folder) => LastDelivery::in_folder(StateFolder::open(&folder, client_id)?),
                None => LastDelivery::default(),
            },
            turn: tokio::sync::Mutex::default(),
            skip_full_sync: settings.skip_full_sync()?,
            recorded_usage: Mutex::default(),
            task_logs,
        })
    }

    /// Whether changes are enabled.
    pub(super) fn changes_enabled(&self) -> bool {
        self.provisioner.is_some()
    }

    fn record_usage(&self, usage: ApiUsage) {
        let mut recorded_usage = self.recorded_usage.lock().unwrap_or_else(PoisonError::into_inner);
        self.metrics.api_used(&usage.since(&recorded_usage));
        *recorded_usage = usage;
    }

    /// The scope of a task. Like in the reference, its default types are those of `--sync-resource-types`.
    fn scope(&self, of_task: SyncScope) -> SyncScope {
        match of_task {
            SyncScope {
                types: None,
                targets: None,
                depth,
            } => SyncScope {
                types: self.types.clone(),
                targets: None,
                depth,
            },
            named => named,
        }
    }

    /// Begins the log of a task in its folder. A failure does not fail the task.
    fn begin_log(&self, task: &TaskId, folder: &TempFolder) -> Option<TaskLog> {
        let log = self.task_logs.begin(task.as_str(), &folder.path().join(TASK_LOG));
        log.inspect_err(|error| tracing::warn!(%task, %error, "cannot write the debug log of the task"))
            .ok()
    }

    /// Delivers the log of a task as its second asset. A failure does not fail the task.
    async fn deliver_log(&self, task: &TaskId, log: TaskLog, stop: CancelToken) {
        let file = match log.end() {
            Ok(file) => file,
            Err(error) => {
                tracing::warn!(%task, %error, "cannot write the debug log of the task");
                return;
            }
        };
        let uploaded = tokio::select! {
            uploaded = self.c1.upload(task, &file) => uploaded,
            () = stop.cancelled() => return,
        };
        match uploaded {
            Ok(receipt) => tracing::info!(%task, bytes = receipt.bytes, "debug log uploaded"),
            Err(error) => tracing::warn!(%task, %error, "cannot upload the debug log of the task"),
        }
    }

    /// The upload comes first: if it fails, no other sink publishes.
    fn sinks(
        &self,
        task: &TaskId,
        stop: &CancelToken,
        folder: &TempFolder,
        engine: &str,
    ) -> Vec<Arc<dyn AccessSink>> {
        let file = folder.path().join("sync.c1z");
        let inner = C1zSink::new(C1zSinkConfig {
            path: file.clone(),
            temp_folder: folder.path().to_owned(),
            // The operator's setting overrides the task's.
            engine: self.c1z.engine.or(match engine {
                "pebble" => Some(StorageEngine::Pebble),
                _ => None,
            }),
            ..self.c1z.clone()
        });
        let uploader = TaskUploader {
            client: self.c1.clone(),
            task: task.clone(),
            stop: stop.clone(),
            metrics: self.metrics.clone(),
        };
        let upload: Arc<dyn AccessSink> = Arc::new(UploadSink::new(
            inner,
            file,
            Arc::new(uploader),
            self.delivered.clone(),
        ));
        std::iter::once(upload)
            .chain(self.others.iter().cloned())
            .collect()
    }
}

#[async_trait]
impl Connector for NinjaOneConnector {
    async fn sync(&self, task: &TaskId, order: SyncTaskSpec, stop: CancelToken) -> Result<(), TaskFailure> {
        // Locked before the sync begins: a sync that begins before another one ends would count as the earlier one.
        let _turn = if self.others.is_empty() || self.skip_full_sync {
            None
        } else {
            tokio::select! {
                turn = self.turn.lock() => Some(turn),
                () = stop.clone().cancelled() => {
                    return Err(TaskFailure::new(StatusCode::Cancelled, "stopped on request; nothing was published"));
                }
            }
        };
        let begin = Instant::now();
        let folder = TempFolder::new(&self.temp_folder)?;
        let log = if order.debug {
            self.begin_log(task, &folder)
        } else {
            None
        };
        let sinks = self.sinks(task, &stop, &folder, &order.storage_engine);
        let ninja = NinjaOneClient::new(self.ninja.clone())?;
        let (source, sinks, scope, guard): (Box<dyn AccessSource>, _, _, _) = if self.skip_full_sync {
            // Like in the reference, the tenant must respond, but nothing is read.
            ninja.ping().await?;
            (
                Box::new(EmptySource),
                sinks[..1].to_vec(),
                SyncScope::default(),
                ShrinkGuard::off(),
            )
        } else {
            (
                Box::new(NinjaOneSource::new(ninja, self.options)),
                sinks,
                self.scope(order.scope),
                self.guard.clone(),
            )
        };
        let request = SyncRequest {
            scope,
            sync_type: None,
            identity: None,
            guard,
            provenance: self.provenance.clone(),
        };
        let progress = self.metrics.sync_started();
        let (ended, usage) =
            run_on_own_thread(source, sinks, request, self.sync_timeout, stop.clone(), progress).await;
        let outcome = ended.inspect_err(|failure| {
            self.metrics.sync_failed(failure.status);
            self.metrics.api_used(&usage);
        })?;
        self.metrics.sync_finished(&outcome, &usage, begin.elapsed());
        tracing::info!(
            %task,
            sync = %outcome.summary.run.id,
            sync_type = outcome.summary.run.sync_type.as_str(),
            calls = usage.calls,
            seconds = begin.elapsed().as_secs_f64(),
            "sync delivered"
        );
        for warning in &outcome.warnings {
            tracing::warn!(%task, code = warning.code, "{}", warning.message);
        }
        if let Some(log) = log {
            self.deliver_log(task, log, stop).await;
        }
        drop(folder);
        Ok(())
    }

    async fn change(&self, task: &TaskId, change: Change, stop: CancelToken) -> Result<Outcome, TaskFailure> {
        let Some(provisioner) = &self.provisioner else {
            return Err(TaskFailure::new(
                StatusCode::FailedPrecondition,
                "provisioning is not enabled",
            ));
        };
        let provisioning = Provisioning {
            provisioner,
            audit: self.audit.as_ref(),
            clock: &SystemClock,
            ids: &KsuidGenerator,
            requested_by: format!("ConductorOne, task {task}"),
        };
        let plan = tokio::select! {
            plan = provisioning.prepare(&change) => plan,
            () = stop.clone().cancelled() => {
                return Err(TaskFailure::new(StatusCode::Cancelled, NOTHING_CHANGED));
            }
        };
        let change_result = match plan {
            Ok(plan) => provisioning.execute_until(&plan, stop.cancelled()).await,
            Err(error) => Err(error),
        };
        self.record_usage(provisioner.usage());
        let result = change_result
            .as_ref()
            .map(|outcome| outcome.result)
            .map_err(Diagnostic::status);
        self.metrics.provisioning(change.kind().as_str(), result);
        let outcome = change_result?;
        for warning in &outcome.warnings {
            tracing::warn!(%task, code = warning.code, "{}", warning.message);
        }
        Ok(outcome)
    }

    async fn events(&self, after: EventCursor, most: usize) -> Result<EventPage, TaskFailure> {
        Ok(self.events.events(&after, most).await?)
    }
}

/// Runs the pipeline on a thread of its own, so that it ends cleanly even if the task's future is dropped.
async fn run_on_own_thread(
    source: Box<dyn AccessSource>,
    sinks: Vec<Arc<dyn AccessSink>>,
    request: SyncRequest,
    limit: Option<Duration>,
    stop: CancelToken,
    progress: SyncProgress,
) -> (Result<SyncOutcome, TaskFailure>, ApiUsage) {
    let runtime = tokio::runtime::Handle::current();
    let task = tracing::Span::current();
    let run = tokio::task::spawn_blocking(move || {
        let watched = WatchedSync::new(&progress);
        let pipeline = SyncPipeline {
            source: source.as_ref(),
            sinks: &sinks,
            clock: &SystemClock,
            ids: &KsuidGenerator,
            observer: &watched,
        };
        let tenant = source.tenant();
        let _in_task = task.enter();
        let running = watched.run(&pipeline, &request, limit, stop.cancelled());
        let outcome = runtime.block_on(spans::sync(&tenant, running));
        (outcome.map_err(TaskFailure::from), source.usage())
    });
    run.await.unwrap_or_else(|_| {
        let failure = TaskFailure::new(StatusCode::Internal, "the sync ended unexpectedly");
        (Err(failure), ApiUsage::default())
    })
}
