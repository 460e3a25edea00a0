//! Converts connector messages to the records of a v3 file and back (docs/reference/c1z.md §3.4).

use baton_proto::connector_v2::{
    AssetRef, Entitlement, Grant, GrantSources, Resource, ResourceId, ResourceType, Status,
    entitlement::PurposeValue, grant_sources::GrantSource, resource_type::Trait,
};
use baton_proto::prost_types::Timestamp;
use baton_proto::storage_v3::{
    EntitlementRecord, GrantRecord, ResourceRecord, ResourceRef, ResourceTypeRecord, StatusRecord,
};
use time::OffsetDateTime;

use crate::v1::timestamp;

const TRAIT: &str = "TRAIT_";
const PURPOSE: &str = "PURPOSE_VALUE_";

pub(crate) fn proto_timestamp(time: OffsetDateTime) -> Timestamp {
    Timestamp {
        seconds: time.unix_timestamp(),
        nanos: i32::try_from(time.nanosecond()).unwrap_or_default(),
    }
}

/// A time as v1 has it; one that is missing or impossible is the epoch.
pub(crate) fn time_text(time: Option<Timestamp>) -> String {
    let time = time.unwrap_or_default();
    let seconds = OffsetDateTime::from_unix_timestamp(time.seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let nanoseconds = time::Duration::nanoseconds(i64::from(time.nanos));
    timestamp::format(seconds.checked_add(nanoseconds).unwrap_or(seconds))
}

pub(crate) fn resource_type_record(row: &ResourceType, discovered_at: Timestamp) -> ResourceTypeRecord {
    let name = |kind| kind_name(kind).to_owned();
    ResourceTypeRecord {
        external_id: row.id.clone(),
        display_name: row.display_name.clone(),
        traits: row.traits().map(name).collect(),
        annotations: row.annotations.clone(),
        discovered_at: Some(discovered_at),
        description: row.description.clone(),
        sourced_externally: row.sourced_externally,
    }
}

fn kind_name(kind: Trait) -> &'static str {
    kind.as_str_name().trim_start_matches(TRAIT)
}

pub(crate) fn resource_record(row: Resource, discovered_at: Timestamp) -> ResourceRecord {
    let id = row.id.unwrap_or_default();
    let parent = row.parent_resource_id.as_ref();
    let parent = parent.filter(|parent| !parent.resource.is_empty());
    ResourceRecord {
        resource_type_id: id.resource_type,
        resource_id: id.resource,
        display_name: row.display_name,
        description: row.description,
        parent: parent.map(reference),
        annotations: row.annotations,
        discovered_at: Some(discovered_at),
        profile: row.profile,
        status: row.status.map(|status| StatusRecord {
            status: status.status,
            details: status.details,
        }),
        created_at: row.created_at,
        source_scope_key: String::new(),
        icon_asset_external_id: row.icon.map(|icon| icon.id).unwrap_or_default(),
    }
}

fn reference(id: &ResourceId) -> ResourceRef {
    ResourceRef {
        resource_type_id: id.resource_type.clone(),
        resource_id: id.resource.clone(),
    }
}

pub(crate) fn entitlement_record(row: &Entitlement, discovered_at: Timestamp) -> EntitlementRecord {
    let resource = row.resource.as_ref().and_then(|resource| resource.id.as_ref());
    let purpose = match row.purpose() {
        PurposeValue::Unspecified => "",
        purpose => purpose.as_str_name().trim_start_matches(PURPOSE),
    };
    let types = row.grantable_to.iter().map(|row| row.id.clone());
    EntitlementRecord {
        external_id: row.id.clone(),
        resource: resource.map(reference),
        display_name: row.display_name.clone(),
        description: row.description.clone(),
        purpose: purpose.to_owned(),
        annotations: row.annotations.clone(),
        discovered_at: Some(discovered_at),
        slug: row.slug.clone(),
        grantable_to_resource_type_ids: types.filter(|id| !id.is_empty()).collect(),
        source_scope_key: String::new(),
    }
}

pub(crate) fn resource_type_message(row: ResourceTypeRecord) -> ResourceType {
    let kind = |name: &String| Trait::from_str_name(&format!("{TRAIT}{name}")).unwrap_or(Trait::Unspecified);
    ResourceType {
        traits: row.traits.iter().map(|name| kind(name).into()).collect(),
        id: row.external_id,
        display_name: row.display_name,
        annotations: row.annotations,
        description: row.description,
        sourced_externally: row.sourced_externally,
    }
}

fn id_of(reference: ResourceRef) -> ResourceId {
    ResourceId {
        resource_type: reference.resource_type_id,
        resource: reference.resource_id,
        baton_resource: false,
    }
}

