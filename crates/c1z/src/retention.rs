//! Which syncs of an existing file stay when a new one is added, and their way into the new file (docs/reference/c1z.md §2.4).

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::Ordering;

use rusqlite::types::ValueRef;

use crate::error::C1zError;
use crate::existing_file::ExistingFile;
use crate::options::{Retention, WriterOptions};
use crate::previous_ids::{IdSpool, PreviousId};
use crate::reader::Reader;
use crate::stats::SyncStats;
use crate::sync_row::SyncRow;
use crate::v1::sqlite::Database;
use crate::v1::sqlite::Value;
use crate::v1::tables;

/// The sync that readers of the existing file use, if it is a full one.
#[derive(Debug)]
pub(crate) struct LatestFull {
    pub(crate) sync_id: String,
    pub(crate) stats: SyncStats,
    /// Whether it stays in the file.
    pub(crate) is_retained: bool,
}

/// The syncs that stay when a new one is added: unfinished ones; the latest of the finished full ones, with room for the new one if
/// that is full; partial ones unless they ended before the oldest retained full sync began; the newest pair of diff syncs.
fn retained_ids(syncs: &[SyncRow], retention: Retention, new_is_full: bool) -> HashSet<String> {
    if retention.keep_all {
        return syncs.iter().map(|sync| sync.sync_id.clone()).collect();
    }
    let is_diff = |sync: &&SyncRow| sync.sync_type.starts_with("partial_");
    let mut full: Vec<&SyncRow> = syncs
        .iter()
        .filter(|sync| sync.sync_type == "full" && sync.ended_at.is_some())
        .collect();
    full.sort_by_key(|sync| (&sync.ended_at, &sync.sync_id));
    let room = retention.full_syncs.saturating_sub(usize::from(new_is_full));
    let retained_full = &full[full.len().saturating_sub(room)..];
    let oldest_start = retained_full.iter().map(|sync| sync.started_at.as_str()).min();
    let is_outdated = |sync: &&SyncRow| {
        oldest_start.is_some_and(|start| sync.ended_at.as_deref().is_some_and(|end| end < start))
    };

    let full = retained_full.iter().copied();
    let partial = syncs
        .iter()
        .filter(|sync| sync.sync_type != "full" && !is_diff(sync) && !is_outdated(sync));
    let unfinished = syncs.iter().filter(|sync| sync.ended_at.is_none());
    let mut ids: HashSet<String> = full
        .chain(partial)
        .chain(unfinished)
        .map(|sync| sync.sync_id.clone())
        .collect();
    ids.extend(newest_diff(syncs.iter().filter(is_diff).collect()));
    ids
}

fn newest_diff(mut diffs: Vec<&SyncRow>) -> BTreeSet<String> {
    diffs.sort_by_key(|sync| (&sync.ended_at, &sync.sync_id));
    let newest = diffs.last().map(|sync| [&sync.sync_id, &sync.linked_sync_id]);
    let keep_all = diffs.len() <= 2;
    let stays = |sync: &&&SyncRow| keep_all || newest.is_some_and(|pair| pair.contains(&&sync.sync_id));
    diffs
        .iter()
        .filter(stays)
        .map(|sync| sync.sync_id.clone())
        .collect()
}

/// The unpacked size that readers of baton-sdk accept by default (docs/reference/c1z.md §1.1).
pub(crate) const REFERENCE_DECODED_BYTES: u64 = 10 << 30;

/// The syncs that were copied into the new file.
#[derive(Debug, Default)]
pub(crate) struct RetainedSyncs {
    pub(crate) ids: HashSet<String>,
    /// Number of syncs that retention keeps but that would make the file unpack to more than readers accept.
    pub(crate) left_out: usize,
}

/// Copies the rows of all syncs that stay, column by column, bytes untouched. On the way it spools the ids of the sync that a full
/// one is compared with.
pub(crate) fn carry_over(
    existing: &ExistingFile,
    reader: &Reader,
    database: &mut Database,
    options: &WriterOptions,
    new_is_full: bool,
    spool: Option<&mut IdSpool>,
) -> Result<RetainedSyncs, C1zError> {
    let mut ids = retained_ids(&existing.syncs, options.retention, new_is_full);
    let by_retention = ids.len();
    remove_oldest(&mut ids, existing, reader.unpacked_bytes()?, options, new_is_full)?;
    copy(reader, &ids, database, options, spool)?;
    Ok(RetainedSyncs {
        left_out: by_retention - ids.len(),
        ids,
    })
}

