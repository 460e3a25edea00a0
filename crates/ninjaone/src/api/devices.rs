//! Devices.

use super::bounds::is_clipped;
use super::fields::{KEPT_RESOURCE_BYTES, TEXT_COPIES, marked, text_bytes};
use super::{Id, ListRow, PagedRow, Text, row};

/// A row of `/v2/devices` (OpenAPI: Device).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DeviceRow {
    pub(crate) id: Id,
    pub(crate) organization_id: Id,
    pub(crate) node_class: Text,
    pub(crate) approval_status: Text,
    pub(crate) display_name: Text,
    pub(crate) system_name: Text,
    pub(crate) dns_name: Text,
}

row!(DeviceRow {
    id: "id",
    organization_id: "organizationId",
    node_class as Word: "nodeClass",
    approval_status as Word: "approvalStatus",
    display_name: "displayName",
    system_name: "systemName",
    dns_name: "dnsName",
});

impl ListRow for DeviceRow {
    fn id(&self) -> Id {
        self.id
    }

    fn label(&self) -> Option<Box<str>> {
        let names = [&self.display_name, &self.system_name, &self.dns_name];
        names.into_iter().find_map(Text::trimmed).map(Into::into)
    }
}

impl PagedRow for DeviceRow {
    const MAX_ROWS: u64 = 2_000_000;

    fn clipped(&self) -> impl Iterator<Item = &'static str> {
        marked([
            ("displayName", is_clipped(&self.display_name)),
            ("systemName", is_clipped(&self.system_name)),
            ("dnsName", is_clipped(&self.dns_name)),
        ])
    }

    fn bytes(&self) -> usize {
        let texts = [
            &self.node_class,
            &self.approval_status,
            &self.display_name,
            &self.system_name,
            &self.dns_name,
        ];
        size_of::<Self>() + KEPT_RESOURCE_BYTES + TEXT_COPIES * text_bytes(&texts)
    }

    fn unreadable(&self) -> impl Iterator<Item = &'static str> {
        let fields = [
            ("organizationId", self.organization_id.is_unreadable()),
            ("nodeClass", self.node_class.is_unreadable()),
            ("approvalStatus", self.approval_status.is_unreadable()),
            ("displayName", self.display_name.is_unreadable()),
            ("systemName", self.system_name.is_unreadable()),
            ("dnsName", self.dns_name.is_unreadable()),
        ];
        marked(fields)
    }
}
