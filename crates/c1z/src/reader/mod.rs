//! Reads files from any connector: v1 directly, and v3 by way of a v1 database that is built from it.

pub(crate) mod columns;
pub(crate) mod grants;
mod ids;
mod lookups;
mod tenant;
mod v3_to_v1;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use baton_proto::connector_v2::{Entitlement, Grant, Resource, ResourceType};
use prost::Message;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::{C1zError, is_exhausted};
use crate::format::Container;
use crate::io::temp_dir::LockedTempDir;
use crate::message::{self, MessageError};
use crate::options::Limits;
use crate::stats::SyncStats;
use crate::sync_row::SyncRow;
use crate::v1::decompress::decompress;
use crate::v1::disk_error::is_disk_error;
use crate::v1::query_limits::QueryLimits;
use crate::v1::query_limits::RowBudget;
use crate::v1::tables;
use crate::v3;

/// Reads an unpacked file. The unpacked copy is removed with its last reader.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    limits_guard: QueryLimits,
    limits: Limits,
    path: PathBuf,
    folder: Arc<LockedTempDir>,
}

/// Interrupts a [`Reader`] from another thread.
pub struct Interrupt(rusqlite::InterruptHandle);

impl Interrupt {
    /// Ends the running query of the reader, if any, with an error.
    pub fn interrupt(&self) {
        self.0.interrupt();
    }
}

const DATABASE: &str = "db";

impl Reader {
    /// Unpacks a file into a private folder in `temp_folder` and opens it. Setting `stop` cancels the unpacking.
    ///
    /// # Errors
    /// [`C1zError`] if the file is not a c1z, is damaged, or exceeds the limits.
    pub fn open(
        path: &Path,
        temp_folder: &Path,
        limits: Limits,
        stop: &AtomicBool,
    ) -> Result<Self, C1zError> {
        let container = Container::detect(path)?;
        match container {
            Container::V1 | Container::V3 => {}
            Container::Absent if !is_there(path)? => {
                return Err(C1zError::NoFile {
                    path: path.to_owned(),
                });
            }
            Container::Absent | Container::Foreign(_) => {
                return Err(C1zError::NotC1z {
                    path: path.to_owned(),
                });
            }
        }
        let folder = LockedTempDir::new(temp_folder)
            .map_err(|error| C1zError::io("making temporary files in", temp_folder, error))?;
        let database = folder.path().join(DATABASE);
        if container == Container::V3 {
            v3_to_v1::build_v1(path, &database, limits, stop)?;
        } else {
            decompress(path, &database, limits, stop)?;
        }
        let reader = Self::connect(path.to_owned(), Arc::new(folder), limits)?;
        reader.columns(tables::SYNC_RUNS)?;
        Ok(reader)
    }

