//! Reads the ids of the rows in a store from its keys alone, and the row of its sync.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use baton_proto::storage_v3::{ResourceRecord, ResourceTypeRecord, SyncRunRecord, SyncStatsRecord};

use super::grant_index::{self, GrantIds};
use super::key::{self, KeyParts};
use super::packed_tables::StoreTables;
use super::pebble::{StoreError, StoreReader};
use super::store_read_error::StoreReadError;
use super::unpacked_store;
use super::{manifest, record};
use crate::error::C1zError;
use crate::io::temp_dir::LockedTempDir;
use crate::note::{self, SyncNote};
use crate::options::Limits;
use crate::previous_ids::PreviousId;
use crate::stats::{self, SyncStats};
use crate::sync_row::SyncRow;
use crate::tenant_address::{AppAddresses, MAX_APPS, is_app};

impl<'a> From<GrantIds<'a>> for PreviousId<'a> {
    fn from(grant: GrantIds<'a>) -> Self {
        Self::Grant {
            entitlement: grant.entitlement,
            principal_type: grant.principal_type,
            principal: grant.principal,
        }
    }
}

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
            counts = Some(StoreReadError::decode::<SyncStatsRecord>("counts", value)?);
            Ok::<(), StoreReadError>(())
        })?;
        store.each(&key::SYNC_RUN, |_, value| {
            run = Some(StoreReadError::decode::<SyncRunRecord>("syncs", value)?);
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
            let row: ResourceTypeRecord = StoreReadError::decode("resource types", value)?;
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
                    let row: ResourceRecord = StoreReadError::decode("resources", value)?;
                    addresses.add(&row.description);
                }
                Ok::<(), StoreReadError>(())
            })?;
        }
        Ok(addresses.only())
    }

    /// Adds the ids of all resources and grants to what `begin` makes. Begins anew if the index of the grants is not complete.
    pub(crate) fn fold<C>(
        &self,
        stop: &AtomicBool,
        begin: impl Fn() -> C,
        add: impl Fn(&mut C, PreviousId<'_>),
    ) -> Result<C, C1zError> {
        let add = |ids: &mut C, id: PreviousId<'_>| {
            add(ids, id);
            if stop.load(Ordering::Relaxed) {
                Err(StoreReadError::Stopped)
            } else {
                Ok(())
            }
        };
        self.fold_ids(begin, add).map_err(|error| self.failed(error))
    }

    fn fold_ids<C>(
        &self,
        begin: impl Fn() -> C,
        add: impl Fn(&mut C, PreviousId<'_>) -> Result<(), StoreReadError>,
    ) -> Result<C, StoreReadError> {
        let resources = || {
            let mut ids = begin();
            self.keys(&key::RESOURCE, |[resource_type, id], _| {
                add(&mut ids, PreviousId::Resource { resource_type, id })
            })?;
            Ok::<C, StoreReadError>(ids)
        };
        let mut ids = resources()?;
        let is_complete = grant_index::each(&self.store, |grant| add(&mut ids, grant.into()))?;
        if is_complete {
            return Ok(ids);
        }
        ids = resources()?;
        let mut entitlement = String::new();
        self.keys(&key::GRANT, |parts: &[String; 6], is_new| {
            let [parts @ .., principal_type, principal] = parts;
            if is_new {
                key::entitlement_id(parts, &mut entitlement);
            }
            let grant = GrantIds {
                entitlement: &entitlement,
                principal_type,
                principal,
            };
            add(&mut ids, grant.into())
        })?;
        Ok(ids)
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
    use std::collections::BTreeMap;
    use std::fs::File;

    use baton_proto::c1z_v3::{C1zManifestV3, PayloadEncoding};

    use super::*;
    use crate::v3::envelope::{EnvelopeWriter, Frame};
    use crate::v3::pebble::{self, TableWriter};

    /// A file with a store of these rows, and of the stamps.
    fn write(path: &Path, rows: &BTreeMap<Vec<u8>, Vec<u8>>) {
        let file = File::create(path).unwrap();
        let manifest = C1zManifestV3 {
            engine: manifest::ENGINE.to_owned(),
            payload_encoding: PayloadEncoding::IndexedZstd.into(),
            ..C1zManifestV3::default()
        };
        let mut table = TableWriter::new();
        let stamps = [key::ID_FORMAT, key::KEYSPACE].map(|stamp| (stamp.to_vec(), key::LAYOUT.to_vec()));
        let mut all = BTreeMap::from(stamps);
        all.extend(rows.clone());
        for (key, value) in all {
            table.add(&key, &value);
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
        let rows = parts.map(|parts| ([&key::RESOURCE, parts].concat(), Vec::new()));
        write(&path, &rows.into());
        let stop = Arc::new(AtomicBool::new(false));
        let ids = StoreIds::open(&path, folder.path(), Limits::default(), &stop).unwrap();
        let types = ids.types_of_resources().unwrap();
        assert_eq!(types, ["", "\0", "\u{8}", "user"].map(str::to_owned).into());
        let error = ids.fold(&stop, || (), |(), _| {}).unwrap_err();
        assert!(error.to_string().contains("too short"), "{error}");
    }

    /// The grants of a store whose index has others than its grants, to see which of them are read.
    fn grants_of(further: &[(&[u8], &[u8])]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sync.c1z");
        let mut rows = BTreeMap::new();
        for id in ["1", "2"] {
            let grant = format!("role\x007\x001\x00assigned\x00user\x00{id}");
            rows.insert([&key::GRANT, grant.as_bytes()].concat(), Vec::new());
        }
        let indexed = b"role\x007\x001\x00assigned\x00\xAB\xCDuser\x00in the index";
        rows.insert([&key::BY_PRINCIPAL_HASH[..], indexed].concat(), vec![7; 8]);
        for (key, value) in further {
            rows.insert(key.to_vec(), value.to_vec());
        }
        write(&path, &rows);
        let stop = Arc::new(AtomicBool::new(false));
        let ids = StoreIds::open(&path, folder.path(), Limits::default(), &stop).unwrap();
        let grants = ids.fold(&stop, Vec::new, |grants, id| match id {
            PreviousId::Grant {
                entitlement,
                principal_type,
                principal,
            } => {
                grants.push(format!("{entitlement} {principal_type}:{principal}"));
            }
            PreviousId::Resource { .. } => panic!("{id:?}"),
        });
        grants.unwrap()
    }

    #[test]
    fn an_index_of_grants_is_used_only_if_it_is_complete() {
        let grants = ["role:7:assigned user:1", "role:7:assigned user:2"];
        let digest = |count: u8, byte: u8| [[0, 0, 0, 0, 0, 0, 0, count], [byte; 8]].concat();
        let all = &key::ALL_GRANTS_DIGEST[..];
        assert_eq!(
            grants_of(&[(all, &digest(1, 7))]),
            ["role:7:assigned user:in the index"]
        );
        assert_eq!(grants_of(&[]), grants, "no digest");
        assert_eq!(grants_of(&[(all, &digest(2, 7))]), grants, "too few");
        assert_eq!(grants_of(&[(all, &digest(1, 8))]), grants, "another one");
        assert_eq!(grants_of(&[(all, b"short")]), grants, "not a digest");
        for mark in ["deferred_grant_idx_pending", "grant_digest_build_pending"] {
            let mark = [b"\x03\xFF", mark.as_bytes()].concat();
            assert_eq!(
                grants_of(&[(all, &digest(1, 7)), (&mark, &[])]),
                grants,
                "not built"
            );
        }
    }
}
