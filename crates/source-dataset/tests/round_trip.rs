//! A dataset gives back the sync that was written, as far as datasets have the data.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::future::pending;
use std::sync::Arc;

use access_core::model::{
    AccessBatch, AccountType, Completeness, Description, DisplayName, Email, Entitlement, EntitlementId,
    GrantGroup, GrantId, GrantOrigin, NativeId, Profile, ProfileValue, Purpose, Resource, ResourceId,
    ResourceTrait, ResourceType, ResourceTypeId, Slug, Status, StatusState, StructuredName, SyncId,
    SyncScope, TraitKind, TypeImportance, UserTrait,
};
use access_core::ports::{
    AccessSink, AccessSource, ApiUsage, CheckReport, Clock, NoopObserver, SourceError, SourceEvent,
    SyncIdGenerator,
};
use access_core::sync::{SyncPipeline, SyncRequest};
use access_dataset::{DatasetSink, DatasetSinkConfig, FileFormat, Formats, Location};
use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use sink_parquet::ParquetFormat;
use source_dataset::{DatasetConfig, DatasetSource};
use time::OffsetDateTime;

/// A source with fixed events.
struct FixedSource(Vec<SourceEvent>);

#[async_trait]
impl AccessSource for FixedSource {
    async fn check(&self) -> Result<CheckReport, SourceError> {
        Ok(CheckReport {
            tenant: self.tenant(),
            id_scheme: None,
            endpoints: Vec::new(),
            scopes: Vec::new(),
        })
    }

    fn tenant(&self) -> String {
        "https://tenant.example".to_owned()
    }

    fn resource_types(&self) -> Vec<ResourceType> {
        kinds()
    }

    fn read(&self, _scope: &SyncScope) -> BoxStream<'_, Result<SourceEvent, SourceError>> {
        stream::iter(self.0.iter().cloned().map(Ok)).boxed()
    }

    fn usage(&self) -> ApiUsage {
        ApiUsage::default()
    }
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH
    }
}

impl SyncIdGenerator for Fixed {
    fn next_id(&self, _started_at: OffsetDateTime) -> SyncId {
        "2vU7QmBvvjK3kdYyV0000000001".parse().unwrap()
    }
}

fn type_id(id: &'static str) -> ResourceTypeId {
    ResourceTypeId::from_static(id)
}

fn id(resource_type: &'static str, id: &str) -> ResourceId {
    ResourceId::new(type_id(resource_type), NativeId::new(id).unwrap())
}

fn kinds() -> Vec<ResourceType> {
    let kind = |id, kind| ResourceType {
        id: type_id(id),
        display_name: DisplayName::new(&format!("A {id}")),
        trait_kind: kind,
        skip_entitlements_and_grants: kind == TraitKind::User,
        importance: TypeImportance::Core,
    };
    vec![kind("role", TraitKind::Role), kind("user", TraitKind::User)]
}

