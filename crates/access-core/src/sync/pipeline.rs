//! The use case: read a tenant once, feed every sink, publish all or nothing.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt;

use crate::model::{AccessBatch, Completeness, ResourceTypeId, RowKind, SyncRun, SyncScope, SyncType};
use crate::ports::{AccessSink, AccessSource, Clock, Phase, SourceEvent, SyncIds, SyncObserver, Warning};

use super::admission::Admission;
use super::error::SyncError;
use super::fan_out::{FanOut, Feed, unless};
use super::ledger::Ledger;
use super::shrink_guard::{Loss, ShrinkGuard};
use super::summary::{SyncOutcome, SyncSummary};

/// Everything that a sync needs of the outside.
pub struct SyncPipeline<'a> {
    /// The tenant.
    pub source: &'a dyn AccessSource,
    /// Where the data goes; all of them or none get it.
    pub sinks: &'a [Arc<dyn AccessSink>],
    /// The time.
    pub clock: &'a dyn Clock,
    /// Ids for new syncs.
    pub ids: &'a dyn SyncIds,
    /// Who watches.
    pub observer: &'a dyn SyncObserver,
}

/// What is asked of one run.
#[derive(Debug, Clone, Default)]
pub struct SyncRequest {
    /// What to read.
    pub scope: SyncScope,
    /// What sort of pass it is where the source knows better than the scope, as with a file of an earlier pass.
    pub sync_type: Option<SyncType>,
    /// How much may get lost since the previous sync.
    pub guard: ShrinkGuard,
}

/// What is known when the source has ended.
struct Reading {
    ledger: Ledger,
    completeness: BTreeMap<ResourceTypeId, Completeness>,
    warnings: Vec<Warning>,
}

impl SyncPipeline<'_> {
    /// Runs one sync. Until all sinks are prepared, `stop` ends it without a trace; once the first is being published,
    /// it runs to its end.
    ///
    /// # Errors
    /// [`SyncError`]; nothing was published then, except with [`SyncError::PartlyPublished`].
    pub async fn run(
        &self,
        request: &SyncRequest,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<SyncOutcome, SyncError> {
        self.check_types(request)?;
        let mut stop = pin!(stop);
        let started_at = self.clock.now();
        let sync_type = request.sync_type.unwrap_or_else(|| request.scope.sync_type());
        let run = SyncRun {
            id: self.ids.next_id(started_at),
            sync_type,
            tenant: self.source.tenant(),
            started_at,
        };

        let begin = FanOut::begin(self.sinks, &run);
        let mut fan_out = unless(stop.as_mut(), begin).await.ok_or(SyncError::Cancelled)??;
        let work = self.read_and_prepare(request, run, &mut fan_out);
        match unless(stop, work).await.unwrap_or(Err(SyncError::Cancelled)) {
            Ok((summary, warnings)) => self.publish(fan_out, summary, warnings).await,
            Err(error) => {
                fan_out.abort().await;
                Err(error)
            }
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
            .map(|id| ("filter", id))
            .chain(request.guard.named().map(|id| ("accept-drop", id)));
        match named.into_iter().find(|(_, wanted)| !known.contains(wanted)) {
            Some((named_in, wanted)) => Err(SyncError::UnknownType {
                named_in,
                wanted: wanted.clone(),
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
        let (read, written) = fan_out.run(|feed| self.read(&request.scope, feed)).await;
        // A sink's failure ends the reading too; its own error says more than the interrupted reading.
        written?;
        let Reading {
            ledger,
            completeness,
            warnings,
        } = read?;
        if let Some((key, entry)) = ledger.imbalance() {
            return Err(SyncError::Imbalance {
                kind: key.kind.plural(),
                resource_type: key.resource_type.clone(),
                received: entry.received,
                written: entry.written,
                dropped: entry.dropped_total(),
            });
        }
        let degraded = |state: &Completeness| matches!(state, Completeness::Incomplete { .. });
        if completeness.values().any(degraded) {
            // What is missing is not gone, and readers of files go by the type of the sync.
            run.sync_type = SyncType::Partial;
        }
        let summary = SyncSummary {
            run,
            ended_at: self.clock.now(),
            ledger,
            completeness,
        };
        self.observer.phase(Phase::Preparing);
        let (losses, since) = losses(&request.guard, fan_out, &summary);
        if !losses.is_empty() {
            let kept = fan_out.set_aside(&summary, self.observer).await;
            return Err(SyncError::Shrunk { losses, since, kept });
        }
        fan_out.prepare(&summary).await?;
        Ok((summary, warnings))
    }

    async fn read(&self, scope: &SyncScope, mut feed: Feed) -> Result<Reading, SyncError> {
        let mut admission = Admission::new(scope);
        let mut completeness: BTreeMap<ResourceTypeId, Completeness> = self
            .source
            .resource_types()
            .into_iter()
            .filter(|row| scope.includes_type(&row.id))
            .map(|row| (row.id, Completeness::Complete))
            .collect();
        let mut warnings = Vec::new();
        let mut events = self.source.read(scope);
        while let Some(event) = events.next().await {
            match event.map_err(SyncError::Source)? {
                SourceEvent::Batch(AccessBatch::Grants(_)) if !scope.wants_grants() => {}
                SourceEvent::Skipped(skipped) if skipped.kind == RowKind::Grant && !scope.wants_grants() => {}
                SourceEvent::Batch(batch) => {
                    if let Some(batch) = admission.admit(batch).map_err(SyncError::Contract)? {
                        self.observe(&batch);
                        if feed.send(batch).await.is_err() {
                            break;
                        }
                    }
                }
                SourceEvent::Skipped(skipped) => admission.skipped(&skipped),
                SourceEvent::Completeness(resource_type, state) => {
                    completeness.insert(resource_type, state);
                }
                SourceEvent::Warning(warning) => self.warn(&mut warnings, warning),
            }
        }
        let (ledger, clipped) = admission.finish();
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
        Ok(Reading {
            ledger,
            completeness,
            warnings,
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
                    let resource_type = super::admission::resource_type_of(&group.entitlement);
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

/// What got lost since the syncs that this one would replace, and the sinks that hold those. Only a full sync replaces one.
fn losses(guard: &ShrinkGuard, fan_out: &FanOut, summary: &SyncSummary) -> (Vec<Loss>, Vec<String>) {
    let (mut losses, mut since) = (Vec::new(), Vec::new());
    if summary.run.sync_type != SyncType::Full {
        return (losses, since);
    }
    for sink in fan_out.sinks() {
        let Some(baseline) = sink.writer.baseline() else {
            continue;
        };
        let lost = guard.judge(&baseline, summary);
        if !lost.is_empty() {
            since.push(sink.name.clone());
        }
        for loss in lost {
            if !losses.contains(&loss) {
                losses.push(loss);
            }
        }
    }
    (losses, since)
}
