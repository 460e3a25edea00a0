use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::store::{Row, Store, StoredUser, row_id};
use crate::error::SimError;
use crate::generated::{Collection, Generated, Listing, Rows};
use crate::user_kind::UserKind;

/// The built-in fixture, file by file.
const MSP: [(&str, &str); 11] = [
    (
        "tenant.json",
        include_str!("../../../../fixtures/msp/tenant.json"),
    ),
    (
        "technicians.json",
        include_str!("../../../../fixtures/msp/technicians.json"),
    ),
    (
        "end-users.json",
        include_str!("../../../../fixtures/msp/end-users.json"),
    ),
    ("roles.json", include_str!("../../../../fixtures/msp/roles.json")),
    (
        "organizations.json",
        include_str!("../../../../fixtures/msp/organizations.json"),
    ),
    (
        "locations.json",
        include_str!("../../../../fixtures/msp/locations.json"),
    ),
    (
        "devices.json",
        include_str!("../../../../fixtures/msp/devices.json"),
    ),
    (
        "contacts.json",
        include_str!("../../../../fixtures/msp/contacts.json"),
    ),
    (
        "device-groups.json",
        include_str!("../../../../fixtures/msp/device-groups.json"),
    ),
    (
        "device-roles.json",
        include_str!("../../../../fixtures/msp/device-roles.json"),
    ),
    (
        "activities.json",
        include_str!("../../../../fixtures/msp/activities.json"),
    ),
];

/// The lists that a stored tenant is built from.
const STORED_LISTINGS: [Listing; 4] = [
    Listing::Users {
        kind: None,
        organization: None,
        roles: false,
    },
    Listing::Technicians,
    Listing::EndUsers,
    Listing::Roles { kind: None },
];

/// 2026-11-24T00:00:00Z, for tenants without a time.
const DEFAULT_NOW: i64 = 1_795_478_400;
const DEFAULT_VERSION: &str = "13.0.20";

pub(super) fn embedded(name: &str) -> Result<Store, SimError> {
    if name != "msp" {
        return Err(SimError::UnknownFixture {
            name: name.to_owned(),
        });
    }
    load(|file| {
        let found = MSP.iter().find(|(known, _)| *known == file);
        Ok(found.map(|(_, text)| (*text).to_owned()))
    })
}

pub(super) fn from_folder(folder: &Path) -> Result<Store, SimError> {
    let required = "tenant.json";
    load(|file| {
        let path = folder.join(file);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(source) if source.kind() == ErrorKind::NotFound && file != required => Ok(None),
            Err(source) => Err(SimError::FixtureFile { path, source }),
        }
    })
}

/// Stores a small generated tenant in memory, so that it can change.
pub(super) fn materialize(generated: &Arc<Generated>) -> Result<Store, SimError> {
    let [users, technicians, end_users, roles] = STORED_LISTINGS.map(|listing| {
        let bytes = Rows::new(Arc::clone(generated), listing).collect();
        parse_rows("generated rows", &String::from_utf8_lossy(&bytes))
    });
    let mut own_rows = technicians?;
    own_rows.extend(end_users?);
    let mut store = Store {
        version: DEFAULT_VERSION.to_owned(),
        now: DEFAULT_NOW,
        roles: roles?,
        ..Store::default()
    };
    for (mut row, own) in users?.into_iter().zip(own_rows) {
        let kind = row
            .get("userType")
            .and_then(Value::as_str)
            .and_then(UserKind::from_wire);
        row.extend(own);
        store
            .users
            .push(stored_user(row, kind.unwrap_or(UserKind::EndUser)));
    }
    let all = |collection| generated.page(collection, 0, usize::MAX);
    store.organizations = objects("organizations", all(Collection::Organizations))?;
    store.locations = objects("locations", all(Collection::Locations))?;
    store.devices = objects("devices", all(Collection::Devices))?;
    store.save_scim_members();
    Ok(store)
}

fn load(read: impl Fn(&str) -> Result<Option<String>, SimError>) -> Result<Store, SimError> {
    let rows = |file: &str| read(file)?.map_or_else(|| Ok(Vec::new()), |text| parse_rows(file, &text));
    let tenant_json = read("tenant.json")?.unwrap_or_else(|| "{}".to_owned());
    let tenant_json: Value =
        serde_json::from_str(&tenant_json).map_err(|error| invalid("tenant.json", &error))?;
    let text = |key: &str| tenant_json.get(key).and_then(Value::as_str);
    let mut store = Store {
        version: text("version").unwrap_or(DEFAULT_VERSION).to_owned(),
        now: tenant_json
            .get("now")
            .and_then(Value::as_i64)
            .unwrap_or(DEFAULT_NOW),
        roles: rows("roles.json")?,
        organizations: rows("organizations.json")?,
        locations: rows("locations.json")?,
        devices: rows("devices.json")?,
        contacts: rows("contacts.json")?,
        device_groups: rows("device-groups.json")?,
        device_roles: rows("device-roles.json")?,
        activities: rows("activities.json")?,
        ..Store::default()
    };
    let reserved = tenant_json
        .get("reservedEmails")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    store.reserved_emails = reserved.filter_map(Value::as_str).map(str::to_owned).collect();
    for (file, kind) in [
        ("technicians.json", UserKind::Technician),
        ("end-users.json", UserKind::EndUser),
    ] {
        store
            .users
            .extend(rows(file)?.into_iter().map(|row| stored_user(row, kind)));
    }
    complete_members(&mut store);
    store.save_scim_members();
    Ok(store)
}

/// The key `$lists` of a fixture row names the lists the user is in, `users` and `own`; without it the user is in both.
fn stored_user(mut row: Row, kind: UserKind) -> StoredUser {
    let lists = row.remove("$lists");
    let listed = |name: &str| {
        let lists = lists.as_ref().and_then(Value::as_array);
        lists.is_none_or(|lists| lists.iter().any(|list| list == name))
    };
    StoredUser {
        kind,
        in_users_list: listed("users"),
        in_own_list: listed("own"),
        row,
    }
}

/// Fixture roles may give only the id of a member; email and name come from the user.
fn complete_members(store: &mut Store) {
    let users = &store.users;
    let members = store
        .roles
        .iter_mut()
        .filter_map(|role| role.get_mut("members")?.as_array_mut());
    for member in members.flatten().filter_map(Value::as_object_mut) {
        let id = row_id(member);
        let Some(user) = users.iter().find(|user| id.is_some() && user.id() == id) else {
            continue;
        };
        let email = user.row.get("email").cloned().unwrap_or(Value::Null);
        member.entry("email").or_insert(email);
        member
            .entry("name")
            .or_insert_with(|| Value::from(user.full_name()));
    }
}

fn parse_rows(file: &str, text: &str) -> Result<Vec<Row>, SimError> {
    let values: Vec<Value> = serde_json::from_str(text).map_err(|error| invalid(file, &error))?;
    objects(file, values)
}

fn objects(file: &str, values: Vec<Value>) -> Result<Vec<Row>, SimError> {
    let rows = values.into_iter().zip(1..).map(|(value, number)| match value {
        Value::Object(row) => Ok(row),
        other => Err(invalid(
            file,
            &format!("row {number} is not an object but {other}"),
        )),
    });
    rows.collect()
}

fn invalid(file: &str, reason: &dyn std::fmt::Display) -> SimError {
    SimError::FixtureContent {
        file: file.to_owned(),
        reason: reason.to_string(),
    }
}
