//! Roles and their assignment.

use access_core::model::{
    Description, DisplayName, Entitlement, IdError, NativeId, Profile, Purpose, Resource, ResourceId,
    ResourceTrait, Slug,
};

use super::{role_type, user_type};
use crate::api::RoleRow;

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

/// The entitlement of users who have a role.
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
