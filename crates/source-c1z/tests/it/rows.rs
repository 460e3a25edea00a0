//! What becomes of each kind of row.

use std::collections::BTreeSet;

use access_core::model::{AccessBatch, AccessDepth, ResourceTypeId, SyncScope};
use access_core::ports::AccessSource;
use access_core::sync::SyncRequest;
use baton_proto::connector_v2::resource_type::Trait;
use baton_proto::connector_v2::{self as v2, user_trait};
use baton_proto::pack;
use baton_proto::prost_types::value::Kind;
use baton_proto::prost_types::{ListValue, Struct, Value};

use crate::file::{TestFile, TestGrant, resource};
use crate::pipeline::{run, try_run};

fn value(kind: Kind) -> Value {
    Value { kind: Some(kind) }
}

fn nested_profile() -> Struct {
    let fields = [
        ("city".to_owned(), value(Kind::StringValue("Zürich".to_owned()))),
        ("zip".to_owned(), value(Kind::NumberValue(8001.0))),
    ];
    let list = ListValue {
        values: vec![
            value(Kind::StringValue("a".to_owned())),
            value(Kind::NumberValue(0.5)),
        ],
    };
    Struct {
        fields: [
            (
                "address".to_owned(),
                value(Kind::StructValue(Struct {
                    fields: fields.into(),
                })),
            ),
            ("score".to_owned(), value(Kind::NumberValue(0.25))),
            ("level".to_owned(), value(Kind::NumberValue(3.0))),
            ("contractor".to_owned(), value(Kind::BoolValue(true))),
            ("manager".to_owned(), value(Kind::NullValue(0))),
            ("tags".to_owned(), value(Kind::ListValue(list))),
        ]
        .into(),
    }
}

fn ada() -> v2::Resource {
    let email = |address: &str, is_primary| user_trait::Email {
        address: address.to_owned(),
        is_primary,
    };
    let user = v2::UserTrait {
        emails: vec![email("ada@old.example", false), email("ada@new.example", true)],
        login: "ada".to_owned(),
        account_type: user_trait::AccountType::Human.into(),
        mfa_status: Some(user_trait::MfaStatus { mfa_enabled: true }),
        structured_name: Some(user_trait::StructuredName {
            given_name: "Ada".to_owned(),
            ..user_trait::StructuredName::default()
        }),
        ..v2::UserTrait::default()
    };
    v2::Resource {
        annotations: vec![pack(&v2::RawId { id: "1".to_owned() }), pack(&user)],
        description: "Countess".to_owned(),
        profile: Some(nested_profile()),
        status: Some(v2::Status {
            status: v2::status::ResourceStatus::Enabled.into(),
            details: "ACTIVE".to_owned(),
        }),
        ..resource("user", "ada")
    }
}

/// A bit of everything that other connectors write.
fn varied() -> TestFile {
    let file = TestFile::new();
    file.resource_type("user", &[Trait::User]);
    file.resource_type("team", &[Trait::LicenseProfile, Trait::Group]);
    file.resource_type("secret", &[Trait::Secret]);
    file.resource_type("", &[Trait::Role]);
    file.put_resource_type(&v2::ResourceType {
        id: "laptop".to_owned(),
        traits: vec![Trait::ManagedDevice.into()],
        annotations: vec![pack(&v2::SkipEntitlementsAndGrants {})],
        ..v2::ResourceType::default()
    });
    file.put_resource(&ada());
    file.resource("user", "bob");
    file.put_resource(&v2::Resource {
        parent_resource_id: resource("user", "ada").id,
        ..resource("secret", "key/1")
    });
    file.put_resource(&v2::Resource {
        annotations: vec![pack(&v2::ManagedDeviceTrait {
            serial: "S-1".to_owned(),
            os: Some(v2::DeviceOs {
                name: "Plan 9".to_owned(),
                ..v2::DeviceOs::default()
            }),
            device_type: v2::managed_device_trait::DeviceType::Laptop.into(),
            ..v2::ManagedDeviceTrait::default()
        })],
        ..resource("laptop", "L1")
    });
    file.resource("team", "red");
    file.resource("team", "");
    file.resource("team", &"x".repeat(1025));
    file.resource("planet", "mars");
    file.put_entitlement(&v2::Entitlement {
        resource: Some(resource("team", "red")),
        id: "red-team-members".to_owned(),
        display_name: "Red".to_owned(),
        grantable_to: vec![v2::ResourceType {
            id: "user".to_owned(),
            ..v2::ResourceType::default()
        }],
        annotations: vec![pack(&v2::EntitlementImmutable::default())],
        purpose: v2::entitlement::PurposeValue::Ownership.into(),
        ..v2::Entitlement::default()
    });
    file.entitlement("team", "red", "member");
    file.entitlement("team", "blue", "member");
    file.put_entitlement(&v2::Entitlement {
        id: "nowhere".to_owned(),
        ..v2::Entitlement::default()
    });
    file
}

