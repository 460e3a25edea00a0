//! Claims on syncs that are being published, and the cleanup after interrupted runs.

use time::OffsetDateTime;

use super::probe;
use super::probe::{Claim, claim_text, remove_claim};
use super::table_files::PARTITION;
use crate::error::DatasetError;
use crate::manifest::{Manifest, Pointer, manifest_path};
use crate::reader::linked;
use crate::reader::read_manifest;
use crate::reader::read_pointer;
use crate::schema::Table;
use crate::store::Store;

const STAGING: &str = "_staging";

/// A claim of this age is of a killed run where runs cannot be told apart: no run takes a day.
const STALE_SECONDS: i64 = 24 * 60 * 60;

fn claim_path(sync_id: &str) -> String {
    format!("{STAGING}/{sync_id}.json")
}

/// Records that files of this sync may exist. In a bucket this shows whether the store honours conditional writes.
pub(super) async fn claim(
    store: &dyn Store,
    sync_id: &str,
    now: OffsetDateTime,
) -> Result<Claim, DatasetError> {
    let (path, claimed_at) = (claim_path(sync_id), now.unix_timestamp());
    if !store.is_exclusive() {
        return probe::claim(store, &path, |number| claim_text(claimed_at, number)).await;
    }
    let was_there = store.get(&path).await?.is_some();
    if let Err(error) = store.put(&path, claim_text(claimed_at, 1)).await {
        // It may be there all the same.
        if !was_there {
            remove_claim(store, &path).await;
        }
        return Err(error);
    }
    Ok(Claim { was_there, at: None })
}

/// Removes the claim. If that fails, a later run does it.
pub(super) async fn release_claim(store: &dyn Store, sync_id: &str) {
    remove_claim(store, &claim_path(sync_id)).await;
}

/// Whether the publication of a sync with a manifest is finished. A manifest is written last and removed first, so its files are
/// complete; only a full sync that is later than the pointer's still needs the pointer moved.
pub(super) fn is_published(latest: Option<&Pointer>, manifest: &Manifest) -> bool {
    let sync = &manifest.sync;
    sync.sync_type != "full" || latest.is_some_and(|pointer| !pointer.is_before(&sync.id, sync.start_time()))
}

/// Removes the files of runs that were interrupted before readers could see them. Only files that are certainly not published are
/// removed: a manifest that cannot be read now is an error, a damaged one stays with its files.
pub(super) async fn sweep(
    store: &dyn Store,
    latest: Option<&Pointer>,
    own: &str,
    claim: &Claim,
) -> Result<(), DatasetError> {
    for path in store.list(STAGING).await? {
        let name = path.rsplit('/').next().unwrap_or_default();
        let Some(sync_id) = name.strip_suffix(".json") else {
            continue;
        };
        let is_own = sync_id == own;
        if is_own && !claim.was_there {
            continue;
        }
        if !store.is_exclusive() && !is_own && !is_stale(store, &path, claim.at).await? {
            continue;
        }
        let published = match read_manifest(store, &manifest_path(sync_id)).await {
            Ok(Some(manifest)) => is_published(latest, &manifest),
            Ok(None) => latest.is_some_and(|pointer| pointer.latest.sync_id == sync_id),
            Err(error @ DatasetError::Damaged { .. }) => {
                tracing::warn!(%error, "not removed, because its manifest is damaged");
                continue;
            }
            Err(error) => return Err(error),
        };
        if !published {
            remove(store, sync_id).await?;
        }
        if !is_own {
            release_claim(store, sync_id).await;
        }
    }
    Ok(())
}

/// Whether a claim is older than any run takes, by the store's clock: that of this machine may be wrong.
async fn is_stale(store: &dyn Store, path: &str, now: Option<OffsetDateTime>) -> Result<bool, DatasetError> {
    let claimed_at = store.get(path).await?.and_then(|stored| stored.modified);
    Ok(match (claimed_at, now) {
        (Some(claimed_at), Some(now)) => (now - claimed_at).whole_seconds() > STALE_SECONDS,
        _ => false,
    })
}

async fn remove(store: &dyn Store, sync_id: &str) -> Result<(), DatasetError> {
    store.delete(&manifest_path(sync_id)).await?;
    let part = format!("{PARTITION}={sync_id}");
    let mut removed = 0;
    for dataset in Table::ALL.into_iter().chain(Table::HISTORY) {
        for path in store.list(dataset.name()).await? {
            if path.split('/').any(|folder| folder == part) {
                store.delete(&path).await?;
                removed += 1;
            }
        }
    }
    tracing::info!(
        sync_id,
        files = removed,
        "removed the leftovers of an interrupted run"
    );
    Ok(())
}

/// The syncs that are being published.
pub(crate) async fn claimed(store: &dyn Store) -> Result<Vec<String>, DatasetError> {
    let paths = store.list(STAGING).await?.into_iter();
    let name = |path: String| Some(path.rsplit('/').next()?.strip_suffix(".json")?.to_owned());
    Ok(paths.filter_map(name).collect())
}

/// Removes history files that later syncs replaced. Those of the previous sync stay for readers that followed the pointer a moment
/// ago, and those of other running publications stay too: files are listed before claims and claims before the pointer, so that a
/// concurrent publication shows in one of them.
pub(super) async fn remove_stale_history(store: &dyn Store) -> Result<(), DatasetError> {
    let mut files = Vec::new();
    for dataset in [Table::GrantsHistory, Table::UsersHistory] {
        files.extend(store.list(dataset.name()).await?);
    }
    let mut keep = claimed(store).await?;
    let Some((_, pointer)) = read_pointer(store).await? else {
        return Ok(());
    };
    let latest = linked(store, &pointer.latest).await?;
    keep.extend(latest.previous.map(|previous| previous.sync_id));
    keep.push(latest.sync.id);
    let kept = |path: &String| {
        let mut parts = path.split('/').filter_map(|part| part.strip_prefix("sync="));
        parts.any(|id| keep.iter().any(|kept| kept == id))
    };
    for path in files.iter().filter(|path| !kept(path)) {
        store.delete(path).await?;
    }
    Ok(())
}
