use std::collections::HashSet;

use serde_json::Value;

use super::store::{Store, row_id};

/// Counts that a complete and correct read of a tenant arrives at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// Rows of `/v2/user/technicians`.
    pub technicians: u64,
    /// Rows of `/v2/user/end-users`.
    pub end_users: u64,
    /// Distinct users over all lists.
    pub users: u64,
    /// Rows of `/v2/user/roles`.
    pub roles: u64,
    /// Members of all roles.
    pub role_members: u64,
    /// Those of them whose id is in no user list.
    pub unknown_role_members: u64,
    /// Rows of `/v2/organizations`.
    pub organizations: u64,
    /// End users whose `organizationId` names a listed organization.
    pub organization_members: u64,
    /// Rows of `/v2/devices`.
    pub devices: u64,
    /// Users with `enabled` false.
    pub disabled: u64,
    /// Users with invitation status PENDING.
    pub pending: u64,
    /// Users with invitation status EXPIRED.
    pub expired: u64,
    /// Technicians with `administrator` true.
    pub administrators: u64,
    /// Technicians with `permitAllClients` true that `/v2/users` lists.
    pub permit_all_clients: u64,
    /// End users with `fullPortalAccess` true.
    pub full_portal_access: u64,
}

impl Expected {
    pub(super) fn of(store: &Store) -> Self {
        let ids: HashSet<i64> = store.users.iter().filter_map(|user| row_id(&user.row)).collect();
        let organizations: HashSet<i64> = store.organizations.iter().filter_map(row_id).collect();
        let members = || {
            store
                .roles
                .iter()
                .flat_map(Store::members)
                .filter_map(Value::as_object)
        };
        let with = |key: &str, value: &Value| {
            count(store.users.iter().filter(|user| user.row.get(key) == Some(value)))
        };
        Self {
            technicians: count(
                store
                    .users
                    .iter()
                    .filter(|user| user.is_technician() && user.in_own_list),
            ),
            end_users: count(
                store
                    .users
                    .iter()
                    .filter(|user| !user.is_technician() && user.in_own_list),
            ),
            users: count(ids.iter()),
            roles: count(store.roles.iter()),
            role_members: count(members()),
            unknown_role_members: count(members().filter_map(row_id).filter(|id| !ids.contains(id))),
            organizations: count(organizations.iter()),
            organization_members: count(store.users.iter().filter(|user| {
                let organization = user.row.get("organizationId").and_then(Value::as_i64);
                !user.is_technician() && organization.is_some_and(|id| organizations.contains(&id))
            })),
            devices: count(store.devices.iter()),
            disabled: with("enabled", &Value::Bool(false)),
            pending: with("invitationStatus", &Value::from("PENDING")),
            expired: with("invitationStatus", &Value::from("EXPIRED")),
            administrators: with("administrator", &Value::Bool(true)),
            permit_all_clients: count(store.users.iter().filter(|user| {
                user.in_users_list && user.row.get("permitAllClients") == Some(&Value::Bool(true))
            })),
            full_portal_access: with("fullPortalAccess", &Value::Bool(true)),
        }
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    items.fold(0, |count, _| count + 1)
}
