//! Reads a v3 file by building the database of a v1 from it, so that everything that reads syncs reads both formats. Rows are
//! translated in one pass, in the order of their keys, and written as the rows of a new sync are.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use baton_proto::storage_v3::{SyncRunRecord, SyncStatsRecord};
use prost::Message;

use crate::error::C1zError;
use crate::options::Limits;
use crate::v1::record_rows;
use crate::v1::sqlite::Database;
use crate::v1::sqlite::FinishError;
use crate::v1::tables;
use crate::v3::StoreReadError;
use crate::v3::key;
use crate::v3::manifest;
use crate::v3::pebble::{FolderTables, StoreReader};
use crate::v3::unpacked_store;

/// Unpacks a file next to `to` and writes the database of its rows there.
pub(crate) fn build_v1(path: &Path, to: &Path, limits: Limits, stop: &AtomicBool) -> Result<(), C1zError> {
    let unpacked = to.with_extension("store");
    unpacked_store::unpack(path, &unpacked, limits, stop)?;
    let folder = to.parent().unwrap_or(&unpacked);
    let translated = translate(&unpacked, folder, limits, stop);
    // What cannot be removed now is removed with the folder.
    let _ = fs::remove_dir_all(&unpacked);
    let mut database = translated.map_err(|error| error.into_c1z_error(path, folder, limits))?;
    let writing = |error| C1zError::io("unpacking to", to, error);
    let mut out = File::create(to).map_err(writing)?;
    database.seek(SeekFrom::Start(0)).map_err(writing)?;
    io::copy(&mut database, &mut out).map(drop).map_err(writing)
}

fn translate(
    unpacked: &Path,
    folder: &Path,
    limits: Limits,
    stop: &AtomicBool,
) -> Result<File, StoreReadError> {
    let store = unpacked_store::open(unpacked, FolderTables::new(unpacked), limits)?;
    let ended = Arc::new(AtomicBool::new(false));
    let database = Database::create(folder, &tables::TABLES_TO_READ, Arc::clone(&ended))
        .map_err(StoreReadError::Writing)?;
    let mut builder = V1Builder {
        store: &store,
        database,
        sync_id: String::new(),
        bytes_left: limits.decoded_bytes,
        stop,
    };
    builder.insert_sync_run()?;
    builder.insert_all(
        "resource types",
        &key::RESOURCE_TYPE,
        record_rows::insert_resource_type,
    )?;
    builder.insert_all("resources", &key::RESOURCE, record_rows::insert_resource)?;
    builder.insert_all("entitlements", &key::ENTITLEMENT, record_rows::insert_entitlement)?;
    builder.insert_all("grants", &key::GRANT, |database, sync_id, record| {
        record_rows::insert_grant(database, sync_id, record, None)
    })?;
    builder.insert_all("assets", &key::ASSET, |database, sync_id, record| {
        record_rows::insert_asset(database, sync_id, &record)
    })?;
    let finished = builder.database.finish(&|_, _| {
        ended.fetch_or(stop.load(Ordering::Relaxed), Ordering::Relaxed);
    });
    finished.map_err(|error| match error {
        FinishError::Io(error) => StoreReadError::Writing(error),
        FinishError::Duplicate(duplicate) => StoreReadError::Duplicate {
            table: duplicate.table,
            id: duplicate.values,
        },
    })
}

struct V1Builder<'s> {
    store: &'s StoreReader<FolderTables>,
    database: Database,
    sync_id: String,
    /// Bytes that rows may still hold: a small file can be made to have rows without end.
    bytes_left: u64,
    stop: &'s AtomicBool,
}

impl V1Builder<'_> {
    /// Inserts all records of a family of keys.
    fn insert_all<M: Message + Default>(
        &mut self,
        table: &'static str,
        prefix: &[u8],
        insert: fn(&mut Database, &str, M) -> io::Result<()>,
    ) -> Result<(), StoreReadError> {
        self.store.each(prefix, |key, value| {
            if self.stop.load(Ordering::Relaxed) {
                return Err(StoreReadError::Stopped);
            }
            let bytes = (key.len() + value.len()) as u64 + key::ROW_OVERHEAD;
            self.bytes_left = self
                .bytes_left
                .checked_sub(bytes)
                .ok_or(StoreReadError::TooLarge)?;
            let record = if table == "assets" {
                // The bytes of an asset are one field.
                M::decode(value).map_err(|error| StoreReadError::Undecodable(table, error))?
            } else {
                StoreReadError::decode(table, value)?
            };
            insert(&mut self.database, &self.sync_id, record).map_err(StoreReadError::Writing)
        })
    }

    fn insert_sync_run(&mut self) -> Result<(), StoreReadError> {
        let mut stats = None;
        self.store.each(key::STATS, |_, value| {
            let record: SyncStatsRecord = StoreReadError::decode("counts", value)?;
            stats = Some(manifest::stats_from_record(&record));
            Ok::<(), StoreReadError>(())
        })?;
        let mut run = None;
        self.store.each(&key::SYNC_RUN, |_, value| {
            run = Some(StoreReadError::decode::<SyncRunRecord>("syncs", value)?);
            Ok::<(), StoreReadError>(())
        })?;
        let Some(run) = run else { return Ok(()) };
        record_rows::insert_sync_run(&mut self.database, &run, stats.as_ref())
            .map_err(StoreReadError::Writing)?;
        self.sync_id = run.sync_id;
        Ok(())
    }
}
