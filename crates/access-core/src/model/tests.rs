//! Serialized names: files, manifests and messages depend on them.

use serde::Serialize;
use time::macros::datetime;

use super::*;

/// Checks that `as_str` and serde agree, and joins the names.
fn same<T: Serialize + Copy>(values: &[T], word: impl Fn(T) -> &'static str) -> String {
    let words = values.iter().map(|value| {
        let serialized = serde_json::to_value(value).unwrap();
        assert_eq!(serialized, word(*value));
        word(*value)
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn serialized_names_are_stable() {
    let syncs = [SyncType::Full, SyncType::ResourcesOnly, SyncType::Partial];
    assert_eq!(same(&syncs, SyncType::as_str), "full resources_only partial");
    let kinds = [
        TraitKind::User,
        TraitKind::Group,
        TraitKind::Role,
        TraitKind::App,
        TraitKind::ManagedDevice,
        TraitKind::Other,
    ];
    assert_eq!(
        same(&kinds, TraitKind::as_str),
        "user group role app managed_device other"
    );
    let states = [
        StatusState::Unspecified,
        StatusState::Enabled,
        StatusState::Disabled,
        StatusState::Deleted,
    ];
    assert_eq!(
        same(&states, StatusState::as_str),
        "unspecified enabled disabled deleted"
    );
    let purposes = [
        Purpose::Unspecified,
        Purpose::Assignment,
        Purpose::Permission,
        Purpose::Ownership,
    ];
    assert_eq!(
        same(&purposes, Purpose::as_str),
        "unspecified assignment permission ownership"
    );
    let accounts = [
        AccountType::Unspecified,
        AccountType::Human,
        AccountType::Service,
        AccountType::System,
    ];
    assert_eq!(
        same(&accounts, AccountType::as_str),
        "unspecified human service system"
    );
    let rows = [
        RowKind::ResourceType,
        RowKind::Resource,
        RowKind::Entitlement,
        RowKind::Grant,
    ];
    let words = rows.map(|row| format!("{row}/{}", row.plural())).join(" ");
    assert_eq!(
        words,
        "resource type/resource types resource/resources entitlement/entitlements grant/grants"
    );
}

#[test]
fn a_sync_id_is_its_text() {
    let id = SyncId::from_parts(datetime!(2026-11-25 12:00 UTC), [7; 16]);
    assert_eq!(id.to_string(), id.as_str());
    assert_eq!(id.to_string().len(), 27);
    assert_eq!(id.to_string().parse::<SyncId>().unwrap(), id);
}

#[test]
fn profile_reports_whether_it_is_empty() {
    let mut profile = Profile::new();
    assert!(profile.is_empty());
    profile.set("email", Some(ProfileValue::Text("a@example.com".into())));
    assert!(!profile.is_empty());
    profile.set("administrator", Some(false));
    let keys: Vec<&str> = profile.iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["administrator", "email"]);
}

#[test]
fn grants_have_the_frozen_id_or_their_own() {
    let role = ResourceId::new(ResourceTypeId::from_static("role"), NativeId::new("7").unwrap());
    let entitlement = Entitlement::new(
        role,
        Slug::from_static("assigned"),
        DisplayName::new("assigned"),
        Purpose::Assignment,
        Vec::new(),
    );
    let own = GrantOrigin {
        id: Some(GrantId::new("theirs").unwrap()),
        direct: true,
        sources: Vec::new(),
    };
    let frozen = GrantOrigin {
        id: None,
        ..own.clone()
    };
    let mut group = GrantGroup {
        entitlement: entitlement.unwrap().id,
        principal_type: ResourceTypeId::from_static("user"),
        principals: ["1", "2"].map(|id| NativeId::new(id).unwrap()).to_vec(),
        origins: None,
    };
    let ids = |group: &GrantGroup| group.ids().map(|id| id.unwrap().to_string()).collect::<Vec<_>>();
    assert_eq!(ids(&group), ["role:7:assigned:user:1", "role:7:assigned:user:2"]);
    group.origins = Some(vec![own, frozen]);
    assert_eq!(ids(&group), ["theirs", "role:7:assigned:user:2"]);
}
