//! Devices.

use super::bounds::is_clipped;
use super::fields::{KEPT_RESOURCE_BYTES, TEXT_COPIES, clipped, named, text_bytes};
use super::{Id, Text, row};

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

impl DeviceRow {
    /// The fields that are clipped.
    pub(crate) fn clipped(&self) -> impl Iterator<Item = &'static str> {
        clipped([
            ("displayName", is_clipped(&self.display_name)),
            ("systemName", is_clipped(&self.system_name)),
            ("dnsName", is_clipped(&self.dns_name)),
        ])
    }

    /// What the row takes in memory, in bytes, with what is kept of it later.
    pub(crate) fn bytes(&self) -> usize {
        let texts = [
            &self.node_class,
            &self.approval_status,
            &self.display_name,
            &self.system_name,
            &self.dns_name,
        ];
        size_of::<Self>() + KEPT_RESOURCE_BYTES + TEXT_COPIES * text_bytes(&texts)
    }

    /// The fields that are not readable, except the id.
    pub(crate) fn unreadable(&self) -> Vec<&'static str> {
        let fields = [
            ("organizationId", self.organization_id.is_not_readable()),
            ("nodeClass", self.node_class.is_not_readable()),
            ("approvalStatus", self.approval_status.is_not_readable()),
            ("displayName", self.display_name.is_not_readable()),
            ("systemName", self.system_name.is_not_readable()),
            ("dnsName", self.dns_name.is_not_readable()),
        ];
        named(&fields).collect()
    }

    /// The device as people know it.
    pub(crate) fn words(&self) -> Option<Box<str>> {
        let names = [&self.display_name, &self.system_name, &self.dns_name];
        names.into_iter().find_map(Text::trimmed).map(Into::into)
    }
}
