//! What is remembered of each user once it has been emitted: who holds what, in a few numbers.

use std::collections::BTreeMap;

use access_core::model::NativeId;

use super::text_order::{key, sort_as_text};
use crate::mapping::TENANT_PRIVILEGES;
use crate::wire::{List, UserRow};

/// Which of the [`TENANT_PRIVILEGES`] a user holds.
pub(super) type Privileges = [bool; TENANT_PRIVILEGES.len()];

/// What one user holds, apart from roles.
#[derive(Debug, Clone, Default)]
pub(super) struct UserFacts {
    /// The organization the user is an end user of.
    pub(super) organization: Option<u64>,
    pub(super) privileges: Privileges,
    accessible: Vec<u64>,
    assigned: Vec<u64>,
}

impl UserFacts {
    pub(super) fn new(row: &UserRow, end_user: bool, with_devices: bool) -> Self {
        let ids = |list: &List<u64>| {
            let ids = if with_devices { list.entries() } else { &[] };
            ids.to_vec()
        };
        let mut accessible = ids(&row.accessible_device_ids);
        accessible.extend(ids(&row.device_ids));
        Self {
            organization: row.organization_id.ids().first().copied().filter(|_| end_user),
            privileges: TENANT_PRIVILEGES.map(|privilege| (privilege.holds)(row)),
            accessible,
            assigned: ids(&row.assigned_device_ids),
        }
    }

    pub(super) fn devices(&self) -> impl Iterator<Item = u64> {
        self.accessible.iter().chain(&self.assigned).copied()
    }
}

/// A role as an older instance tells it: by type and name only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RoleName {
    pub(super) kind: String,
    pub(super) name: String,
}

impl RoleName {
    /// The roles that a user's row names.
    pub(super) fn all_of(row: &UserRow) -> Vec<Self> {
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

    /// The id of a role that has none: `name:<type>:<name>` (NinjaOne facts §2.6).
    pub(super) fn id(&self) -> Option<NativeId> {
        NativeId::new(&format!("name:{}:{}", self.kind, self.name)).ok()
    }
}

/// Who holds what, over all users.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) privileged: [Vec<u64>; TENANT_PRIVILEGES.len()],
    /// (organization, user)
    pub(super) organizations: Vec<(u64, u64)>,
    /// (device, user), for `access` and `assigned`.
    pub(super) devices: [Vec<(u64, u64)>; 2],
    /// On older instances.
    pub(super) role_names: BTreeMap<RoleName, Vec<u64>>,
}

impl Facts {
    pub(super) fn add(&mut self, user: u64, facts: &UserFacts) {
        for (held, holders) in facts.privileges.iter().zip(&mut self.privileged) {
            if *held {
                holders.push(user);
            }
        }
        self.organizations
            .extend(facts.organization.map(|organization| (organization, user)));
        let [access, assigned] = &mut self.devices;
        access.extend(facts.accessible.iter().map(|device| (*device, user)));
        assigned.extend(facts.assigned.iter().map(|device| (*device, user)));
    }

    pub(super) fn add_role_names(&mut self, user: u64, names: Vec<RoleName>) {
        for name in names {
            self.role_names.entry(name).or_default().push(user);
        }
    }

    /// Puts everything in the order of ids, whatever the order of the tenant's answers, and every pair once.
    pub(super) fn sort(&mut self) {
        for holders in self.privileged.iter_mut().chain(self.role_names.values_mut()) {
            sort_as_text(holders);
        }
        for pairs in self.devices.iter_mut().chain([&mut self.organizations]) {
            pairs.sort_unstable_by_key(|(resource, user)| (*resource, key(*user)));
            pairs.dedup();
        }
    }
}
