//! Compares what the reference reads in our file with the tenant's data. Neither side is our code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Map, Value, json};

use super::rows::{of, text};
use super::{Operations, Reference};
use crate::harness::{TestContext, workspace};

#[test]
fn the_file_matches_the_tenant() {
    let Some(reference) = Reference::here("comparing the file with the tenant") else {
        return;
    };
    let mut operations = Operations::on("the file against the tenant");
    let context = TestContext::msp();
    assert_eq!(context.run(&[]).code, Some(0));
    let lines = reference.json_lines(context.folder.path(), &["print", "sync.c1z"]);
    let state = context.sim().state();
    let users = state["users"].as_object().unwrap();
    let found: BTreeMap<String, Value> = of(&lines, "resource")
        .map(|line| (text(line, "id"), line["json"].clone()))
        .collect();

    let listed: BTreeSet<&str> = found.keys().filter_map(|id| id.strip_prefix("user:")).collect();
    assert_eq!(listed, users.keys().map(String::as_str).collect());
    for (id, row) in users {
        assert_eq!(
            expected_row(&found[&format!("user:{id}")], row),
            expected_resource(id, row),
            "user {id}"
        );
    }
    operations.pass();

    let roles = state["roles"].as_object().unwrap();
    for (id, role) in roles {
        assert_eq!(found[&format!("role:{id}")]["display_name"], role["name"]);
    }
    let organizations = organizations();
    for (id, name) in &organizations {
        assert_eq!(&text(&found[&format!("organization:{id}")], "display_name"), name);
    }
    assert_eq!(
        found.len(),
        users.len() + roles.len() + organizations.len() + 1,
        "and the tenant itself"
    );
    operations.pass();

    let grants: BTreeSet<String> = of(&lines, "grant").map(|line| text(line, "id")).collect();
    assert_eq!(grants, expected_grants(users, roles, &organizations));
    operations.pass();
    operations.print_counts();
}

/// Names of organizations by id, from the fixture's own file.
fn organizations() -> BTreeMap<String, String> {
    let path = workspace().join("fixtures/msp/organizations.json");
    let rows: Vec<Value> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    rows.iter()
        .map(|row| (row["id"].to_string(), text(row, "name").trim().to_owned()))
        .collect()
}

/// NinjaOne's fields and their profile keys in the file.
const TEXTS: [(&str, &str); 6] = [
    ("firstName", "first_name"),
    ("lastName", "last_name"),
    ("email", "email"),
    ("phone", "phone"),
    ("uid", "uid"),
    ("invitationStatus", "invitation_status"),
];
const FLAGS: [(&str, &str); 4] = [
    ("enabled", "enabled"),
    ("administrator", "administrator"),
    ("mfaConfigured", "mfa_configured"),
    ("fullPortalAccess", "full_portal_access"),
];

fn keys() -> impl Iterator<Item = (&'static str, &'static str)> {
    TEXTS.into_iter().chain(FLAGS)
}

/// A user's row as it should be in the file.
fn expected_resource(id: &str, row: &Value) -> Value {
    let part = |key: &str| text(row, key).trim().to_owned();
    let (first, last, email) = (part("firstName"), part("lastName"), part("email"));
    let full_name = format!("{first} {last}").trim().to_owned();
    let names = [full_name, email.clone(), format!("User {id}")];
    let name = names.into_iter().find(|name| !name.is_empty());
    let status = match row["enabled"].as_bool() {
        Some(true) => "RESOURCE_STATUS_ENABLED",
        Some(false) => "RESOURCE_STATUS_DISABLED",
        None => "",
    };
    let profile: Map<String, Value> = keys()
        .filter(|(theirs, _)| !row[*theirs].is_null())
        .map(|(theirs, ours)| (ours.to_owned(), row[theirs].clone()))
        .collect();
    json!({
        "name": name,
        "status": status,
        "email": email,
        "mfa": row["mfaConfigured"].as_bool().unwrap_or_default(),
        "profile": profile,
    })
}

/// The same of what the reference read. NinjaOne's answers say more than the tenant's data, e.g. that somebody is no
/// administrator; that is left out.
fn expected_row(resource: &Value, row: &Value) -> Value {
    let kind = "type.googleapis.com/c1.connector.v2.UserTrait";
    let annotations = resource["annotations"].as_array().unwrap();
    let user = annotations.iter().find(|any| any["@type"] == kind).unwrap();
    let present = keys().filter(|(theirs, _)| !row[*theirs].is_null());
    let profile: Map<String, Value> = present
        .map(|(_, ours)| (ours.to_owned(), resource["profile"][ours].clone()))
        .collect();
    json!({
        "name": resource["display_name"],
        "status": text(&resource["status"], "status"),
        "email": user["emails"][0]["address"].as_str().unwrap_or_default(),
        "mfa": user["mfa_status"]["mfa_enabled"].as_bool().unwrap_or_default(),
        "profile": profile,
    })
}

fn expected_grants(
    users: &Map<String, Value>,
    roles: &Map<String, Value>,
    organizations: &BTreeMap<String, String>,
) -> BTreeSet<String> {
    let mut grants = BTreeSet::new();
    for (role, row) in roles {
        let members = row["members"].as_array().unwrap().iter().map(Value::to_string);
        // People who left are no longer in any list.
        let known = members.filter(|id| users.contains_key(id));
        grants.extend(known.map(|id| format!("role:{role}:assigned:user:{id}")));
    }
    for (id, row) in users {
        let organization = row["organizationId"].to_string();
        if organizations.contains_key(&organization) {
            grants.insert(format!("organization:{organization}:member:user:{id}"));
        }
        for (flag, slug) in [
            ("administrator", "system-administrator"),
            ("permitAllClients", "all-organizations"),
            ("fullPortalAccess", "full-portal-access"),
        ] {
            if row[flag] == true {
                grants.insert(format!("tenant:ninja-one:{slug}:user:{id}"));
            }
        }
    }
    grants
}
