//! A finished sync of a file in the other format. Rows keep their ids and the times at which they were found; what v3 has no
//! place for (docs/reference/c1z.md §3.4) is lost on the way to it.

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

/// What became of a file.
#[derive(Debug, Clone)]
pub struct Converted {
    /// The format it had.
    pub from: StorageEngine,
    /// The format it has now.
    pub to: StorageEngine,
    /// The sync.
    pub sync: SyncRow,
    /// Syncs that it has besides and that are not in the new file.
    pub left_out: usize,
    /// Grants that had ids of their own and are one in v3, where entitlement and principal name a grant.
    pub merged: u64,
    /// The new file.
    pub published: Published,
}

/// Writes a sync of a file, the one with an id or the latest finished one, as a file of the other format. Nothing may be
/// there yet.
///
/// # Errors
/// [`C1zError`] if the sync cannot be read or the file not written; nothing is there then.
pub fn convert(
    from: &Path,
    to: &Path,
    sync: Option<&str>,
    mut options: WriterOptions,
) -> Result<Converted, C1zError> {
    let holds = Container::of(from)?;
    let has = match holds {
        Container::V3 => StorageEngine::Pebble,
        _ => StorageEngine::Sqlite,
    };
    let wanted = options.engine.unwrap_or(has.other());
    // The rename would replace it.
    if to.symlink_metadata().is_ok() {
        return Err(C1zError::Exists { path: to.to_owned() });
    }
    // Whatever is no c1z is told so by the reader; nothing is unpacked to be refused then.
    if wanted == has && matches!(holds, Container::V1 | Container::V3) {
        return Err(C1zError::SameFormat {
            path: from.to_owned(),
            format: has.format(),
        });
    }
    let reader = Reader::open(from, &options.temp_folder, options.limits, &options.stop)?;
    let (sync, left_out) = choose(&reader, sync)?;
    options.engine = Some(wanted);
    let target = Target::open(to, ExistingFilePolicy::Refuse)?;
    let copy = Converter {
        begun: time(&sync.started_at),
        reader: &reader,
        sync: &sync,
        strict: wanted == StorageEngine::Pebble,
    };
    let writer = Writer::begin(target, copy.header()?, options)?;
    let (published, merged) = copy.run(writer)?;
    Ok(Converted {
        from: has,
        to: wanted,
        sync,
        left_out,
        merged,
        published,
    })
}

/// The sync that is meant, and how many others there are.
fn choose(reader: &Reader, wanted: Option<&str>) -> Result<(SyncRow, usize), C1zError> {
    let all = reader.syncs()?;
    let others = all.len().saturating_sub(1);
    let Some(id) = wanted else {
        return Ok((reader.latest_finished()?, others));
    };
    let found = all
        .into_iter()
        .find(|sync| sync.sync_id == id && sync.ended_at.is_some());
    let missing = || C1zError::NoSuchSync {
        path: reader.path().to_owned(),
        wanted: format!("{id} that is finished"),
    };
    Ok((found.ok_or_else(missing)?, others))
}

/// A time as v1 has it; one that is none is the beginning of time.
fn time(text: &str) -> OffsetDateTime {
    timestamp::parse(text).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Rows on their way.
struct Converter<'r> {
    reader: &'r Reader,
    sync: &'r SyncRow,
    begun: OffsetDateTime,
    /// A v3 has no place for rows without ids.
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
            started_at: self.begun,
        })
    }

    fn run(&self, mut writer: Writer) -> Result<(Published, u64), C1zError> {
        writer.set_lineage(self.reader.lineage(&self.sync.sync_id)?);
        let mut whole = Hydrator::new(self.reader, &self.sync.sync_id);
        self.things(&mut writer, &mut whole)?;
        let merged = if self.strict {
            self.merged_grants(&mut writer)?
        } else {
            self.grants(&mut writer, &mut whole)?;
            0
        };
        self.reader
            .asset_records(&self.sync.sync_id, self.begun, |record| {
                refuse_stopped(&writer)?;
                writer.put_asset(&record)
            })?;
        let ended_at = self.sync.ended_at.as_deref().map_or(self.begun, time);
        Ok((writer.prepare(ended_at)?.publish()?, merged))
    }

    /// Everything but grants.
    fn things(&self, writer: &mut Writer, whole: &mut Hydrator<'_>) -> Result<(), C1zError> {
        let (id, begun) = (self.sync.sync_id.as_str(), self.begun);
        let reader = self.reader;
        reader.stored(
            tables::RESOURCE_TYPES,
            id,
            begun,
            |row: ResourceType, set_discovered_at| {
                writer.set_discovered_at(set_discovered_at);
                writer.put_resource_type(&row)?;
                whole.knows(row);
                Ok(())
            },
        )?;
        reader.stored(
            tables::RESOURCES,
            id,
            begun,
            |row: Resource, set_discovered_at| {
                refuse_stopped(writer)?;
                self.check("resource", &row.display_name, row.id.as_ref())?;
                writer.set_discovered_at(set_discovered_at);
                writer.put_resource(&row)
            },
        )?;
        reader.stored(
            tables::ENTITLEMENTS,
            id,
            begun,
            |row: Entitlement, set_discovered_at| {
                refuse_stopped(writer)?;
                let resource = row.resource.as_ref().and_then(|resource| resource.id.as_ref());
                self.check("entitlement", &row.id, resource)?;
                writer.set_discovered_at(set_discovered_at);
                writer.put_entitlement(&if self.strict { row } else { whole.of(row)? })
            },
        )
    }

    fn check(&self, kind: &'static str, name: &str, id: Option<&ResourceId>) -> Result<(), C1zError> {
        let complete = id.is_some_and(|id| !id.resource_type.is_empty() && !id.resource.is_empty());
        if complete || !self.strict {
            return Ok(());
        }
        Err(self.nameless(kind, name))
    }

    fn nameless(&self, kind: &'static str, name: &str) -> C1zError {
        C1zError::Nameless {
            path: self.reader.path().to_owned(),
            kind,
            name: name.to_owned(),
        }
    }

    fn grants(&self, writer: &mut Writer, whole: &mut Hydrator<'_>) -> Result<(), C1zError> {
        self.reader
            .grant_records(&self.sync.sync_id, self.begun, |record| {
                refuse_stopped(writer)?;
                let entitlement = whole.held(&record)?;
                writer.put_grant(record, entitlement)
            })
    }

    /// Puts grants of one entitlement to one principal, which come one after another, as one.
    fn merged_grants(&self, writer: &mut Writer) -> Result<u64, C1zError> {
        let mut merged = GrantMerger::default();
        self.reader
            .grant_records(&self.sync.sync_id, self.begun, |record| {
                refuse_stopped(writer)?;
                if !is_complete(&record) {
                    return Err(self.nameless("grant", &record.external_id));
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

/// Whether a grant says whose it is and of what.
fn is_complete(record: &GrantRecord) -> bool {
    let held = record.entitlement.as_ref().is_some_and(|held| {
        [&held.resource_type_id, &held.resource_id, &held.entitlement_id]
            .iter()
            .all(|id| !id.is_empty())
    });
    let holder = record
        .principal
        .as_ref()
        .is_some_and(|holder| !holder.resource_type_id.is_empty() && !holder.resource_id.is_empty());
    held && holder
}
