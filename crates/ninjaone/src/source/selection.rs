//! The part of the tenant that is synced.

use std::collections::{BTreeSet, HashSet};

use access_core::model::{NativeId, ResourceId, ResourceTypeId, SyncScope};

use super::options::SourceOptions;
use super::user_access::Privileges;
use super::user_access::UserAccess;
use crate::mapping::{
    TENANT_ID, device_type, organization_type, resource_types, role_type, tenant_type, user_type,
};

/// The types and single resources to sync, which determine the calls.
#[derive(Debug, Clone)]
pub(super) struct Selection {
    pub(super) types: Vec<ResourceTypeId>,
    pub(super) access: bool,
    targets: Option<Targets>,
}

/// Single resources, and the users with access to them.
#[derive(Debug, Clone, Default)]
struct Targets {
    users: HashSet<u64>,
    roles: HashSet<NativeId>,
    organizations: HashSet<u64>,
    tenant: bool,
    devices: HashSet<u64>,
    holders: HashSet<u64>,
}

impl Selection {
    pub(super) fn new(options: SourceOptions, scope: &SyncScope) -> Self {
        let listed = resource_types(options.devices).into_iter().map(|row| row.id);
        Self {
            types: listed.filter(|id| scope.includes_type(id)).collect(),
            access: scope.includes_entitlements(),
            targets: scope.targets.as_ref().map(Targets::new),
        }
    }

    fn includes_type(&self, resource_type: &ResourceTypeId) -> bool {
        self.types.contains(resource_type)
    }

    pub(super) fn includes_users(&self) -> bool {
        self.includes_type(&user_type())
    }

    pub(super) fn includes_roles(&self) -> bool {
        self.includes_type(&role_type())
            && self
                .targets
                .as_ref()
                .is_none_or(|targets| !targets.roles.is_empty())
    }

    pub(super) fn includes_organizations(&self) -> bool {
        self.includes_type(&organization_type())
    }

    pub(super) fn includes_tenant(&self) -> bool {
        self.includes_type(&tenant_type()) && self.targets.as_ref().is_none_or(|targets| targets.tenant)
    }

    pub(super) fn includes_devices(&self) -> bool {
        self.includes_type(&device_type())
            && self
                .targets
                .as_ref()
                .is_none_or(|targets| !targets.devices.is_empty())
    }

    /// Whether single resources are synced, so that the holders of access to them must be known first.
    pub(super) fn is_targeted(&self) -> bool {
        self.targets.is_some()
    }

    pub(super) fn includes_role(&self, id: &NativeId) -> bool {
        self.targets
            .as_ref()
            .is_none_or(|targets| targets.roles.contains(id))
    }

    pub(super) fn includes_organization(&self, id: u64) -> bool {
        self.includes_organizations()
            && self
                .targets
                .as_ref()
                .is_none_or(|targets| targets.organizations.contains(&id))
    }

    pub(super) fn includes_device(&self, id: u64) -> bool {
        self.targets
            .as_ref()
            .is_none_or(|targets| targets.devices.contains(&id))
    }

    /// Whether a user is selected, or holds access to a selected resource.
    pub(super) fn includes_user(&self, id: u64, access: &UserAccess) -> bool {
        let Some(targets) = &self.targets else { return true };
        let holds_something = || {
            targets.holders.contains(&id)
                || access
                    .organizations
                    .iter()
                    .any(|organization| targets.organizations.contains(organization))
                || (targets.tenant && access.privileges != Privileges::default())
                || access.devices().any(|device| targets.devices.contains(&device))
        };
        targets.users.contains(&id) || (self.access && holds_something())
    }

    /// Whether users come with a role because they hold it.
    pub(super) fn includes_holders_of(&self, role: &NativeId) -> bool {
        self.access
            && self
                .targets
                .as_ref()
                .is_some_and(|targets| targets.roles.contains(role))
    }

    /// Adds users who hold access to selected resources.
    pub(super) fn add_holders(&mut self, users: impl IntoIterator<Item = u64>) {
        if let Some(targets) = &mut self.targets {
            targets.holders.extend(users);
        }
    }
}

impl Targets {
    fn new(ids: &BTreeSet<ResourceId>) -> Self {
        let mut targets = Self::default();
        for ResourceId { resource_type, id } in ids {
            let number = id.as_number();
            if *resource_type == role_type() {
                targets.roles.insert(id.clone());
            } else if *resource_type == tenant_type() {
                targets.tenant |= id.as_str() == TENANT_ID;
            } else {
                let numbers = [
                    (user_type(), &mut targets.users),
                    (organization_type(), &mut targets.organizations),
                    (device_type(), &mut targets.devices),
                ];
                let named = numbers.into_iter().find(|(id, _)| id == resource_type);
                if let (Some((_, set)), Some(number)) = (named, number) {
                    set.insert(number);
                }
            }
        }
        targets
    }
}
