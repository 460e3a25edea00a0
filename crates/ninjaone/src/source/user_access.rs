//! The access of emitted users, in a few numbers per user.

use std::collections::BTreeMap;
use std::sync::Arc;

use access_core::model::NativeId;

use super::id_order::key;
use super::id_order::sort_as_text;
use super::id_set::IdSet;
use super::older::Instance;
use crate::api::List;
use crate::api::UserRow;
use crate::mapping::{FULL_PORTAL_ACCESS, TENANT_PRIVILEGES};

/// The [`TENANT_PRIVILEGES`] that a user holds.
pub(super) type Privileges = [bool; TENANT_PRIVILEGES.len()];

/// The access of one user except roles, and its unknown parts.
#[derive(Debug, Clone, Default)]
pub(super) struct UserAccess {
    /// The organizations the user is an end user of.
    pub(super) organizations: Vec<u64>,
    pub(super) privileges: Privileges,
    accessible: Vec<u64>,
    assigned: Vec<u64>,
    unstated: UserUnstated,
}

/// What no list states about a user.
#[derive(Debug, Clone, Default)]
struct UserUnstated {
    privileges: Privileges,
    organization: bool,
    accessible: bool,
    assigned: bool,
}

/// The kind of a user, if known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AccountKind {
    Technician,
    EndUser,
    /// No list states it.
    Unknown,
}

impl UserAccess {
    pub(super) fn new(row: &UserRow, kind: AccountKind, instance: Instance, with_devices: bool) -> Self {
        let ids = |list: &List<u64>| {
            let ids = if with_devices { list.entries() } else { &[] };
            ids.to_vec()
        };
        let mut accessible = ids(&row.accessible_device_ids);
        accessible.extend(ids(&row.device_ids));
        let maybe_end_user = kind != AccountKind::Technician;
        let flags = TENANT_PRIVILEGES.map(|privilege| (privilege.flag)(row));
        let mut privileges = flags.map(|flag| flag.value().is_none());
        privileges[FULL_PORTAL_ACCESS] &= maybe_end_user && instance == Instance::Current;
        let organizations = row.organization_id.ids();
        let unstated = UserUnstated {
            privileges,
            organization: match kind {
                AccountKind::Technician => false,
                AccountKind::EndUser => row.organization_id.value().is_none(),
                // The organization is known, but not whether the user is an end user of it.
                AccountKind::Unknown => true,
            },
            accessible: with_devices
                && maybe_end_user
                && row.accessible_device_ids.value().is_none()
                && row.device_ids.value().is_none(),
            assigned: with_devices && row.assigned_device_ids.value().is_none(),
        };
        Self {
            organizations: if kind == AccountKind::EndUser {
                organizations.to_vec()
            } else {
                Vec::new()
            },
            privileges: flags.map(|flag| flag.get() == Some(true)),
            accessible,
            assigned: ids(&row.assigned_device_ids),
            unstated,
        }
    }

    /// Number of organizations and devices kept of the user.
    pub(super) fn held(&self) -> usize {
        self.organizations.len() + self.accessible.len() + self.assigned.len()
    }

    pub(super) fn devices(&self) -> impl Iterator<Item = u64> {
        self.accessible.iter().chain(&self.assigned).copied()
    }
}

/// A role of an older instance, identified by type and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RoleName {
    pub(super) kind: String,
    pub(super) name: String,
}

impl RoleName {
    /// The roles that a user's row names.
    pub(super) fn from_row(row: &UserRow) -> Vec<Self> {
        let kind = row.user_type.trimmed().unwrap_or("UNKNOWN").to_ascii_uppercase();
        let names = row
            .roles
            .entries()
            .iter()
            .map(|name| name.trim())
            .filter(|name| !name.is_empty());
        names
            .map(|name| Self {
                kind: kind.clone(),
                name: name.to_owned(),
            })
            .collect()
    }

    /// Memory of the name of a role and its holder, in bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.kind.len() + self.name.len() + size_of::<u64>()
    }

    /// The id of a role without a number: `name:<type>:<name>` (docs/reference/ninjaone-api.md §2.6).
    pub(super) fn id(&self) -> Option<NativeId> {
        NativeId::new(&format!("name:{}:{}", self.kind, self.name)).ok()
    }
}

