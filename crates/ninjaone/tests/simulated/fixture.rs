//! The grants of the fixture, derived from its files independently of the source.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

/// The rows of one file.
pub(crate) fn rows(name: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/msp");
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// All grants of the tenant, as (entitlement, user).
pub(crate) fn grants() -> BTreeSet<(String, String)> {
    let mut grants = BTreeSet::new();
    let mut grant = |entitlement: String, user: &Value| {
        grants.insert((entitlement, user["id"].to_string()));
    };
    for role in rows("roles.json") {
        for member in list(&role["members"]) {
            grant(format!("role:{}:assigned", role["id"]), member);
        }
    }
    for technician in &rows("technicians.json") {
        if technician["administrator"] == true {
            grant("tenant:ninja-one:system-administrator".to_owned(), technician);
        }
        if technician["permitAllClients"] == true {
            grant("tenant:ninja-one:all-organizations".to_owned(), technician);
        }
        for device in list(&technician["assignedDeviceIds"]) {
            grant(format!("device:{device}:assigned"), technician);
        }
    }
    for end_user in &rows("end-users.json") {
        if end_user["fullPortalAccess"] == true {
            grant("tenant:ninja-one:full-portal-access".to_owned(), end_user);
        }
        if !end_user["organizationId"].is_null() {
            grant(
                format!("organization:{}:member", end_user["organizationId"]),
                end_user,
            );
        }
        for device in list(&end_user["accessibleDeviceIds"]) {
            grant(format!("device:{device}:access"), end_user);
        }
        for device in list(&end_user["assignedDeviceIds"]) {
            grant(format!("device:{device}:assigned"), end_user);
        }
    }
    grants
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
