//! Resource types.

use serde::Serialize;

use super::{DisplayName, ResourceTypeId};

/// The trait that a resource type has across all connectors (docs/reference/c1z.md §4.1, `ResourceType.Trait`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TraitKind {
    /// A principal that access is granted to.
    User,
    /// A group with members.
    Group,
    /// A set of permissions.
    Role,
    /// An application or a complete tenant.
    App,
    /// A managed computer or phone.
    ManagedDevice,
    /// Another or no trait.
    Other,
}

impl TraitKind {
    /// The name in datasets and documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
            Self::App => "app",
            Self::ManagedDevice => "managed_device",
            Self::Other => "other",
        }
    }
}

/// Consequence for the sync if a type cannot be read (docs/reference/design.md §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeImportance {
    /// The sync fails.
    Core,
    /// The sync continues; the type is marked incomplete.
    OptIn,
}

/// A resource type that the source lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceType {
    /// The id.
    pub id: ResourceTypeId,
    /// The display name.
    pub display_name: DisplayName,
    /// The trait.
    #[serde(rename = "kind")]
    pub trait_kind: TraitKind,
    /// Whether its resources never have entitlements or grants, so that readers can skip them.
    pub skip_entitlements_and_grants: bool,
    /// Consequence if the type cannot be read.
    pub importance: TypeImportance,
}
