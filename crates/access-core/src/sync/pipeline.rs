//! The sync use case: read a tenant once, write to every sink, publish all or nothing.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt;
use time::OffsetDateTime;

use crate::location;
use crate::model::{
    AccessBatch, Completeness, IdScheme, LeftOut, Provenance, ResourceTypeId, RowKind, SyncId, SyncOrigin,
    SyncRun, SyncScope, SyncType, UnstatedNote, UserSample,
};
use crate::ports::{
    AccessSink, AccessSource, Clock, FinishedSync, Phase, SourceEvent, SyncIdGenerator, SyncObserver, Warning,
};

use super::current::CurrentSync;
use super::error::SyncError;
use super::fan_out::{FanOut, SinkFeed, cancel_on};
use super::judgement::{self, Judgement};
use super::ledger::{DropReason, Ledger};
use super::outcome::SyncOutcome;
use super::shrink_guard::ShrinkGuard;
use super::summary::SyncSummary;
use super::tenant_check;
use super::validation::ImplausibleSilence;
use super::validation::RowValidator;
use super::validation::ValidatedRows;

/// The ports of a sync.
pub struct SyncPipeline<'a> {
    /// The tenant.
    pub source: &'a dyn AccessSource,
    /// The sinks; all of them publish, or none.
    pub sinks: &'a [Arc<dyn AccessSink>],
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Generates sync ids.
    pub ids: &'a dyn SyncIdGenerator,
    /// The observer.
    pub observer: &'a dyn SyncObserver,
}

/// The result of opening a sink without writing.
#[derive(Debug)]
pub struct SinkReadiness {
    /// Name of the sink.
    pub sink: String,
    /// Whether the sink accepts a sync; the error is the one that a run would return.
    pub result: Result<(), SyncError>,
}

/// The parameters of a run.
#[derive(Debug, Clone, Default)]
pub struct SyncRequest {
    /// What to read.
    pub scope: SyncScope,
    /// The sync type, if the source knows better than the scope, e.g. a file of an earlier sync.
    pub sync_type: Option<SyncType>,
    /// The shrink guard.
    pub guard: ShrinkGuard,
    /// The id and times of an earlier sync that is written again. None for a new sync, which gets an id and the time.
    pub identity: Option<SyncIdentity>,
    /// Program, client and settings; the pipeline adds the types and the id scheme of the source.
    pub provenance: Provenance,
}

/// The id and times of a sync that ended before: written again, it keeps them, so that the same data comes out the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncIdentity {
    /// Its id.
    pub id: SyncId,
    /// When it began.
    pub started_at: OffsetDateTime,
    /// When it ended.
    pub ended_at: OffsetDateTime,
}

impl From<&FinishedSync> for SyncIdentity {
    fn from(sync: &FinishedSync) -> Self {
        Self {
            id: sync.run.id,
            started_at: sync.run.started_at,
            ended_at: sync.ended_at,
        }
    }
}

/// The result of reading the source.
struct ReadResult {
    ledger: Ledger,
    completeness: BTreeMap<ResourceTypeId, Completeness>,
    warnings: Vec<Warning>,
    left_out: LeftOut<DropReason>,
    unstated: Vec<UnstatedNote>,
    suspicious_types: BTreeMap<ResourceTypeId, ImplausibleSilence>,
    id_scheme: Option<IdScheme>,
    user_sample: UserSample,
    current: CurrentSync,
}

