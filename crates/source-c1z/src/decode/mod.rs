//! Decodes messages of `c1.connector.v2` to domain rows (docs/reference/c1z.md §4).

mod entitlement;
mod profile;
mod resource;
mod resource_type;
mod traits;

use access_core::model::{NativeId, ResourceId, ResourceTypeId};
use access_core::ports::SkipReason;
use baton_proto::connector_v2 as v2;

pub(crate) use entitlement::entitlement;
pub(crate) use resource::resource;
pub(crate) use resource_type::resource_type;

/// A resource id, if both of its parts are valid.
pub(crate) fn resource_id(resource_type: &str, id: &str) -> Result<ResourceId, SkipReason> {
    let unusable = |_| SkipReason::UnusableId;
    Ok(ResourceId::new(
        ResourceTypeId::new(resource_type).map_err(unusable)?,
        NativeId::new(id).map_err(unusable)?,
    ))
}

fn message_id(id: Option<&v2::ResourceId>) -> Result<ResourceId, SkipReason> {
    let id = id.ok_or(SkipReason::UnusableId)?;
    resource_id(&id.resource_type, &id.resource)
}

/// A text; `None` if it is empty, which means absent in this format.
fn text(text: &str) -> Option<Box<str>> {
    (!text.is_empty()).then(|| text.into())
}
