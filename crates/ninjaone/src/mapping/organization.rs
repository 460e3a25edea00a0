//! Organizations and their membership.

use access_core::model::{
    Description, DisplayName, Entitlement, EntitlementId, IdError, NativeId, Profile, Purpose, Resource,
    ResourceId, ResourceTrait, Slug,
};

use super::{organization_type, user_type};
use crate::api::OrganizationRow;

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

/// The entitlement of end users of an organization.
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

/// The id of the membership of an organization.
pub(crate) fn member_of(organization: u64) -> Result<EntitlementId, IdError> {
    let organization = ResourceId::new(organization_type(), NativeId::from_number(organization));
    organization.entitlement(&Slug::from_static("member"))
}