    fn connect(path: PathBuf, folder: Arc<LockedTempDir>, limits: Limits) -> Result<Self, C1zError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database = folder.path().join(DATABASE);
        let bytes = std::fs::metadata(&database)
            .map_err(|error| C1zError::io("reading", &database, error))?
            .len();
        let damaged = |error| damaged(&path, &database, limits, &error);
        let mut connection = Connection::open_with_flags(&database, flags).map_err(damaged)?;
        let limits_guard = QueryLimits::apply(&mut connection, bytes, limits).map_err(damaged)?;
        Ok(Self {
            connection,
            limits_guard,
            limits,
            path,
            folder,
        })
    }

    /// Opens a second reader of the same unpacked copy, for another thread.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if the copy can no longer be opened.
    pub fn reopen(&self) -> Result<Self, C1zError> {
        Self::connect(self.path.clone(), Arc::clone(&self.folder), self.limits)
    }

    /// A handle that interrupts this reader from another thread.
    #[must_use]
    pub fn interrupt(&self) -> Interrupt {
        Interrupt(self.connection.get_interrupt_handle())
    }

    /// Bytes of the unpacked copy.
    pub(crate) fn unpacked_bytes(&self) -> Result<u64, C1zError> {
        let database = self.folder.path().join(DATABASE);
        let found = std::fs::metadata(&database);
        Ok(found
            .map_err(|error| C1zError::io("reading", &database, error))?
            .len())
    }

    /// Opens a finished database, after copying it to the temporary folder. Errors name it `path`.
    pub(crate) fn from_database(
        mut database: File,
        path: &Path,
        temp_folder: &Path,
        limits: Limits,
    ) -> Result<Self, C1zError> {
        let failed = |error| C1zError::io("writing temporary files in", temp_folder, error);
        let folder = LockedTempDir::new(temp_folder).map_err(failed)?;
        database.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut copy = File::create(folder.path().join(DATABASE)).map_err(failed)?;
        io::copy(&mut database, &mut copy).map_err(failed)?;
        // Frees its space on disk.
        drop(database);
        Self::connect(path.to_owned(), Arc::new(folder), limits)
    }

    /// The path of the opened file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All syncs in the order of their start.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if the rows cannot be read.
    pub fn syncs(&self) -> Result<Vec<SyncRow>, C1zError> {
        let known = self.columns(tables::SYNC_RUNS)?;
        if known.is_empty() {
            return Ok(Vec::new());
        }
        let select = |column| tables::column_or_default(&known, column);
        let sql = format!(
            "select sync_id, cast(started_at as text), cast(ended_at as text), {}, {}, {} from v1_sync_runs order by id",
            select("sync_type"),
            select("linked_sync_id"),
            select("stats"),
        );
        let mut statement = self
            .connection
            .prepare(&sql)
            .map_err(|error| self.damaged(&error))?;
        let mut row_budget = self.row_budget();
        let rows = statement.query_map([], |row| {
            row_budget.add(row)?;
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
        rows.map_err(|error| self.damaged(&error))
    }

    /// All syncs of a file in the order of their start. A v3 is not unpacked for this if its manifest lists them.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn syncs_of(
        path: &Path,
        temp_folder: &Path,
        limits: Limits,
        stop: &AtomicBool,
    ) -> Result<Vec<SyncRow>, C1zError> {
        if Container::detect(path)? == Container::V3 {
            let listed = v3::syncs(path, limits)?;
            if !listed.is_empty() {
                return Ok(listed);
            }
        }
        Self::open(path, temp_folder, limits, stop)?.syncs()
    }

    /// The finished sync that readers use ([`SyncRow::latest_finished`]).
    ///
    /// # Errors
    /// [`C1zError::NoneFinished`] if no sync is finished.
    pub fn latest_finished(&self) -> Result<SyncRow, C1zError> {
        let syncs = self.syncs()?;
        SyncRow::latest_finished(&syncs)
            .cloned()
            .ok_or_else(|| C1zError::NoneFinished {
                path: self.path.clone(),
            })
    }

    /// Calls `visit` with every resource type of a sync.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read, and the error of `visit`.
    pub fn resource_types<E: From<C1zError>>(
        &self,
        sync_id: &str,
        visit: impl FnMut(ResourceType) -> Result<(), E>,
    ) -> Result<(), E> {
        self.messages(tables::RESOURCE_TYPES, sync_id, visit)
    }

    /// Calls `visit` with every resource of a sync.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read, and the error of `visit`.
    pub fn resources<E: From<C1zError>>(
        &self,
        sync_id: &str,
        visit: impl FnMut(Resource) -> Result<(), E>,
    ) -> Result<(), E> {
        self.messages(tables::RESOURCES, sync_id, visit)
    }

    /// Calls `visit` with every entitlement of a sync.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read, and the error of `visit`.
    pub fn entitlements<E: From<C1zError>>(
        &self,
        sync_id: &str,
        visit: impl FnMut(Entitlement) -> Result<(), E>,
    ) -> Result<(), E> {
        self.messages(tables::ENTITLEMENTS, sync_id, visit)
    }

    /// Calls `visit` with every grant of a sync.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read, and the error of `visit`.
    pub fn grants<E: From<C1zError>>(
        &self,
        sync_id: &str,
        visit: impl FnMut(Grant) -> Result<(), E>,
    ) -> Result<(), E> {
        self.messages(tables::GRANTS, sync_id, visit)
    }

    fn messages<M: Message + Default, E: From<C1zError>>(
        &self,
        table: usize,
        sync_id: &str,
        mut visit: impl FnMut(M) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.columns(table)?.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "select data from {} where sync_id = ? order by id",
            tables::TABLES[table].name
        );
        let mut statement = self
            .connection
            .prepare(&sql)
            .map_err(|error| self.damaged(&error))?;
        let mut rows = statement.query([sync_id]).map_err(|error| self.damaged(&error))?;
        let mut row_budget = self.row_budget();
        while let Some(row) = rows.next().map_err(|error| self.damaged(&error))? {
            row_budget.add(row).map_err(|error| self.damaged(&error))?;
            visit(self.message(tables::TABLES[table].name, columns::bytes(row, 0))?)?;
        }
        Ok(())
    }

    /// Decodes the message of a row of a table.
    pub(crate) fn message<M: Message + Default>(&self, table: &str, bytes: &[u8]) -> Result<M, C1zError> {
        message::decode(bytes).map_err(|error| match error {
            MessageError::TooLarge => C1zError::TooMuchMemory {
                path: self.path.clone(),
                limit: message::MAX_MESSAGE_BYTES as u64,
                what: "a row",
            },
            MessageError::Invalid(error) => C1zError::Corrupt {
                path: self.path.clone(),
                detail: format!("a row of {table} is not readable: {error}"),
            },
        })
    }

    /// The columns of a table in this file; empty if the table is missing, which the format allows.
    pub(crate) fn columns(&self, table: usize) -> Result<Vec<String>, C1zError> {
        // A view of that name does not count: it could compute anything.
        let sql = "select name from pragma_table_info(?1) where exists \
                   (select 1 from sqlite_schema where type = 'table' and rootpage > 0 and name = ?1)";
        let mut statement = self
            .connection
            .prepare_cached(sql)
            .map_err(|error| self.damaged(&error))?;
        let names = statement.query_map([tables::TABLES[table].name], |row| row.get(0));
        names
            .and_then(Iterator::collect)
            .map_err(|error| self.damaged(&error))
    }

    /// The sorted types of the resources that have entitlements in a sync.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read.
    pub fn types_with_entitlements(&self, sync_id: &str) -> Result<Vec<String>, C1zError> {
        if self.columns(tables::ENTITLEMENTS)?.is_empty() {
            return Ok(Vec::new());
        }
        let sql = "select distinct resource_type_id from v1_entitlements where sync_id = ? order by 1";
        let mut statement = self
            .connection
            .prepare(sql)
            .map_err(|error| self.damaged(&error))?;
        let types = statement.query_map([sync_id], |row| row.get(0));
        types
            .and_then(Iterator::collect)
            .map_err(|error| self.damaged(&error))
    }

    /// Counts the rows of a sync, without the counts that it cached.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read.
    pub fn count(&self, sync_id: &str) -> Result<SyncStats, C1zError> {
        let total = |by_type: &BTreeMap<String, u64>| by_type.values().sum();
        let resources = self.count_by_type(tables::RESOURCES, sync_id)?;
        let entitlements = self.count_by_type(tables::ENTITLEMENTS, sync_id)?;
        let grants = self.count_by_type(tables::GRANTS, sync_id)?;
        Ok(SyncStats {
            resources: total(&resources),
            entitlements: total(&entitlements),
            grants: total(&grants),
            resources_by_resource_type: resources,
            entitlements_by_resource_type: entitlements,
            grants_by_resource_type: grants,
            ..SyncStats::default()
        })
    }

    fn count_by_type(&self, table: usize, sync_id: &str) -> Result<BTreeMap<String, u64>, C1zError> {
        if self.columns(table)?.is_empty() {
            return Ok(BTreeMap::new());
        }
        let name = tables::TABLES[table].name;
        let sql = format!("select resource_type_id, count(*) from {name} where sync_id = ? group by 1");
        let mut statement = self
            .connection
            .prepare(&sql)
            .map_err(|error| self.damaged(&error))?;
        let counts = statement.query_map([sync_id], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
        });
        counts
            .and_then(Iterator::collect)
            .map_err(|error| self.damaged(&error))
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The memory budget for the rows of one statement.
    pub(crate) fn row_budget(&self) -> RowBudget {
        self.limits_guard.row_budget()
    }

    /// Classifies an error of SQLite.
    pub(crate) fn damaged(&self, error: &rusqlite::Error) -> C1zError {
        match error.sqlite_error_code() {
            Some(ErrorCode::TooBig) => C1zError::TooMuchMemory {
                path: self.path.clone(),
                limit: self.limits.window_bytes,
                what: "a row",
            },
            Some(ErrorCode::OperationInterrupted) => C1zError::Corrupt {
                path: self.path.clone(),
                detail: "reading it takes longer than its size allows".to_owned(),
            },
            _ => damaged(&self.path, &self.folder.path().join(DATABASE), self.limits, error),
        }
    }
}