fn resources() -> Vec<Resource> {
    let mut profile = Profile::new();
    profile.set("first_name", Some("Zoë"));
    profile.set("administrator", Some(true));
    profile.set("seats", Some(-3_i64));
    profile.set("nested", Some(ProfileValue::Json(r#"{"a":[1.5,null]}"#.into())));
    let role = Resource {
        id: id("role", "7"),
        parent: Some(id("role", "7")),
        display_name: DisplayName::new("Technician, \"first\" line"),
        description: Some(Description::new("")),
        profile: Profile::new(),
        status: None,
        resource_trait: ResourceTrait::Role,
    };
    let bare = Resource {
        id: id("user", "10"),
        parent: None,
        description: None,
        resource_trait: ResourceTrait::User(Box::default()),
        ..role.clone()
    };
    let full = Resource {
        id: id("user", "9"),
        display_name: DisplayName::new("Zoë Park"),
        profile,
        status: Some(Status {
            state: StatusState::Disabled,
            detail: Some("left".into()),
        }),
        resource_trait: ResourceTrait::User(Box::new(UserTrait {
            emails: vec![Email {
                address: "zoe@example.com".into(),
                primary: true,
            }],
            login: Some("zoe".into()),
            account_type: AccountType::Human,
            name: Some(StructuredName {
                given: Some("Zoë".into()),
                family: Some("Park".into()),
            }),
            mfa_enabled: Some(false),
            sso_enabled: None,
        })),
        ..bare.clone()
    };
    vec![role, bare, full]
}

fn entitlements() -> Vec<Entitlement> {
    let entitlement = |slug| {
        let name = DisplayName::new(slug);
        Entitlement::new(
            id("role", "7"),
            Slug::from_static(slug),
            name,
            Purpose::Ownership,
            vec![type_id("user")],
        )
        .unwrap()
    };
    let mut owner = entitlement("owner");
    owner.immutable = true;
    vec![entitlement("assigned"), owner]
}

fn grants() -> Vec<GrantGroup> {
    let group = |slug: &str, principals: &[&str], origins| GrantGroup {
        entitlement: EntitlementId::new(&format!("role:7:{slug}")).unwrap(),
        principal_type: type_id("user"),
        principals: principals.iter().map(|id| NativeId::new(id).unwrap()).collect(),
        origins,
    };
    let plain = GrantOrigin {
        id: None,
        direct: true,
        sources: Vec::new(),
    };
    let through = GrantOrigin {
        id: Some(GrantId::new("theirs").unwrap()),
        direct: false,
        sources: vec![EntitlementId::new("role:7:assigned").unwrap()],
    };
    vec![
        group("assigned", &["10", "9"], None),
        group("owner", &["10", "9"], Some(vec![plain, through])),
    ]
}

/// Everything that a scope gives.
async fn read(source: &DatasetSource, scope: &SyncScope) -> Vec<SourceEvent> {
    let events = source.read(scope).map(|event| event.unwrap());
    let events: Vec<SourceEvent> = events.collect().await;
    let empty = |event: &SourceEvent| matches!(event, SourceEvent::Batch(batch) if batch.rows() == 0);
    events.into_iter().filter(|event| !empty(event)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_is_read_as_it_was_written() {
    let incomplete = Completeness::Incomplete {
        reason: "403".to_owned(),
    };
    let batches = vec![
        SourceEvent::Batch(AccessBatch::ResourceTypes(kinds())),
        SourceEvent::Completeness(type_id("role"), incomplete.clone()),
        SourceEvent::Completeness(type_id("user"), Completeness::Complete),
        SourceEvent::Batch(AccessBatch::Resources(resources())),
        SourceEvent::Batch(AccessBatch::Entitlements(entitlements())),
        SourceEvent::Batch(AccessBatch::Grants(grants())),
    ];
    let folder = tempfile::tempdir().unwrap();
    let location: Location = folder.path().join("lake").to_str().unwrap().parse().unwrap();
    let sink = DatasetSink::new(
        DatasetSinkConfig {
            location: location.clone(),
            temp_folder: folder.path().to_owned(),
            history: false,
            replace_existing: false,
        },
        ParquetFormat::default(),
    );
    let pipeline = SyncPipeline {
        source: &FixedSource(batches.clone()),
        sinks: &[Arc::new(sink) as Arc<dyn AccessSink>],
        clock: &Fixed,
        ids: &Fixed,
        observer: &NoopObserver,
    };
    let outcome = pipeline.run(&SyncRequest::default(), pending()).await.unwrap();

    let source = DatasetSource::open(DatasetConfig {
        location,
        formats: Formats::new([Arc::new(ParquetFormat::default()) as Arc<dyn FileFormat>]),
        temp_folder: folder.path().to_owned(),
        sync: Some("2vU7QmBvvjK3kdYyV0000000001".to_owned()),
    })
    .await
    .unwrap();
    assert_eq!(source.opened().sync().run, outcome.summary.run);
    assert_eq!(source.resource_types(), kinds());
    assert_eq!(read(&source, &SyncScope::default()).await, batches);

    let of_users = SyncScope {
        types: Some([type_id("user")].into()),
        ..SyncScope::default()
    };
    assert_eq!(
        read(&source, &of_users).await,
        [
            SourceEvent::Batch(AccessBatch::ResourceTypes(kinds().split_off(1))),
            SourceEvent::Completeness(type_id("user"), Completeness::Complete),
            SourceEvent::Batch(AccessBatch::Resources(resources().split_off(1))),
        ]
    );
}