pub(crate) fn resource_message(row: ResourceRecord) -> Resource {
    let id = ResourceId {
        resource_type: row.resource_type_id,
        resource: row.resource_id,
        baton_resource: false,
    };
    let icon = Some(row.icon_asset_external_id).filter(|id| !id.is_empty());
    Resource {
        id: Some(id),
        parent_resource_id: row.parent.map(id_of),
        display_name: row.display_name,
        annotations: row.annotations,
        description: row.description,
        profile: row.profile,
        icon: icon.map(|id| AssetRef { id }),
        status: row.status.map(|status| Status {
            status: status.status,
            details: status.details,
        }),
        created_at: row.created_at,
        ..Resource::default()
    }
}

/// The resource and the grantable types are named by their ids only.
pub(crate) fn entitlement_message(row: EntitlementRecord) -> Entitlement {
    let purpose = PurposeValue::from_str_name(&format!("{PURPOSE}{}", row.purpose));
    let types = row.grantable_to_resource_type_ids.into_iter();
    Entitlement {
        resource: row.resource.map(|reference| Resource {
            id: Some(id_of(reference)),
            ..Resource::default()
        }),
        id: row.external_id,
        display_name: row.display_name,
        description: row.description,
        grantable_to: types
            .map(|id| ResourceType {
                id,
                ..ResourceType::default()
            })
            .collect(),
        annotations: row.annotations,
        purpose: purpose.unwrap_or_default().into(),
        slug: row.slug,
    }
}

/// Entitlement and principal are named by their ids only. A record without an id gets the usual one.
pub(crate) fn grant_message(row: GrantRecord) -> Grant {
    let stub = |resource_type: &str, resource: &str| Resource {
        id: Some(ResourceId {
            resource_type: resource_type.to_owned(),
            resource: resource.to_owned(),
            baton_resource: false,
        }),
        ..Resource::default()
    };
    let entitlement = row.entitlement.unwrap_or_default();
    let principal = row.principal.unwrap_or_default();
    let usual_id = || {
        format!(
            "{}:{}:{}",
            entitlement.entitlement_id, principal.resource_type_id, principal.resource_id
        )
    };
    let id = match row.external_id {
        empty if empty.is_empty() => usual_id(),
        id => id,
    };
    let mut principal_stub = stub(&principal.resource_type_id, &principal.resource_id);
    if !principal.parent_resource_id.is_empty() {
        principal_stub.parent_resource_id =
            stub(&principal.parent_resource_type_id, &principal.parent_resource_id).id;
    }
    let sources = row.sources.into_iter().map(|(id, source)| {
        let source = GrantSource {
            is_direct: source.is_direct,
        };
        (id, source)
    });
    let sources = GrantSources {
        sources: sources.collect(),
    };
    Grant {
        id,
        entitlement: Some(Entitlement {
            resource: Some(stub(&entitlement.resource_type_id, &entitlement.resource_id)),
            id: entitlement.entitlement_id,
            ..Entitlement::default()
        }),
        principal: Some(principal_stub),
        annotations: row.annotations,
        sources: (!sources.sources.is_empty()).then_some(sources),
    }
}

#[cfg(test)]
mod tests {
    use baton_proto::connector_v2::RawId;
    use baton_proto::pack;

    use super::*;

    #[test]
    fn messages_survive_a_round_trip_through_records() {
        let now = proto_timestamp(OffsetDateTime::UNIX_EPOCH + time::Duration::nanoseconds(1_000_000_007));
        assert_eq!((now.seconds, now.nanos), (1, 7));
        let resource_type = ResourceType {
            id: "user".into(),
            display_name: "User".into(),
            traits: vec![Trait::User.into(), Trait::ManagedDevice.into()],
            annotations: vec![pack(&RawId { id: "7".into() })],
            description: "People".into(),
            sourced_externally: true,
        };
        let record = resource_type_record(&resource_type, now);
        assert_eq!(record.traits, ["USER", "MANAGED_DEVICE"]);
        assert_eq!(resource_type_message(record), resource_type);

        let id = |resource: &str| ResourceId {
            resource_type: "role".into(),
            resource: resource.into(),
            baton_resource: false,
        };
        let row = Resource {
            id: Some(id("7")),
            parent_resource_id: Some(id("1")),
            display_name: "Seven".into(),
            description: "A role".into(),
            annotations: resource_type.annotations.clone(),
            icon: Some(AssetRef { id: "i".into() }),
            status: Some(Status {
                status: 1,
                details: "on".into(),
            }),
            created_at: Some(now),
            ..Resource::default()
        };
        assert_eq!(resource_message(resource_record(row.clone(), now)), row);

        let row = Entitlement {
            resource: Some(Resource {
                id: Some(id("7")),
                ..Resource::default()
            }),
            id: "role:7:assigned".into(),
            display_name: "Assigned".into(),
            description: "To it".into(),
            grantable_to: vec![ResourceType {
                id: "user".into(),
                ..ResourceType::default()
            }],
            annotations: resource_type.annotations,
            purpose: PurposeValue::Assignment.into(),
            slug: "assigned".into(),
        };
        let record = entitlement_record(&row, now);
        assert_eq!(record.purpose, "ASSIGNMENT");
        assert_eq!(entitlement_message(record), row);
    }
}
