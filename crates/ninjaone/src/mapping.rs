//! What NinjaOne's objects are in the domain. The ids and profile keys are frozen (docs/reference/design.md §4).

use access_core::model::{
    AccountType, Description, DeviceTrait, DeviceType, DisplayName, Email, Entitlement, EntitlementId,
    IdError, NativeId, Profile, Purpose, Resource, ResourceId, ResourceTrait, ResourceType, ResourceTypeId,
    Slug, Status, StatusState, StructuredName, TraitKind, TypeImportance, UserTrait,
};

use crate::api::DeviceRow;
use crate::api::Flag;
use crate::api::OrganizationRow;
use crate::api::RoleRow;
use crate::api::Text;
use crate::api::UserRow;
use crate::attributes;

/// The one resource that stands for the tenant as a whole.
pub(crate) const TENANT_ID: &str = "ninja-one";
pub(crate) const TECHNICIAN: &str = "TECHNICIAN";
pub(crate) const END_USER: &str = "END_USER";

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

/// The resource types, in the order they are listed; devices only where they are opted in.
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

/// A user of either kind. `organization_name` is the name of the user's organization, where it is listed.
pub(crate) fn user(id: u64, row: &UserRow, organization_name: Option<&str>) -> Resource {
    Resource {
        id: ResourceId::new(user_type(), NativeId::from_number(id)),
        parent: None,
        display_name: DisplayName::new(&user_name(id, row)),
        description: None,
        profile: attributes::profile(id, row, organization_name),
        status: Some(user_status(row)),
        resource_trait: ResourceTrait::User(Box::new(user_trait(row))),
    }
}

fn user_name(id: u64, row: &UserRow) -> String {
    let parts: Vec<&str> = [&row.first_name, &row.last_name]
        .into_iter()
        .filter_map(Text::trimmed)
        .collect();
    match (parts.is_empty(), row.email.trimmed()) {
        (false, _) => parts.join(" "),
        (true, Some(email)) => email.to_owned(),
        (true, None) => format!("User {id}"),
    }
}

/// Disabled if the flag says so; otherwise enabled, with the detail naming an invitation that is not accepted yet;
/// unspecified if there is no flag.
fn user_status(row: &UserRow) -> Status {
    let state = match row.enabled.get() {
        Some(false) => StatusState::Disabled,
        Some(true) => StatusState::Enabled,
        None => StatusState::Unspecified,
    };
    let invitation = row.invitation_status.trimmed().map(str::to_ascii_uppercase);
    let open = invitation.filter(|word| word == "PENDING" || word == "EXPIRED");
    let detail = open
        .filter(|_| state != StatusState::Disabled)
        .map(|word| format!("invitation {word}").into());
    Status { state, detail }
}

fn user_trait(row: &UserRow) -> UserTrait {
    let email = row.email.trimmed();
    let part = |text: &Text| text.trimmed().map(Into::into);
    let name = StructuredName {
        given: part(&row.first_name),
        family: part(&row.last_name),
    };
    let auth_type = row.auth_type.trimmed();
    UserTrait {
        emails: email
            .map(|address| Email {
                address: address.into(),
                primary: true,
            })
            .into_iter()
            .collect(),
        // People sign in with their address; an account without one has only its uid to be told by.
        login: email.or(row.uid.trimmed()).map(Into::into),
        account_type: AccountType::Human,
        name: (name != StructuredName::default()).then_some(name),
        mfa_enabled: row.mfa_configured.get(),
        sso_enabled: auth_type.and_then(|kind| match kind.to_ascii_uppercase().as_str() {
            "SSO" => Some(true),
            "NATIVE" => Some(false),
            _ => None,
        }),
    }
}

/// A role, without its members.
pub(crate) fn role(id: NativeId, row: &RoleRow) -> Resource {
    let mut profile = Profile::new();
    profile.set("role_type", row.kind.text());
    let fallback = format!("Role {id}");
    Resource {
        id: ResourceId::new(role_type(), id),
        parent: None,
        display_name: DisplayName::new(row.name.trimmed().unwrap_or(&fallback)),
        description: row.description.trimmed().map(Description::new),
        profile,
        status: None,
        resource_trait: ResourceTrait::Role,
    }
}

