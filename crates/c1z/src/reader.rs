//! Reads v1 files, from any connector.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use baton_proto::connector_v2::{Entitlement, Grant, Resource, ResourceType};
use prost::Message;
use rusqlite::{Connection, OpenFlags};

use crate::container::{Container, MAGIC_V1};
use crate::ddl;
use crate::error::C1zError;
use crate::stats::SyncStats;

/// How much a file may unpack to. The defaults are the reference's (c1z facts §1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the database.
    pub decoded_bytes: u64,
    /// Bytes of zstd's window.
    pub window_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            decoded_bytes: 10 << 30,
            window_bytes: 128 << 20,
        }
    }
}

/// An unpacked file. The unpacked copy goes when the reader does.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

/// A row of `v1_sync_runs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRow {
    /// Its id.
    pub sync_id: String,
    /// When it began, as text without zone.
    pub started_at: String,
    /// When it ended; `None` while it is unfinished.
    pub ended_at: Option<String>,
    /// `full`, `partial`, `resources_only`, `partial_upserts`, `partial_deletions`.
    pub sync_type: String,
    /// The other one of a pair of diff syncs, or nothing.
    pub linked_sync_id: String,
    /// The counts it cached, if they can be read.
    pub stats: Option<SyncStats>,
}

impl Reader {
    /// Unpacks a file into a private folder within `temp_folder` and opens it. Setting `stop` ends the unpacking.
    ///
    /// # Errors
    /// [`C1zError`] if it is not a v1 c1z, damaged, or larger than the limits.
    pub fn open(
        path: &Path,
        temp_folder: &Path,
        limits: Limits,
        stop: &AtomicBool,
    ) -> Result<Self, C1zError> {
        match Container::of(path)? {
            Container::V1 => {}
            Container::V3 => {
                return Err(C1zError::UnsupportedV3 {
                    path: path.to_owned(),
                });
            }
            Container::Absent | Container::Foreign(_) => {
                return Err(C1zError::NotC1z {
                    path: path.to_owned(),
                });
            }
        }
        let folder = tempfile::Builder::new()
            .prefix("c1z-read-")
            .tempdir_in(temp_folder)
            .map_err(|error| C1zError::io("making temporary files in", temp_folder, error))?;
        let database = folder.path().join("db");
        unpack(path, &database, limits, stop)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let reader = Self {
            connection: Connection::open_with_flags(&database, flags)
                .map_err(|error| damaged(path, &error))?,
            path: path.to_owned(),
            _folder: folder,
        };
        reader.columns(ddl::SYNC_RUNS)?;
        Ok(reader)
    }

    /// All syncs, in the order they were begun.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if the rows cannot be read.
    pub fn syncs(&self) -> Result<Vec<SyncRow>, C1zError> {
        let known = self.columns(ddl::SYNC_RUNS)?;
        let or = |column: &str, default: &str| {
            if known.iter().any(|name| name == column) {
                column.to_owned()
            } else {
                default.to_owned()
            }
        };
        let sql = format!(
            "select sync_id, cast(started_at as text), cast(ended_at as text), {}, {}, {} from v1_sync_runs order by id",
            or("sync_type", "'full'"),
            or("linked_sync_id", "''"),
            or("stats", "null"),
        );
        let mut statement = self
            .connection
            .prepare(&sql)
            .map_err(|error| damaged(&self.path, &error))?;
        let rows = statement.query_map([], |row| {
            let stats: Option<String> = row.get(5)?;
            Ok(SyncRow {
                sync_id: row.get(0)?,
                started_at: row.get(1)?,
                ended_at: row.get(2)?,
                sync_type: row.get(3)?,
                linked_sync_id: row.get(4)?,
                stats: stats.and_then(|text| serde_json::from_str(&text).ok()),
            })
        });
        let rows = rows.and_then(Iterator::collect);
        rows.map_err(|error| damaged(&self.path, &error))
    }

    /// The finished sync that readers take: the latest full one, else the latest of any type. "Latest" is the greatest
    /// end, then the greatest id (c1z facts §2.4).
    ///
    /// # Errors
    /// [`C1zError::NoSuchSync`] if no sync is finished.
    pub fn latest_finished(&self) -> Result<SyncRow, C1zError> {
        let mut finished: Vec<SyncRow> = self
            .syncs()?
            .into_iter()
            .filter(|sync| sync.ended_at.is_some())
            .collect();
        finished.sort_by(|a, b| {
            let full = |sync: &SyncRow| sync.sync_type == "full";
            (full(a), &a.ended_at, &a.sync_id).cmp(&(full(b), &b.ended_at, &b.sync_id))
        });
        finished.pop().ok_or_else(|| C1zError::NoSuchSync {
            path: self.path.clone(),
            wanted: "finished".to_owned(),
        })
    }

