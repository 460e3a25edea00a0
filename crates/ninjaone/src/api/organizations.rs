//! Organizations.

use super::bounds::is_clipped;
use super::fields::{KEPT_RESOURCE_BYTES, TEXT_COPIES, marked, text_bytes};
use super::{Id, ListRow, PagedRow, Text, row};

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

impl ListRow for OrganizationRow {
    fn id(&self) -> Id {
        self.id
    }

    fn label(&self) -> Option<Box<str>> {
        self.name.trimmed().map(Into::into)
    }
}

impl PagedRow for OrganizationRow {
    const MAX_ROWS: u64 = 100_000;

    fn clipped(&self) -> impl Iterator<Item = &'static str> {
        marked([
            ("name", is_clipped(&self.name)),
            ("description", is_clipped(&self.description)),
        ])
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + KEPT_RESOURCE_BYTES + TEXT_COPIES * text_bytes(&[&self.name, &self.description])
    }

    fn unreadable(&self) -> impl Iterator<Item = &'static str> {
        let fields = [
            ("name", self.name.is_unreadable()),
            ("description", self.description.is_unreadable()),
        ];
        marked(fields)
    }
}
