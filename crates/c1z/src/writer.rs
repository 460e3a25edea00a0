//! Writes one sync into a c1z. `stored.rs` puts rows that another file had.

mod converted_rows;

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use baton_proto::connector_v2::{Entitlement, Resource, ResourceId, ResourceType};
use prost::Message;
use time::OffsetDateTime;

use crate::earlier::{Contents, Earlier, EarlierId};
use crate::error::C1zError;
use crate::format::Container;
use crate::io::atomic_file::Target;
use crate::note;
use crate::previous_ids::{IdSpool, PreviousIds};
use crate::reader::Reader;
use crate::retention;
use crate::retention::LatestFull;
use crate::retention::Retention;
use crate::stats::{self, SyncStats};
use crate::v1::compress;
use crate::v1::compress::Compression;
use crate::v1::decompress::Limits;
use crate::v1::grant_template::GrantTemplate;
use crate::v1::sqlite::Database;
use crate::v1::sqlite::FinishError;
use crate::v1::sqlite::Value;
use crate::v1::tables;
use crate::v1::timestamp;
use crate::v3::{self, Rows, RowsError};

const FULL: &str = "full";
const PARTIAL: &str = "partial";

/// The sync that is written, as the `v1_sync_runs` table has it (docs/reference/c1z.md §2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncHeader {
    /// Its KSUID.
    pub sync_id: String,
    /// `full`, `resources_only` or `partial`.
    pub sync_type: &'static str,
    /// When it began.
    pub started_at: OffsetDateTime,
}

/// What a sync says of itself besides: nothing, unless it comes from another file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lineage {
    pub(crate) parent_sync_id: String,
    pub(crate) linked_sync_id: String,
    pub(crate) supports_diff: bool,
    pub(crate) checked: Checked,
    /// The note of its writer, as a token; else nothing.
    pub(crate) token: String,
}

/// The checks that a sync has passed, as its writer names them (docs/reference/c1z.md §5.7).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) generation: String,
    pub(crate) coverage: Vec<String>,
    pub(crate) mode: String,
}

impl Checked {
    /// The coverage as v1 has it: a list in JSON, or nothing.
    pub(crate) fn coverage_text(&self) -> String {
        if self.coverage.is_empty() {
            return String::new();
        }
        serde_json::to_string(&self.coverage).unwrap_or_default()
    }
}

/// What a c1z keeps its rows in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageEngine {
    /// SQLite: the file is a v1.
    Sqlite,
    /// Pebble: the file is a v3.
    Pebble,
}

impl StorageEngine {
    /// What files with it are called.
    #[must_use]
    pub fn format(self) -> &'static str {
        match self {
            Self::Sqlite => "v1",
            Self::Pebble => "v3",
        }
    }

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Sqlite => Self::Pebble,
            Self::Pebble => Self::Sqlite,
        }
    }

    /// The one that a file is written with. What exists decides, except that a v1 becomes a v3 if that is asked for; v1
    /// is what all readers read, so it is the one for new files (docs/reference/c1z.md §0, §1.3).
    fn choose(holds: &Container, wanted: Option<Self>) -> Self {
        match (holds, wanted) {
            (Container::V3, _) | (_, Some(Self::Pebble)) => Self::Pebble,
            _ => Self::Sqlite,
        }
    }
}

/// How to write.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    /// Where the unpacked database and the sort runs go while the sync is written. Files there have no names.
    pub temp_folder: PathBuf,
    /// What to write, if that is not given by what is there; `None` = the usual.
    pub engine: Option<StorageEngine>,
    /// What becomes of syncs that the file already has; in v3 only the new one stays.
    pub retention: Retention,
    /// How hard to compress.
    pub compression: Compression,
    /// Limits for unpacking a file that is continued.
    pub limits: Limits,
    /// Set to stop the work at the next page.
    pub stop: Arc<AtomicBool>,
}

/// A sync on its way into a file. Dropping it leaves the target as it was.
#[derive(Debug)]
pub struct Writer {
    target: Target,
    rows: Sink,
    options: WriterOptions,
    sync: SyncHeader,
    /// The ids of the sync that a full one is compared with.
    earlier: Option<PreviousIds>,
    /// The latest finished full sync in the file, which is the parent of a partial one.
    latest_full: Option<LatestFull>,
    /// The writer's note about the sync, as a token.
    token: String,
    /// Syncs that retention keeps and that the file has no room for.
    left_out: usize,
    /// Syncs that were carried over.
    carried: usize,
    /// Of another file's sync.
    lineage: Option<Lineage>,
    discovered_at: String,
    stats: SyncStats,
    bytes: Vec<u8>,
    id: String,
}

