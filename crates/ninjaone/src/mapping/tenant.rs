//! The tenant as a resource, and its privileges.

use access_core::model::{
    Description, DisplayName, Entitlement, IdError, NativeId, Profile, Purpose, Resource, ResourceId,
    ResourceTrait, Slug,
};

use super::{tenant_type, user_type};
use crate::api::Flag;
use crate::api::UserRow;
use crate::attributes::FULL_PORTAL_SLUG;

/// Native id of the resource of the tenant.
pub(crate) const TENANT_ID: &str = "ninja-one";

/// The tenant.
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

/// A privilege over the complete tenant, and how its holders are found.
pub(crate) struct TenantPrivilege {
    pub(crate) slug: &'static str,
    pub(crate) display_name: &'static str,
    pub(crate) description: &'static str,
    /// The field that states whether a user holds it.
    pub(crate) field: &'static str,
    /// Reads that field.
    pub(crate) flag: fn(&UserRow) -> Flag,
}

/// All privileges over the complete tenant.
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
        slug: FULL_PORTAL_SLUG,
        display_name: "Full portal access",
        description: "Full access to the NinjaOne end-user portal",
        field: "fullPortalAccess",
        flag: |row| row.full_portal_access,
    },
];

/// The index of full portal access in [`TENANT_PRIVILEGES`]: older instances do not report it.
pub(crate) const FULL_PORTAL_ACCESS: usize = 2;

/// The index of full rights in [`TENANT_PRIVILEGES`].
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn privileges_are_read_from_flags() {
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
}
