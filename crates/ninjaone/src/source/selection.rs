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

#[cfg(test)]
mod tests {
    use access_core::model::AccessDepth;

    use super::*;
    use crate::api::UserRow;
    use crate::source::older::Instance;
    use crate::source::user_access::AccountKind;

    fn resource(resource_type: ResourceTypeId, id: &str) -> ResourceId {
        ResourceId::new(resource_type, NativeId::new(id).unwrap())
    }

    fn selection(target: ResourceId, depth: AccessDepth) -> Selection {
        let scope = SyncScope {
            targets: Some([target].into()),
            depth,
            ..SyncScope::default()
        };
        Selection::new(SourceOptions { devices: true }, &scope)
    }

    fn access(row: &str) -> UserAccess {
        let row: UserRow = serde_json::from_str(row).unwrap();
        UserAccess::new(&row, AccountKind::EndUser, Instance::Current, true)
    }

    /// A user comes with each selected resource that the user has access to, if access is read.
    #[test]
    fn users_come_with_resources_they_have_access_to() {
        let holder = access(
            r#"{"organizationId": 3, "fullPortalAccess": true, "accessibleDeviceIds": [4], "assignedDeviceIds": [5]}"#,
        );
        let stranger = access("{}");
        for (target, is_holder) in [
            (resource(organization_type(), "3"), true),
            (resource(organization_type(), "4"), false),
            (resource(tenant_type(), TENANT_ID), true),
            (resource(tenant_type(), "other"), false),
            (resource(device_type(), "4"), true),
            (resource(device_type(), "5"), true),
            (resource(device_type(), "3"), false),
            (resource(role_type(), "3"), false),
            (resource(user_type(), "8"), false),
        ] {
            let full = selection(target.clone(), AccessDepth::Full);
            assert_eq!(full.includes_user(7, &holder), is_holder, "{target}");
            assert!(!full.includes_user(7, &stranger), "{target}");
            let shallow = selection(target, AccessDepth::ResourcesOnly);
            assert!(!shallow.includes_user(7, &holder));
        }
        for depth in [AccessDepth::Full, AccessDepth::ResourcesOnly] {
            let own = selection(resource(user_type(), "7"), depth);
            assert!(own.includes_user(7, &stranger) && !own.includes_user(8, &stranger));
        }
        let all = Selection::new(SourceOptions::default(), &SyncScope::default());
        assert!(all.includes_user(7, &stranger));
    }

    #[test]
    fn holders_come_with_selected_roles() {
        let stranger = access("{}");
        let [role, other] = ["3", "4"].map(|id| NativeId::new(id).unwrap());
        let mut full = selection(resource(role_type(), "3"), AccessDepth::Full);
        assert!(full.includes_holders_of(&role) && !full.includes_holders_of(&other));
        assert!(full.includes_role(&role) && !full.includes_role(&other));
        full.add_holders([7]);
        assert!(full.includes_user(7, &stranger) && !full.includes_user(8, &stranger));
        let mut shallow = selection(resource(role_type(), "3"), AccessDepth::ResourcesOnly);
        assert!(!shallow.includes_holders_of(&role));
        shallow.add_holders([7]);
        assert!(!shallow.includes_user(7, &stranger));
        // Without single resources all users are read anyway.
        let mut all = Selection::new(SourceOptions::default(), &SyncScope::default());
        assert!(!all.includes_holders_of(&role) && all.includes_role(&role));
        all.add_holders([7]);
        assert!(!all.is_targeted());
    }

    /// The parts of the tenant that a scope includes.
    fn parts(selection: &Selection) -> String {
        let parts = [
            ("users", selection.includes_users()),
            ("roles", selection.includes_roles()),
            ("organizations", selection.includes_organizations()),
            ("organization 3", selection.includes_organization(3)),
            ("organization 4", selection.includes_organization(4)),
            ("tenant", selection.includes_tenant()),
            ("devices", selection.includes_devices()),
            (
                "device 3",
                selection.includes_devices() && selection.includes_device(3),
            ),
            (
                "device 4",
                selection.includes_devices() && selection.includes_device(4),
            ),
            ("targets", selection.is_targeted()),
        ];
        let included = parts.iter().filter(|(_, is_included)| *is_included);
        included.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn scope_decides_which_lists_are_read() {
        let mut lines = vec![format!(
            "everything: {}",
            parts(&Selection::new(
                SourceOptions { devices: false },
                &SyncScope::default()
            ))
        )];
        for resource_type in [
            user_type(),
            role_type(),
            organization_type(),
            tenant_type(),
            device_type(),
        ] {
            let of_type = SyncScope {
                types: Some([resource_type.clone()].into()),
                ..SyncScope::default()
            };
            let of_type = Selection::new(SourceOptions { devices: true }, &of_type);
            lines.push(format!("all of type {resource_type}: {}", parts(&of_type)));
            let id = if resource_type == tenant_type() {
                TENANT_ID
            } else {
                "3"
            };
            let one = selection(resource(resource_type, id), AccessDepth::Full);
            lines.push(format!("one of them: {}", parts(&one)));
        }
        insta::assert_snapshot!(lines.join("\n"), @r#"
        everything: users, roles, organizations, organization 3, organization 4, tenant
        all of type user: users
        one of them: users, organizations, targets
        all of type role: roles
        one of them: users, roles, organizations, targets
        all of type organization: organizations, organization 3, organization 4
        one of them: users, organizations, organization 3, targets
        all of type tenant: tenant
        one of them: users, organizations, tenant, targets
        all of type device: devices, device 3, device 4
        one of them: users, organizations, devices, device 3, targets
        "#);
    }
}