fn with_grants(file: &TestFile) {
    file.put_grant(&TestGrant {
        id: "grant-17".to_owned(),
        ..TestGrant::new("red-team-members", "user", "bob")
    });
    file.grant("red-team-members", "user", "ada");
    file.grant("team:red:member", "user", "ada");
    file.put_grant(&TestGrant {
        sources: vec!["team:red:member".to_owned(), "team:blue:member".to_owned()],
        ..TestGrant::new("team:red:member", "user", "bob")
    });
    file.put_grant(&TestGrant {
        id: "again".to_owned(),
        ..TestGrant::new("team:red:member", "user", "bob")
    });
    file.grant("team:red:member", "user", "nobody");
    file.grant("team:blue:member", "user", "ada");
    file.grant("team:green:member", "user", "ada");
    file.put_grant(&TestGrant {
        id: String::new(),
        ..TestGrant::new("team:red:member", "user", "ada")
    });
    file.grant("team:red:member", "user", "");
    file.grant("team:red:member", "secret", "key/1");
}

#[tokio::test]
async fn rows_are_decoded_or_counted_as_skipped() {
    let file = varied();
    with_grants(&file);
    let source = file.open(None).unwrap();
    let run = run(&source).await;
    insta::assert_snapshot!(run.ledger());
    insta::assert_json_snapshot!(run.batches);
    assert_eq!(source.resource_types().len(), 4);
}

#[tokio::test]
async fn a_contradicted_annotation_of_a_type_is_dropped() {
    let file = varied();
    file.entitlement("laptop", "L1", "assigned");
    let source = file.open(None).unwrap();
    let laptop = source
        .resource_types()
        .into_iter()
        .find(|row| row.id.as_str() == "laptop");
    assert!(!laptop.unwrap().skip_entitlements_and_grants);
}

#[tokio::test]
async fn missing_tables_are_empty_ones() {
    let file = varied();
    file.connection
        .execute_batch("drop table v1_grants; drop table v1_entitlements")
        .unwrap();
    let run = run(&file.open(None).unwrap()).await;
    assert_eq!(run.grants(), "");
    assert!(
        run.ledger().contains("resource user: 2 written"),
        "{}",
        run.ledger()
    );
}

#[tokio::test]
async fn without_the_index_the_order_is_the_same() {
    let file = varied();
    with_grants(&file);
    let indexed = run(&file.open(None).unwrap()).await.grants();
    file.connection
        .execute_batch("drop index idx_grants_entitlement_id_principal_id_v1")
        .unwrap();
    assert_eq!(run(&file.open(None).unwrap()).await.grants(), indexed);
    file.connection
        .execute_batch("create index idx_grants_entitlement_id_principal_id_v1 on v1_grants (sync_id)")
        .unwrap();
    assert_eq!(run(&file.open(None).unwrap()).await.grants(), indexed);
}

#[tokio::test]
async fn a_scope_excludes_types_and_access() {
    let file = varied();
    with_grants(&file);
    let source = file.open(None).unwrap();
    let team = ResourceTypeId::from_static("team");
    let types = SyncScope {
        types: Some([team].into()),
        ..SyncScope::default()
    };
    let request = |scope| SyncRequest {
        scope,
        ..SyncRequest::default()
    };
    let run = try_run(&source, &request(types)).await.unwrap();
    insta::assert_snapshot!(run.ledger());
    let shallow = SyncScope {
        depth: AccessDepth::ResourcesOnly,
        ..SyncScope::default()
    };
    let run = try_run(&source, &request(shallow)).await.unwrap();
    let access = |batch: &AccessBatch| matches!(batch, AccessBatch::Entitlements(_) | AccessBatch::Grants(_));
    assert!(!run.batches.iter().any(access));
    let targets = SyncScope {
        targets: Some(BTreeSet::new()),
        ..SyncScope::default()
    };
    let error = try_run(&source, &request(targets)).await.err().unwrap();
    assert_eq!(error.to_string(), "single resources cannot be selected in a file");
}
