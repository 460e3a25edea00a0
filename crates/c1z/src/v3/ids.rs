//! Reads the ids of the rows in a store from its keys alone, and the row of its sync.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use baton_proto::storage_v3::{ResourceRecord, ResourceTypeRecord, SyncRunRecord, SyncStatsRecord};
use prost::Message;

use super::key::{self, KeyParts};
use super::packed_tables::StoreTables;
use super::pebble::{StoreError, StoreReader};
use super::unpacked_store::{self, StoreReadError};
use super::{manifest, record};
use crate::error::C1zError;
use crate::io::temp_dir::LockedTempDir;
use crate::note::{self, SyncNote};
use crate::options::Limits;
use crate::previous_ids::PreviousId;
use crate::stats::{self, SyncStats};
use crate::sync_row::SyncRow;
use crate::tenant_address::{AppAddresses, MAX_APPS, is_app};

/// A store of one sync, whose tables are unpacked when they are read.
#[derive(Debug)]
pub(crate) struct StoreIds {
    store: StoreReader<StoreTables>,
    path: PathBuf,
    folder: LockedTempDir,
    limits: Limits,
    sync: Option<SyncRow>,
    note: Option<SyncNote>,
}

impl StoreIds {
    /// Opens the store of a file. What describes its tables is unpacked into a private folder in `temp_folder`.
    pub(crate) fn open(
        path: &Path,
        temp_folder: &Path,
        limits: Limits,
        stop: &Arc<AtomicBool>,
    ) -> Result<Self, C1zError> {
        let folder = LockedTempDir::new(temp_folder)
            .map_err(|error| C1zError::io("making temporary files in", temp_folder, error))?;
        let unpacked = folder.path().join("store");
        let (names_a_sync, tables) =
            unpacked_store::unpack_without_tables(path, &unpacked, folder.path(), limits, stop)?;
        let opened = Self::open_unpacked(path, &unpacked, tables, folder, limits);
        let opened = opened.map_err(|error| error.into_c1z_error(path, temp_folder, limits))?;
        if names_a_sync && opened.sync.is_none() {
            return Err(C1zError::Corrupt {
                path: path.to_owned(),
                detail: "the sync that its manifest names is not in it".to_owned(),
            });
        }
        Ok(opened)
    }