/// Being assigned a role.
pub(crate) fn assigned(role: &Resource) -> Result<Entitlement, IdError> {
    let name = &role.display_name;
    let mut entitlement = Entitlement::new(
        role.id.clone(),
        Slug::from_static("assigned"),
        DisplayName::new(&format!("{name} role")),
        Purpose::Assignment,
        vec![user_type()],
    )?;
    entitlement.description = Some(Description::new(&format!("Assigned the {name} role in NinjaOne")));
    Ok(entitlement)
}

/// An organization.
pub(crate) fn organization(id: u64, row: &OrganizationRow) -> Resource {
    let fallback = format!("Organization {id}");
    Resource {
        id: ResourceId::new(organization_type(), NativeId::from_number(id)),
        parent: None,
        display_name: DisplayName::new(row.name.trimmed().unwrap_or(&fallback)),
        description: row.description.trimmed().map(Description::new),
        profile: Profile::new(),
        status: None,
        resource_trait: ResourceTrait::Group,
    }
}

/// Being an end user of an organization.
pub(crate) fn member(organization: &Resource) -> Result<Entitlement, IdError> {
    let name = &organization.display_name;
    let mut entitlement = Entitlement::new(
        organization.id.clone(),
        Slug::from_static("member"),
        DisplayName::new(&format!("{name} member")),
        Purpose::Assignment,
        vec![user_type()],
    )?;
    entitlement.description = Some(Description::new(&format!(
        "End user of the organization {name} in NinjaOne"
    )));
    entitlement.immutable = true;
    Ok(entitlement)
}

/// The id of being an end user of an organization.
pub(crate) fn member_of(organization: u64) -> Result<EntitlementId, IdError> {
    let organization = ResourceId::new(organization_type(), NativeId::from_number(organization));
    organization.entitlement(&Slug::from_static("member"))
}

/// The id of an entitlement on a device.
pub(crate) fn device_entitlement_of(device: u64, which: usize) -> Result<EntitlementId, IdError> {
    let device = ResourceId::new(device_type(), NativeId::from_number(device));
    device.entitlement(&Slug::from_static(DEVICE_ENTITLEMENTS[which].0))
}

/// The tenant as a whole.
pub(crate) fn tenant(address: &str) -> Result<Resource, IdError> {
    Ok(Resource {
        id: ResourceId::new(tenant_type(), NativeId::new(TENANT_ID)?),
        parent: None,
        display_name: DisplayName::new("NinjaOne"),
        description: Some(Description::new(&format!("The NinjaOne tenant at {address}"))),
        profile: Profile::new(),
        status: None,
        resource_trait: ResourceTrait::App,
    })
}

/// A privilege over the whole tenant, and which users hold it.
pub(crate) struct TenantPrivilege {
    pub(crate) slug: &'static str,
    pub(crate) display_name: &'static str,
    pub(crate) description: &'static str,
    /// The field that says whether a user holds it.
    pub(crate) field: &'static str,
    /// What that field says.
    pub(crate) flag: fn(&UserRow) -> Flag,
}

/// All privileges over the whole tenant.
pub(crate) const TENANT_PRIVILEGES: [TenantPrivilege; 3] = [
    TenantPrivilege {
        slug: "system-administrator",
        display_name: "System Administrator",
        description: "Full rights over the NinjaOne tenant, independent of roles",
        field: "administrator",
        flag: |row| row.administrator,
    },
    TenantPrivilege {
        slug: "all-organizations",
        display_name: "All organizations",
        description: "Access to every organization of the NinjaOne tenant",
        field: "permitAllClients",
        flag: |row| row.permit_all_clients,
    },
    TenantPrivilege {
        slug: "full-portal-access",
        display_name: "Full portal access",
        description: "Full access to the NinjaOne end-user portal",
        field: "fullPortalAccess",
        flag: |row| row.full_portal_access,
    },
];

/// The place of full portal access among the [`TENANT_PRIVILEGES`]: older instances cannot tell it.
pub(crate) const FULL_PORTAL_ACCESS: usize = 2;

/// The place of full rights among the [`TENANT_PRIVILEGES`].
pub(crate) const SYSTEM_ADMINISTRATOR: usize = 0;

