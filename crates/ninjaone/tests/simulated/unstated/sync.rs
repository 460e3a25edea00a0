//! Runs a sync of the simulated tenant into memory and compares it with an earlier one.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use access_core::model::{AccessBatch, Completeness, SyncId, SyncRun};
use access_core::ports::{
    AccessSink, Clock, NoopObserver, Prepared, Receipt, SinkError, SinkWriter, SyncIdGenerator,
};
use access_core::sync::{
    Comparer, Comparison, CurrentSync, ShrinkGuard, SyncError, SyncOutcome, SyncPipeline, SyncRequest,
};
use async_trait::async_trait;
use ninjaone_sim::{Edit, Fault, FaultRule, FaultSchedule, Rows, SimConfig, Tenant, To, When};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::tenant::TestTenant;

/// Keeps the ids of a sync for the next comparison, like a sink that delivers to a service.
#[derive(Clone, Default)]
struct MemorySink {
    before: Option<Arc<CurrentSync>>,
    seen: Arc<Mutex<Option<Arc<CurrentSync>>>>,
    rows: u64,
}

#[async_trait]
impl AccessSink for MemorySink {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    async fn begin(&self, _: &SyncRun) -> Result<Box<dyn SinkWriter>, SinkError> {
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl SinkWriter for MemorySink {
    async fn write(&mut self, batch: &Arc<AccessBatch>) -> Result<(), SinkError> {
        self.rows += batch.rows();
        Ok(())
    }

    async fn compare(&mut self, current: &Arc<CurrentSync>) -> Result<Option<Comparison>, SinkError> {
        *self.seen.lock().unwrap() = Some(Arc::clone(current));
        Ok(self.before.as_ref().map(|before| {
            let mut comparer = Comparer::new(Arc::clone(current), None);
            comparer.add_sync(before);
            comparer.finish()
        }))
    }

    async fn prepare(&mut self, _: &access_core::sync::SyncSummary) -> Result<Prepared, SinkError> {
        Ok(Prepared { rows: self.rows })
    }

    async fn publish(self: Box<Self>) -> Result<Receipt, SinkError> {
        Ok(Receipt {
            location: "memory".to_owned(),
            bytes: None,
            rows: self.rows,
        })
    }

    async fn abort(self: Box<Self>) {}
}

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> OffsetDateTime {
        datetime!(2026-11-30 12:00 UTC)
    }
}

impl SyncIdGenerator for FixedClock {
    fn next_id(&self, started_at: OffsetDateTime) -> SyncId {
        SyncId::from_parts(started_at, [7; 16])
    }
}

/// The outcome of a sync, and its ids for the comparison with the next one.
pub(super) struct ComparedSync {
    pub(super) outcome: Result<SyncOutcome, SyncError>,
    pub(super) ids: Option<Arc<CurrentSync>>,
}

pub(super) fn sync(
    test_tenant: &TestTenant,
    before: Option<Arc<CurrentSync>>,
    guard: ShrinkGuard,
) -> ComparedSync {
    let kept = MemorySink {
        before,
        ..MemorySink::default()
    };
    let seen = Arc::clone(&kept.seen);
    let source = test_tenant.source(true);
    let sinks: [Arc<dyn AccessSink>; 1] = [Arc::new(kept)];
    let pipeline = SyncPipeline {
        source: &source,
        sinks: &sinks,
        clock: &FixedClock,
        ids: &FixedClock,
        observer: &NoopObserver,
    };
    let request = SyncRequest {
        guard,
        ..SyncRequest::default()
    };
    let outcome = test_tenant.block_on(pipeline.run(&request, std::future::pending()));
    let ids = seen.lock().unwrap().take();
    ComparedSync { outcome, ids }
}

pub(super) fn config(tenant: &Tenant, faults: Vec<(&str, Fault)>) -> SimConfig {
    let mut config = SimConfig::new(tenant.clone());
    config.faults = FaultSchedule::new(faults.into_iter().map(|(path, fault)| FaultRule {
        method: None,
        path: path.to_owned(),
        when: When::Always,
        fault,
    }));
    config
}

pub(super) fn edit(rows: Rows, field: &str, to: To) -> Fault {
    Fault::Edit(Edit {
        list: "",
        rows,
        field: field.to_owned(),
        to,
    })
}

/// Types that a published sync reports as complete although it lost rows of them.
pub(super) fn unreported_loss(synced: &ComparedSync) -> Option<String> {
    let outcome = synced.outcome.as_ref().ok()?;
    let summary = &outcome.summary;
    let mut wrong = Vec::new();
    for comparison in &summary.guard.compared {
        for (resource_type, of_type) in &comparison.types {
            let complete = summary.completeness.get(resource_type) == Some(&Completeness::Complete);
            let lost = of_type.resources.lost() + of_type.grants.lost();
            if complete && lost > 0 {
                wrong.push(format!("{resource_type} is complete and lost {lost} rows"));
            }
        }
    }
    assert!(!summary.guard.compared.is_empty(), "nothing was compared");
    (!wrong.is_empty()).then(|| wrong.join(", "))
}

pub(super) fn incomplete_types(synced: &ComparedSync) -> BTreeSet<String> {
    let summary = &synced.outcome.as_ref().unwrap().summary;
    let incomplete = summary
        .completeness
        .iter()
        .filter(|(_, state)| **state != Completeness::Complete);
    incomplete
        .map(|(resource_type, _)| resource_type.to_string())
        .collect()
}