/// Copies the rows of these syncs.
pub(crate) fn copy(
    reader: &Reader,
    sync_ids: &HashSet<String>,
    database: &mut Database,
    options: &WriterOptions,
    mut spool: Option<&mut IdSpool>,
) -> Result<(), C1zError> {
    (0..tables::TABLES.len())
        .try_for_each(|table| copy_table(reader, table, sync_ids, database, options, spool.as_deref_mut()))
}

/// Maximum unpacked size of a file that this program and baton-sdk both read.
pub(crate) fn readable_bytes(options: &WriterOptions) -> u64 {
    options.limits.decoded_bytes.min(REFERENCE_DECODED_BYTES)
}

/// Removes the oldest syncs until the file fits into what readers accept together with the new sync, which is estimated to be as large
/// as the latest full one. A sync has the share of the unpacked file that its rows have of all rows. The full sync that a partial one
/// belongs to always stays.
fn remove_oldest(
    ids: &mut HashSet<String>,
    existing: &ExistingFile,
    unpacked: u64,
    options: &WriterOptions,
    new_is_full: bool,
) -> Result<(), C1zError> {
    let max_bytes = readable_bytes(options);
    // Twice of it fits, so no estimate is needed.
    if ids.is_empty() || unpacked.saturating_mul(2) <= max_bytes {
        return Ok(());
    }
    let mut rows = Vec::with_capacity(existing.syncs.len());
    for sync in &existing.syncs {
        rows.push(existing.stats(sync)?.rows());
    }
    let all_rows: u64 = rows.iter().sum();
    let mut by_age: Vec<(&SyncRow, u64)> = existing
        .syncs
        .iter()
        .zip(rows)
        .map(|(sync, rows)| {
            let bytes = u128::from(unpacked) * u128::from(rows) / u128::from(all_rows.max(1));
            (sync, u64::try_from(bytes).unwrap_or(u64::MAX))
        })
        .collect();
    // Unfinished ones come first: nobody reads them.
    by_age.sort_by(|(a, _), (b, _)| (&a.ended_at, &a.sync_id).cmp(&(&b.ended_at, &b.sync_id)));
    let latest = existing.latest_full().map(|sync| sync.sync_id.as_str());
    let is_latest = |sync: &SyncRow| latest == Some(sync.sync_id.as_str());
    let new_bytes = by_age
        .iter()
        .find(|(sync, _)| is_latest(sync))
        .map_or(0, |(_, bytes)| *bytes);
    let mut needed = new_bytes;
    for (sync, bytes) in &by_age {
        if ids.contains(&sync.sync_id) {
            needed = needed.saturating_add(*bytes);
        }
    }
    for (sync, bytes) in by_age {
        if needed <= max_bytes {
            break;
        }
        let is_parent = is_latest(sync) && !new_is_full;
        if !is_parent && ids.remove(&sync.sync_id) {
            needed = needed.saturating_sub(bytes);
        }
    }
    Ok(())
}

fn copy_table(
    reader: &Reader,
    table: usize,
    sync_ids: &HashSet<String>,
    database: &mut Database,
    options: &WriterOptions,
    mut spool: Option<&mut IdSpool>,
) -> Result<(), C1zError> {
    let known = reader.columns(table)?;
    if known.is_empty() {
        return Ok(());
    }
    let definition = &tables::TABLES[table];
    let select: Vec<&str> = definition
        .columns
        .iter()
        .map(|column| tables::column_or_default(&known, column.name))
        .collect();
    let sync_id = definition.position("sync_id").unwrap_or_default();
    let sql = format!(
        "select {} from {} order by id",
        select.join(", "),
        definition.name
    );
    let broken = |error: rusqlite::Error| reader.damaged(&error);
    let mut statement = reader.connection().prepare(&sql).map_err(broken)?;
    let mut rows = statement.query([]).map_err(broken)?;
    let mut row_budget = reader.row_budget();
    while let Some(row) = rows.next().map_err(broken)? {
        row_budget.add(row).map_err(broken)?;
        if options.stop.load(Ordering::Relaxed) {
            return Err(C1zError::Stopped);
        }
        let values = (0..select.len())
            .map(|at| row.get_ref(at).map(to_sqlite_value))
            .collect::<Result<Vec<_>, _>>();
        let values = values.map_err(broken)?;
        let Value::Text(id) = values[sync_id] else {
            continue;
        };
        if let Some(spool) = &mut spool
            && spool.sync_id().as_bytes() == id
        {
            spool_id(table, &values, spool)?;
        }
        if std::str::from_utf8(id).is_ok_and(|id| sync_ids.contains(id)) {
            database
                .insert(table, &values)
                .map_err(|error| C1zError::io("writing temporary files in", &options.temp_folder, error))?;
        }
    }
    Ok(())
}

