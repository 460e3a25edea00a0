//! Converts domain rows to messages of `c1.connector.v2` (docs/reference/c1z.md §4), for c1z files and for responses to
//! ConductorOne.

use access_core::model::{
    AccountType, DeviceTrait, DeviceType, Entitlement, Profile, ProfileValue, Purpose, Resource, ResourceId,
    ResourceTrait, ResourceType, Status, StatusState, TraitKind, UserTrait,
};
use baton_proto::connector_v2 as v2;
use baton_proto::pack;
use baton_proto::prost_types::value::Kind;
use baton_proto::prost_types::{Any, Struct, Value};

/// Converts a resource type.
#[must_use]
pub fn resource_type(row: &ResourceType) -> v2::ResourceType {
    let skip = row
        .skip_entitlements_and_grants
        .then(|| pack(&v2::SkipEntitlementsAndGrants {}));
    v2::ResourceType {
        id: row.id.to_string(),
        display_name: row.display_name.to_string(),
        traits: trait_kind(row.trait_kind).into_iter().map(Into::into).collect(),
        annotations: skip.into_iter().collect(),
        ..v2::ResourceType::default()
    }
}

fn trait_kind(kind: TraitKind) -> Option<v2::resource_type::Trait> {
    match kind {
        TraitKind::User => Some(v2::resource_type::Trait::User),
        TraitKind::Group => Some(v2::resource_type::Trait::Group),
        TraitKind::Role => Some(v2::resource_type::Trait::Role),
        TraitKind::App => Some(v2::resource_type::Trait::App),
        TraitKind::ManagedDevice => Some(v2::resource_type::Trait::ManagedDevice),
        TraitKind::Other => None,
    }
}

/// Converts a resource; trait and native id become annotations.
#[must_use]
pub fn resource(row: &Resource) -> v2::Resource {
    v2::Resource {
        id: Some(resource_id(&row.id)),
        parent_resource_id: row.parent.as_ref().map(resource_id),
        display_name: row.display_name.to_string(),
        annotations: trait_annotation(&row.resource_trait)
            .into_iter()
            .chain([pack(&v2::RawId {
                id: row.id.id.to_string(),
            })])
            .collect(),
        description: row
            .description
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        profile: (!row.profile.is_empty()).then(|| profile(&row.profile)),
        status: row.status.as_ref().map(status),
        ..v2::Resource::default()
    }
}

/// Converts a resource id.
#[must_use]
pub fn resource_id(id: &ResourceId) -> v2::ResourceId {
    v2::ResourceId {
        resource_type: id.resource_type.to_string(),
        resource: id.id.to_string(),
        baton_resource: false,
    }
}

fn trait_annotation(kind: &ResourceTrait) -> Option<Any> {
    Some(match kind {
        ResourceTrait::User(user) => pack(&user_trait(user)),
        ResourceTrait::Group => pack(&v2::GroupTrait::default()),
        ResourceTrait::Role => pack(&v2::RoleTrait::default()),
        ResourceTrait::App => pack(&v2::AppTrait::default()),
        ResourceTrait::ManagedDevice(device) => pack(&device_trait(device)),
        ResourceTrait::Other => return None,
    })
}

fn user_trait(user: &UserTrait) -> v2::UserTrait {
    use v2::user_trait::{self, Email, MfaStatus, SsoStatus, StructuredName};

    let account_type = match user.account_type {
        AccountType::Unspecified => user_trait::AccountType::Unspecified,
        AccountType::Human => user_trait::AccountType::Human,
        AccountType::Service => user_trait::AccountType::Service,
        AccountType::System => user_trait::AccountType::System,
    };
    let email = |email: &access_core::model::Email| Email {
        address: email.address.to_string(),
        is_primary: email.primary,
    };
    v2::UserTrait {
        emails: user.emails.iter().map(email).collect(),
        account_type: account_type.into(),
        login: text(user.login.as_deref()),
        mfa_status: user.mfa_enabled.map(|mfa_enabled| MfaStatus { mfa_enabled }),
        sso_status: user.sso_enabled.map(|sso_enabled| SsoStatus { sso_enabled }),
        structured_name: user.name.as_ref().map(|name| StructuredName {
            given_name: text(name.given.as_deref()),
            family_name: text(name.family.as_deref()),
            ..StructuredName::default()
        }),
        ..v2::UserTrait::default()
    }
}

