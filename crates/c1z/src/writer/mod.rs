//! Writes one sync into a c1z: rows to the database of a v1 or the store of a v3, then the file around it.

mod converted_rows;

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use baton_proto::connector_v2::{Entitlement, Resource, ResourceId, ResourceType};
use prost::Message;
use time::OffsetDateTime;

use crate::error::C1zError;
use crate::existing_file::{Contents, ExistingFile};
use crate::io::atomic_file::Target;
use crate::note;
use crate::options::{Limits, StorageEngine, WriterOptions};
use crate::previous_ids::{IdSpool, PreviousId};
use crate::previous_sync::PreviousSync;
use crate::reader::Reader;
use crate::retention;
use crate::retention::{LatestFull, RetainedSyncs};
use crate::stats::{self, SyncStats};
use crate::sync_row::{Lineage, SyncHeader};
use crate::v1::compress;
use crate::v1::grant_template::GrantTemplate;
use crate::v1::rows::{EntitlementRow, GrantRow, ResourceRow, ResourceTypeRow, SyncRunRow, external_id};
use crate::v1::sqlite::Database;
use crate::v1::sqlite::FinishError;
use crate::v1::tables;
use crate::v1::timestamp;
use crate::v3::{self, Rows, RowsError};

const FULL: &str = "full";
const PARTIAL: &str = "partial";

/// Writes one sync. Dropping it leaves the target unchanged.
#[derive(Debug)]
pub struct Writer {
    target: Target,
    rows: RowStore,
    options: WriterOptions,
    sync: SyncHeader,
    /// The previous full sync, which a new full one is compared with.
    previous: Option<PreviousSync>,
    /// The latest finished full sync in the file, which is the parent of a partial one.
    latest_full: Option<LatestFull>,
    /// The note about the sync, as a token.
    token: String,
    /// Syncs that retention keeps and that the file has no room for.
    left_out: usize,
    /// Syncs of the existing file that were copied.
    retained: usize,
    /// The lineage of a sync from another file.
    lineage: Option<Lineage>,
    discovered_at: String,
    stats: SyncStats,
    bytes: Vec<u8>,
    id: String,
}

/// What collects the rows until the file is written.
#[derive(Debug)]
enum RowStore {
    Sqlite(Database),
    Pebble(Rows),
}

/// A complete, verified and durable file that is not visible yet. Dropping it leaves the target unchanged.
#[derive(Debug)]
pub struct PreparedFile {
    target: Target,
    stats: SyncStats,
    left_out: usize,
    unpacked: u64,
}

/// A published file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its path.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Number of rows of the new sync.
    pub rows: u64,
}

impl Writer {
    /// Begins a sync. First copies the syncs of the target that retention keeps.
    ///
    /// # Errors
    /// [`C1zError`] if temporary files cannot be created or the existing file cannot be read.
    pub fn begin(target: Target, sync: SyncHeader, options: WriterOptions) -> Result<Self, C1zError> {
        Self::begin_if(target, sync, options, |_| Ok(()))
    }

    /// Begins a sync unless `check` rejects the syncs that the target has.
    ///
    /// # Errors
    /// As [`begin`](Self::begin), and the error of `check`.
    pub fn begin_if<E: From<C1zError>>(
        target: Target,
        sync: SyncHeader,
        options: WriterOptions,
        check: impl FnOnce(&Contents) -> Result<(), E>,
    ) -> Result<Self, E> {
        let folder = &options.temp_folder;
        if !folder.is_dir() {
            return Err(C1zError::NoFolder { path: folder.clone() }.into());
        }
        let existing = ExistingFile::open(&target, &options)?;
        if let Some(existing) = &existing {
            check(&existing.contents()?)?;
        }
        Ok(Self::begin_over(target, existing, sync, options)?)
    }