/// Where rows go.
#[derive(Debug)]
enum Sink {
    Sqlite(Database),
    Pebble(Rows),
}

/// A complete, verified and durable file that is not visible yet. Dropping it leaves the target as it was.
#[derive(Debug)]
pub struct PreparedFile {
    target: Target,
    stats: SyncStats,
    left_out: usize,
    unpacked: u64,
}

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Rows of the new sync in it.
    pub rows: u64,
}

impl Writer {
    /// Begins a sync. Syncs that the target has and that retention keeps are carried over first.
    ///
    /// # Errors
    /// [`C1zError`] if temporary files cannot be made or the existing file cannot be read.
    pub fn begin(target: Target, sync: SyncHeader, options: WriterOptions) -> Result<Self, C1zError> {
        Self::begin_if(target, sync, options, |_| Ok(()))
    }

    /// Begins a sync unless `check` refuses what the target holds.
    ///
    /// # Errors
    /// As [`begin`](Self::begin); what `check` returns.
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
        let earlier = Earlier::open(&target, &options)?;
        if let Some(earlier) = &earlier {
            check(&earlier.contents()?)?;
        }
        Ok(Self::begin_over(target, earlier, sync, options)?)
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "the unpacked copy of the earlier syncs goes when the writer has what it needs of it"
    )]
    fn begin_over(
        target: Target,
        earlier: Option<Earlier>,
        sync: SyncHeader,
        options: WriterOptions,
    ) -> Result<Self, C1zError> {
        let folder = &options.temp_folder;
        let failed = |error| C1zError::io("making temporary files in", folder, error);
        let is_full = sync.sync_type == FULL;
        let latest = earlier
            .as_ref()
            .and_then(|earlier| Some((earlier, earlier.latest_full()?)));
        let mut latest_full = latest
            .map(|(earlier, sync)| {
                Ok::<_, C1zError>(LatestFull {
                    sync_id: sync.sync_id.clone(),
                    stats: earlier.stats(sync)?,
                    kept: false,
                })
            })
            .transpose()?;
        // Only a full sync is compared.
        let mut ids = match &latest_full {
            Some(latest) if is_full => Some(IdSpool::create(&latest.sync_id, folder)?),
            _ => None,
        };
        let mut carried = None;
        let rows = match StorageEngine::choose(target.holds(), options.engine) {
            StorageEngine::Sqlite => {
                let made = Database::create(folder, &tables::TABLES, Arc::clone(&options.stop));
                let mut database = made.map_err(failed)?;
                let reader = earlier
                    .as_ref()
                    .and_then(|earlier| Some((earlier.database()?, earlier)));
                if let Some((reader, earlier)) = reader {
                    let taken = retention::carry_over(
                        earlier,
                        reader,
                        &mut database,
                        &options,
                        is_full,
                        ids.as_mut(),
                    )?;
                    if let Some(latest_full) = &mut latest_full {
                        latest_full.kept = taken.kept.contains(&latest_full.sync_id);
                    }
                    carried = Some(taken);
                }
                Sink::Sqlite(database)
            }
            StorageEngine::Pebble => {
                if latest_full.is_some() && !is_full {
                    return Err(C1zError::OneSync {
                        path: target.path().to_owned(),
                    });
                }
                Sink::Pebble(Rows::create(folder, sync.started_at).map_err(failed)?)
            }
        };
        if let (Some(earlier), Some(ids), None) = (&earlier, &mut ids, &carried) {
            earlier.spool(ids, &options.stop)?;
        }
        let carried = carried.unwrap_or_default();
        // The unpacked copy goes now: the new database needs its room.
        let earlier = ids.map(IdSpool::finish).transpose()?;
        Ok(Self {
            target,
            rows,
            earlier,
            latest_full,
            token: String::new(),
            left_out: carried.left_out,
            carried: carried.kept.len(),
            lineage: None,
            discovered_at: timestamp::format(sync.started_at),
            sync,
            options,
            stats: SyncStats::default(),
            bytes: Vec::new(),
            id: String::new(),
        })
    }

    /// Calls `take` with the ids of all resources and grants of [`previous`](Self::previous), in no particular order.
    ///
    /// # Errors
    /// [`C1zError`] if they cannot be read.
    pub fn each_previous_id(&mut self, take: impl FnMut(EarlierId<'_>)) -> Result<(), C1zError> {
        match self.earlier.take() {
            Some(earlier) => earlier.each(&self.options.temp_folder, &self.options.stop, take),
            None => Ok(()),
        }
    }

    /// Notes something about the sync where readers of finished syncs do not look.
    pub fn set_note(&mut self, note: &serde_json::Value) {
        self.token = note::token(note);
    }

    /// The latest finished full sync that the file had: its id and its counts.
    #[must_use]
    pub fn previous(&self) -> Option<(&str, &SyncStats)> {
        self.latest_full
            .as_ref()
            .map(|sync| (sync.sync_id.as_str(), &sync.stats))
    }

    /// The sync turned out to miss something, so it is written as a partial one.
    ///
    /// # Errors
    /// [`C1zError::LastFullSync`] or [`C1zError::OneSync`] if the file had a full sync and was to keep none but the new one.
    pub fn degrade(&mut self) -> Result<(), C1zError> {
        let path = || self.target.path().to_owned();
        if self.latest_full.is_some() && matches!(self.rows, Sink::Pebble(_)) {
            return Err(C1zError::OneSync { path: path() });
        }
        if self.latest_full.as_ref().is_some_and(|sync| !sync.kept) {
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
        self.encode(row);
        self.stats.resource_types += 1;
        let values = [
            Value::from(row.id.as_str()),
            Value::Blob(&self.bytes),
            Value::from(self.sync.sync_id.as_str()),
            Value::from(self.discovered_at.as_str()),
        ];
        let inserted = match &mut self.rows {
            Sink::Sqlite(database) => database.insert(tables::RESOURCE_TYPES, &values),
            Sink::Pebble(rows) => rows.put_resource_type(row),
        };
        inserted.map_err(|error| temp_failure(&self.options.temp_folder, error))
    }

    /// Adds a resource.
    ///
    /// # Errors
    /// [`C1zError`] if temporary files cannot be written.
    pub fn put_resource(&mut self, row: &Resource) -> Result<(), C1zError> {
        self.encode(row);
        let nothing = ResourceId::default();
        let id = row.id.as_ref().unwrap_or(&nothing);
        external_id(id, &mut self.id);
        let parent = row.parent_resource_id.as_ref();
        let parent_column =
            |part: fn(&ResourceId) -> &str| parent.map_or(Value::Null, |id| Value::from(part(id)));
        self.stats.resources += 1;
        stats::count(&mut self.stats.resources_by_resource_type, &id.resource_type, 1);
        let values = [
            Value::from(id.resource_type.as_str()),
            Value::from(self.id.as_str()),
            parent_column(|id| &id.resource_type),
            parent_column(|id| &id.resource),
            Value::Blob(&self.bytes),
            Value::from(self.sync.sync_id.as_str()),
            Value::from(self.discovered_at.as_str()),
        ];
        let inserted = match &mut self.rows {
            Sink::Sqlite(database) => database.insert(tables::RESOURCES, &values),
            Sink::Pebble(rows) => rows.put_resource(row),
        };
        inserted.map_err(|error| temp_failure(&self.options.temp_folder, error))
    }

    /// Adds an entitlement.
    ///
    /// # Errors
    /// [`C1zError`] if temporary files cannot be written.
    pub fn put_entitlement(&mut self, row: &Entitlement) -> Result<(), C1zError> {
        self.encode(row);
        let nothing = ResourceId::default();
        let resource = row
            .resource
            .as_ref()
            .and_then(|resource| resource.id.as_ref())
            .unwrap_or(&nothing);
        self.stats.entitlements += 1;
        stats::count(
            &mut self.stats.entitlements_by_resource_type,
            &resource.resource_type,
            1,
        );
        let values = [
            Value::from(resource.resource_type.as_str()),
            Value::from(resource.resource.as_str()),
            Value::from(row.id.as_str()),
            Value::Blob(&self.bytes),
            Value::from(self.sync.sync_id.as_str()),
            Value::from(self.discovered_at.as_str()),
        ];
        let inserted = match &mut self.rows {
            Sink::Sqlite(database) => database.insert(tables::ENTITLEMENTS, &values),
            Sink::Pebble(rows) => rows.put_entitlement(row),
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
            Sink::Sqlite(database) => database,
            Sink::Pebble(rows) => {
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
            let values = [
                Value::from(template.resource.resource_type.as_str()),
                Value::from(template.resource.resource.as_str()),
                Value::from(template.entitlement_id.as_str()),
                Value::from(template.principal_type.as_str()),
                Value::from(principal),
                Value::from(self.id.as_str()),
                Value::Null,
                Value::Integer(0),
                Value::Blob(&self.bytes),
                Value::from(self.sync.sync_id.as_str()),
                Value::from(self.discovered_at.as_str()),
            ];
            let inserted = database.insert(tables::GRANTS, &values);
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
    /// [`C1zError`] if an id came twice, or files cannot be written.
    pub fn prepare(mut self, ended_at: OffsetDateTime) -> Result<PreparedFile, C1zError> {
        // What takes its place is never used.
        let nothing = Rows::create(&self.options.temp_folder, ended_at)
            .map_err(|error| temp_failure(&self.options.temp_folder, error))?;
        let unpacked = match std::mem::replace(&mut self.rows, Sink::Pebble(nothing)) {
            Sink::Sqlite(database) => self.complete_v1(database, ended_at)?,
            Sink::Pebble(rows) => {
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

    /// Gives the unpacked size.
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
        if size > retention::readable_bytes(&self.options) && self.carried > 0 {
            database = self.alone(database)?;
            self.left_out += self.carried;
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
        compress::seal(database, file, self.options.compression, stop)
            .map_err(|error| C1zError::io("writing", path, error))?;
        compress::verify(file, size, tables::trees(), stop)
            .map_err(|error| C1zError::io("reading back", path, error))?;
        Ok(size)
    }

    /// The new sync without the ones that were carried over: it turned out larger than the one before.
    fn alone(&self, database: File) -> Result<File, C1zError> {
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
        let reader = Reader::of_database(database, self.target.path(), folder, limits)?;
        let made = Database::create(folder, &tables::TABLES, Arc::clone(&self.options.stop));
        let mut alone = made.map_err(|error| temp_failure(folder, error))?;
        let own = HashSet::from([self.sync.sync_id.clone()]);
        retention::copy(&reader, &own, &mut alone, &self.options, None)?;
        drop(reader);
        finish(alone, folder)
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
        let sealed = v3::seal(rows, &summary, file, self.options.compression, stop);
        let bytes = sealed.map_err(|error| match error {
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
        let text = serde_json::to_string(&self.stats).unwrap_or_else(|_| "{}".to_owned());
        let (started_at, ended_at) = (
            timestamp::format(self.sync.started_at),
            timestamp::format(ended_at),
        );
        let lineage = self.lineage();
        let coverage = lineage.checked.coverage_text();
        let values = [
            Value::from(self.sync.sync_id.as_str()),
            Value::from(started_at.as_str()),
            Value::from(ended_at.as_str()),
            Value::from(lineage.token.as_str()),
            Value::from(self.sync.sync_type),
            Value::from(lineage.parent_sync_id.as_str()),
            Value::from(lineage.linked_sync_id.as_str()),
            Value::Integer(i64::from(lineage.supports_diff)),
            Value::Integer(1),
            Value::from(text.as_str()),
            Value::from(lineage.checked.generation.as_str()),
            Value::from(coverage.as_str()),
            Value::from(lineage.checked.mode.as_str()),
        ];
        database.insert(tables::SYNC_RUNS, &values)
    }

    fn lineage(&self) -> Lineage {
        let own = || {
            let is_child = self.sync.sync_type == PARTIAL;
            let parent = self.latest_full.as_ref().filter(|_| is_child);
            Lineage {
                parent_sync_id: parent.map(|sync| sync.sync_id.clone()).unwrap_or_default(),
                // Grants were read and none of them waits for expansion.
                supports_diff: self.sync.sync_type == FULL,
                token: self.token.clone(),
                ..Lineage::default()
            }
        };
        self.lineage.clone().unwrap_or_else(own)
    }

    fn encode(&mut self, row: &impl Message) {
        self.bytes.clear();
        // A vector grows, so there is always room.
        row.encode_raw(&mut self.bytes);
    }
}

impl PreparedFile {
    /// What the sync has.
    #[must_use]
    pub fn stats(&self) -> &SyncStats {
        &self.stats
    }

    /// How many syncs were left out although retention keeps them: with them the file would unpack to more than readers take.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Whether the file unpacks to more than readers of the reference take by default.
    #[must_use]
    pub fn is_too_large_for_others(&self) -> bool {
        self.unpacked > retention::REFERENCE_DECODED_BYTES
    }

    /// Makes the file visible in one step.
    ///
    /// # Errors
    /// [`C1zError`] if it cannot be renamed; the target is as it was then.
    pub fn publish(self) -> Result<Published, C1zError> {
        let path = self.target.path().to_owned();
        Ok(Published {
            bytes: self.target.publish()?,
            path,
            rows: self.stats.rows(),
        })
    }

    /// Keeps the file beside the target, as `<target>.candidate`, and leaves the target as it is. Gives its path.
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

/// `<resource type>:<resource>` (docs/reference/c1z.md §2.3).
fn external_id(id: &ResourceId, out: &mut String) {
    out.clear();
    out.push_str(&id.resource_type);
    out.push(':');
    out.push_str(&id.resource);
}

fn temp_failure(folder: &Path, error: io::Error) -> C1zError {
    C1zError::io("writing temporary files in", folder, error)
}
