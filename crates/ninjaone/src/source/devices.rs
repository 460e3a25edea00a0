//! `/v2/devices`, where opted in: devices, and which end users may access or are assigned them. The tenant's access is
//! worth knowing without them, so a failure here only makes them incomplete.

use std::collections::HashSet;

use access_core::model::{UnstatedScope, WithoutBaseline};
use access_core::ports::{SkipReason, SkippedRow};

use super::EventSender;
use super::batch_buffer::BatchBuffer;
use super::findings::Findings;
use super::pagination::HasId;
use super::pagination::PageReader;
use super::selection::Selection;
use super::user_access::AccessIndex;
use crate::NinjaOneError;
use crate::api::DeviceRow;
use crate::api::Id;
use crate::client::NinjaOneClient;
use crate::mapping::{self, DEVICE_ENTITLEMENTS, device_type, user_type};

impl HasId for DeviceRow {
    const MAX_ROWS: u64 = 2_000_000;

    fn id(&self) -> Id {
        self.id
    }

    fn bytes(&self) -> usize {
        self.bytes()
    }
}

/// Reads all devices and emits the wanted ones with their grants.
pub(super) async fn read(
    client: &NinjaOneClient,
    selection: &Selection,
    facts: &AccessIndex,
    outlet: &EventSender,
) -> Result<(), NinjaOneError> {
    let mut seen = HashSet::new();
    match read_devices(client, selection, &mut seen, outlet).await {
        Ok(()) => {}
        // What is too large for devices would be too large for a sync of them tomorrow, too.
        Err(
            failure @ (NinjaOneError::Stopped
            | NinjaOneError::TooLarge { .. }
            | NinjaOneError::MemoryExhausted { .. }),
        ) => return Err(failure),
        Err(error) => {
            let reason = error.to_string();
            outlet
                .warn(
                    "devices_incomplete",
                    format!("devices were not read to the end: {reason}"),
                )
                .await?;
            outlet.incomplete(&device_type(), &reason);
        }
    }
    if selection.access && !seen.is_empty() {
        grants(selection, facts, outlet).await
    } else {
        Ok(())
    }
}

async fn read_devices(
    client: &NinjaOneClient,
    selection: &Selection,
    seen: &mut HashSet<u64>,
    outlet: &EventSender,
) -> Result<(), NinjaOneError> {
    let mut findings = Findings::default();
    let mut pages = PageReader::new("/v2/devices");
    while let Some(page) = pages.next::<DeviceRow>(client).await? {
        let mut gathered = BatchBuffer::default();
        for row in page {
            let Some((id, row)) = findings.usable(row, |row| row.id, DeviceRow::words) else {
                continue;
            };
            for field in row.unreadable() {
                findings.unreadable.note(field, || format!("device {id}"));
            }
            findings.clipped.note(row.clipped(), || format!("device {id}"));
            if !seen.insert(id) {
                let skipped = SkippedRow {
                    resource: Some(mapping::device(id, &row).id),
                    words: row.words().map(String::from),
                    ..SkippedRow::default()
                };
                findings.skips.book(SkipReason::Duplicate, skipped);
            } else if selection.device(id) {
                let device = mapping::device(id, &row);
                for which in 0..DEVICE_ENTITLEMENTS.len() {
                    if selection.access {
                        gathered.entitlement(mapping::device_entitlement(&device, which)?);
                    }
                }
                gathered.resource(device);
                gathered.flush_full(outlet).await?;
            }
        }
        gathered.flush(outlet).await?;
    }
    outlet
        .findings("/v2/devices", &device_type(), findings, |_| vec![device_type()])
        .await
}

async fn grants(
    selection: &Selection,
    facts: &AccessIndex,
    outlet: &EventSender,
) -> Result<(), NinjaOneError> {
    let mut gathered = BatchBuffer::default();
    for (which, pairs) in facts.devices.iter().enumerate() {
        for pairs in pairs.chunk_by(|a, b| a.0 == b.0) {
            let device = pairs[0].0;
            if selection.device(device) {
                let entitlement = mapping::device_entitlement_of(device, which)?;
                let users: Vec<u64> = pairs.iter().map(|pair| pair.1).collect();
                gathered.grants_to(&entitlement, &users, outlet).await?;
            }
        }
    }
    gathered.flush(outlet).await?;
    let fields = ["accessibleDeviceIds of end users", "assignedDeviceIds of users"];
    for (field, users) in fields.into_iter().zip(&facts.unstated_devices) {
        let scope = |principals| UnstatedScope::GrantsOn {
            resource_type: device_type(),
            principal_type: user_type(),
            principals,
        };
        outlet
            .unstated_of_users(users, field, WithoutBaseline::Complete, scope)
            .await?;
    }
    Ok(())
}