    fn begin_over(
        target: Target,
        existing: Option<ExistingFile>,
        sync: SyncHeader,
        options: WriterOptions,
    ) -> Result<Self, C1zError> {
        let folder = &options.temp_folder;
        let failed = |error| C1zError::io("making temporary files in", folder, error);
        let is_full = sync.sync_type == FULL;
        let latest = existing
            .as_ref()
            .and_then(|existing| Some((existing, existing.latest_full()?)));
        let mut latest_full = latest
            .map(|(existing, sync)| {
                Ok::<_, C1zError>(LatestFull {
                    sync_id: sync.sync_id.clone(),
                    stats: existing.stats(sync)?,
                    is_retained: false,
                })
            })
            .transpose()?;
        // Only a full sync is compared.
        let is_compared = is_full && latest_full.is_some();
        let mut spool = None;
        let mut retained = RetainedSyncs::default();
        let rows = match StorageEngine::choose(target.existing_format(), options.engine) {
            StorageEngine::Sqlite => {
                let created = Database::create(folder, &tables::TABLES, Arc::clone(&options.stop));
                let mut database = created.map_err(failed)?;
                let reader = existing
                    .as_ref()
                    .and_then(|existing| Some((existing.database()?, existing)));
                if let Some((reader, existing)) = reader {
                    if let Some(latest) = latest_full.as_ref().filter(|_| is_compared) {
                        spool = Some(IdSpool::create(&latest.sync_id, folder)?);
                    }
                    retained = retention::carry_over(
                        existing,
                        reader,
                        &mut database,
                        &options,
                        is_full,
                        spool.as_mut(),
                    )?;
                    if let Some(latest_full) = &mut latest_full {
                        latest_full.is_retained = retained.ids.contains(&latest_full.sync_id);
                    }
                }
                RowStore::Sqlite(database)
            }
            StorageEngine::Pebble => {
                if latest_full.is_some() && !is_full {
                    return Err(C1zError::OneSync {
                        path: target.path().to_owned(),
                    });
                }
                RowStore::Pebble(Rows::create(folder, sync.started_at).map_err(failed)?)
            }
        };
        let previous = match spool {
            Some(spool) => Some(PreviousSync::Spooled(spool.finish()?)),
            None => existing
                .filter(|_| is_compared)
                .and_then(ExistingFile::into_store)
                .map(PreviousSync::Store),
        };
        Ok(Self {
            target,
            rows,
            previous,
            latest_full,
            token: String::new(),
            left_out: retained.left_out,
            retained: retained.ids.len(),
            lineage: None,
            discovered_at: timestamp::format(sync.started_at),
            sync,
            options,
            stats: SyncStats::default(),
            bytes: Vec::new(),
            id: String::new(),
        })
    }

