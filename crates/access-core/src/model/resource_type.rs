//! Kinds of things.

use serde::Serialize;

use super::{DisplayName, ResourceTypeId};

/// What a kind of thing can be taken for across all connectors (docs/reference/c1z.md §4.1, `ResourceType.ResourceTrait`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TraitKind {
    /// Somebody who can hold access.
    User,
    /// Something with members.
    Group,
    /// Something that bundles permissions.
    Role,
    /// A system or tenant as a whole.
    App,
    /// A managed computer or phone.
    ManagedDevice,
    /// Something else, or nothing that the source says.
    Other,
}

impl TraitKind {
    /// The word in datasets and documents.
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

/// What it means for the sync when a type cannot be read (docs/reference/design.md §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeImportance {
    /// The sync fails.
    Core,
    /// The sync goes on; the type is marked incomplete.
    OptIn,
}

/// A kind of thing that the source can list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceType {
    /// Its id.
    pub id: ResourceTypeId,
    /// Its name for people.
    pub display_name: DisplayName,
    /// The one trait that it has.
    #[serde(rename = "kind")]
    pub trait_kind: TraitKind,
    /// Whether its resources never have entitlements or grants of their own, so that readers need not ask.
    pub skip_entitlements_and_grants: bool,
    /// What happens when it cannot be read.
    pub importance: TypeImportance,
}
