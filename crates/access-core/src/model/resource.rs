//! Resources and their traits.

use serde::Serialize;

use super::{Description, DisplayName, Profile, ProfileValue, ResourceId, TraitKind};

/// An object in the tenant: a person, a role, an organization, the tenant itself, a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resource {
    /// The id.
    pub id: ResourceId,
    /// The parent resource, if any.
    pub parent: Option<ResourceId>,
    /// The display name.
    pub display_name: DisplayName,
    /// The description.
    pub description: Option<Description>,
    /// The profile.
    pub profile: Profile,
    /// The status, if known.
    pub status: Option<Status>,
    /// The trait data.
    #[serde(rename = "kind")]
    pub resource_trait: ResourceTrait,
}

impl Resource {
    /// Total size of its texts except ids, in bytes.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        let attributes = self.profile.iter().map(|(key, value)| match value {
            ProfileValue::Text(text) | ProfileValue::Json(text) => key.len() + text.len(),
            ProfileValue::Flag(_) | ProfileValue::Number(_) => key.len(),
        });
        let description = self.description.as_ref().map_or(0, |text| text.as_str().len());
        attributes.sum::<usize>() + self.display_name.as_str().len() + description
    }
}

/// The trait of a resource with its data. The variant agrees with the resource type's [`TraitKind`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceTrait {
    /// A person or an account.
    User(Box<UserTrait>),
    /// A group with members.
    Group,
    /// A role: a set of permissions.
    Role,
    /// An application or a complete tenant.
    App,
    /// A managed computer or phone.
    ManagedDevice(Box<DeviceTrait>),
    /// Another or no trait.
    Other,
}

impl ResourceTrait {
    /// The kind of the trait.
    #[must_use]
    pub fn trait_kind(&self) -> TraitKind {
        match self {
            Self::User(_) => TraitKind::User,
            Self::Group => TraitKind::Group,
            Self::Role => TraitKind::Role,
            Self::App => TraitKind::App,
            Self::ManagedDevice(_) => TraitKind::ManagedDevice,
            Self::Other => TraitKind::Other,
        }
    }
}

/// The status of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The state.
    pub state: StatusState,
    /// The status as the tenant calls it, e.g. `PENDING`.
    pub detail: Option<Box<str>>,
}

/// The states of the ecosystem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusState {
    /// Unknown.
    Unspecified,
    /// Active.
    Enabled,
    /// Disabled.
    Disabled,
    /// Deleted, but still listed.
    Deleted,
}

impl StatusState {
    /// The name in datasets and documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }
}

/// User data (docs/reference/c1z.md §4.2, `UserTrait`). `None` means unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct UserTrait {
    /// E-mail addresses, the primary one first.
    pub emails: Vec<Email>,
    /// The login name.
    pub login: Option<Box<str>>,
    /// The account type.
    pub account_type: AccountType,
    /// First and last name.
    pub name: Option<StructuredName>,
    /// Whether multi-factor authentication is set up.
    pub mfa_enabled: Option<bool>,
    /// Whether sign-in uses an identity provider (SSO).
    pub sso_enabled: Option<bool>,
}

/// An e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Email {
    /// The address.
    pub address: Box<str>,
    /// Whether it is the primary address.
    pub primary: bool,
}

/// The type of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountType {
    /// Unknown.
    #[default]
    Unspecified,
    /// Used by a person.
    Human,
    /// Used by a program.
    Service,
    /// Built into the tenant.
    System,
}

impl AccountType {
    /// The name in datasets and documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Human => "human",
            Self::Service => "service",
            Self::System => "system",
        }
    }
}

/// First and last name of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StructuredName {
    /// First name.
    pub given: Option<Box<str>>,
    /// Last name.
    pub family: Option<Box<str>>,
}

/// Device data (docs/reference/c1z.md §4.2, `ManagedDeviceTrait`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DeviceTrait {
    /// The device type.
    pub device_type: DeviceType,
    /// Operating system as the tenant reports it.
    pub os_name: Option<Box<str>>,
    /// Serial number.
    pub serial: Option<Box<str>>,
    /// Model.
    pub model: Option<Box<str>>,
    /// Vendor.
    pub vendor: Option<Box<str>>,
}

/// The type of a device (docs/reference/c1z.md §4.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceType {
    /// Unknown.
    #[default]
    Unspecified,
    /// A server.
    Server,
    /// A desktop.
    Desktop,
    /// A laptop.
    Laptop,
    /// A tablet.
    Tablet,
    /// A phone.
    Mobile,
    /// A virtual machine.
    Virtual,
    /// Anything else: network gear, printers, cloud monitors.
    Other,
}