    /// Adds the ids of all resources and grants of [`previous`](Self::previous), in no particular order, to what `begin` makes.
    /// It is called again if an index that was read turns out to be incomplete.
    ///
    /// # Errors
    /// [`C1zError`] if they cannot be read.
    pub fn fold_previous_ids<C>(
        &mut self,
        begin: impl Fn() -> C,
        add: impl Fn(&mut C, PreviousId<'_>),
    ) -> Result<C, C1zError> {
        let WriterOptions {
            temp_folder, stop, ..
        } = &self.options;
        match self.previous.take() {
            Some(previous) => previous.fold(temp_folder, stop, begin, add),
            None => Ok(begin()),
        }
    }

    /// Stores a note about the sync in its token, which other readers ignore in finished syncs.
    pub fn set_note(&mut self, note: &serde_json::Value) {
        self.token = note::token(note);
    }

    /// The latest finished full sync of the existing file: its id and row counts.
    #[must_use]
    pub fn previous(&self) -> Option<(&str, &SyncStats)> {
        self.latest_full
            .as_ref()
            .map(|sync| (sync.sync_id.as_str(), &sync.stats))
    }

    /// Writes the sync as a partial one, because it is not complete.
    ///
    /// # Errors
    /// [`C1zError::LastFullSync`] or [`C1zError::OneSync`] if the file would lose its only full sync.
    pub fn mark_partial(&mut self) -> Result<(), C1zError> {
        let path = || self.target.path().to_owned();
        if self.latest_full.is_some() && matches!(self.rows, RowStore::Pebble(_)) {
            return Err(C1zError::OneSync { path: path() });
        }
        if self.latest_full.as_ref().is_some_and(|sync| !sync.is_retained) {
            return Err(C1zError::LastFullSync { path: path() });
        }
        self.sync.sync_type = PARTIAL;
        Ok(())
    }

    /// Adds a resource type.
    ///
    /// # Errors
    /// [`C1zError`] if temporary files cannot be written.
    pub fn put_resource_type(&mut self, row: &ResourceType) -> Result<(), C1zError> {
        self.stats.resource_types += 1;
        let inserted = match &mut self.rows {
            RowStore::Sqlite(database) => {
                encode(row, &mut self.bytes);
                let row = ResourceTypeRow {
                    external_id: &row.id,
                    data: &self.bytes,
                    sync_id: &self.sync.sync_id,
                    discovered_at: &self.discovered_at,
                };
                row.insert(database)
            }
            RowStore::Pebble(rows) => rows.put_resource_type(row),
        };
        inserted.map_err(|error| temp_failure(&self.options.temp_folder, error))
    }

    /// Adds a resource. Takes it, because a v3 stores its parts in another message.
    ///
    /// # Errors
    /// [`C1zError`] if temporary files cannot be written.
    pub fn put_resource(&mut self, row: Resource) -> Result<(), C1zError> {
        let no_id = ResourceId::default();
        let id = row.id.as_ref().unwrap_or(&no_id);
        self.stats.resources += 1;
        stats::count(&mut self.stats.resources_by_resource_type, &id.resource_type, 1);
        let inserted = match &mut self.rows {
            RowStore::Sqlite(database) => {
                encode(&row, &mut self.bytes);
                external_id(id, &mut self.id);
                let parent = row.parent_resource_id.as_ref();
                let row = ResourceRow {
                    resource_type_id: &id.resource_type,
                    external_id: &self.id,
                    parent_resource_type_id: parent.map(|parent| parent.resource_type.as_str()),
                    parent_resource_id: parent.map(|parent| parent.resource.as_str()),
                    data: &self.bytes,
                    sync_id: &self.sync.sync_id,
                    discovered_at: &self.discovered_at,
                };
                row.insert(database)
            }
            RowStore::Pebble(rows) => rows.put_resource(row),
        };
        inserted.map_err(|error| temp_failure(&self.options.temp_folder, error))
    }

    /// Adds an entitlement.
    ///
    /// # Errors
    /// [`C1zError`] if temporary files cannot be written.
    pub fn put_entitlement(&mut self, row: &Entitlement) -> Result<(), C1zError> {
        let no_id = ResourceId::default();
        let resource = row.resource.as_ref().and_then(|resource| resource.id.as_ref());
        let resource = resource.unwrap_or(&no_id);
        self.stats.entitlements += 1;
        let by_type = &mut self.stats.entitlements_by_resource_type;
        stats::count(by_type, &resource.resource_type, 1);
        let inserted = match &mut self.rows {
            RowStore::Sqlite(database) => {
                encode(row, &mut self.bytes);
                let row = EntitlementRow {
                    resource_type_id: &resource.resource_type,
                    resource_id: &resource.resource,
                    external_id: &row.id,
                    data: &self.bytes,
                    sync_id: &self.sync.sync_id,
                    discovered_at: &self.discovered_at,
                };
                row.insert(database)
            }
            RowStore::Pebble(rows) => rows.put_entitlement(row),
        };
        inserted.map_err(|error| temp_failure(&self.options.temp_folder, error))
    }

    /// Adds grants of one entitlement.
    ///
    /// # Errors
    /// [`C1zError`] if temporary files cannot be written.
    pub fn put_grants<'p>(
        &mut self,
        template: &GrantTemplate,
        principals: impl Iterator<Item = &'p str>,
    ) -> Result<(), C1zError> {
        let database = match &mut self.rows {
            RowStore::Sqlite(database) => database,
            RowStore::Pebble(rows) => {
                let put = rows.put_grants(&template.record, principals);
                let rows = put.map_err(|error| temp_failure(&self.options.temp_folder, error))?;
                self.count_grants(template, rows);
                return Ok(());
            }
        };
        let mut rows = 0;
        for principal in principals {
            template.grant_id(principal, &mut self.id);
            template.encode(principal, &self.id, &mut self.bytes);
            let row = GrantRow {
                resource_type_id: &template.resource.resource_type,
                resource_id: &template.resource.resource,
                entitlement_id: &template.entitlement_id,
                principal_resource_type_id: &template.principal_type,
                principal_resource_id: principal,
                external_id: &self.id,
                expansion: None,
                needs_expansion: false,
                data: &self.bytes,
                sync_id: &self.sync.sync_id,
                discovered_at: &self.discovered_at,
            };
            let inserted = row.insert(database);
            inserted.map_err(|error| temp_failure(&self.options.temp_folder, error))?;
            rows += 1;
        }
        self.count_grants(template, rows);
        Ok(())
    }

