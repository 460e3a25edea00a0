//! `/v2/devices`, where opted in: devices, and which end users may access or are assigned them. The tenant's access is
//! worth knowing without them, so a failure here only makes them incomplete.

use std::collections::HashSet;

use access_core::model::{Completeness, RowKind};
use access_core::ports::SourceEvent;

use super::Outlet;
use super::emitter::Gathered;
use super::facts::Facts;
use super::outlet::Skips;
use super::pages::{Keyed, Pages};
use super::selection::Selection;
use crate::NinjaOneError;
use crate::client::NinjaOneClient;
use crate::mapping::{self, DEVICE_ENTITLEMENTS, device_type};
use crate::wire::{DeviceRow, Id, Row};

impl Keyed for DeviceRow {
    fn id(&self) -> Id {
        self.id
    }
}

/// Reads all devices and emits the wanted ones with their grants.
pub(super) async fn read(
    client: &NinjaOneClient,
    selection: &Selection,
    facts: &Facts,
    outlet: &Outlet,
) -> Result<(), NinjaOneError> {
    let mut seen = HashSet::new();
    match read_devices(client, selection, &mut seen, outlet).await {
        Ok(()) => {}
        Err(NinjaOneError::Stopped) => return Err(NinjaOneError::Stopped),
        Err(error) => {
            let reason = error.to_string();
            outlet
                .warn(
                    "devices_incomplete",
                    format!("devices were not read to the end: {reason}"),
                )
                .await?;
            let incomplete = Completeness::Incomplete { reason };
            outlet
                .send(Ok(SourceEvent::Completeness(device_type(), incomplete)))
                .await?;
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
    outlet: &Outlet,
) -> Result<(), NinjaOneError> {
    let mut skips = Skips::default();
    let mut pages = Pages::new("/v2/devices");
    while let Some(page) = pages.next::<DeviceRow>(client).await? {
        let mut gathered = Gathered::default();
        for row in page {
            let Row::Object(row) = row else {
                skips.wrong_shape += 1;
                continue;
            };
            let Some(id) = row.id.get() else {
                skips.unusable += 1;
                continue;
            };
            if !seen.insert(id) {
                skips.duplicate += 1;
            } else if selection.device(id) {
                let device = mapping::device(id, &row);
                for which in 0..DEVICE_ENTITLEMENTS.len() {
                    if selection.access {
                        gathered.entitlement(mapping::device_entitlement(&device, which)?);
                    }
                }
                gathered.resource(device);
            }
        }
        gathered.flush(outlet).await?;
    }
    outlet.skipped(RowKind::Resource, &device_type(), skips).await
}

async fn grants(selection: &Selection, facts: &Facts, outlet: &Outlet) -> Result<(), NinjaOneError> {
    let mut gathered = Gathered::default();
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
    gathered.flush(outlet).await
}
