//! NinjaOne's objects as resources and entitlements of the domain, one file per resource type. Ids and profile keys are
//! frozen (docs/reference/design.md §4).

mod device;
mod organization;
mod role;
mod tenant;
mod user;

use access_core::model::{
    DisplayName, Entitlement, NativeId, Resource, ResourceId, ResourceType, ResourceTypeId, TraitKind,
    TypeImportance,
};

use crate::api::DeviceRow;
use crate::api::OrganizationRow;
use crate::api::RoleRow;

pub(crate) use device::{DEVICE_ENTITLEMENTS, device, device_entitlement, device_entitlement_of};
pub(crate) use organization::{member, member_of, organization};
pub(crate) use role::{assigned, role};
pub(crate) use tenant::{FULL_PORTAL_ACCESS, SYSTEM_ADMINISTRATOR, TENANT_ID, TENANT_PRIVILEGES, tenant};
pub(crate) use user::{END_USER, TECHNICIAN, user};

macro_rules! type_ids {
    ($($name:ident = $text:literal),*) => {
        $(
            #[doc = concat!("The id of the resource type `", $text, "`.")]
            #[must_use]
            pub fn $name() -> ResourceTypeId {
                ResourceTypeId::from_static($text)
            }
        )*
    };
}

type_ids!(
    user_type = "user",
    role_type = "role",
    organization_type = "organization",
    tenant_type = "tenant",
    device_type = "device"
);

/// The resource types in listing order; devices only if opted in.
#[must_use]
pub fn resource_types(with_devices: bool) -> Vec<ResourceType> {
    let core = |id, name: &str, kind| ResourceType {
        id,
        display_name: DisplayName::new(name),
        trait_kind: kind,
        skip_entitlements_and_grants: kind == TraitKind::User,
        importance: TypeImportance::Core,
    };
    let mut types = vec![
        core(user_type(), "Account", TraitKind::User),
        core(role_type(), "Role", TraitKind::Role),
        core(organization_type(), "Organization", TraitKind::Group),
        core(tenant_type(), "Tenant", TraitKind::App),
    ];
    if with_devices {
        let device = core(device_type(), "Device", TraitKind::ManagedDevice);
        types.push(ResourceType {
            importance: TypeImportance::OptIn,
            ..device
        });
    }
    types
}

/// One entitlement of every type, with `<id>` for a native id and `<name>` for a name: for documents.
#[must_use]
pub fn entitlement_patterns() -> Vec<Entitlement> {
    let id = |resource_type| {
        NativeId::new("<id>")
            .ok()
            .map(|id| ResourceId::new(resource_type, id))
    };
    let named = |resource: Resource, resource_type| {
        Some(Resource {
            id: id(resource_type)?,
            display_name: DisplayName::new("<name>"),
            ..resource
        })
    };
    let role = NativeId::new("<id>")
        .ok()
        .and_then(|id| named(role(id, &RoleRow::default()), role_type()));
    let organization = named(organization(0, &OrganizationRow::default()), organization_type());
    let device = named(device(0, &DeviceRow::default()), device_type());
    let tenant = tenant("<base url>").ok();
    let mut patterns: Vec<Option<Entitlement>> = vec![
        role.and_then(|role| assigned(&role).ok()),
        organization.and_then(|organization| member(&organization).ok()),
    ];
    for privilege in TENANT_PRIVILEGES {
        patterns.push(
            tenant
                .as_ref()
                .and_then(|tenant| privilege.entitlement(tenant).ok()),
        );
    }
    for which in 0..DEVICE_ENTITLEMENTS.len() {
        patterns.push(
            device
                .as_ref()
                .and_then(|device| device_entitlement(device, which).ok()),
        );
    }
    patterns.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use access_core::model::Description;
    use serde_json::json;

    use super::*;

    #[test]
    fn types_and_patterns_match_the_documents() {
        let types = |devices| {
            let shown = |row: &ResourceType| {
                format!(
                    "{} {} {:?} {} {:?}",
                    row.id,
                    row.display_name,
                    row.trait_kind,
                    row.skip_entitlements_and_grants,
                    row.importance
                )
            };
            resource_types(devices).iter().map(shown).collect::<Vec<_>>()
        };
        assert_eq!(types(false), types(true)[..4]);
        insta::assert_snapshot!(types(true).join("\n"));
        let pattern = |row: &Entitlement| {
            let description = row
                .description
                .as_ref()
                .map(Description::as_str)
                .unwrap_or_default();
            format!(
                "{} | {} | {description} | {:?} | {}",
                row.id, row.display_name, row.purpose, row.immutable
            )
        };
        let patterns: Vec<String> = entitlement_patterns().iter().map(pattern).collect();
        insta::assert_snapshot!(patterns.join("\n"));
    }

    #[test]
    fn resources_with_and_without_names() {
        let role_row: RoleRow =
            serde_json::from_value(json!({"name": " Desk ", "type": "TECHNICIAN", "description": " "}))
                .unwrap();
        let organization_row: OrganizationRow =
            serde_json::from_value(json!({"name": "", "description": " Shops "})).unwrap();
        let device_row: DeviceRow = serde_json::from_value(
            json!({"displayName": " ", "systemName": "SYS", "dnsName": "dns", "organizationId": 4, "approvalStatus": "APPROVED"}),
        )
        .unwrap();
        insta::assert_json_snapshot!([
            role(NativeId::from_number(3), &role_row),
            organization(12, &organization_row),
            device(5, &device_row),
            device(6, &DeviceRow::default()),
            tenant("https://app.ninjarmm.com").unwrap(),
        ]);
    }

    #[test]
    fn entitlement_ids_are_frozen() {
        let role = role(NativeId::from_number(3), &RoleRow::default());
        let organization = organization(12, &OrganizationRow::default());
        let tenant = tenant("https://app.ninjarmm.com").unwrap();
        let device = device(5, &DeviceRow::default());
        let mut ids = vec![
            assigned(&role).unwrap().id.to_string(),
            member(&organization).unwrap().id.to_string(),
        ];
        ids.extend(
            TENANT_PRIVILEGES
                .iter()
                .map(|privilege| privilege.entitlement(&tenant).unwrap().id.to_string()),
        );
        ids.extend((0..2).map(|which| device_entitlement(&device, which).unwrap().id.to_string()));
        insta::assert_snapshot!(ids.join("\n"), @r"
        role:3:assigned
        organization:12:member
        tenant:ninja-one:system-administrator
        tenant:ninja-one:all-organizations
        tenant:ninja-one:full-portal-access
        device:5:access
        device:5:assigned
        ");
    }
}
