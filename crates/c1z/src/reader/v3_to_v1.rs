//! Reads a v3 file by making the database of a v1 of it: whatever reads syncs then reads both. Rows are translated in one pass,
//! in the order of their keys, and written as a sync's own rows are.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use baton_proto::connector_v2::{
    Entitlement, Grant, GrantExpandable, GrantSources, Resource, ResourceId, grant_sources::GrantSource,
};
use baton_proto::prost_types::Timestamp;
use baton_proto::storage_v3::{
    AssetRecord, EntitlementRecord, GrantRecord, ResourceRecord, ResourceTypeRecord, SyncRunRecord,
    SyncStatsRecord,
};
use prost::Message;
use time::OffsetDateTime;

use crate::error::C1zError;
use crate::v1::decompress::Limits;
use crate::v1::sqlite::Database;
use crate::v1::sqlite::FinishError;
use crate::v1::sqlite::Value;
use crate::v1::tables;
use crate::v1::timestamp;
use crate::v3::envelope::Envelope;
use crate::v3::key;
use crate::v3::manifest;
use crate::v3::pebble::StoreError;
use crate::v3::pebble::StoreReader;
use crate::v3::record;
use crate::writer::Checked;

/// The first engine. Its stores lack the version of their keys, without which the reference refuses them.
const OLDEST_ENGINE: &str = "pebble";
/// The engine between the first one and that of now (docs/reference/c1z.md §3.1).
const OLDER_ENGINE: &str = "pebble2";

/// Unpacks a file beside a path and puts the database of its rows there.
pub(crate) fn as_v1(path: &Path, to: &Path, limits: Limits, stop: &AtomicBool) -> Result<(), C1zError> {
    let unpacked = to.with_extension("store");
    unpack(path, &unpacked, limits, stop)?;
    let folder = to.parent().unwrap_or(&unpacked);
    let translated = translate(&unpacked, folder, limits, stop);
    // What cannot be removed now goes with the folder.
    let _ = fs::remove_dir_all(&unpacked);
    let mut database = translated.map_err(|error| error.of(path, folder, limits))?;
    let writing = |error| C1zError::io("unpacking to", to, error);
    let mut out = File::create(to).map_err(writing)?;
    database.seek(SeekFrom::Start(0)).map_err(writing)?;
    io::copy(&mut database, &mut out).map(drop).map_err(writing)
}

/// Unpacks the store in a file into a folder that is not there yet. Tells whether the manifest names a finished sync.
pub(crate) fn unpack(path: &Path, to: &Path, limits: Limits, stop: &AtomicBool) -> Result<bool, C1zError> {
    let mut envelope = Envelope::open(path, limits)?;
    envelope.check()?;
    if envelope.manifest().engine == OLDEST_ENGINE {
        return Err(C1zError::OldestV3 {
            path: path.to_owned(),
        });
    }
    if envelope.manifest().engine != manifest::ENGINE {
        return Err(C1zError::UnsupportedV3 {
            path: path.to_owned(),
            what: other_engine(&envelope.manifest().engine).into(),
        });
    }
    envelope.unpack_to(to, stop)?;
    let runs = &envelope.manifest().sync_runs;
    Ok(runs.iter().any(|run| run.ended_at.is_some()))
}

/// What is said of an engine that is not the one of now.
fn other_engine(engine: &str) -> String {
    let kind = if engine == OLDER_ENGINE {
        "an older"
    } else {
        "an unknown"
    };
    let short: String = engine.chars().take(20).collect();
    format!("its engine is {kind} one, {short:?}")
}