    fn count_grants(&mut self, template: &GrantTemplate, rows: u64) {
        self.stats.grants += rows;
        stats::count(
            &mut self.stats.grants_by_resource_type,
            &template.resource.resource_type,
            rows,
        );
    }

    /// Completes the file: sync run, indexes, compression, read-back, fsync. It is not visible yet.
    ///
    /// # Errors
    /// [`C1zError`] if an id was written twice, or files cannot be written.
    pub fn prepare(mut self, ended_at: OffsetDateTime) -> Result<PreparedFile, C1zError> {
        // Stands in for the rows, which move out of `self`.
        let placeholder = Rows::create(&self.options.temp_folder, ended_at)
            .map_err(|error| temp_failure(&self.options.temp_folder, error))?;
        let unpacked = match std::mem::replace(&mut self.rows, RowStore::Pebble(placeholder)) {
            RowStore::Sqlite(database) => self.complete_v1(database, ended_at)?,
            RowStore::Pebble(rows) => {
                self.complete_v3(rows, ended_at)?;
                0
            }
        };
        let settled = self.target.apply_permissions();
        settled.map_err(|error| C1zError::io("writing", self.target.temp_file().1, error))?;
        Ok(PreparedFile {
            target: self.target,
            stats: self.stats,
            left_out: self.left_out,
            unpacked,
        })
    }

    /// Completes a v1. Returns its unpacked size in bytes.
    fn complete_v1(&mut self, mut database: Database, ended_at: OffsetDateTime) -> Result<u64, C1zError> {
        let folder = &self.options.temp_folder;
        self.put_sync_run(&mut database, ended_at)
            .map_err(|error| temp_failure(folder, error))?;
        let mut database = finish(database, folder)?;
        let size_of = |database: &File| {
            let found = database.metadata();
            Ok::<_, C1zError>(found.map_err(|error| temp_failure(folder, error))?.len())
        };
        let mut size = size_of(&database)?;
        if size > retention::readable_bytes(&self.options) && self.retained > 0 {
            database = self.without_retained(database)?;
            self.left_out += self.retained;
            size = size_of(&database)?;
        }
        let limit = self.options.limits.decoded_bytes;
        if size > limit {
            return Err(C1zError::TooLargeToRead {
                path: self.target.path().to_owned(),
                bytes: size,
                limit,
            });
        }
        let (file, path) = self.target.temp_file();
        let stop = &self.options.stop;
        compress::compress(database, file, self.options.compression, stop)
            .map_err(|error| C1zError::io("writing", path, error))?;
        compress::verify(file, size, tables::trees(), stop)
            .map_err(|error| C1zError::io("reading back", path, error))?;
        Ok(size)
    }

    /// Copies the new sync without the retained ones, because with them the file is too large.
    fn without_retained(&self, database: File) -> Result<File, C1zError> {
        if self.sync.sync_type != FULL && self.latest_full.is_some() {
            return Err(C1zError::LastFullSync {
                path: self.target.path().to_owned(),
            });
        }
        let folder = &self.options.temp_folder;
        let limits = Limits {
            decoded_bytes: u64::MAX,
            ..self.options.limits
        };
        let reader = Reader::from_database(database, self.target.path(), folder, limits)?;
        let created = Database::create(folder, &tables::TABLES, Arc::clone(&self.options.stop));
        let mut without_retained = created.map_err(|error| temp_failure(folder, error))?;
        let own = HashSet::from([self.sync.sync_id.clone()]);
        retention::copy(&reader, &own, &mut without_retained, &self.options, None)?;
        drop(reader);
        finish(without_retained, folder)
    }