fn device_trait(device: &DeviceTrait) -> v2::ManagedDeviceTrait {
    use v2::managed_device_trait::{self as wire, ManagementState};

    let device_type = match device.device_type {
        DeviceType::Unspecified => wire::DeviceType::Unspecified,
        DeviceType::Server => wire::DeviceType::Server,
        DeviceType::Desktop => wire::DeviceType::Desktop,
        DeviceType::Laptop => wire::DeviceType::Laptop,
        DeviceType::Tablet => wire::DeviceType::Tablet,
        DeviceType::Mobile => wire::DeviceType::Mobile,
        DeviceType::Virtual => wire::DeviceType::Virtual,
        DeviceType::Other => wire::DeviceType::Other,
    };
    v2::ManagedDeviceTrait {
        serial: text(device.serial.as_deref()),
        device_type: device_type.into(),
        model: text(device.model.as_deref()),
        vendor: text(device.vendor.as_deref()),
        os: device.os_name.as_ref().map(|name| v2::DeviceOs {
            name: name.to_string(),
            ..v2::DeviceOs::default()
        }),
        management_state: ManagementState::Managed.into(),
        ..v2::ManagedDeviceTrait::default()
    }
}

fn text(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

fn status(row: &Status) -> v2::Status {
    use v2::status::ResourceStatus;

    let state = match row.state {
        StatusState::Unspecified => ResourceStatus::Unspecified,
        StatusState::Enabled => ResourceStatus::Enabled,
        StatusState::Disabled => ResourceStatus::Disabled,
        StatusState::Deleted => ResourceStatus::Deleted,
    };
    v2::Status {
        status: state.into(),
        details: text(row.detail.as_deref()),
    }
}

fn profile(profile: &Profile) -> Struct {
    let fields = profile.iter().map(|(key, value)| {
        (
            key.to_owned(),
            Value {
                kind: Some(kind(value)),
            },
        )
    });
    Struct {
        fields: fields.collect(),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "protobuf's Struct has doubles only; ProfileValue::Number says so"
)]
fn kind(value: &ProfileValue) -> Kind {
    match value {
        ProfileValue::Text(text) | ProfileValue::Json(text) => Kind::StringValue(text.to_string()),
        ProfileValue::Flag(flag) => Kind::BoolValue(*flag),
        ProfileValue::Number(number) => Kind::NumberValue(*number as f64),
    }
}

/// Converts an entitlement; its resource and the grantable types are embedded, as readers expect.
#[must_use]
pub fn entitlement(
    row: &Entitlement,
    resource: v2::Resource,
    grantable_to: Vec<v2::ResourceType>,
) -> v2::Entitlement {
    let purpose = match row.purpose {
        Purpose::Unspecified => v2::entitlement::PurposeValue::Unspecified,
        Purpose::Assignment => v2::entitlement::PurposeValue::Assignment,
        Purpose::Permission => v2::entitlement::PurposeValue::Permission,
        Purpose::Ownership => v2::entitlement::PurposeValue::Ownership,
    };
    v2::Entitlement {
        resource: Some(resource),
        id: row.id.to_string(),
        display_name: row.display_name.to_string(),
        description: row
            .description
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        grantable_to,
        annotations: row
            .immutable
            .then(|| pack(&v2::EntitlementImmutable::default()))
            .into_iter()
            .collect(),
        purpose: purpose.into(),
        slug: row.slug.to_string(),
    }
}

/// The annotations of every grant of an entitlement.
#[must_use]
pub fn grant_annotations(immutable: bool) -> Vec<Any> {
    immutable
        .then(|| pack(&v2::GrantImmutable::default()))
        .into_iter()
        .collect()
}
