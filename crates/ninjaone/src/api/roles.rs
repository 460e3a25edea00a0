//! Roles.

use std::hash::{Hash, Hasher};

use super::bounds::is_clipped;
use super::fields::{marked, marked_in, text_bytes};
use super::{Id, ListRow, Members, Stated, Text, row};

/// A row of `/v2/user/roles` (OpenAPI: `UserRole`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RoleRow {
    pub(crate) id: Id,
    pub(crate) name: Text,
    pub(crate) kind: Text,
    pub(crate) description: Text,
    pub(crate) members: Stated<Members>,
}

row!(RoleRow {
    id: "id",
    name: "name",
    kind as Word: "type",
    description: "description",
    members: "members",
});

impl ListRow for RoleRow {
    fn id(&self) -> Id {
        self.id
    }

    fn label(&self) -> Option<Box<str>> {
        self.name.trimmed().map(Into::into)
    }
}

impl RoleRow {
    /// A hash that tells whether two rows of one role differ.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        (self.name.trimmed(), self.kind.trimmed()).hash(&mut hasher);
        (self.members.value().is_some(), self.members.ids()).hash(&mut hasher);
        hasher.finish()
    }

    /// The unreadable fields, except the id.
    pub(crate) fn unreadable(&self) -> Vec<&'static str> {
        let fields = [
            ("name", self.name.is_unreadable()),
            ("type", self.kind.is_unreadable()),
            ("description", self.description.is_unreadable()),
        ];
        marked_in(&fields).collect()
    }

    /// Bytes of the row in memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.text_bytes() + self.members.value().map_or(0, Members::bytes)
    }

    /// Bytes of its texts.
    pub(crate) fn text_bytes(&self) -> usize {
        text_bytes(&[&self.name, &self.kind, &self.description])
    }

    /// The clipped fields.
    pub(crate) fn clipped(&self) -> impl Iterator<Item = &'static str> {
        marked([
            ("name", is_clipped(&self.name)),
            ("description", is_clipped(&self.description)),
        ])
    }
}
