//! A source over a list of events and a sink over a list of batches.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::StreamExt;
use futures::executor::block_on;
use futures::stream::{self, BoxStream};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::model::*;
use crate::ports::*;
use crate::sync::*;
use crate::{Diagnostic, StatusCode};

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Planned(pub(super) &'static str);

impl Diagnostic for Planned {
    fn status(&self) -> StatusCode {
        StatusCode::Unavailable
    }
}

pub(super) fn type_id(text: &'static str) -> ResourceTypeId {
    ResourceTypeId::from_static(text)
}

pub(super) fn resource_type(id: &'static str, kind: TraitKind) -> ResourceType {
    ResourceType {
        id: type_id(id),
        display_name: DisplayName::new(id),
        trait_kind: kind,
        skip_entitlements_and_grants: false,
        importance: TypeImportance::Core,
    }
}

pub(super) fn resource(resource_type: &'static str, id: &str, kind: ResourceTrait) -> Resource {
    Resource {
        id: ResourceId::new(type_id(resource_type), NativeId::new(id).unwrap()),
        parent: None,
        display_name: DisplayName::new(id),
        description: None,
        profile: Profile::new(),
        status: None,
        resource_trait: kind,
    }
}

pub(super) fn user(id: &str) -> Resource {
    resource("user", id, ResourceTrait::User(Box::default()))
}

pub(super) fn role(id: &str) -> Resource {
    resource("role", id, ResourceTrait::Role)
}

pub(super) fn assigned(role_id: &str) -> Entitlement {
    Entitlement::new(
        role(role_id).id,
        Slug::from_static("assigned"),
        DisplayName::new("assigned"),
        Purpose::Assignment,
        vec![type_id("user")],
    )
    .unwrap()
}

pub(super) fn grants(role_id: &str, principals: &[&str]) -> GrantGroup {
    GrantGroup {
        entitlement: assigned(role_id).id,
        principal_type: type_id("user"),
        principals: principals.iter().map(|id| NativeId::new(id).unwrap()).collect(),
        origins: None,
    }
}

pub(super) fn types() -> Vec<ResourceType> {
    vec![
        resource_type("user", TraitKind::User),
        resource_type("role", TraitKind::Role),
    ]
}

/// Emits its events and then optionally fails or hangs.
pub(super) struct ListSource {
    pub(super) events: Vec<SourceEvent>,
    pub(super) end: End,
}

pub(super) enum End {
    Whole,
    Fails,
    Hangs,
}

impl ListSource {
    pub(super) fn of(batches: Vec<AccessBatch>) -> Self {
        Self {
            events: batches.into_iter().map(SourceEvent::Batch).collect(),
            end: End::Whole,
        }
    }

    /// Two users, one role with one member.
    pub(super) fn small() -> Self {
        Self::of(vec![
            AccessBatch::ResourceTypes(types()),
            AccessBatch::Resources(vec![user("1"), user("2"), role("7")]),
            AccessBatch::Entitlements(vec![assigned("7")]),
            AccessBatch::Grants(vec![grants("7", &["1"])]),
        ])
    }
}

#[async_trait]
impl AccessSource for ListSource {
    async fn check(&self) -> Result<CheckReport, SourceError> {
        Ok(CheckReport {
            tenant: "list".to_owned(),
            id_scheme: None,
            endpoints: Vec::new(),
            scopes: Vec::new(),
        })
    }

    fn tenant(&self) -> String {
        "in memory".to_owned()
    }

    fn resource_types(&self) -> Vec<ResourceType> {
        types()
    }

    fn read(&self, _scope: &SyncScope) -> BoxStream<'_, Result<SourceEvent, SourceError>> {
        let events = stream::iter(self.events.clone().into_iter().map(Ok));
        match self.end {
            End::Whole => events.boxed(),
            End::Fails => events
                .chain(stream::iter([Err(SourceError::new(Planned(
                    "the tenant went away",
                )))]))
                .boxed(),
            End::Hangs => events.chain(stream::pending()).boxed(),
        }
    }

    fn usage(&self) -> ApiUsage {
        ApiUsage::default()
    }
}

/// The recorded calls of a sink.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SinkLog {
    pub(super) rows: Vec<AccessBatch>,
    /// The sync at completion.
    pub(super) prepared: Option<SyncType>,
    pub(super) published: bool,
    pub(super) aborted: bool,
    pub(super) quarantine: bool,
}

/// Keeps all rows; fails where configured.
#[derive(Default)]
pub(super) struct ListSink {
    pub(super) label: &'static str,
    pub(super) fails_at: Option<SinkStage>,
    pub(super) loses_a_row: bool,
    /// The existing full sync.
    pub(super) holds: Option<Earlier>,
    pub(super) origin: SyncOrigin,
    pub(super) log: Arc<Mutex<SinkLog>>,
    pub(super) begun: AtomicUsize,
}

impl ListSink {
    pub(super) fn named(label: &'static str) -> Self {
        Self {
            label,
            ..Self::default()
        }
    }

    pub(super) fn failing(label: &'static str, stage: SinkStage) -> Self {
        Self {
            label,
            fails_at: Some(stage),
            ..Self::default()
        }
    }

    pub(super) fn log(&self) -> SinkLog {
        self.log.lock().unwrap().clone()
    }
}

