//! `/v2/devices`, if opted in: devices, and the end users who may access or are assigned them. A failure here only makes
//! devices incomplete, because other access is useful without them.

use std::collections::HashSet;

use access_core::model::{UnstatedScope, WithoutBaseline};

use super::batch_buffer::BatchBuffer;
use super::event_sender::EventSender;
use super::findings::Findings;
use super::pagination::{PageReader, for_each_row};
use super::selection::Selection;
use super::user_access::AccessIndex;
use crate::NinjaOneError;
use crate::api::DeviceRow;
use crate::client::NinjaOneClient;
use crate::mapping::{self, DEVICE_ENTITLEMENTS, device_type, user_type};

pub(super) const DEVICES: &str = "/v2/devices";

/// Reads all devices and emits the selected ones with their grants.
pub(super) async fn read(
    client: &NinjaOneClient,
    selection: &Selection,
    access_index: &AccessIndex,
    sender: &EventSender,
) -> Result<(), NinjaOneError> {
    let mut seen = HashSet::new();
    match read_devices(client, selection, &mut seen, sender).await {
        Ok(()) => {}
        // A list of devices that exceeds a bound fails the sync: it would be too large in every later sync.
        Err(
            failure @ (NinjaOneError::Stopped
            | NinjaOneError::TooLarge { .. }
            | NinjaOneError::MemoryExhausted { .. }),
        ) => return Err(failure),
        Err(error) => {
            let reason = error.to_string();
            sender
                .warn(
                    "devices_incomplete",
                    format!("the list of devices is incomplete: {reason}"),
                )
                .await?;
            sender.incomplete(&device_type(), &reason);
        }
    }
    if selection.access && !seen.is_empty() {
        grants(selection, access_index, sender).await
    } else {
        Ok(())
    }
}

async fn read_devices(
    client: &NinjaOneClient,
    selection: &Selection,
    seen: &mut HashSet<u64>,
    sender: &EventSender,
) -> Result<(), NinjaOneError> {
    let mut pages = PageReader::new(DEVICES, device_type);
    let visit = |findings: &mut Findings, batch: &mut BatchBuffer, id, row: DeviceRow| {
        let shown = || format!("device {id}");
        findings.fields(&row, shown, shown);
        if !seen.insert(id) {
            findings.duplicate(mapping::device(id, &row).id, &row);
        } else if selection.includes_device(id) {
            let device = mapping::device(id, &row);
            for which in 0..DEVICE_ENTITLEMENTS.len() {
                if selection.access {
                    batch.entitlement(mapping::device_entitlement(&device, which)?);
                }
            }
            batch.resource(device);
        }
        Ok(())
    };
    let findings = for_each_row(&mut pages, client, sender, visit).await?;
    sender
        .findings(DEVICES, &device_type(), findings, |_| vec![device_type()])
        .await
}

async fn grants(
    selection: &Selection,
    access_index: &AccessIndex,
    sender: &EventSender,
) -> Result<(), NinjaOneError> {
    let mut batch = BatchBuffer::default();
    for (which, pairs) in access_index.devices.iter().enumerate() {
        for pairs in pairs.chunk_by(|a, b| a.0 == b.0) {
            let device = pairs[0].0;
            if selection.includes_device(device) {
                let entitlement = mapping::device_entitlement_of(device, which)?;
                let users: Vec<u64> = pairs.iter().map(|pair| pair.1).collect();
                batch.grants_to(&entitlement, &users, sender).await?;
            }
        }
    }
    batch.flush(sender).await?;
    let fields = ["accessibleDeviceIds of end users", "assignedDeviceIds of users"];
    for (field, users) in fields.into_iter().zip(&access_index.unstated_devices) {
        let scope = |principals| UnstatedScope::GrantsOn {
            resource_type: device_type(),
            principal_type: user_type(),
            principals,
        };
        sender
            .unstated_of_users(users, field, WithoutBaseline::Complete, scope)
            .await?;
    }
    Ok(())
}
