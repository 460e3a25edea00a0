//! Organizations.

use super::bounds::is_clipped;
use super::fields::{KEPT_RESOURCE_BYTES, TEXT_COPIES, clipped, named, text_bytes};
use super::{Id, Text, row};

/// A row of `/v2/organizations` (OpenAPI: Organization).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OrganizationRow {
    pub(crate) id: Id,
    pub(crate) name: Text,
    pub(crate) description: Text,
}

row!(OrganizationRow {
    id: "id",
    name: "name",
    description: "description",
});

impl OrganizationRow {
    /// The fields that are clipped.
    pub(crate) fn clipped(&self) -> impl Iterator<Item = &'static str> {
        clipped([
            ("name", is_clipped(&self.name)),
            ("description", is_clipped(&self.description)),
        ])
    }

    /// What the row takes in memory, in bytes, with what is kept of it later.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + KEPT_RESOURCE_BYTES + TEXT_COPIES * text_bytes(&[&self.name, &self.description])
    }

    /// The fields that are not readable, except the id.
    pub(crate) fn unreadable(&self) -> Vec<&'static str> {
        let fields = [
            ("name", self.name.is_not_readable()),
            ("description", self.description.is_not_readable()),
        ];
        named(&fields).collect()
    }
}