/// Whether a file exists; an error if that is unknown.
fn is_there(path: &Path) -> Result<bool, C1zError> {
    path.try_exists()
        .map_err(|error| C1zError::io("reading", path, error))
}

fn damaged(path: &Path, database: &Path, limits: Limits, error: &rusqlite::Error) -> C1zError {
    use rusqlite::ErrorCode::{
        CannotOpen, DatabaseCorrupt, DiskFull, NotADatabase, OutOfMemory, SystemIoFailure,
    };

    let blamed = match error.sqlite_error_code() {
        Some(OutOfMemory) => Some(io::Error::new(io::ErrorKind::OutOfMemory, error.to_string())),
        Some(DiskFull) => Some(io::Error::new(io::ErrorKind::StorageFull, error.to_string())),
        // SQLite does not report the cause, but opening the file again does.
        Some(SystemIoFailure | CannotOpen) => match std::fs::File::open(database) {
            Err(refused) if is_exhausted(&refused) => Some(refused),
            _ => Some(io::Error::other(error.to_string())),
        },
        Some(DatabaseCorrupt | NotADatabase) => is_disk_error(database, limits),
        _ => None,
    };
    let path = path.to_owned();
    match blamed {
        // An error of the system on the unpacked copy says nothing about the file.
        Some(source) => C1zError::io("reading the unpacked copy of", &path, source),
        None => C1zError::Corrupt {
            path,
            detail: error.to_string(),
        },
    }
}