/// What can go wrong on the way.
pub(crate) enum Failure {
    Store(StoreError),
    Writing(io::Error),
    Twice(&'static str, String),
    Unreadable(&'static str, prost::DecodeError),
    TooLarge,
    Stopped,
}

impl From<StoreError> for Failure {
    fn from(broken: StoreError) -> Self {
        Self::Store(broken)
    }
}

impl Failure {
    pub(crate) fn of(self, path: &Path, folder: &Path, limits: Limits) -> C1zError {
        let path = path.to_owned();
        match self {
            Self::Store(StoreError::Io(error)) => C1zError::io("reading the unpacked copy of", &path, error),
            Self::Store(StoreError::Damaged(detail)) => C1zError::Corrupt { path, detail },
            Self::Store(StoreError::Unknown(what)) => C1zError::UnsupportedV3 {
                path,
                what: what.into(),
            },
            Self::Store(StoreError::TooLarge(what)) => C1zError::TooMuchMemory {
                path,
                limit: limits.window_bytes,
                what,
            },
            Self::Writing(error) => C1zError::io("writing temporary files in", folder, error),
            Self::Twice(table, id) => C1zError::Corrupt {
                path,
                detail: format!("two rows of {table} have the same id {id}"),
            },
            Self::Unreadable(table, error) => C1zError::Corrupt {
                path,
                detail: format!("a row of {table} is not readable: {error}"),
            },
            Self::TooLarge => C1zError::TooLarge {
                path,
                limit: limits.decoded_bytes,
            },
            Self::Stopped => C1zError::Stopped,
        }
    }
}

fn translate(unpacked: &Path, folder: &Path, limits: Limits, stop: &AtomicBool) -> Result<File, Failure> {
    let most = usize::try_from(limits.window_bytes).unwrap_or(usize::MAX);
    let store = StoreReader::open(unpacked, most)?;
    let ended = Arc::new(AtomicBool::new(false));
    let database =
        Database::create(folder, &tables::TABLES_TO_READ, Arc::clone(&ended)).map_err(Failure::Writing)?;
    let mut rows = V1Builder {
        store: &store,
        database,
        sync_id: String::new(),
        left: limits.decoded_bytes,
        stop,
    };
    check_layout(&store)?;
    rows.sync_run()?;
    rows.all("resource types", &key::RESOURCE_TYPE, V1Builder::resource_type)?;
    rows.all("resources", &key::RESOURCE, V1Builder::resource)?;
    rows.all("entitlements", &key::ENTITLEMENT, V1Builder::entitlement)?;
    rows.all("grants", &key::GRANT, V1Builder::grant)?;
    rows.all("assets", &key::ASSET, V1Builder::asset)?;
    let finished = rows.database.finish(&|_, _| {
        ended.fetch_or(stop.load(Ordering::Relaxed), Ordering::Relaxed);
    });
    finished.map_err(|error| match error {
        FinishError::Io(error) => Failure::Writing(error),
        FinishError::Duplicate(duplicate) => Failure::Twice(duplicate.table, duplicate.values),
    })
}

/// Whether the keys of a store are of the layout that is known here.
pub(crate) fn check_layout(store: &StoreReader) -> Result<(), Failure> {
    for stamp in [key::KEYSPACE, key::ID_FORMAT] {
        let mut found = None;
        store.each(stamp, |_, value| {
            found = Some(value.to_vec());
            Ok::<(), Failure>(())
        })?;
        if found.as_deref() != Some(&key::LAYOUT) {
            return Err(StoreError::Unknown("its keys are of an older or later layout").into());
        }
    }
    Ok(())
}

struct V1Builder<'s> {
    store: &'s StoreReader,
    database: Database,
    sync_id: String,
    /// Bytes that rows may still hold: small files could be made of which the rows are not.
    left: u64,
    stop: &'s AtomicBool,
}

impl V1Builder<'_> {
    /// Reads all records of a family.
    fn all<M: Message + Default>(
        &mut self,
        table: &'static str,
        prefix: &[u8],
        put: fn(&mut Self, M) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let store = self.store;
        store.each(prefix, |key, value| {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Failure::Stopped);
            }
            let bytes = (key.len() + value.len()) as u64 + key::ROW_OVERHEAD;
            self.left = self.left.checked_sub(bytes).ok_or(Failure::TooLarge)?;
            let record = M::decode(value).map_err(|error| Failure::Unreadable(table, error))?;
            put(self, record).map_err(Failure::Writing)
        })
    }

    fn sync_run(&mut self) -> Result<(), Failure> {
        let mut stats = None;
        self.store.each(key::STATS, |_, value| {
            let record =
                SyncStatsRecord::decode(value).map_err(|error| Failure::Unreadable("counts", error))?;
            stats = serde_json::to_string(&manifest::counts(&record)).ok();
            Ok::<(), Failure>(())
        })?;
        let mut run = None;
        self.store.each(&key::SYNC_RUN, |_, value| {
            run = Some(SyncRunRecord::decode(value).map_err(|error| Failure::Unreadable("syncs", error))?);
            Ok::<(), Failure>(())
        })?;
        let Some(run) = run else { return Ok(()) };
        let checked = Checked {
            generation: run.ingest_invariant_generation.clone(),
            coverage: run.ingest_invariant_coverage.clone(),
            mode: run.ingest_invariant_mode.clone(),
        };
        let coverage = checked.coverage_text();
        let times = (time(run.started_at), run.ended_at.map(|end| time(Some(end))));
        let values = [
            Value::from(run.sync_id.as_str()),
            Value::from(times.0.as_str()),
            times.1.as_deref().map_or(Value::Null, Value::from),
            Value::from(run.sync_token.as_str()),
            Value::from(manifest::type_name(run.r#type())),
            Value::from(run.parent_sync_id.as_str()),
            Value::from(run.linked_sync_id.as_str()),
            Value::Integer(i64::from(run.supports_diff)),
            Value::Integer(1),
            stats.as_deref().map_or(Value::Null, Value::from),
            Value::from(checked.generation.as_str()),
            Value::from(coverage.as_str()),
            Value::from(checked.mode.as_str()),
        ];
        self.database
            .insert(tables::SYNC_RUNS, &values)
            .map_err(Failure::Writing)?;
        self.sync_id = run.sync_id;
        Ok(())
    }

    fn resource_type(&mut self, record: ResourceTypeRecord) -> io::Result<()> {
        let discovered_at = time(record.discovered_at);
        let row = record::resource_type_of(record);
        let values = [
            Value::from(row.id.as_str()),
            Value::Blob(&row.encode_to_vec()),
            Value::from(self.sync_id.as_str()),
            Value::from(discovered_at.as_str()),
        ];
        self.database.insert(tables::RESOURCE_TYPES, &values)
    }

    fn resource(&mut self, record: ResourceRecord) -> io::Result<()> {
        let discovered_at = time(record.discovered_at);
        let row = record::resource_of(record);
        let id = row.id.clone().unwrap_or_default();
        let external_id = format!("{}:{}", id.resource_type, id.resource);
        let parent = row.parent_resource_id.as_ref();
        let values = [
            Value::from(id.resource_type.as_str()),
            Value::from(external_id.as_str()),
            parent.map_or(Value::Null, |id| Value::from(id.resource_type.as_str())),
            parent.map_or(Value::Null, |id| Value::from(id.resource.as_str())),
            Value::Blob(&row.encode_to_vec()),
            Value::from(self.sync_id.as_str()),
            Value::from(discovered_at.as_str()),
        ];
        self.database.insert(tables::RESOURCES, &values)
    }

    fn entitlement(&mut self, record: EntitlementRecord) -> io::Result<()> {
        let discovered_at = time(record.discovered_at);
        let resource = record.resource.clone().unwrap_or_default();
        let row = record::entitlement_of(record);
        let values = [
            Value::from(resource.resource_type_id.as_str()),
            Value::from(resource.resource_id.as_str()),
            Value::from(row.id.as_str()),
            Value::Blob(&row.encode_to_vec()),
            Value::from(self.sync_id.as_str()),
            Value::from(discovered_at.as_str()),
        ];
        self.database.insert(tables::ENTITLEMENTS, &values)
    }

    fn grant(&mut self, record: GrantRecord) -> io::Result<()> {
        insert_grant(&mut self.database, &self.sync_id, record, None)
    }

    #[expect(clippy::needless_pass_by_value, reason = "so are rows of all kinds put")]
    fn asset(&mut self, record: AssetRecord) -> io::Result<()> {
        insert_asset(&mut self.database, &self.sync_id, &record)
    }
}

/// Puts a grant into a v1's database; without its whole entitlement it names that by its ids.
pub(crate) fn insert_grant(
    database: &mut Database,
    sync_id: &str,
    record: GrantRecord,
    entitlement: Option<&Entitlement>,
) -> io::Result<()> {
    let discovered_at = time(record.discovered_at);
    let expansion = record.expansion.as_ref().map(|expansion| GrantExpandable {
        entitlement_ids: expansion.entitlement_ids.clone(),
        shallow: expansion.shallow,
        resource_type_ids: expansion.resource_type_ids.clone(),
    });
    let expansion = expansion.map(|expansion| expansion.encode_to_vec());
    let needs_expansion = i64::from(record.needs_expansion);
    let held = record.entitlement.clone().unwrap_or_default();
    let holder = record.principal.clone().unwrap_or_default();
    let mut row = grant_of(record);
    if let Some(whole) = entitlement {
        row.entitlement = Some(whole.clone());
    }
    let values = [
        Value::from(held.resource_type_id.as_str()),
        Value::from(held.resource_id.as_str()),
        Value::from(held.entitlement_id.as_str()),
        Value::from(holder.resource_type_id.as_str()),
        Value::from(holder.resource_id.as_str()),
        Value::from(row.id.as_str()),
        expansion.as_deref().map_or(Value::Null, Value::Blob),
        Value::Integer(needs_expansion),
        Value::Blob(&row.encode_to_vec()),
        Value::from(sync_id),
        Value::from(discovered_at.as_str()),
    ];
    database.insert(tables::GRANTS, &values)
}

/// Puts an asset into a v1's database.
pub(crate) fn insert_asset(database: &mut Database, sync_id: &str, record: &AssetRecord) -> io::Result<()> {
    let discovered_at = time(record.discovered_at);
    let values = [
        Value::from(record.external_id.as_str()),
        Value::from(record.content_type.as_str()),
        Value::Blob(&record.data),
        Value::from(sync_id),
        Value::from(discovered_at.as_str()),
    ];
    database.insert(tables::ASSETS, &values)
}

/// A grant of which entitlement and principal are named by their ids only. Without an id of its own it has the usual one.
fn grant_of(record: GrantRecord) -> Grant {
    let stub = |resource_type: &str, resource: &str| Resource {
        id: Some(ResourceId {
            resource_type: resource_type.to_owned(),
            resource: resource.to_owned(),
            baton_resource: false,
        }),
        ..Resource::default()
    };
    let held = record.entitlement.unwrap_or_default();
    let holder = record.principal.unwrap_or_default();
    let usual = || {
        format!(
            "{}:{}:{}",
            held.entitlement_id, holder.resource_type_id, holder.resource_id
        )
    };
    let mut principal = stub(&holder.resource_type_id, &holder.resource_id);
    if !holder.parent_resource_id.is_empty() {
        principal.parent_resource_id = stub(&holder.parent_resource_type_id, &holder.parent_resource_id).id;
    }
    let sources = record.sources.into_iter().map(|(id, source)| {
        let source = GrantSource {
            is_direct: source.is_direct,
        };
        (id, source)
    });
    let sources = GrantSources {
        sources: sources.collect(),
    };
    Grant {
        id: if record.external_id.is_empty() {
            usual()
        } else {
            record.external_id
        },
        entitlement: Some(Entitlement {
            resource: Some(stub(&held.resource_type_id, &held.resource_id)),
            id: held.entitlement_id,
            ..Entitlement::default()
        }),
        principal: Some(principal),
        annotations: record.annotations,
        sources: (!sources.sources.is_empty()).then_some(sources),
    }
}

/// A time as v1 has it; one that cannot be is the beginning of time.
pub(crate) fn time(time: Option<Timestamp>) -> String {
    let time = time.unwrap_or_default();
    let seconds = OffsetDateTime::from_unix_timestamp(time.seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let nanoseconds = time::Duration::nanoseconds(i64::from(time.nanos));
    timestamp::format(seconds.checked_add(nanoseconds).unwrap_or(seconds))
}