    fn complete_v3(&self, rows: Rows, ended_at: OffsetDateTime) -> Result<(), C1zError> {
        let lineage = self.lineage();
        let summary = v3::Summary {
            sync_id: &self.sync.sync_id,
            sync_type: self.sync.sync_type,
            started_at: self.sync.started_at,
            ended_at,
            lineage: &lineage,
            stats: &self.stats,
        };
        let (file, path) = self.target.temp_file();
        let stop = &self.options.stop;
        let written = v3::write_file(rows, &summary, file, self.options.compression, stop);
        let bytes = written.map_err(|error| match error {
            RowsError::Io(error) => C1zError::io("writing", path, error),
            RowsError::Duplicate { table, id } => C1zError::Duplicate { table, id },
        })?;
        let limit = self.options.limits.decoded_bytes;
        if bytes > limit {
            return Err(C1zError::TooLargeToRead {
                path: self.target.path().to_owned(),
                bytes,
                limit,
            });
        }
        v3::verify(file, path, stop)
    }

    fn put_sync_run(&self, database: &mut Database, ended_at: OffsetDateTime) -> io::Result<()> {
        let stats = serde_json::to_string(&self.stats).unwrap_or_else(|_| "{}".to_owned());
        let lineage = self.lineage();
        let row = SyncRunRow {
            sync_id: &self.sync.sync_id,
            started_at: &timestamp::format(self.sync.started_at),
            ended_at: Some(&timestamp::format(ended_at)),
            sync_token: &lineage.token,
            sync_type: self.sync.sync_type,
            parent_sync_id: &lineage.parent_sync_id,
            linked_sync_id: &lineage.linked_sync_id,
            supports_diff: lineage.supports_diff,
            stats: Some(&stats),
            ingest_invariant_generation: &lineage.ingest_checks.generation,
            ingest_invariant_coverage: &lineage.ingest_checks.coverage_text(),
            ingest_invariant_mode: &lineage.ingest_checks.mode,
        };
        row.insert(database)
    }

    fn lineage(&self) -> Lineage {
        let own = || {
            let is_child = self.sync.sync_type == PARTIAL;
            let parent = self.latest_full.as_ref().filter(|_| is_child);
            Lineage {
                parent_sync_id: parent.map(|sync| sync.sync_id.clone()).unwrap_or_default(),
                // Grants were read, and none of them needs expansion.
                supports_diff: self.sync.sync_type == FULL,
                token: self.token.clone(),
                ..Lineage::default()
            }
        };
        self.lineage.clone().unwrap_or_else(own)
    }
}

impl PreparedFile {
    /// The row counts of the sync.
    #[must_use]
    pub fn stats(&self) -> &SyncStats {
        &self.stats
    }

    /// Number of syncs that retention keeps but that were left out, because with them the file would unpack to more than readers
    /// accept.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Whether the file unpacks to more than baton-sdk accepts by default.
    #[must_use]
    pub fn is_too_large_for_others(&self) -> bool {
        self.unpacked > retention::REFERENCE_DECODED_BYTES
    }

    /// Replaces the target with the file, atomically.
    ///
    /// # Errors
    /// [`C1zError`] if the file cannot be renamed. The target is unchanged, except for [`C1zError::NotConfirmed`].
    pub fn publish(self) -> Result<Published, C1zError> {
        let path = self.target.path().to_owned();
        Ok(Published {
            bytes: self.target.publish()?,
            path,
            rows: self.stats.rows(),
        })
    }

    /// Publishes the file beside the target, as `<target>.candidate`, and leaves the target unchanged. Returns its path.
    ///
    /// # Errors
    /// [`C1zError`] if it cannot be renamed.
    pub fn quarantine(self) -> Result<PathBuf, C1zError> {
        self.target.quarantine()
    }
}

fn finish(database: Database, folder: &Path) -> Result<File, C1zError> {
    database.finish(&|_, _| {}).map_err(|error| match error {
        FinishError::Io(error) => temp_failure(folder, error),
        FinishError::Duplicate(duplicate) => C1zError::Duplicate {
            table: duplicate.table,
            id: duplicate.values,
        },
    })
}

/// Encodes a message into `out`, which is cleared first.
fn encode(message: &impl Message, out: &mut Vec<u8>) {
    out.clear();
    // Encoding into a vector cannot fail: it grows.
    message.encode_raw(out);
}

fn temp_failure(folder: &Path, error: io::Error) -> C1zError {
    C1zError::io("writing temporary files in", folder, error)
}
