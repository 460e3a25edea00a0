//! What becomes of the syncs that a file already has when another one is added (docs/reference/c1z.md §2.4).

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::Ordering;

use rusqlite::types::ValueRef;

use crate::earlier::{Earlier, EarlierId};
use crate::error::C1zError;
use crate::previous_ids::IdSpool;
use crate::reader::{Reader, SyncRow};
use crate::stats::SyncStats;
use crate::v1::sqlite::Database;
use crate::v1::sqlite::Value;
use crate::v1::tables;
use crate::writer::WriterOptions;

/// How many syncs a file keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Full syncs, the new one included.
    pub full_syncs: usize,
    /// Keep everything instead.
    pub keep_all: bool,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            full_syncs: 2,
            keep_all: false,
        }
    }
}

/// The sync that readers of a file take.
#[derive(Debug)]
pub(crate) struct LatestFull {
    pub(crate) sync_id: String,
    pub(crate) stats: SyncStats,
    /// It stays in the file.
    pub(crate) kept: bool,
}

/// Which syncs stay when a new one is added: unfinished ones; of the finished full ones the latest, with room for the
/// new one if that is full; partial ones unless they ended before the oldest kept full sync began; the newest pair of diff syncs.
pub(crate) fn kept(syncs: &[SyncRow], retention: Retention, new_is_full: bool) -> HashSet<String> {
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
    let kept_full = &full[full.len().saturating_sub(room)..];
    let oldest_start = kept_full.iter().map(|sync| sync.started_at.as_str()).min();
    let outlived = |sync: &&SyncRow| {
        oldest_start.is_some_and(|start| sync.ended_at.as_deref().is_some_and(|end| end < start))
    };

    let mut kept: HashSet<String> = kept_full.iter().map(|sync| sync.sync_id.clone()).collect();
    let others = syncs
        .iter()
        .filter(|sync| sync.sync_type != "full" && !is_diff(sync));
    kept.extend(
        others
            .filter(|sync| !outlived(sync))
            .map(|sync| sync.sync_id.clone()),
    );
    kept.extend(
        syncs
            .iter()
            .filter(|sync| sync.ended_at.is_none())
            .map(|sync| sync.sync_id.clone()),
    );
    kept.extend(newest_diff(syncs.iter().filter(is_diff).collect()));
    kept
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

/// The unpacked size that the reference's readers take by default (docs/reference/c1z.md §1.1).
pub(crate) const REFERENCE_DECODED_BYTES: u64 = 10 << 30;

/// What was carried over.
#[derive(Debug, Default)]
pub(crate) struct RetainedSyncs {
    /// The ids of the syncs.
    pub(crate) kept: HashSet<String>,
    /// How many syncs were left out although retention keeps them, because the file would unpack to more than readers take.
    pub(crate) left_out: usize,
}

/// Copies the rows of all syncs that stay, column by column, bytes untouched. The ids of the sync that a full one is compared with
/// are taken on the way.
pub(crate) fn carry_over(
    earlier: &Earlier,
    reader: &Reader,
    database: &mut Database,
    options: &WriterOptions,
    new_is_full: bool,
    ids: Option<&mut IdSpool>,
) -> Result<RetainedSyncs, C1zError> {
    let mut kept = kept(&earlier.syncs, options.retention, new_is_full);
    let before = kept.len();
    leave_out(&mut kept, earlier, reader.unpacked_bytes()?, options, new_is_full)?;
    copy(reader, &kept, database, options, ids)?;
    Ok(RetainedSyncs {
        left_out: before - kept.len(),
        kept,
    })
}

/// Copies the rows of these syncs.
pub(crate) fn copy(
    reader: &Reader,
    kept: &HashSet<String>,
    database: &mut Database,
    options: &WriterOptions,
    mut ids: Option<&mut IdSpool>,
) -> Result<(), C1zError> {
    (0..tables::TABLES.len())
        .try_for_each(|table| copy_table(reader, table, kept, database, options, ids.as_deref_mut()))
}

/// What a file may unpack to: what this program would read again, and what the reference reads.
pub(crate) fn readable_bytes(options: &WriterOptions) -> u64 {
    options.limits.decoded_bytes.min(REFERENCE_DECODED_BYTES)
}

/// Leaves out the oldest of the syncs that stay until the file with the new one, taken to be as large as the latest full one, fits
/// into what readers take. A sync has the share of the unpacked file that its rows have of all rows. The full sync that a partial
/// one belongs to always stays.
fn leave_out(
    kept: &mut HashSet<String>,
    earlier: &Earlier,
    unpacked: u64,
    options: &WriterOptions,
    new_is_full: bool,
) -> Result<(), C1zError> {
    let most = readable_bytes(options);
    // Even twice of it fits.
    if kept.is_empty() || unpacked.saturating_mul(2) <= most {
        return Ok(());
    }
    let mut rows = Vec::with_capacity(earlier.syncs.len());
    for sync in &earlier.syncs {
        rows.push(earlier.stats(sync)?.rows());
    }
    let all: u64 = rows.iter().sum();
    let share = |rows: u64| {
        let share = u128::from(unpacked) * u128::from(rows) / u128::from(all.max(1));
        u64::try_from(share).unwrap_or(u64::MAX)
    };
    let latest = earlier.latest_full().map(|sync| sync.sync_id.as_str());
    let by_age = |a: &usize, b: &usize| {
        let key = |at: usize| (&earlier.syncs[at].ended_at, &earlier.syncs[at].sync_id);
        key(*a).cmp(&key(*b))
    };
    let mut places: Vec<usize> = (0..earlier.syncs.len()).collect();
    places.sort_by(by_age);
    let is_latest = |at: usize| latest == Some(earlier.syncs[at].sync_id.as_str());
    let new = places
        .iter()
        .find(|at| is_latest(**at))
        .map_or(0, |at| share(rows[*at]));
    let mut needed = new;
    for at in &places {
        if kept.contains(&earlier.syncs[*at].sync_id) {
            needed = needed.saturating_add(share(rows[*at]));
        }
    }
    // Those that were never finished come first: nobody reads them.
    for at in places {
        if needed <= most {
            break;
        }
        let is_parent = is_latest(at) && !new_is_full;
        if !is_parent && kept.remove(&earlier.syncs[at].sync_id) {
            needed = needed.saturating_sub(share(rows[at]));
        }
    }
    Ok(())
}

fn copy_table(
    reader: &Reader,
    table: usize,
    kept: &HashSet<String>,
    database: &mut Database,
    options: &WriterOptions,
    mut ids: Option<&mut IdSpool>,
) -> Result<(), C1zError> {
    let known = reader.columns(table)?;
    if known.is_empty() {
        return Ok(());
    }
    let definition = &tables::TABLES[table];
    let select: Vec<&str> = definition
        .columns
        .iter()
        .map(|column| {
            if known.iter().any(|name| name == column.name) {
                column.name
            } else {
                default_of(column.name)
            }
        })
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
    let mut weight = reader.weight();
    while let Some(row) = rows.next().map_err(broken)? {
        weight.add(row).map_err(broken)?;
        if options.stop.load(Ordering::Relaxed) {
            return Err(C1zError::Stopped);
        }
        let values = (0..select.len())
            .map(|at| row.get_ref(at).map(raw))
            .collect::<Result<Vec<_>, _>>();
        let values = values.map_err(broken)?;
        let Value::Text(id) = values[sync_id] else {
            continue;
        };
        if let Some(ids) = &mut ids
            && ids.sync_id().as_bytes() == id
        {
            take_id(table, &values, ids)?;
        }
        if std::str::from_utf8(id).is_ok_and(|id| kept.contains(id)) {
            database
                .insert(table, &values)
                .map_err(|error| C1zError::io("writing temporary files in", &options.temp_folder, error))?;
        }
    }
    Ok(())
}

/// Takes the ids of a row that is compared: of a resource or a grant.
fn take_id(table: usize, values: &[Value<'_>], ids: &mut IdSpool) -> Result<(), C1zError> {
    let text = |column: &str| match tables::TABLES[table].position(column).map(|at| values[at]) {
        Some(Value::Text(bytes)) => String::from_utf8_lossy(bytes),
        _ => Cow::Borrowed(""),
    };
    match table {
        tables::RESOURCES => ids.put(EarlierId::resource(
            &text("resource_type_id"),
            &text("external_id"),
        )),
        tables::GRANTS => ids.put(EarlierId::Grant {
            entitlement: &text("entitlement_id"),
            principal_type: &text("principal_resource_type_id"),
            principal: &text("principal_resource_id"),
        }),
        _ => Ok(()),
    }
}

/// What a column that an older file lacks stands for (docs/reference/c1z.md §2.5).
fn default_of(column: &str) -> &'static str {
    match column {
        "needs_expansion" | "supports_diff" | "grants_backfilled" => "0",
        "sync_type" => "'full'",
        "expansion" | "stats" | "ended_at" | "parent_resource_type_id" | "parent_resource_id" => "null",
        _ => "''",
    }
}

fn raw(value: ValueRef<'_>) -> Value<'_> {
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

    /// Syncs in the notation `id:type:start-end`, times as single letters; no end = unfinished.
    fn kept_of(notation: &str, full_syncs: usize) -> String {
        let syncs: Vec<SyncRow> = notation.split(' ').map(sync).collect();
        let kept = kept(
            &syncs,
            Retention {
                full_syncs,
                keep_all: false,
            },
            true,
        );
        let mut kept: Vec<String> = kept.into_iter().collect();
        kept.sort();
        kept.join(" ")
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
    fn retention_matrix() {
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
            assert_eq!(kept_of(syncs, full_syncs), stay, "{syncs} keeping {full_syncs}");
        }
    }

    #[test]
    fn a_new_partial_sync_pushes_out_no_full_one() {
        let syncs = ["1:full:a-b", "2:full:c-d"].map(sync);
        let retention = Retention {
            full_syncs: 1,
            keep_all: false,
        };
        assert_eq!(kept(&syncs, retention, false), HashSet::from(["2".to_owned()]));
        assert_eq!(kept(&syncs, retention, true), HashSet::new());
    }

    #[test]
    fn keeping_all_keeps_all() {
        let syncs = ["1:full:a-b", "2:full:c-d", "3:full:e-f"].map(sync);
        assert_eq!(
            kept(
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