impl SyncPipeline<'_> {
    /// Runs a sync. `stop` cancels it without a trace until all sinks are prepared; publishing runs to completion.
    ///
    /// # Errors
    /// [`SyncError`]; nothing was published, except with [`SyncError::PartlyPublished`].
    pub async fn run(
        &self,
        request: &SyncRequest,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<SyncOutcome, SyncError> {
        self.check_types(request)?;
        let mut stop = pin!(stop);
        let run = self.new_run(request);
        let begin = FanOut::begin(self.sinks, &run);
        let mut fan_out = cancel_on(stop.as_mut(), begin)
            .await
            .ok_or(SyncError::Cancelled)??;
        let work = self.read_and_prepare(request, run, &mut fan_out);
        match cancel_on(stop, work).await.unwrap_or(Err(SyncError::Cancelled)) {
            Ok((summary, warnings)) => self.publish(fan_out, summary, warnings).await,
            Err(error) => {
                fan_out.abort().await;
                Err(error)
            }
        }
    }

    /// Opens every sink as a run would, and closes it again, without reading the tenant. `id_scheme` is the scheme that
    /// the source would use, if known.
    ///
    /// # Errors
    /// [`SyncError`] if the request is invalid, or `stop` came first. Errors of sinks are in the result.
    pub async fn check_sinks(
        &self,
        request: &SyncRequest,
        id_scheme: Option<&IdScheme>,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<Vec<SinkReadiness>, SyncError> {
        self.check_types(request)?;
        let run = self.new_run(request);
        let mut writers = Vec::with_capacity(self.sinks.len());
        let mut checks = Vec::with_capacity(self.sinks.len());
        let begin = async {
            for sink in self.sinks {
                let result = FanOut::begin_one(sink, &run).await.and_then(|writer| {
                    let existing = writer.origin().id_scheme;
                    writers.push(writer);
                    match id_scheme {
                        Some(scheme) => check_id_scheme(&sink.name(), existing.as_ref(), scheme),
                        None => Ok(()),
                    }
                });
                let sink = sink.name();
                checks.push(SinkReadiness { sink, result });
            }
        };
        let in_time = cancel_on(pin!(stop), begin).await;
        for writer in writers {
            writer.abort().await;
        }
        in_time.map(|()| checks).ok_or(SyncError::Cancelled)
    }

    fn new_run(&self, request: &SyncRequest) -> SyncRun {
        let (id, started_at) = request.identity.map_or_else(
            || {
                let now = self.clock.now();
                (self.ids.next_id(now), now)
            },
            |identity| (identity.id, identity.started_at),
        );
        let resource_types: Vec<ResourceTypeId> = self
            .source
            .resource_types()
            .into_iter()
            .map(|row| row.id)
            .collect();
        let sync_type = request
            .sync_type
            .unwrap_or_else(|| request.scope.sync_type(&resource_types));
        SyncRun {
            id,
            sync_type,
            tenant: self.source.tenant(),
            started_at,
            provenance: Provenance {
                resource_types,
                ..request.provenance.clone()
            },
        }
    }

    fn check_types(&self, request: &SyncRequest) -> Result<(), SyncError> {
        let scope = &request.scope;
        let known: Vec<ResourceTypeId> = self
            .source
            .resource_types()
            .into_iter()
            .map(|row| row.id)
            .collect();
        let named = scope
            .types
            .iter()
            .flatten()
            .chain(scope.targets.iter().flatten().map(|id| &id.resource_type))
            .map(|id| ("filter", id));
        match named
            .into_iter()
            .find(|(_, requested)| !known.contains(requested))
        {
            Some((named_in, requested)) => Err(SyncError::UnknownType {
                named_in,
                requested: requested.clone(),
                known,
            }),
            None => Ok(()),
        }
    }

    async fn read_and_prepare(
        &self,
        request: &SyncRequest,
        mut run: SyncRun,
        fan_out: &mut FanOut,
    ) -> Result<(SyncSummary, Vec<Warning>), SyncError> {
        self.observer.phase(Phase::Reading);
        let origins = fan_out.origins();
        let (read, written) = fan_out
            .run(|feed| self.read(&request.scope, feed, &origins))
            .await;
        // A failed sink ends the reading too; its error is the cause.
        written?;
        let ReadResult {
            ledger,
            completeness,
            mut warnings,
            left_out,
            unstated,
            suspicious_types,
            id_scheme,
            user_sample,
            current,
        } = read?;
        run.provenance.id_scheme = id_scheme;
        run.provenance.user_sample = user_sample;
        tenant_check::check(&origins, &run.provenance)?;
        if let Some((key, entry)) = ledger.imbalance() {
            return Err(SyncError::Imbalance {
                kind: key.kind.plural(),
                resource_type: key.resource_type.clone(),
                received: entry.received,
                written: entry.written,
                dropped: entry.dropped_total(),
            });
        }
        let ended_at = request
            .identity
            .map_or_else(|| self.clock.now(), |identity| identity.ended_at);
        let mut summary = SyncSummary {
            left_out,
            unstated,
            ..SyncSummary::new(run, ended_at, ledger, completeness)
        };
        self.observer.phase(Phase::Comparing);
        let current = Arc::new(current);
        let compared = if summary.run.sync_type == SyncType::Full {
            fan_out.compare(&current).await?
        } else {
            Vec::new()
        };
        drop(current);
        let Judgement {
            refused,
            implausible,
            remarks,
        } = judgement::judge(&request.guard, compared, &suspicious_types, &mut summary);
        for remark in remarks {
            self.warn(&mut warnings, remark);
        }
        if let Some(implausible) = implausible {
            let kept = fan_out.quarantine(&summary, self.observer).await;
            return Err(implausible.into_error(kept));
        }
        let degraded = |state: &Completeness| matches!(state, Completeness::Incomplete { .. });
        if summary.completeness.values().any(degraded) {
            // Missing rows must not count as removed, and readers of files rely on the sync type.
            summary.run.sync_type = SyncType::Partial;
        } else if let Some(refused) = refused {
            let kept = fan_out.quarantine(&summary, self.observer).await;
            return Err(refused.into_error(kept));
        }
        self.observer.phase(Phase::Preparing);
        fan_out.prepare(&summary).await?;
        for remark in fan_out.sinks().flat_map(|sink| sink.writer.warnings()) {
            self.warn(&mut warnings, remark);
        }
        Ok((summary, warnings))
    }

    async fn read(
        &self,
        scope: &SyncScope,
        mut feed: SinkFeed,
        existing: &[(String, SyncOrigin)],
    ) -> Result<ReadResult, SyncError> {
        let mut validator = RowValidator::new(scope);
        let mut completeness: BTreeMap<ResourceTypeId, Completeness> = self
            .source
            .resource_types()
            .into_iter()
            .filter(|row| scope.includes_type(&row.id))
            .map(|row| (row.id, Completeness::Complete))
            .collect();
        let mut warnings = Vec::new();
        let mut id_scheme = None;
        let mut user_sample = UserSample::default();
        let mut events = self.source.read(scope);
        while let Some(event) = events.next().await {
            match event.map_err(SyncError::Source)? {
                SourceEvent::Batch(AccessBatch::Grants(_)) if !scope.includes_grants() => {}
                SourceEvent::Skipped(skipped)
                    if skipped.kind == RowKind::Grant && !scope.includes_grants() => {}
                SourceEvent::Batch(batch) => {
                    crate::memory::check().map_err(|spent| SyncError::MemoryExhausted {
                        spent,
                        received: describe_batch(&batch),
                    })?;
                    if let Some(batch) = validator.validate(batch).map_err(SyncError::Contract)? {
                        self.observe(&batch);
                        tenant_check::sample_users(&mut user_sample, &batch);
                        if feed.send(batch).await.is_err() {
                            break;
                        }
                    }
                }
                SourceEvent::Skipped(skipped) => validator.skipped(skipped),
                SourceEvent::Unstated(unstated) => validator.unstated(unstated),
                SourceEvent::Mention(mention) => validator.mention(mention),
                SourceEvent::IdScheme(scheme) => {
                    for (sink, existing) in existing {
                        check_id_scheme(sink, existing.id_scheme.as_ref(), &scheme)?;
                    }
                    id_scheme = Some(scheme);
                }
                SourceEvent::Completeness(resource_type, state) => {
                    completeness.insert(resource_type, state);
                }
                SourceEvent::Warning(warning) => self.warn(&mut warnings, warning),
            }
        }
        let ValidatedRows {
            ledger,
            clipped,
            left_out,
            unstated,
            suspicious_types,
            current,
        } = validator.finish();
        for (resource_type, count) in clipped {
            let message = format!(
                "{count} {resource_type} resources have a name or description longer than readers accept; it was clipped"
            );
            self.warn(
                &mut warnings,
                Warning {
                    code: "clipped_text",
                    message,
                },
            );
        }
        Ok(ReadResult {
            ledger,
            completeness,
            warnings,
            left_out,
            unstated,
            suspicious_types,
            id_scheme,
            user_sample,
            current,
        })
    }

    fn warn(&self, warnings: &mut Vec<Warning>, warning: Warning) {
        self.observer.warning(&warning);
        warnings.push(warning);
    }

    fn observe(&self, batch: &AccessBatch) {
        let kind = batch.kind();
        let one = |resource_type: &ResourceTypeId| self.observer.rows(kind, resource_type, 1);
        match batch {
            AccessBatch::ResourceTypes(rows) => rows.iter().for_each(|row| one(&row.id)),
            AccessBatch::Resources(rows) => rows.iter().for_each(|row| one(&row.id.resource_type)),
            AccessBatch::Entitlements(rows) => rows.iter().for_each(|row| one(&row.resource.resource_type)),
            AccessBatch::Grants(groups) => {
                for group in groups {
                    let resource_type = group.entitlement.resource_type();
                    self.observer
                        .rows(kind, &resource_type, group.principals.len() as u64);
                }
            }
        }
    }

    async fn publish(
        &self,
        fan_out: FanOut,
        summary: SyncSummary,
        warnings: Vec<Warning>,
    ) -> Result<SyncOutcome, SyncError> {
        self.observer.phase(Phase::Publishing);
        let baselines = fan_out
            .sinks()
            .filter_map(|sink| Some((sink.name.clone(), sink.writer.baseline()?)))
            .collect();
        let receipts = fan_out.publish().await?;
        Ok(SyncOutcome {
            summary,
            warnings,
            baselines,
            receipts,
        })
    }
}

/// `2000 resources up to user:7`.
fn describe_batch(batch: &AccessBatch) -> String {
    let last = match batch {
        AccessBatch::ResourceTypes(rows) => rows.last().map(|row| row.id.to_string()),
        AccessBatch::Resources(rows) => rows.last().map(|row| row.id.to_string()),
        AccessBatch::Entitlements(rows) => rows.last().map(|row| row.id.to_string()),
        AccessBatch::Grants(groups) => groups.last().map(|group| group.entitlement.to_string()),
    };
    let rows = format!("{} {}", batch.rows(), batch.kind().plural());
    match last {
        Some(last) => format!("{rows} up to {last}"),
        None => rows,
    }
}

fn check_id_scheme(sink: &str, existing: Option<&IdScheme>, requested: &IdScheme) -> Result<(), SyncError> {
    location::check_id_scheme(existing, requested).map_err(|conflict| SyncError::Location {
        sink: sink.to_owned(),
        conflict,
    })
}