    /// Calls `take` with every resource type of a sync.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read; what `take` returns.
    pub fn resource_types<E: From<C1zError>>(
        &self,
        sync_id: &str,
        take: impl FnMut(ResourceType) -> Result<(), E>,
    ) -> Result<(), E> {
        self.messages(ddl::RESOURCE_TYPES, sync_id, take)
    }

    /// Calls `take` with every resource of a sync.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read; what `take` returns.
    pub fn resources<E: From<C1zError>>(
        &self,
        sync_id: &str,
        take: impl FnMut(Resource) -> Result<(), E>,
    ) -> Result<(), E> {
        self.messages(ddl::RESOURCES, sync_id, take)
    }

    /// Calls `take` with every entitlement of a sync.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read; what `take` returns.
    pub fn entitlements<E: From<C1zError>>(
        &self,
        sync_id: &str,
        take: impl FnMut(Entitlement) -> Result<(), E>,
    ) -> Result<(), E> {
        self.messages(ddl::ENTITLEMENTS, sync_id, take)
    }

    /// Calls `take` with every grant of a sync.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read; what `take` returns.
    pub fn grants<E: From<C1zError>>(
        &self,
        sync_id: &str,
        take: impl FnMut(Grant) -> Result<(), E>,
    ) -> Result<(), E> {
        self.messages(ddl::GRANTS, sync_id, take)
    }

    fn messages<M: Message + Default, E: From<C1zError>>(
        &self,
        table: usize,
        sync_id: &str,
        mut take: impl FnMut(M) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = format!(
            "select data from {} where sync_id = ? order by id",
            ddl::TABLES[table].name
        );
        let mut statement = self
            .connection
            .prepare(&sql)
            .map_err(|error| damaged(&self.path, &error))?;
        let mut rows = statement
            .query([sync_id])
            .map_err(|error| damaged(&self.path, &error))?;
        while let Some(row) = rows.next().map_err(|error| damaged(&self.path, &error))? {
            let data = row
                .get_ref(0)
                .ok()
                .and_then(|value| value.as_blob().ok())
                .unwrap_or_default();
            let message = M::decode(data).map_err(|error| C1zError::Corrupt {
                path: self.path.clone(),
                detail: format!("a row of {} is not readable: {error}", ddl::TABLES[table].name),
            })?;
            take(message)?;
        }
        Ok(())
    }

    /// The columns that a table has in this file; none if the table is missing, which the format allows.
    pub(crate) fn columns(&self, table: usize) -> Result<Vec<String>, C1zError> {
        let sql = "select name from pragma_table_info(?)";
        let mut statement = self
            .connection
            .prepare(sql)
            .map_err(|error| damaged(&self.path, &error))?;
        let names = statement.query_map([ddl::TABLES[table].name], |row| row.get(0));
        names
            .and_then(Iterator::collect)
            .map_err(|error| damaged(&self.path, &error))
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }
}

pub(crate) fn damaged(path: &Path, error: &rusqlite::Error) -> C1zError {
    C1zError::Corrupt {
        path: path.to_owned(),
        detail: error.to_string(),
    }
}

/// Unpacks all frames into a file, checking checksums, window and size on the way.
fn unpack(path: &Path, database: &Path, limits: Limits, stop: &AtomicBool) -> Result<(), C1zError> {
    let reading = |error| C1zError::io("reading", path, error);
    let broken = |error: &io::Error| C1zError::Corrupt {
        path: path.to_owned(),
        detail: error.to_string(),
    };
    let too_large = || C1zError::TooLarge {
        path: path.to_owned(),
        limit: limits.decoded_bytes,
    };
    let mut file = File::open(path).map_err(reading)?;
    let mut magic = [0; MAGIC_V1.len()];
    file.read_exact(&mut magic).map_err(reading)?;
    let packed = BufReader::with_capacity(1 << 20, file);
    let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(|error| broken(&error))?;
    let window_log = limits.window_bytes.max(1).ilog2();
    decoder
        .window_log_max(window_log)
        .map_err(|error| broken(&error))?;
    let writing = |error| C1zError::io("unpacking to", database, error);
    let mut out = File::create(database).map_err(writing)?;
    let mut chunk = vec![0; 1 << 20];
    let mut total = 0;
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(C1zError::Stopped);
        }
        let got = decoder.read(&mut chunk).map_err(|error| broken(&error))?;
        if got == 0 {
            return Ok(());
        }
        total += got as u64;
        if total > limits.decoded_bytes {
            return Err(too_large());
        }
        out.write_all(&chunk[..got]).map_err(writing)?;
    }
}
