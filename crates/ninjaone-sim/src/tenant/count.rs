use std::collections::HashSet;

use serde_json::Value;

use super::store::{Store, row_id};
use crate::expected::Expected;

impl Store {
    /// The counts of a complete and correct read of this tenant.
    pub(super) fn expected(&self) -> Expected {
        let ids: HashSet<i64> = self.users.iter().filter_map(|user| row_id(&user.row)).collect();
        let organizations: HashSet<i64> = self.organizations.iter().filter_map(row_id).collect();
        let members = || {
            self.roles
                .iter()
                .flat_map(Self::members)
                .filter_map(Value::as_object)
        };
        let with = |key: &str, value: &Value| {
            count(self.users.iter().filter(|user| user.row.get(key) == Some(value)))
        };
        Expected {
            technicians: count(
                self.users
                    .iter()
                    .filter(|user| user.is_technician() && user.in_own_list),
            ),
            end_users: count(
                self.users
                    .iter()
                    .filter(|user| !user.is_technician() && user.in_own_list),
            ),
            users: count(ids.iter()),
            roles: count(self.roles.iter()),
            role_members: count(members()),
            unknown_role_members: count(members().filter_map(row_id).filter(|id| !ids.contains(id))),
            organizations: count(organizations.iter()),
            organization_members: count(self.users.iter().filter(|user| {
                let organization = user.row.get("organizationId").and_then(Value::as_i64);
                !user.is_technician() && organization.is_some_and(|id| organizations.contains(&id))
            })),
            devices: count(self.devices.iter()),
            disabled: with("enabled", &Value::Bool(false)),
            pending: with("invitationStatus", &Value::from("PENDING")),
            expired: with("invitationStatus", &Value::from("EXPIRED")),
            administrators: with("administrator", &Value::Bool(true)),
            permit_all_clients: count(self.users.iter().filter(|user| {
                user.in_users_list && user.row.get("permitAllClients") == Some(&Value::Bool(true))
            })),
            full_portal_access: with("fullPortalAccess", &Value::Bool(true)),
        }
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    items.fold(0, |count, _| count + 1)
}
