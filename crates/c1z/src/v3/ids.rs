//! Reads the ids of the rows in a store from its keys alone, and the row of its sync.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use baton_proto::storage_v3::{ResourceRecord, ResourceTypeRecord, SyncRunRecord, SyncStatsRecord};
use prost::Message;

use super::pebble::{StoreError, StoreReader};
use super::unpacked_store::{self, StoreReadError};
use super::{key, manifest, record};
use crate::error::C1zError;
use crate::io::temp_dir::LockedTempDir;
use crate::note::{self, SyncNote};
use crate::options::Limits;
use crate::previous_ids::PreviousId;
use crate::stats::{self, SyncStats};
use crate::sync_row::SyncRow;
use crate::tenant_address::{AppAddresses, MAX_APPS, is_app};

/// An unpacked store of one sync.
#[derive(Debug)]
pub(crate) struct StoreIds {
    store: StoreReader,
    folder: LockedTempDir,
    limits: Limits,
    sync: Option<SyncRow>,
    note: Option<SyncNote>,
}

impl StoreIds {
    /// Unpacks the store of a file into a private folder in `temp_folder`.
    pub(crate) fn unpack(
        path: &Path,
        temp_folder: &Path,
        limits: Limits,
        stop: &AtomicBool,
    ) -> Result<Self, C1zError> {
        let folder = LockedTempDir::new(temp_folder)
            .map_err(|error| C1zError::io("making temporary files in", temp_folder, error))?;
        let unpacked = folder.path().join("store");
        let names_a_sync = unpacked_store::unpack(path, &unpacked, limits, stop)?;
        let opened = Self::open(&unpacked, folder, limits);
        let opened = opened.map_err(|error| error.into_c1z_error(path, temp_folder, limits))?;
        if names_a_sync && opened.sync.is_none() {
            return Err(C1zError::Corrupt {
                path: path.to_owned(),
                detail: "the sync that its manifest names is not in it".to_owned(),
            });
        }
        Ok(opened)
    }

