//! Entitlements.

use access_core::model::{
    Description, DisplayName, Entitlement, EntitlementId, Purpose, ResourceTypeId, Slug,
};
use access_core::ports::SkipReason;
use baton_proto::connector_v2::entitlement::PurposeValue;
use baton_proto::connector_v2::{self as v2, EntitlementImmutable};
use baton_proto::find_annotation;

use super::message_id;

/// Decodes an entitlement. The connector's id is kept, whatever its form.
pub(crate) fn entitlement(message: &v2::Entitlement) -> Result<Entitlement, SkipReason> {
    let id = EntitlementId::new(&message.id).map_err(|_| SkipReason::UnusableId)?;
    let resource = message.resource.as_ref().ok_or(SkipReason::WrongShape)?;
    let holder = |message: &v2::ResourceType| ResourceTypeId::new(&message.id).ok();
    Ok(Entitlement {
        resource: message_id(resource.id.as_ref())?,
        slug: slug(&message.slug, &message.id)?,
        id,
        display_name: DisplayName::new(&message.display_name),
        description: (!message.description.is_empty()).then(|| Description::new(&message.description)),
        purpose: match message.purpose() {
            PurposeValue::Unspecified => Purpose::Unspecified,
            PurposeValue::Assignment => Purpose::Assignment,
            PurposeValue::Permission => Purpose::Permission,
            PurposeValue::Ownership => Purpose::Ownership,
        },
        grantable_to: message.grantable_to.iter().filter_map(holder).collect(),
        immutable: !matches!(
            find_annotation::<EntitlementImmutable>(&message.annotations),
            Ok(None)
        ),
    })
}

/// The slug; without one, the part of the id after the last colon, or the id.
fn slug(slug: &str, id: &str) -> Result<Slug, SkipReason> {
    let last = id.rsplit(':').next().unwrap_or(id);
    [slug, last, id]
        .into_iter()
        .find_map(|text| Slug::new(text).ok())
        .ok_or(SkipReason::UnusableId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_slug_is_taken_from_the_id() {
        let of = |text: &str, id: &str| slug(text, id).unwrap().to_string();
        assert_eq!(of("member", "group:1:x"), "member");
        assert_eq!(of("", "group:1:owner"), "owner");
        assert_eq!(of("", "owner"), "owner");
        assert_eq!(of("", "group:1:"), "group:1:");
        assert_eq!(of(&"x".repeat(1025), "group:1:owner"), "owner");
    }

    #[test]
    fn unusable_rows_have_a_skip_reason() {
        let mut message = v2::Entitlement::default();
        assert_eq!(entitlement(&message), Err(SkipReason::UnusableId));
        message.id = "group:1:member".to_owned();
        assert_eq!(entitlement(&message), Err(SkipReason::WrongShape));
        message.resource = Some(v2::Resource::default());
        assert_eq!(entitlement(&message), Err(SkipReason::UnusableId));
    }
}
