//! What our own writer wrote is read back.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use baton_proto::connector_v2 as v2;
use baton_proto::connector_v2::resource_type::Trait;
use c1z::{
    Compression, ExistingFilePolicy, GrantTemplate, Limits, Retention, SyncHeader, Target, Writer,
    WriterOptions,
};
use time::macros::datetime;

use crate::file::{SYNC, open, resource};
use crate::pipeline::run;

#[tokio::test]
async fn a_file_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let options = WriterOptions {
        temp_folder: folder.path().to_owned(),
        engine: None,
        retention: Retention::default(),
        compression: Compression::default(),
        limits: Limits::default(),
        stop: Arc::new(AtomicBool::new(false)),
    };
    let header = SyncHeader {
        sync_id: SYNC.to_owned(),
        sync_type: "full",
        started_at: datetime!(2026-11-24 12:00:00 UTC),
    };
    let target = Target::open(&path, ExistingFilePolicy::Refuse).unwrap();
    let mut writer = Writer::begin(target, header, options).unwrap();
    for (id, declared) in [("user", Trait::User), ("role", Trait::Role)] {
        let row = v2::ResourceType {
            id: id.to_owned(),
            traits: vec![declared.into()],
            ..v2::ResourceType::default()
        };
        writer.put_resource_type(&row).unwrap();
    }
    for user in ["1", "2"] {
        writer.put_resource(resource("user", user)).unwrap();
    }
    let role = resource("role", "7");
    writer.put_resource(role.clone()).unwrap();
    let assigned = v2::Entitlement {
        id: "role:7:assigned".to_owned(),
        resource: Some(role),
        ..v2::Entitlement::default()
    };
    writer.put_entitlement(&assigned).unwrap();
    let template = GrantTemplate::new(&assigned, "user", &[]);
    writer.put_grants(&template, ["1", "2"].into_iter()).unwrap();
    let prepared = writer.prepare(datetime!(2026-11-24 12:00:07.5 UTC)).unwrap();
    prepared.publish().unwrap();

    let source = open(&path, folder.path(), None).unwrap();
    assert_eq!(source.ended_at(), datetime!(2026-11-24 12:00:07.5 UTC));
    let run = run(&source).await;
    assert_eq!(run.grants(), "role:7:assigned user:1\nrole:7:assigned user:2\n");
    insta::assert_snapshot!(run.ledger(), @r"
    resource type role: 1 written
    resource type user: 1 written
    resource role: 1 written
    resource user: 2 written
    entitlement role: 1 written
    grant role: 2 written
    ");
}