    fn open_unpacked(
        path: &Path,
        unpacked: &Path,
        tables: StoreTables,
        folder: LockedTempDir,
        limits: Limits,
    ) -> Result<Self, StoreReadError> {
        let store = unpacked_store::open(unpacked, tables, limits)?;
        let (mut run, mut counts) = (None, None);
        store.each(key::STATS, |_, value| {
            let record = SyncStatsRecord::decode(value);
            counts = Some(record.map_err(|error| StoreReadError::Undecodable("counts", error))?);
            Ok::<(), StoreReadError>(())
        })?;
        store.each(&key::SYNC_RUN, |_, value| {
            run = Some(
                SyncRunRecord::decode(value).map_err(|error| StoreReadError::Undecodable("syncs", error))?,
            );
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
            path: path.to_owned(),
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
    pub(crate) fn count(&self) -> Result<SyncStats, C1zError> {
        let mut stats = SyncStats::default();
        let of = |error| self.failed(error);
        self.keys(&key::RESOURCE, |[resource_type, _], _| {
            stats.resources += 1;
            stats::count(&mut stats.resources_by_resource_type, resource_type, 1);
            Ok(())
        })
        .map_err(of)?;
        self.keys(&key::GRANT, |[resource_type, ..]: &[String; 6], _| {
            stats.grants += 1;
            stats::count(&mut stats.grants_by_resource_type, resource_type, 1);
            Ok(())
        })
        .map_err(of)?;
        Ok(stats)
    }

    /// The types of the resources.
    pub(crate) fn types_of_resources(&self) -> Result<BTreeSet<String>, C1zError> {
        let mut types = BTreeSet::new();
        let mut from = key::RESOURCE.to_vec();
        while let Some(mut found) = self
            .store
            .first_from(&key::RESOURCE, &from)
            .map_err(|error| self.failed(error))?
        {
            let parts = found.get(key::RESOURCE.len()..).unwrap_or_default();
            let (resource_type, rest) = key::next(parts);
            types.insert(String::from_utf8_lossy(&resource_type).into_owned());
            // What follows all resources of this type: the byte after a part is 0. The bytes of the key are used as they are,
            // because a damaged part may not be what its text is encoded to.
            let end = found.len() - rest.map_or(0, |rest| rest.len() + 1);
            found.truncate(end);
            found.push(1);
            from = found;
        }
        Ok(types)
    }

    /// The tenant's address, from the description of its only app.
    pub(crate) fn described_tenant(&self) -> Result<Option<String>, C1zError> {
        self.address().map_err(|error| self.failed(error))
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
        stop: &AtomicBool,
        mut visit: impl FnMut(PreviousId<'_>),
    ) -> Result<(), C1zError> {
        let mut pass_on = |id: PreviousId<'_>| {
            visit(id);
            if stop.load(Ordering::Relaxed) {
                Err(StoreReadError::Stopped)
            } else {
                Ok(())
            }
        };
        let mut entitlement = String::new();
        let read = self
            .keys(&key::RESOURCE, |[resource_type, id], _| {
                pass_on(PreviousId::Resource { resource_type, id })
            })
            .and_then(|()| {
                self.keys(&key::GRANT, |parts: &[String; 6], is_new| {
                    let [resource_type, resource, is_tail, rest, principal_type, principal] = parts;
                    if is_new {
                        entitlement.clear();
                        if is_tail == "1" {
                            for part in [resource_type, resource] {
                                entitlement.push_str(part);
                                entitlement.push(':');
                            }
                        }
                        entitlement.push_str(rest);
                    }
                    pass_on(PreviousId::Grant {
                        entitlement: &entitlement,
                        principal_type,
                        principal,
                    })
                })
            });
        read.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: StoreReadError) -> C1zError {
        error.into_c1z_error(&self.path, self.folder.path(), self.limits)
    }

    /// Calls `visit` with the parts of all keys of a family, and whether more than the last part may have changed.
    fn keys<const N: usize>(
        &self,
        family: &[u8],
        mut visit: impl FnMut(&[String; N], bool) -> Result<(), StoreReadError>,
    ) -> Result<(), StoreReadError> {
        let mut parts = KeyParts::new();
        self.store.each(family, |key, _| {
            let decoded = key.get(family.len()..).and_then(|key| parts.decode(key));
            let is_new =
                decoded.ok_or_else(|| StoreError::Damaged("a key of its store is too short".to_owned()))?;
            visit(parts.get(), is_new)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use baton_proto::c1z_v3::{C1zManifestV3, PayloadEncoding};

    use super::*;
    use crate::v3::envelope::{EnvelopeWriter, Frame};
    use crate::v3::pebble::{self, TableWriter};

    /// A file with a store of these keys, all without a value, and of the stamps.
    fn write(path: &Path, keys: &[&[u8]]) {
        let file = File::create(path).unwrap();
        let manifest = C1zManifestV3 {
            engine: manifest::ENGINE.to_owned(),
            payload_encoding: PayloadEncoding::IndexedZstd.into(),
            ..C1zManifestV3::default()
        };
        let mut table = TableWriter::new();
        for key in keys {
            table.add(key, &[]);
        }
        for stamp in [key::ID_FORMAT, key::KEYSPACE] {
            table.add(stamp, &key::LAYOUT);
        }
        let (content, finished) = table.finish();
        let mut writer = EnvelopeWriter::begin(&file, &manifest).unwrap();
        for (name, content) in [
            (pebble::table_name(0), content),
            (pebble::MANIFEST.to_owned(), pebble::manifest(&[finished])),
            (pebble::FORMAT_MARKER.to_owned(), Vec::new()),
            (pebble::MANIFEST_MARKER.to_owned(), Vec::new()),
        ] {
            writer.add(Frame::pack(name, &content, 1).unwrap()).unwrap();
        }
        writer.finish().unwrap();
    }

    #[test]
    fn types_are_found_among_damaged_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sync.c1z");
        // Without an id, with escapes that have no end or no meaning, and one after them.
        let parts: [&[u8]; 6] = [
            b"",
            b"\x01",
            b"\x01\x001",
            b"\x01\x01",
            b"\x01\x09\x001",
            b"user\x001",
        ];
        let keys = parts.map(|parts| [&key::RESOURCE, parts].concat());
        write(&path, &keys.each_ref().map(Vec::as_slice));
        let stop = Arc::new(AtomicBool::new(false));
        let ids = StoreIds::open(&path, folder.path(), Limits::default(), &stop).unwrap();
        let types = ids.types_of_resources().unwrap();
        assert_eq!(types, ["", "\0", "\u{8}", "user"].map(str::to_owned).into());
        let error = ids.each_id(&stop, |_| {}).unwrap_err();
        assert!(error.to_string().contains("too short"), "{error}");
    }
}
