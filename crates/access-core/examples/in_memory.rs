//! Runs a sync from a source in memory to a sink in memory, and prints the ledger.

use std::io::Write;
use std::sync::{Arc, Mutex};

use access_core::model::{
    AccessBatch, DisplayName, Entitlement, GrantGroup, NativeId, Profile, Purpose, Resource, ResourceId,
    ResourceTrait, ResourceType, ResourceTypeId, RowKind, Slug, SyncId, SyncRun, SyncScope, TraitKind,
    TypeImportance,
};
use access_core::ports::{
    AccessSink, AccessSource, ApiUsage, CheckReport, Clock, NoopObserver, Prepared, Receipt, SinkError,
    SinkWriter, SourceError, SourceEvent, SyncIdGenerator,
};
use access_core::sync::{SyncPipeline, SyncRequest, SyncSummary};
use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use time::OffsetDateTime;

/// A tenant with the users 1 and 2 and the role 7, which is granted to user 1.
struct MemorySource;

fn resource(id: ResourceId, name: &str, resource_trait: ResourceTrait) -> Resource {
    Resource {
        id,
        parent: None,
        display_name: DisplayName::new(name),
        description: None,
        profile: Profile::new(),
        status: None,
        resource_trait,
    }
}

#[async_trait]
impl AccessSource for MemorySource {
    async fn check(&self) -> Result<CheckReport, SourceError> {
        Ok(CheckReport {
            tenant: self.tenant(),
            id_scheme: None,
            endpoints: Vec::new(),
            scopes: Vec::new(),
        })
    }

    fn tenant(&self) -> String {
        "memory".to_owned()
    }

    fn resource_types(&self) -> Vec<ResourceType> {
        let types = [("user", TraitKind::User), ("role", TraitKind::Role)];
        let resource_type = |(id, trait_kind)| ResourceType {
            id: ResourceTypeId::from_static(id),
            display_name: DisplayName::new(id),
            trait_kind,
            skip_entitlements_and_grants: false,
            importance: TypeImportance::Core,
        };
        types.into_iter().map(resource_type).collect()
    }

    fn read(&self, _scope: &SyncScope) -> BoxStream<'_, Result<SourceEvent, SourceError>> {
        let user =
            |number| ResourceId::new(ResourceTypeId::from_static("user"), NativeId::from_number(number));
        let role = ResourceId::new(ResourceTypeId::from_static("role"), NativeId::from_number(7));
        let assigned = Entitlement::new(
            role.clone(),
            Slug::from_static("assigned"),
            DisplayName::new("Service Desk"),
            Purpose::Assignment,
            vec![ResourceTypeId::from_static("user")],
        );
        let mut batches = vec![
            AccessBatch::ResourceTypes(self.resource_types()),
            AccessBatch::Resources(vec![
                resource(user(1), "Ada", ResourceTrait::User(Box::default())),
                resource(user(2), "Sam", ResourceTrait::User(Box::default())),
                resource(role, "Service Desk", ResourceTrait::Role),
            ]),
        ];
        if let Ok(assigned) = assigned {
            let grants = GrantGroup {
                entitlement: assigned.id.clone(),
                principal_type: ResourceTypeId::from_static("user"),
                principals: vec![NativeId::from_number(1)],
                origins: None,
            };
            batches.push(AccessBatch::Entitlements(vec![assigned]));
            batches.push(AccessBatch::Grants(vec![grants]));
        }
        stream::iter(batches.into_iter().map(|batch| Ok(SourceEvent::Batch(batch)))).boxed()
    }

    fn usage(&self) -> ApiUsage {
        ApiUsage::default()
    }
}

/// Keeps the batches of the last published sync.
#[derive(Default)]
struct MemorySink {
    published: Arc<Mutex<Vec<Arc<AccessBatch>>>>,
}

struct MemoryWriter {
    pending: Vec<Arc<AccessBatch>>,
    published: Arc<Mutex<Vec<Arc<AccessBatch>>>>,
}

impl MemoryWriter {
    fn rows(&self) -> u64 {
        self.pending.iter().map(|batch| batch.rows()).sum()
    }
}

#[async_trait]
impl AccessSink for MemorySink {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    async fn begin(&self, _sync: &SyncRun) -> Result<Box<dyn SinkWriter>, SinkError> {
        Ok(Box::new(MemoryWriter {
            pending: Vec::new(),
            published: Arc::clone(&self.published),
        }))
    }
}

#[async_trait]
impl SinkWriter for MemoryWriter {
    async fn write(&mut self, batch: &Arc<AccessBatch>) -> Result<(), SinkError> {
        self.pending.push(Arc::clone(batch));
        Ok(())
    }

    async fn prepare(&mut self, _summary: &SyncSummary) -> Result<Prepared, SinkError> {
        Ok(Prepared { rows: self.rows() })
    }

    async fn publish(self: Box<Self>) -> Result<Receipt, SinkError> {
        let rows = self.rows();
        if let Ok(mut published) = self.published.lock() {
            *published = self.pending;
        }
        Ok(Receipt {
            location: "memory".to_owned(),
            bytes: None,
            rows,
        })
    }

    async fn abort(self: Box<Self>) {}
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// A real generator uses random bytes.
struct FixedIds;

impl SyncIdGenerator for FixedIds {
    fn next_id(&self, started_at: OffsetDateTime) -> SyncId {
        SyncId::from_parts(started_at, [7; 16])
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sink = MemorySink::default();
    let published = Arc::clone(&sink.published);
    let pipeline = SyncPipeline {
        source: &MemorySource,
        sinks: &[Arc::new(sink)],
        clock: &SystemClock,
        ids: &FixedIds,
        observer: &NoopObserver,
    };
    let outcome = futures::executor::block_on(pipeline.run(&SyncRequest::default(), std::future::pending()))?;

    assert_eq!(outcome.summary.written(RowKind::Resource), 3);
    assert_eq!(outcome.summary.written(RowKind::Grant), 1);
    assert_eq!(published.lock().map(|batches| batches.len()).ok(), Some(4));
    let mut stdout = std::io::stdout();
    for (key, entry) in outcome.summary.ledger.iter() {
        writeln!(
            stdout,
            "{} {}: {} written",
            key.kind, key.resource_type, entry.written
        )?;
    }
    Ok(())
}