fn fail(planned: Option<SinkStage>, stage: SinkStage) -> Result<(), SinkError> {
    if planned == Some(stage) {
        Err(SinkError::new(Planned("disk full")))
    } else {
        Ok(())
    }
}

#[async_trait]
impl AccessSink for ListSink {
    fn name(&self) -> String {
        self.label.to_owned()
    }

    async fn begin(&self, _sync: &SyncRun) -> Result<Box<dyn SinkWriter>, SinkError> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        fail(self.fails_at, SinkStage::Begin)?;
        *self.log.lock().unwrap() = SinkLog::default();
        let (fails_at, loses_a_row) = (self.fails_at, self.loses_a_row);
        Ok(Box::new(ListWriter {
            fails_at,
            loses_a_row,
            holds: self.holds.clone(),
            origin: self.origin.clone(),
            log: Arc::clone(&self.log),
        }))
    }
}

struct ListWriter {
    fails_at: Option<SinkStage>,
    loses_a_row: bool,
    holds: Option<Earlier>,
    origin: SyncOrigin,
    log: Arc<Mutex<SinkLog>>,
}

/// An earlier full sync as ids.
#[derive(Debug, Clone, Default)]
pub(super) struct Earlier {
    pub(super) sync_id: Option<SyncId>,
    pub(super) users: Vec<String>,
    pub(super) roles: Vec<String>,
    /// (role, user)
    pub(super) grants: Vec<(String, String)>,
    /// Resources of a type that the source does not list.
    pub(super) robots: u64,
}

impl Earlier {
    fn stream(&self, comparer: &mut Comparer) {
        for id in &self.users {
            comparer.add_resource("user", id);
        }
        for id in &self.roles {
            comparer.add_resource("role", id);
        }
        for number in 0..self.robots {
            comparer.add_resource("robot", &number.to_string());
        }
        for (role, user) in &self.grants {
            comparer.add_grant(&format!("role:{role}:assigned"), "user", user);
        }
    }
}

#[async_trait]
impl SinkWriter for ListWriter {
    fn baseline(&self) -> Option<Baseline> {
        self.holds.as_ref().map(|held| Baseline {
            sync_id: held.sync_id,
            ..Baseline::default()
        })
    }

    fn origin(&self) -> SyncOrigin {
        self.origin.clone()
    }

    async fn compare(&mut self, current: &Arc<CurrentSync>) -> Result<Option<Comparison>, SinkError> {
        fail(self.fails_at, SinkStage::Compare)?;
        Ok(self.holds.as_ref().map(|held| {
            let mut comparer = Comparer::new(Arc::clone(current), held.sync_id);
            held.stream(&mut comparer);
            comparer.finish()
        }))
    }

    async fn write(&mut self, batch: &Arc<AccessBatch>) -> Result<(), SinkError> {
        fail(self.fails_at, SinkStage::Write)?;
        self.log.lock().unwrap().rows.push(AccessBatch::clone(batch));
        Ok(())
    }

    async fn quarantine(&mut self, _summary: &SyncSummary) -> Result<Option<String>, SinkError> {
        fail(self.fails_at, SinkStage::Prepare)?;
        self.log.lock().unwrap().quarantine = true;
        Ok(Some("a drawer".to_owned()))
    }

    async fn prepare(&mut self, summary: &SyncSummary) -> Result<Prepared, SinkError> {
        fail(self.fails_at, SinkStage::Prepare)?;
        let mut log = self.log.lock().unwrap();
        log.prepared = Some(summary.run.sync_type);
        let rows = log.rows.iter().map(AccessBatch::rows).sum::<u64>();
        Ok(Prepared {
            rows: rows - u64::from(self.loses_a_row),
        })
    }

    async fn publish(self: Box<Self>) -> Result<Receipt, SinkError> {
        fail(self.fails_at, SinkStage::Publish)?;
        self.log.lock().unwrap().published = true;
        Ok(Receipt {
            location: "memory".to_owned(),
            bytes: None,
            rows: 0,
        })
    }

    async fn abort(self: Box<Self>) {
        self.log.lock().unwrap().aborted = true;
    }
}

pub(super) struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> OffsetDateTime {
        datetime!(2026-11-24 12:00 UTC)
    }
}

impl SyncIdGenerator for Fixed {
    fn next_id(&self, started_at: OffsetDateTime) -> SyncId {
        SyncId::from_parts(started_at, [7; 16])
    }
}

pub(super) fn run(
    source: &ListSource,
    sinks: &[&Arc<ListSink>],
    scope: SyncScope,
    stop: impl Future<Output = ()> + Send,
) -> Result<SyncOutcome, SyncError> {
    let request = SyncRequest {
        scope,
        ..SyncRequest::default()
    };
    run_as_asked(source, sinks, &request, stop)
}

pub(super) fn run_as_asked(
    source: &ListSource,
    sinks: &[&Arc<ListSink>],
    request: &SyncRequest,
    stop: impl Future<Output = ()> + Send,
) -> Result<SyncOutcome, SyncError> {
    let sinks: Vec<Arc<dyn AccessSink>> = sinks
        .iter()
        .map(|sink| Arc::clone(sink) as Arc<dyn AccessSink>)
        .collect();
    let pipeline = SyncPipeline {
        source,
        sinks: &sinks,
        clock: &Fixed,
        ids: &Fixed,
        observer: &NoopObserver,
    };
    block_on(pipeline.run(request, stop))
}