impl TenantPrivilege {
    pub(crate) fn entitlement(&self, tenant: &Resource) -> Result<Entitlement, IdError> {
        let slug = Slug::from_static(self.slug);
        let name = DisplayName::new(self.display_name);
        let mut entitlement = Entitlement::new(
            tenant.id.clone(),
            slug,
            name,
            Purpose::Permission,
            vec![user_type()],
        )?;
        entitlement.description = Some(Description::new(self.description));
        entitlement.immutable = true;
        Ok(entitlement)
    }
}

/// A device.
pub(crate) fn device(id: u64, row: &DeviceRow) -> Resource {
    let names = [&row.display_name, &row.system_name, &row.dns_name];
    let fallback = format!("Device {id}");
    let mut profile = Profile::new();
    profile.set("node_class", row.node_class.text());
    profile.set("approval_status", row.approval_status.text());
    profile.set(
        "organization_id",
        row.organization_id.get().map(|id| id.to_string()).as_deref(),
    );
    let kind = row
        .node_class
        .trimmed()
        .map_or(DeviceType::Unspecified, node_class);
    Resource {
        id: ResourceId::new(device_type(), NativeId::from_number(id)),
        parent: None,
        display_name: DisplayName::new(names.into_iter().find_map(Text::trimmed).unwrap_or(&fallback)),
        description: None,
        profile,
        status: None,
        resource_trait: ResourceTrait::ManagedDevice(Box::new(DeviceTrait {
            device_type: kind,
            ..DeviceTrait::default()
        })),
    }
}

/// NinjaOne's node classes say the system first, then the sort of machine (OpenAPI: `nodeClass`).
fn node_class(class: &str) -> DeviceType {
    match class {
        _ if class.ends_with("_SERVER") => DeviceType::Server,
        _ if class.ends_with("_WORKSTATION") || class == "MAC" => DeviceType::Desktop,
        _ if class.contains("VMGUEST") || class.contains("VM_GUEST") || class.contains("VIRTUAL_MACHINE") => {
            DeviceType::Virtual
        }
        "ANDROID" | "APPLE_IOS" => DeviceType::Mobile,
        "APPLE_IPADOS" => DeviceType::Tablet,
        _ => DeviceType::Other,
    }
}

/// What a device entitlement is called and means.
pub(crate) const DEVICE_ENTITLEMENTS: [(&str, &str, &str, Purpose); 2] = [
    (
        "access",
        "access",
        "May access the device through the end-user portal",
        Purpose::Permission,
    ),
    (
        "assigned",
        "assigned",
        "The device is assigned to the user",
        Purpose::Ownership,
    ),
];

/// An entitlement on a device.
pub(crate) fn device_entitlement(device: &Resource, which: usize) -> Result<Entitlement, IdError> {
    let (slug, word, description, purpose) = DEVICE_ENTITLEMENTS[which];
    let name = DisplayName::new(&format!("{} {word}", device.display_name));
    let mut entitlement = Entitlement::new(
        device.id.clone(),
        Slug::from_static(slug),
        name,
        purpose,
        vec![user_type()],
    )?;
    entitlement.description = Some(Description::new(description));
    entitlement.immutable = true;
    Ok(entitlement)
}

