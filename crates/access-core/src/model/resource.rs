//! Things, and what is known about them.

use serde::Serialize;

use super::{Description, DisplayName, Profile, ProfileValue, ResourceId, TraitKind};

/// A thing in the tenant: a person, a role, an organization, the tenant itself, a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resource {
    /// Its id.
    pub id: ResourceId,
    /// The thing it belongs to, if any.
    pub parent: Option<ResourceId>,
    /// Its name for people.
    pub display_name: DisplayName,
    /// What it is, in the tenant's words.
    pub description: Option<Description>,
    /// Its attributes.
    pub profile: Profile,
    /// Whether it is in use.
    pub status: Option<Status>,
    /// What it knows as the kind of thing it is.
    #[serde(rename = "kind")]
    pub resource_trait: ResourceTrait,
}

impl Resource {
    /// Bytes of its texts, without its ids.
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
    /// A person or account.
    User(Box<UserTrait>),
    /// Something with members.
    Group,
    /// A bundle of permissions.
    Role,
    /// A system or tenant as a whole.
    App,
    /// A managed computer or phone.
    ManagedDevice(Box<DeviceTrait>),
    /// Something else, or nothing that the type says.
    Other,
}

impl ResourceTrait {
    /// The trait without its data.
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

/// Whether a resource is in use, and in what sense.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The state.
    pub state: StatusState,
    /// The tenant's own word for it, e.g. `PENDING`.
    pub detail: Option<Box<str>>,
}

/// The states that the ecosystem knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusState {
    /// The tenant does not say.
    Unspecified,
    /// In use.
    Enabled,
    /// Kept, but without effect.
    Disabled,
    /// Gone, and still listed.
    Deleted,
}

impl StatusState {
    /// The word in datasets and documents.
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

/// What is known of a principal (docs/reference/c1z.md §4.2, `UserTrait`). `None` means that the tenant does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct UserTrait {
    /// Addresses, the primary one first.
    pub emails: Vec<Email>,
    /// The name used to sign in.
    pub login: Option<Box<str>>,
    /// What kind of account it is.
    pub account_type: AccountType,
    /// Name parts.
    pub name: Option<StructuredName>,
    /// Whether a second factor is set up.
    pub mfa_enabled: Option<bool>,
    /// Whether sign-in goes through an identity provider.
    pub sso_enabled: Option<bool>,
}

/// An e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Email {
    /// The address as the tenant has it.
    pub address: Box<str>,
    /// Whether it is the main one.
    pub primary: bool,
}

/// Kinds of accounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountType {
    /// The tenant does not say.
    #[default]
    Unspecified,
    /// A person's.
    Human,
    /// A program's.
    Service,
    /// The tenant's own.
    System,
}

impl AccountType {
    /// The word in datasets and documents.
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

/// A person's name in parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StructuredName {
    /// First name.
    pub given: Option<Box<str>>,
    /// Last name.
    pub family: Option<Box<str>>,
}

/// What is known of a managed device (docs/reference/c1z.md §4.2, `ManagedDeviceTrait`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DeviceTrait {
    /// What sort of machine.
    pub device_type: DeviceType,
    /// Operating system in the tenant's words.
    pub os_name: Option<Box<str>>,
    /// Serial number.
    pub serial: Option<Box<str>>,
    /// Model.
    pub model: Option<Box<str>>,
    /// Vendor.
    pub vendor: Option<Box<str>>,
}

/// Sorts of machines (docs/reference/c1z.md §4.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceType {
    /// The tenant does not say.
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
