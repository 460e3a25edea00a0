//! Roles.

use std::hash::{Hash, Hasher};

use super::bounds::is_clipped;
use super::fields::{clipped, named, text_bytes};
use super::{Id, Members, Said, Text, row};

/// A row of `/v2/user/roles` (OpenAPI: `UserRole`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RoleRow {
    pub(crate) id: Id,
    pub(crate) name: Text,
    pub(crate) kind: Text,
    pub(crate) description: Text,
    pub(crate) members: Said<Members>,
}

row!(RoleRow {
    id: "id",
    name: "name",
    kind as Word: "type",
    description: "description",
    members: "members",
});

impl RoleRow {
    /// A number that differs where two rows of one role differ.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        (self.name.trimmed(), self.kind.trimmed()).hash(&mut hasher);
        (self.members.said().is_some(), self.members.ids()).hash(&mut hasher);
        hasher.finish()
    }

    /// The fields that are not readable, except the id.
    pub(crate) fn unreadable(&self) -> Vec<&'static str> {
        let fields = [
            ("name", self.name.is_not_readable()),
            ("type", self.kind.is_not_readable()),
            ("description", self.description.is_not_readable()),
        ];
        named(&fields).collect()
    }
}

impl RoleRow {
    /// Bytes of its texts.
    pub(crate) fn text_bytes(&self) -> usize {
        text_bytes(&[&self.name, &self.kind, &self.description])
    }

    /// The fields that are clipped.
    pub(crate) fn clipped(&self) -> impl Iterator<Item = &'static str> {
        clipped([
            ("name", is_clipped(&self.name)),
            ("description", is_clipped(&self.description)),
        ])
    }
}