/// One entitlement of every kind, with `<id>` in place of a native id and `<name>` in place of a name: for documents.
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
    use serde_json::{Value, json};

    use super::*;

    fn mapped(row: Value) -> Resource {
        let row: UserRow = serde_json::from_value(row).unwrap();
        user(row.id.get().unwrap(), &row, None)
    }

    #[test]
    fn a_technician_with_everything() {
        let resource = mapped(json!({
            "id": 7, "uid": "0b6f2c1e-0000-4000-8000-000000000007", "firstName": " Ada ", "lastName": "Example",
            "email": " Ada.Example@example.com ", "phone": "+1 555 0100", "enabled": true, "administrator": true,
            "permitAllClients": true, "notifyAllClients": false, "mustChangePw": false, "mfaConfigured": true,
            "userType": "TECHNICIAN", "invitationStatus": "REGISTERED", "organizationId": null, "scimUser": false,
            "authType": "native", "tags": null, "fields": null
        }));
        insta::assert_json_snapshot!(resource);
    }

    #[test]
    fn what_is_absent_upstream_is_absent_here() {
        insta::assert_json_snapshot!(mapped(json!({ "id": 901 })));
    }

    #[test]
    fn status_and_its_detail() {
        let shown = |row: Value| {
            let Status { state, detail } = mapped(row).status.unwrap();
            format!("{state:?} {}", detail.as_deref().unwrap_or("-"))
        };
        assert_eq!(
            shown(json!({"id": 1, "enabled": true, "invitationStatus": "REGISTERED"})),
            "Enabled -"
        );
        assert_eq!(
            shown(json!({"id": 1, "enabled": true, "invitationStatus": "pending"})),
            "Enabled invitation PENDING"
        );
        assert_eq!(
            shown(json!({"id": 1, "enabled": true, "invitationStatus": "EXPIRED"})),
            "Enabled invitation EXPIRED"
        );
        assert_eq!(
            shown(json!({"id": 1, "enabled": false, "invitationStatus": "PENDING"})),
            "Disabled -"
        );
        assert_eq!(shown(json!({"id": 1, "enabled": "yes"})), "Unspecified -");
        assert_eq!(
            shown(json!({"id": 1, "enabled": true, "invitationStatus": "NEW_WORD"})),
            "Enabled -"
        );
    }

    #[test]
    fn names_fall_back_to_what_there_is() {
        let name = |row: Value| mapped(row).display_name.to_string();
        assert_eq!(
            name(json!({"id": 1, "firstName": "Zoë", "lastName": "李"})),
            "Zoë 李"
        );
        assert_eq!(
            name(json!({"id": 1, "firstName": "", "lastName": "Only"})),
            "Only"
        );
        assert_eq!(
            name(json!({"id": 1, "firstName": "  ", "email": "x@example.com"})),
            "x@example.com"
        );
        assert_eq!(name(json!({"id": 1, "email": ""})), "User 1");
    }

    #[test]
    fn node_classes_are_sorts_of_machines() {
        let sort = |class: Value| {
            let row: DeviceRow = serde_json::from_value(json!({"id": 1, "nodeClass": class})).unwrap();
            let ResourceTrait::ManagedDevice(device) = device(1, &row).resource_trait else {
                panic!("no device")
            };
            format!("{class}: {:?}", device.device_type)
        };
        let classes = [
            json!("WINDOWS_SERVER"),
            json!("MAC_SERVER"),
            json!("LINUX_WORKSTATION"),
            json!("MAC"),
            json!("VMWARE_VM_GUEST"),
            json!("HYPERV_VMM_GUEST"),
            json!("HYPERV_VMGUEST"),
            json!("CLOUD_VIRTUAL_MACHINE"),
            json!("ANDROID"),
            json!("APPLE_IOS"),
            json!("APPLE_IPADOS"),
            json!("NMS_PRINTER"),
            json!(" "),
            json!(null),
        ];
        insta::assert_snapshot!(classes.map(sort).join("\n"));
    }

    #[test]
    fn what_is_held_by_whom_is_read_from_flags() {
        let holds = |row: Value| {
            let row: UserRow = serde_json::from_value(row).unwrap();
            TENANT_PRIVILEGES.map(|privilege| (privilege.flag)(&row).get() == Some(true))
        };
        assert_eq!(holds(json!({"administrator": true})), [true, false, false]);
        assert_eq!(holds(json!({"permitAllClients": true})), [false, true, false]);
        assert_eq!(holds(json!({"fullPortalAccess": true})), [false, false, true]);
        let not = json!({"administrator": false, "permitAllClients": null, "fullPortalAccess": "yes"});
        assert_eq!(holds(not), [false; 3]);
    }

    #[test]
    fn the_login_and_the_way_to_sign_in() {
        let shown = |row: Value| {
            let ResourceTrait::User(user) = mapped(row).resource_trait else {
                panic!("no user")
            };
            (user.login.map(String::from), user.sso_enabled, user.mfa_enabled)
        };
        assert_eq!(
            shown(json!({"id": 1, "email": " a@b ", "uid": "u", "authType": "sso"})),
            (Some("a@b".to_owned()), Some(true), None)
        );
        assert_eq!(
            shown(json!({"id": 1, "email": "", "uid": "u", "authType": "Native", "mfaConfigured": false})),
            (Some("u".to_owned()), Some(false), Some(false))
        );
        assert_eq!(shown(json!({"id": 1, "authType": "PASSKEY"})), (None, None, None));
    }

    #[test]
    fn types_and_patterns_are_the_documented_ones() {
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
    fn roles_organizations_and_devices_with_and_without_names() {
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
    fn entitlement_ids_are_the_frozen_ones() {
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
