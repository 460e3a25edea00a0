//! Converts a finished sync to the other format. Rows keep their ids and discovery times. What v3 cannot represent
//! (docs/reference/c1z.md §3.4) is lost on the way to it.

mod grants;
mod hydrate;
mod merge_grants;
mod rows;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::atomic::Ordering;

use baton_proto::connector_v2::{Entitlement, Resource, ResourceId, ResourceType};
use baton_proto::storage_v3::GrantRecord;
use time::OffsetDateTime;

use crate::error::C1zError;
use crate::format::Container;
use crate::io::atomic_file::ExistingFilePolicy;
use crate::io::atomic_file::Target;
use crate::options::{StorageEngine, WriterOptions};
use crate::reader::Reader;
use crate::sync_row::{SyncHeader, SyncRow};
use crate::v1::tables;
use crate::v1::timestamp;
use crate::writer::{Published, Writer};

use hydrate::Hydrator;
use merge_grants::GrantMerger;

/// The result of a conversion.
#[derive(Debug, Clone)]
pub struct Converted {
    /// The format of the old file.
    pub from: StorageEngine,
    /// The format of the new file.
    pub to: StorageEngine,
    /// The converted sync.
    pub sync: SyncRow,
    /// Number of other syncs of the old file, which are not in the new one.
    pub left_out: usize,
    /// Number of grants that were merged into others, because in v3 entitlement and principal identify a grant.
    pub merged: u64,
    /// The new file.
    pub published: Published,
}

/// Writes a sync of the file `from`, the one with the id `sync` or the latest finished one, to the file `to` in the other format.
/// `to` must not exist.
///
/// # Errors
/// [`C1zError`] if the sync cannot be read or the file cannot be written. `to` does not exist then.
pub fn convert(
    from: &Path,
    to: &Path,
    sync: Option<&str>,
    mut options: WriterOptions,
) -> Result<Converted, C1zError> {
    let container = Container::detect(from)?;
    let existing_engine = match container {
        Container::V3 => StorageEngine::Pebble,
        _ => StorageEngine::Sqlite,
    };
    let requested = options.engine.unwrap_or(existing_engine.other());
    // Checked here, because the rename would replace it.
    if to.symlink_metadata().is_ok() {
        return Err(C1zError::Exists { path: to.to_owned() });
    }
    // Checked before anything is unpacked. A file that is not a c1z is reported by the reader.
    if requested == existing_engine && matches!(container, Container::V1 | Container::V3) {
        return Err(C1zError::SameFormat {
            path: from.to_owned(),
            format: existing_engine.format(),
        });
    }
    let reader = Reader::open(from, &options.temp_folder, options.limits, &options.stop)?;
    let (sync, left_out) = choose(&reader, sync)?;
    options.engine = Some(requested);
    let target = Target::open(to, ExistingFilePolicy::Refuse)?;
    let copy = Converter {
        started_at: time(&sync.started_at),
        reader: &reader,
        sync: &sync,
        strict: requested == StorageEngine::Pebble,
    };
    let writer = Writer::begin(target, copy.header()?, options)?;
    let (published, merged) = copy.run(writer)?;
    Ok(Converted {
        from: existing_engine,
        to: requested,
        sync,
        left_out,
        merged,
        published,
    })
}

/// The requested sync, and the number of others.
fn choose(reader: &Reader, requested: Option<&str>) -> Result<(SyncRow, usize), C1zError> {
    let all = reader.syncs()?;
    let others = all.len().saturating_sub(1);
    let Some(id) = requested else {
        return Ok((reader.latest_finished()?, others));
    };
    let found = all
        .into_iter()
        .find(|sync| sync.sync_id == id && sync.ended_at.is_some());
    let missing = || C1zError::NoSuchSync {
        path: reader.path().to_owned(),
        requested: format!("{id} that is finished"),
    };
    Ok((found.ok_or_else(missing)?, others))
}

/// Parses a time of v1; one that cannot be parsed is the epoch.
fn time(text: &str) -> OffsetDateTime {
    timestamp::parse(text).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Copies rows from a reader to a writer.
struct Converter<'r> {
    reader: &'r Reader,
    sync: &'r SyncRow,
    started_at: OffsetDateTime,
    /// A v3 cannot have rows without ids.
    strict: bool,
}