/// The access of all users, and the users whose access is unknown.
#[derive(Debug, Default)]
pub(super) struct AccessIndex {
    /// All emitted users, after [`sort`](Self::sort).
    pub(super) users: Arc<IdSet>,
    /// The users so far.
    pub(super) emitted: Vec<u64>,
    pub(super) privileged: [Vec<u64>; TENANT_PRIVILEGES.len()],
    /// Users for whom no list states whether they hold a privilege.
    pub(super) unstated_privileges: [Vec<u64>; TENANT_PRIVILEGES.len()],
    /// (organization, user)
    pub(super) organizations: Vec<(u64, u64)>,
    /// End users whose organization no list states.
    pub(super) unplaced: Vec<u64>,
    /// (device, user), for `access` and `assigned`.
    pub(super) devices: [Vec<(u64, u64)>; 2],
    /// Users whose devices no list states.
    pub(super) unstated_devices: [Vec<u64>; 2],
    /// Roles by name, on older instances.
    pub(super) role_names: BTreeMap<RoleName, Vec<u64>>,
    /// On older instances: users whose roles, or the user type that identifies them, are not stated.
    pub(super) unstated_roles: Vec<u64>,
    /// Whether any row states whether its user is an administrator.
    pub(super) administrator_is_stated: bool,
}

impl AccessIndex {
    pub(super) fn add(&mut self, user: u64, access: &UserAccess) {
        self.emitted.push(user);
        let unstated = &access.unstated;
        for (held, holders) in access.privileges.iter().zip(&mut self.privileged) {
            if *held {
                holders.push(user);
            }
        }
        for (is_unstated, users) in unstated.privileges.iter().zip(&mut self.unstated_privileges) {
            if *is_unstated {
                users.push(user);
            }
        }
        self.organizations.extend(
            access
                .organizations
                .iter()
                .map(|organization| (*organization, user)),
        );
        if unstated.organization {
            self.unplaced.push(user);
        }
        let [accessible, assigned] = &mut self.devices;
        accessible.extend(access.accessible.iter().map(|device| (*device, user)));
        assigned.extend(access.assigned.iter().map(|device| (*device, user)));
        for (is_unstated, users) in [unstated.accessible, unstated.assigned]
            .into_iter()
            .zip(&mut self.unstated_devices)
        {
            if is_unstated {
                users.push(user);
            }
        }
    }

    pub(super) fn add_role_names(&mut self, user: u64, names: Vec<RoleName>) {
        for name in names {
            self.role_names.entry(name).or_default().push(user);
        }
    }

    /// Sorts everything by id, independently of the order of responses, and removes duplicates.
    pub(super) fn sort(&mut self) {
        for holders in self.privileged.iter_mut().chain(self.role_names.values_mut()) {
            sort_as_text(holders);
        }
        self.emitted.sort_unstable();
        self.users = Arc::new(IdSet::from_sorted(std::mem::take(&mut self.emitted)));
        for pairs in self.devices.iter_mut().chain([&mut self.organizations]) {
            pairs.sort_unstable_by_key(|(resource, user)| (*resource, key(*user)));
            pairs.dedup();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::tests::row;

    #[test]
    fn held_counts_every_organization_and_device() {
        let user: UserRow = row(json!({
            "organizationId": [2, 3], "deviceIds": [501], "accessibleDeviceIds": [502, 503], "assignedDeviceIds": [504, 505]
        }));
        let held = |kind, with_devices| UserAccess::new(&user, kind, Instance::Current, with_devices).held();
        assert_eq!(held(AccountKind::EndUser, true), 7);
        assert_eq!(held(AccountKind::EndUser, false), 2);
        assert_eq!(held(AccountKind::Technician, true), 5);
        assert_eq!(held(AccountKind::Unknown, false), 0);
    }

    /// The texts of many roles must not fill memory unnoticed.
    #[test]
    fn memory_of_a_role_name_includes_its_texts_and_holder() {
        let role = |kind: &str, name: &str| RoleName {
            kind: kind.to_owned(),
            name: name.to_owned(),
        };
        let texts = role("TECHNICIAN", "Service Desk").bytes() - role("", "").bytes();
        assert_eq!(texts, "TECHNICIANService Desk".len());
        assert_eq!(role("", "").bytes(), size_of::<RoleName>() + size_of::<u64>());
    }
}
