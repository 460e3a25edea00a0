//! Reads files from any connector: v1, and v3 through a v1 made of it.

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
use crate::options::Limits;
use crate::stats::SyncStats;
use crate::sync_row::SyncRow;
use crate::v1::decompress::decompress;
use crate::v1::disk_error::is_disk_error;
use crate::v1::query_limits::QueryLimits;
use crate::v1::query_limits::RowBudget;
use crate::v1::tables;
use crate::v3;

/// An unpacked file. The unpacked copy goes when its last reader does.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    guard: QueryLimits,
    limits: Limits,
    path: PathBuf,
    folder: Arc<LockedTempDir>,
}

/// Ends what a [`Reader`] is doing, from another thread.
pub struct Interrupt(rusqlite::InterruptHandle);

impl Interrupt {
    /// Ends the query that runs now, if any, with an error.
    pub fn interrupt(&self) {
        self.0.interrupt();
    }
}

const DATABASE: &str = "db";

impl Reader {
    /// Unpacks a file into a private folder within `temp_folder` and opens it. Setting `stop` ends the unpacking.
    ///
    /// # Errors
    /// [`C1zError`] if it is no c1z that can be read, damaged, or larger than the limits.
    pub fn open(
        path: &Path,
        temp_folder: &Path,
        limits: Limits,
        stop: &AtomicBool,
    ) -> Result<Self, C1zError> {
        let container = Container::of(path)?;
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
        let guard = QueryLimits::over(&mut connection, bytes, limits).map_err(damaged)?;
        Ok(Self {
            connection,
            guard,
            limits,
            path,
            folder,
        })
    }

    /// A second reader of the same unpacked copy, for another thread.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if the copy cannot be opened any more.
    pub fn reopen(&self) -> Result<Self, C1zError> {
        Self::connect(self.path.clone(), Arc::clone(&self.folder), self.limits)
    }

    /// What ends this reader's queries from another thread.
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

    /// A reader of a finished database, as a copy in the temporary folder. `path` is what it is called in errors.
    pub(crate) fn of_database(
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
        // Its room is needed.
        drop(database);
        Self::connect(path.to_owned(), Arc::new(folder), limits)
    }

    /// The file that was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All syncs, in the order they were begun.
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
        let mut weight = self.weight();
        let rows = statement.query_map([], |row| {
            weight.add(row)?;
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

    /// All syncs of a file, in the order they were begun, by the shortest way: a v3 tells them in its manifest and is not
    /// unpacked for it.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn syncs_of(
        path: &Path,
        temp_folder: &Path,
        limits: Limits,
        stop: &AtomicBool,
    ) -> Result<Vec<SyncRow>, C1zError> {
        if Container::of(path)? == Container::V3 {
            let told = v3::syncs(path, limits)?;
            if !told.is_empty() {
                return Ok(told);
            }
        }
        Self::open(path, temp_folder, limits, stop)?.syncs()
    }

    /// The finished sync that readers take ([`SyncRow::latest_finished`]).
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
    /// [`C1zError::Corrupt`] if rows cannot be read; what `visit` returns.
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
    /// [`C1zError::Corrupt`] if rows cannot be read; what `visit` returns.
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
    /// [`C1zError::Corrupt`] if rows cannot be read; what `visit` returns.
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
    /// [`C1zError::Corrupt`] if rows cannot be read; what `visit` returns.
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
        let mut weight = self.weight();
        while let Some(row) = rows.next().map_err(|error| self.damaged(&error))? {
            weight.add(row).map_err(|error| self.damaged(&error))?;
            let message = M::decode(columns::bytes(row, 0)).map_err(|error| C1zError::Corrupt {
                path: self.path.clone(),
                detail: format!("a row of {} is not readable: {error}", tables::TABLES[table].name),
            })?;
            visit(message)?;
        }
        Ok(())
    }

    /// The columns that a table has in this file; none if the table is missing, which the format allows.
    pub(crate) fn columns(&self, table: usize) -> Result<Vec<String>, C1zError> {
        // A view of that name, which could compute anything, is no table.
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

    /// The types of the resources that a sync has entitlements on, in order.
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

    /// Counts the rows of a sync, whatever the sync says of itself.
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

    /// What the rows of a statement may hold; ask anew for each.
    pub(crate) fn weight(&self) -> RowBudget {
        self.guard.weight()
    }

    /// What SQLite's refusal to read on means.
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

/// Whether there is a file; one that cannot be looked at may be there.
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
        // SQLite does not say why, but the next call does.
        Some(SystemIoFailure | CannotOpen) => match std::fs::File::open(database) {
            Err(refused) if is_exhausted(&refused) => Some(refused),
            _ => Some(io::Error::other(error.to_string())),
        },
        Some(DatabaseCorrupt | NotADatabase) => is_disk_error(database, limits),
        _ => None,
    };
    let path = path.to_owned();
    match blamed {
        // What the system says of the unpacked copy is no fault of the file.
        Some(source) => C1zError::io("reading the unpacked copy of", &path, source),
        None => C1zError::Corrupt {
            path,
            detail: error.to_string(),
        },
    }
}