impl Converter<'_> {
    fn header(&self) -> Result<SyncHeader, C1zError> {
        const TYPES: [&str; 5] = [
            "full",
            "partial",
            "resources_only",
            "partial_upserts",
            "partial_deletions",
        ];
        let known = TYPES.into_iter().find(|name| *name == self.sync.sync_type);
        Ok(SyncHeader {
            sync_id: self.sync.sync_id.clone(),
            sync_type: known.ok_or_else(|| C1zError::Corrupt {
                path: self.reader.path().to_owned(),
                detail: format!("its sync is of the unknown type {:?}", self.sync.sync_type),
            })?,
            started_at: self.started_at,
        })
    }

    fn run(&self, mut writer: Writer) -> Result<(Published, u64), C1zError> {
        writer.set_lineage(self.reader.lineage(&self.sync.sync_id)?);
        let mut hydrator = Hydrator::new(self.reader, &self.sync.sync_id);
        self.copy_resources(&mut writer, &mut hydrator)?;
        let merged = if self.strict {
            self.copy_merged_grants(&mut writer)?
        } else {
            self.copy_grants(&mut writer, &mut hydrator)?;
            0
        };
        self.reader
            .asset_records(&self.sync.sync_id, self.started_at, |record| {
                refuse_stopped(&writer)?;
                writer.put_asset(&record)
            })?;
        let ended_at = self.sync.ended_at.as_deref().map_or(self.started_at, time);
        Ok((writer.prepare(ended_at)?.publish()?, merged))
    }

    /// Copies everything but grants.
    fn copy_resources(&self, writer: &mut Writer, hydrator: &mut Hydrator<'_>) -> Result<(), C1zError> {
        let (id, started_at) = (self.sync.sync_id.as_str(), self.started_at);
        let reader = self.reader;
        reader.stored(
            tables::RESOURCE_TYPES,
            id,
            started_at,
            |row: ResourceType, discovered_at| {
                writer.set_discovered_at(discovered_at);
                writer.put_resource_type(&row)?;
                hydrator.add_type(row);
                Ok(())
            },
        )?;
        reader.stored(
            tables::RESOURCES,
            id,
            started_at,
            |row: Resource, discovered_at| {
                refuse_stopped(writer)?;
                self.check("resource", &row.display_name, row.id.as_ref())?;
                writer.set_discovered_at(discovered_at);
                writer.put_resource(row)
            },
        )?;
        reader.stored(
            tables::ENTITLEMENTS,
            id,
            started_at,
            |row: Entitlement, discovered_at| {
                refuse_stopped(writer)?;
                let resource = row.resource.as_ref().and_then(|resource| resource.id.as_ref());
                self.check("entitlement", &row.id, resource)?;
                writer.set_discovered_at(discovered_at);
                writer.put_entitlement(&if self.strict { row } else { hydrator.hydrate(row)? })
            },
        )
    }

    fn check(&self, kind: &'static str, name: &str, id: Option<&ResourceId>) -> Result<(), C1zError> {
        let complete = id.is_some_and(|id| !id.resource_type.is_empty() && !id.resource.is_empty());
        if complete || !self.strict {
            return Ok(());
        }
        Err(self.missing_ids(kind, name))
    }

    fn missing_ids(&self, kind: &'static str, name: &str) -> C1zError {
        C1zError::MissingIds {
            path: self.reader.path().to_owned(),
            kind,
            name: name.to_owned(),
        }
    }

    fn copy_grants(&self, writer: &mut Writer, hydrator: &mut Hydrator<'_>) -> Result<(), C1zError> {
        self.reader
            .grant_records(&self.sync.sync_id, self.started_at, |record| {
                refuse_stopped(writer)?;
                let entitlement = hydrator.entitlement_of(&record)?;
                writer.put_grant(record, entitlement)
            })
    }

    /// Copies grants to a v3, merging those of one entitlement to one principal.
    fn copy_merged_grants(&self, writer: &mut Writer) -> Result<u64, C1zError> {
        let mut merged = GrantMerger::default();
        self.reader
            .grant_records(&self.sync.sync_id, self.started_at, |record| {
                refuse_stopped(writer)?;
                if !is_complete(&record) {
                    return Err(self.missing_ids("grant", &record.external_id));
                }
                match merged.next(record) {
                    Some(finished) => writer.put_grant(finished, None),
                    None => Ok(()),
                }
            })?;
        if let Some(last) = merged.last() {
            writer.put_grant(last, None)?;
        }
        Ok(merged.count())
    }
}

fn refuse_stopped(writer: &Writer) -> Result<(), C1zError> {
    if writer.stop().load(Ordering::Relaxed) {
        return Err(C1zError::Stopped);
    }
    Ok(())
}

/// Whether a grant names its entitlement and principal completely.
fn is_complete(record: &GrantRecord) -> bool {
    let has_entitlement = record.entitlement.as_ref().is_some_and(|named| {
        [&named.resource_type_id, &named.resource_id, &named.entitlement_id]
            .iter()
            .all(|id| !id.is_empty())
    });
    let has_principal = record
        .principal
        .as_ref()
        .is_some_and(|principal| !principal.resource_type_id.is_empty() && !principal.resource_id.is_empty());
    has_entitlement && has_principal
}
