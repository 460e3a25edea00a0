//! Resources.

use access_core::model::{
    Description, DisplayName, Resource, ResourceTrait, ResourceTypeId, Status, StatusState, TraitKind,
};
use access_core::ports::SkipReason;
use baton_proto::connector_v2 as v2;
use baton_proto::prost_types::Struct;

use super::traits::Traits;
use super::{message_id, profile, text, traits};

/// Decodes a resource with the trait of its type; without that annotation the trait is empty.
pub(crate) fn resource(
    message: &v2::Resource,
    kind_of: impl FnOnce(&ResourceTypeId) -> TraitKind,
) -> Result<Resource, SkipReason> {
    let id = message_id(message.id.as_ref())?;
    let found = Traits::of(&message.annotations).map_err(|_| SkipReason::WrongShape)?;
    let has_fields = |fields: &&Struct| !fields.fields.is_empty();
    let fields = message.profile.as_ref().filter(has_fields);
    Ok(Resource {
        resource_trait: kind(kind_of(&id.resource_type), &found),
        id,
        // An invalid parent id is ignored.
        parent: message_id(message.parent_resource_id.as_ref()).ok(),
        display_name: DisplayName::new(&message.display_name),
        description: (!message.description.is_empty()).then(|| Description::new(&message.description)),
        profile: fields
            .or_else(|| found.profile())
            .map(profile::profile)
            .unwrap_or_default(),
        status: message
            .status
            .as_ref()
            .map(status)
            .filter(is_present)
            .or_else(|| found.status())
            .or_else(|| message.status.as_ref().map(status)),
    })
}

fn kind(kind: TraitKind, found: &Traits) -> ResourceTrait {
    match kind {
        TraitKind::User => ResourceTrait::User(Box::new(
            found.user.as_ref().map(traits::user).unwrap_or_default(),
        )),
        TraitKind::Group => ResourceTrait::Group,
        TraitKind::Role => ResourceTrait::Role,
        TraitKind::App => ResourceTrait::App,
        TraitKind::ManagedDevice => ResourceTrait::ManagedDevice(Box::new(
            found.device.as_ref().map(traits::device).unwrap_or_default(),
        )),
        TraitKind::Other => ResourceTrait::Other,
    }
}

/// Whether the older location of the status can be ignored.
fn is_present(status: &Status) -> bool {
    status.state != StatusState::Unspecified || status.detail.is_some()
}

fn status(message: &v2::Status) -> Status {
    use v2::status::ResourceStatus;

    let state = match message.status() {
        ResourceStatus::Unspecified => StatusState::Unspecified,
        ResourceStatus::Enabled => StatusState::Enabled,
        ResourceStatus::Disabled => StatusState::Disabled,
        ResourceStatus::Deleted => StatusState::Deleted,
    };
    Status {
        state,
        detail: text(&message.details),
    }
}

#[cfg(test)]
mod tests {
    use baton_proto::pack;
    use baton_proto::prost_types::value::Kind;
    use baton_proto::prost_types::{Any, Value};

    use super::*;

    fn message(annotations: Vec<Any>) -> v2::Resource {
        v2::Resource {
            id: Some(v2::ResourceId {
                resource_type: "user".to_owned(),
                resource: "1".to_owned(),
                baton_resource: false,
            }),
            annotations,
            ..v2::Resource::default()
        }
    }

    fn department(name: &str) -> Struct {
        let value = Value {
            kind: Some(Kind::StringValue(name.to_owned())),
        };
        Struct {
            fields: [("department".to_owned(), value)].into(),
        }
    }

    #[test]
    fn legacy_profile_and_status_are_the_fallback() {
        let user = v2::UserTrait {
            profile: Some(department("Finance")),
            status: Some(v2::user_trait::Status {
                status: v2::user_trait::status::Status::Disabled.into(),
                details: "on leave".to_owned(),
            }),
            ..v2::UserTrait::default()
        };
        let mut message = message(vec![pack(&user)]);
        let row = resource(&message, |_| TraitKind::User).unwrap();
        assert_eq!(row.profile.get("department"), Some(&"Finance".into()));
        let detail = Some("on leave".into());
        let state = StatusState::Disabled;
        assert_eq!(row.status, Some(Status { state, detail }));

        message.profile = Some(department("Sales"));
        message.status = Some(v2::Status {
            status: v2::status::ResourceStatus::Enabled.into(),
            details: String::new(),
        });
        let row = resource(&message, |_| TraitKind::User).unwrap();
        assert_eq!(row.profile.get("department"), Some(&"Sales".into()));
        assert_eq!(row.status.map(|status| status.state), Some(StatusState::Enabled));
    }

    #[test]
    fn a_resource_has_the_trait_of_its_type() {
        let group = message(vec![pack(&v2::GroupTrait::default())]);
        for kind in [
            TraitKind::User,
            TraitKind::Group,
            TraitKind::Role,
            TraitKind::App,
            TraitKind::ManagedDevice,
            TraitKind::Other,
        ] {
            assert_eq!(
                resource(&group, |_| kind).unwrap().resource_trait.trait_kind(),
                kind
            );
        }
    }

    #[test]
    fn unusable_rows_have_a_skip_reason() {
        let mut broken = pack(&v2::UserTrait::default());
        broken.value = vec![0xFF];
        assert_eq!(
            resource(&message(vec![broken]), |_| TraitKind::User),
            Err(SkipReason::WrongShape)
        );
        let mut nameless = message(Vec::new());
        nameless.id.as_mut().unwrap().resource = String::new();
        assert_eq!(
            resource(&nameless, |_| TraitKind::User),
            Err(SkipReason::UnusableId)
        );
        nameless.id = None;
        assert_eq!(
            resource(&nameless, |_| TraitKind::User),
            Err(SkipReason::UnusableId)
        );
    }
}