    fn open(unpacked: &Path, folder: LockedTempDir, limits: Limits) -> Result<Self, StoreReadError> {
        let store = unpacked_store::open(unpacked, limits)?;
        let (mut run, mut counts) = (None, None);
        store.each(&key::SYNC_RUN, |_, value| {
            run = Some(
                SyncRunRecord::decode(value).map_err(|error| StoreReadError::Undecodable("syncs", error))?,
            );
            Ok::<(), StoreReadError>(())
        })?;
        store.each(key::STATS, |_, value| {
            let record = SyncStatsRecord::decode(value);
            counts = Some(record.map_err(|error| StoreReadError::Undecodable("counts", error))?);
            Ok::<(), StoreReadError>(())
        })?;
        let note = run.as_ref().and_then(|run| note::parse(&run.sync_token));
        let sync = run.map(|run| SyncRow {
            started_at: record::time_text(run.started_at),
            ended_at: run.ended_at.map(|end| record::time_text(Some(end))),
            sync_type: manifest::sync_type_name(run.r#type()).to_owned(),
            stats: counts.as_ref().map(manifest::stats_from_record),
            sync_id: run.sync_id,
            linked_sync_id: run.linked_sync_id,
        });
        Ok(Self {
            store,
            folder,
            limits,
            sync,
            note,
        })
    }

    /// The sync of the store.
    pub(crate) fn sync(&self) -> Option<&SyncRow> {
        self.sync.as_ref()
    }

    /// The note of the sync's writer.
    pub(crate) fn note(&self) -> Option<SyncNote> {
        self.note.clone()
    }

    /// Counts the resources and grants.
    pub(crate) fn count(&self, path: &Path) -> Result<SyncStats, C1zError> {
        let mut stats = SyncStats::default();
        let of = |error: StoreReadError| error.into_c1z_error(path, self.folder.path(), self.limits);
        self.keys(&key::RESOURCE, |parts| {
            let [resource_type, _] = parts;
            stats.resources += 1;
            stats::count(&mut stats.resources_by_resource_type, resource_type, 1);
            Ok(())
        })
        .map_err(of)?;
        self.keys(&key::GRANT, |parts| {
            let [resource_type, ..]: &[String; 6] = parts;
            stats.grants += 1;
            stats::count(&mut stats.grants_by_resource_type, resource_type, 1);
            Ok(())
        })
        .map_err(of)?;
        Ok(stats)
    }

    /// The types of the resources.
    pub(crate) fn types_of_resources(&self, path: &Path) -> Result<BTreeSet<String>, C1zError> {
        let mut types = BTreeSet::new();
        self.keys(&key::RESOURCE, |parts| {
            let [resource_type, _] = parts;
            if !types.contains(resource_type) {
                types.insert(resource_type.clone());
            }
            Ok(())
        })
        .map_err(|error| error.into_c1z_error(path, self.folder.path(), self.limits))?;
        Ok(types)
    }

    /// The tenant's address, from the description of its only app.
    pub(crate) fn described_tenant(&self, path: &Path) -> Result<Option<String>, C1zError> {
        self.address()
            .map_err(|error| error.into_c1z_error(path, self.folder.path(), self.limits))
    }

    fn address(&self) -> Result<Option<String>, StoreReadError> {
        let mut apps = Vec::new();
        self.store.each(&key::RESOURCE_TYPE, |_, value| {
            let row = ResourceTypeRecord::decode(value)
                .map_err(|error| StoreReadError::Undecodable("resource types", error))?;
            let row = record::resource_type_message(row);
            if is_app(&row) {
                apps.push(row.id);
            }
            Ok::<(), StoreReadError>(())
        })?;
        let mut addresses = AppAddresses::default();
        for app in apps {
            let mut prefix = key::RESOURCE.to_vec();
            key::push(app.as_bytes(), &mut prefix);
            prefix.push(0);
            let mut left = MAX_APPS;
            self.store.each(&prefix, |_, value| {
                if left > 0 {
                    left -= 1;
                    let row = ResourceRecord::decode(value)
                        .map_err(|error| StoreReadError::Undecodable("resources", error))?;
                    addresses.add(&row.description);
                }
                Ok::<(), StoreReadError>(())
            })?;
        }
        Ok(addresses.only())
    }

    /// Calls `visit` with the ids of all resources and grants.
    pub(crate) fn each_id(
        &self,
        path: &Path,
        mut visit: impl FnMut(PreviousId<'_>) -> Result<(), C1zError>,
    ) -> Result<(), C1zError> {
        let mut stopped = None;
        let mut pass_on = |id: PreviousId<'_>| {
            visit(id).map_err(|error| {
                stopped = Some(error);
                StoreReadError::Stopped
            })
        };
        let mut entitlement = String::new();
        let read = self
            .keys(&key::RESOURCE, |[resource_type, id]| {
                pass_on(PreviousId::Resource { resource_type, id })
            })
            .and_then(|()| {
                self.keys(&key::GRANT, |parts: &[String; 6]| {
                    let [resource_type, resource, is_tail, rest, principal_type, principal] = parts;
                    entitlement.clear();
                    if is_tail == "1" {
                        for part in [resource_type, resource] {
                            entitlement.push_str(part);
                            entitlement.push(':');
                        }
                    }
                    entitlement.push_str(rest);
                    pass_on(PreviousId::Grant {
                        entitlement: &entitlement,
                        principal_type,
                        principal,
                    })
                })
            });
        match (read, stopped) {
            (Err(_), Some(error)) => Err(error),
            (read, _) => read.map_err(|error| error.into_c1z_error(path, self.folder.path(), self.limits)),
        }
    }

    /// Calls `visit` with the parts of all keys of a family.
    fn keys<const N: usize>(
        &self,
        family: &[u8],
        mut visit: impl FnMut(&[String; N]) -> Result<(), StoreReadError>,
    ) -> Result<(), StoreReadError> {
        let mut parts: [String; N] = std::array::from_fn(|_| String::new());
        self.store.each(family, |key, _| {
            let mut rest = key.get(family.len()..);
            for part in &mut parts {
                let Some(bytes) = rest else {
                    return Err(StoreError::Damaged("a key of its store is too short".to_owned()).into());
                };
                let (bytes, after) = key::next(bytes);
                // Most parts are the same as in the previous key.
                if part.as_bytes() != &*bytes {
                    part.clear();
                    part.push_str(&String::from_utf8_lossy(&bytes));
                }
                rest = after;
            }
            visit(&parts)
        })
    }
}
