//! Rows as lines that can be compared, from any source.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use access_core::model::{AccessBatch, Entitlement};
use baton_proto::connector_v2 as v2;
use baton_proto::prost::Message;
use baton_proto::prost_types::value::Kind;
use c1z::{C1zError, Limits, Reader};
use serde_json::{Map, Value, json};

/// One line a row, in the words of the model.
pub(crate) type Lines = BTreeSet<String>;

/// The lines of a batch.
pub(crate) fn batch(batch: &AccessBatch, lines: &mut Vec<String>) {
    match batch {
        AccessBatch::ResourceTypes(_) => {}
        AccessBatch::Resources(rows) => {
            lines.extend(rows.iter().map(|row| resource(&access_wire::resource(row))));
        }
        AccessBatch::Entitlements(rows) => lines.extend(
            rows.iter()
                .map(|row: &Entitlement| entitlement(row.id.as_str(), row.display_name.as_str())),
        ),
        AccessBatch::Grants(groups) => {
            let ids = groups.iter().flat_map(access_core::model::GrantGroup::ids);
            lines.extend(ids.map(|id| grant(id.unwrap().as_str())));
        }
    }
}

/// The lines of a sync of a file: the named one, or the one that readers use.
pub(crate) fn file(path: &Path, sync: Option<&str>) -> Lines {
    let temp = tempfile::tempdir().unwrap();
    let reader = Reader::open(path, temp.path(), Limits::default(), &AtomicBool::new(false)).unwrap();
    let sync = sync.map_or_else(|| reader.latest_finished().unwrap().sync_id, str::to_owned);
    let mut lines = Vec::new();
    reader
        .resources::<C1zError>(&sync, |row: v2::Resource| {
            lines.push(resource(&row));
            Ok(())
        })
        .unwrap();
    reader
        .entitlements::<C1zError>(&sync, |row: v2::Entitlement| {
            lines.push(entitlement(&row.id, &row.display_name));
            Ok(())
        })
        .unwrap();
    reader
        .grants::<C1zError>(&sync, |row: v2::Grant| {
            lines.push(grant(&row.id));
            Ok(())
        })
        .unwrap();
    set(lines)
}

/// Every row once.
pub(crate) fn set(lines: Vec<String>) -> Lines {
    let count = lines.len();
    let set: Lines = lines.into_iter().collect();
    assert_eq!(set.len(), count, "a row is there twice");
    set
}

pub(crate) fn entitlement(id: &str, name: &str) -> String {
    json!({ "entitlement": id, "name": name }).to_string()
}

pub(crate) fn grant(id: &str) -> String {
    json!({ "grant": id }).to_string()
}

fn resource(row: &v2::Resource) -> String {
    let id = row.id.as_ref().unwrap();
    let mut line = json!({
        "resource": format!("{}/{}", id.resource_type, id.resource),
        "name": row.display_name,
        "description": row.description,
        "profile": row.profile.as_ref().map(|profile| {
            let fields = profile.fields.iter().map(|(key, value)| (key.clone(), plain(value.kind.as_ref())));
            fields.collect::<Map<String, Value>>()
        }),
        "status": row.status.as_ref().map(|status| [status.status().as_str_name(), &status.details]),
    });
    for any in &row.annotations {
        match any.type_url.rsplit('.').next().unwrap_or_default() {
            "RawId" => line["raw"] = v2::RawId::decode(any.value.as_slice()).unwrap().id.into(),
            "UserTrait" => line["user"] = user(&v2::UserTrait::decode(any.value.as_slice()).unwrap()),
            "ManagedDeviceTrait" => {
                let device = v2::ManagedDeviceTrait::decode(any.value.as_slice()).unwrap();
                line["device"] = device.device_type().as_str_name().into();
            }
            _ => {}
        }
    }
    line.to_string()
}

fn plain(kind: Option<&Kind>) -> Value {
    match kind {
        Some(Kind::StringValue(text)) => text.as_str().into(),
        Some(Kind::BoolValue(flag)) => (*flag).into(),
        other => panic!("{other:?} in a profile"),
    }
}

fn user(row: &v2::UserTrait) -> Value {
    json!({
        "emails": row.emails.iter().map(|email| email.address.as_str()).collect::<Vec<_>>(),
        "login": row.login,
        "name": row.structured_name.as_ref().map(|name| [&name.given_name, &name.family_name]),
        "mfa": row.mfa_status.map(|status| status.mfa_enabled),
        "sso": row.sso_status.map(|status| status.sso_enabled),
    })
}
