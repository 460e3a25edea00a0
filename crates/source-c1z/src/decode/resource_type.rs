//! Resource types.

use access_core::model::{DisplayName, ResourceType, ResourceTypeId, TraitKind, TypeImportance};
use access_core::ports::SkipReason;
use baton_proto::connector_v2::resource_type::Trait;
use baton_proto::connector_v2::{self as v2, SkipEntitlementsAndGrants};
use baton_proto::find_annotation;

/// Decodes a resource type. All are core: types that were not read are not in the file.
pub(crate) fn resource_type(message: &v2::ResourceType) -> Result<ResourceType, SkipReason> {
    Ok(ResourceType {
        id: ResourceTypeId::new(&message.id).map_err(|_| SkipReason::UnusableId)?,
        display_name: DisplayName::new(&message.display_name),
        trait_kind: message.traits().find_map(known).unwrap_or(TraitKind::Other),
        skip_entitlements_and_grants: !matches!(
            find_annotation::<SkipEntitlementsAndGrants>(&message.annotations),
            Ok(None)
        ),
        importance: TypeImportance::Core,
    })
}

/// The domain's trait for a declared one. The first known trait of a type counts.
fn known(declared: Trait) -> Option<TraitKind> {
    match declared {
        Trait::User => Some(TraitKind::User),
        Trait::Group => Some(TraitKind::Group),
        Trait::Role => Some(TraitKind::Role),
        Trait::App => Some(TraitKind::App),
        Trait::ManagedDevice => Some(TraitKind::ManagedDevice),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use baton_proto::pack;

    use super::*;

    #[test]
    fn the_first_known_trait_counts() {
        let with = |traits: &[Trait]| {
            let message = v2::ResourceType {
                id: "thing".to_owned(),
                traits: traits.iter().map(|declared| (*declared).into()).collect(),
                ..v2::ResourceType::default()
            };
            resource_type(&message).unwrap().trait_kind
        };
        assert_eq!(with(&[]), TraitKind::Other);
        assert_eq!(with(&[Trait::Secret, Trait::Vendor]), TraitKind::Other);
        assert_eq!(with(&[Trait::Secret, Trait::Role, Trait::Group]), TraitKind::Role);
    }

    #[test]
    fn types_without_entitlements_have_an_annotation() {
        let mut message = v2::ResourceType {
            id: "thing".to_owned(),
            ..v2::ResourceType::default()
        };
        assert!(!resource_type(&message).unwrap().skip_entitlements_and_grants);
        message.annotations.push(pack(&SkipEntitlementsAndGrants {}));
        assert!(resource_type(&message).unwrap().skip_entitlements_and_grants);
        message.id = "x".repeat(1025);
        assert_eq!(resource_type(&message), Err(SkipReason::UnusableId));
    }
}