/// Spools the ids of a row that is compared: a resource or a grant.
fn spool_id(table: usize, values: &[Value<'_>], spool: &mut IdSpool) -> Result<(), C1zError> {
    let text = |column: &str| match tables::TABLES[table].position(column).map(|at| values[at]) {
        Some(Value::Text(bytes)) => String::from_utf8_lossy(bytes),
        _ => Cow::Borrowed(""),
    };
    match table {
        tables::RESOURCES => spool.put(PreviousId::resource(
            &text("resource_type_id"),
            &text("external_id"),
        )),
        tables::GRANTS => spool.put(PreviousId::Grant {
            entitlement: &text("entitlement_id"),
            principal_type: &text("principal_resource_type_id"),
            principal: &text("principal_resource_id"),
        }),
        _ => Ok(()),
    }
}

fn to_sqlite_value(value: ValueRef<'_>) -> Value<'_> {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(bytes) => Value::Text(bytes),
        ValueRef::Blob(bytes) => Value::Blob(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Syncs in the notation `id:type:start-end`, times as single letters; unfinished ones have no end.
    fn retained(notation: &str, full_syncs: usize) -> String {
        let syncs: Vec<SyncRow> = notation.split(' ').map(sync).collect();
        let ids = retained_ids(
            &syncs,
            Retention {
                full_syncs,
                keep_all: false,
            },
            true,
        );
        let mut ids: Vec<String> = ids.into_iter().collect();
        ids.sort();
        ids.join(" ")
    }

    fn sync(notation: &str) -> SyncRow {
        let parts: Vec<&str> = notation.split(':').collect();
        let (start, end) = parts[2].split_once('-').unwrap();
        SyncRow {
            sync_id: parts[0].to_owned(),
            started_at: start.to_owned(),
            ended_at: (!end.is_empty()).then(|| end.to_owned()),
            sync_type: parts[1].to_owned(),
            linked_sync_id: parts.get(3).unwrap_or(&"").to_string(),
            stats: None,
        }
    }

    #[test]
    fn syncs_that_stay_by_count_and_type() {
        for (syncs, full_syncs, stay) in [
            ("1:full:a-b", 2, "1"),
            ("1:full:a-b 2:full:c-d", 2, "2"),
            ("1:full:a-b 2:full:c-d 3:full:e-f", 3, "2 3"),
            ("1:full:a-b 2:full:c-d", 1, ""),
            ("1:full:a- 2:full:c-d 3:full:e-f", 2, "1 3"),
            ("1:partial:a-b 2:full:c-d 3:partial:e-f", 2, "2 3"),
            ("1:resources_only:a-b 2:full:c-d", 2, "2"),
            ("1:partial:a-b", 2, "1"),
            ("1:partial:a-b", 1, "1"),
            (
                "1:full:a-b 2:partial_upserts:c-d:3 3:partial_deletions:c-d:2",
                2,
                "1 2 3",
            ),
            (
                "2:partial_upserts:a-b:3 3:partial_deletions:a-b:2 4:partial_upserts:c-d:5 5:partial_deletions:c-d:4",
                2,
                "4 5",
            ),
        ] {
            assert_eq!(retained(syncs, full_syncs), stay, "{syncs} keeping {full_syncs}");
        }
    }

    #[test]
    fn a_partial_sync_replaces_no_full_one() {
        let syncs = ["1:full:a-b", "2:full:c-d"].map(sync);
        let retention = Retention {
            full_syncs: 1,
            keep_all: false,
        };
        assert_eq!(
            retained_ids(&syncs, retention, false),
            HashSet::from(["2".to_owned()])
        );
        assert_eq!(retained_ids(&syncs, retention, true), HashSet::new());
    }

    #[test]
    fn keep_all_retains_every_sync() {
        let syncs = ["1:full:a-b", "2:full:c-d", "3:full:e-f"].map(sync);
        assert_eq!(
            retained_ids(
                &syncs,
                Retention {
                    full_syncs: 1,
                    keep_all: true
                },
                true,
            )
            .len(),
            3
        );
    }
}
