//! The contents of a location before a sync is published to it, and whether it accepts the sync. Nothing is written here.

use access_core::hex;
use access_core::location::{LocationContents, check_location};
use access_core::model::{SyncOrigin, SyncRun, SyncType};
use sha2::{Digest, Sha256};

use super::staging_claims::claimed;
use crate::error::DatasetError;
use crate::format::{FileFormat, Formats};
use crate::manifest::{MANIFESTS, Manifest, ManifestLink, ManifestReplaces, POINTER, Pointer, manifest_path};
use crate::reader::check_pointer;
use crate::reader::linked;
use crate::reader::parse_manifest;
use crate::schema::Table;
use crate::store::{Store, StoredObject};

/// The sync to publish, and how.
pub(crate) struct Intent<'a> {
    pub(crate) run: &'a SyncRun,
    pub(crate) format: &'a dyn FileFormat,
    /// The formats of earlier syncs.
    pub(crate) formats: &'a Formats,
    /// Whether a new chain is started where the one that is there cannot be followed.
    pub(crate) replace_existing: bool,
}

/// The contents of a location.
#[derive(Debug, Default)]
pub(crate) struct Existing {
    /// The pointer's object, readable or not.
    pub(crate) pointer: Option<StoredObject>,
    /// The latest full sync, which the new one follows.
    pub(crate) latest: Option<(Pointer, Manifest)>,
    /// Where it came from.
    pub(crate) sync_origin: SyncOrigin,
    /// The syncs that the new one replaces instead of following.
    pub(crate) replaces: Option<ManifestReplaces>,
}

/// A manifest and the link to it, or why it cannot be read.
type Found = Result<(Manifest, ManifestLink), DatasetError>;

/// Reads the contents and accepts or refuses the sync. A failed read is an error and never "there is none".
pub(super) async fn read_existing(store: &dyn Store, intent: &Intent<'_>) -> Result<Existing, DatasetError> {
    let pointer = store.get(POINTER).await?;
    let refused = match followed(store, pointer.as_ref(), intent).await {
        Ok(mut existing) => {
            existing.pointer = pointer;
            return Ok(existing);
        }
        Err(refused @ (DatasetError::Damaged { .. } | DatasetError::Conflict { .. }))
            if intent.replace_existing =>
        {
            refused
        }
        Err(error) => return Err(error),
    };
    tracing::warn!(reason = %refused, "starting a new chain of syncs in this location");
    Ok(Existing {
        latest: None,
        sync_origin: SyncOrigin::default(),
        replaces: Some(ManifestReplaces {
            reason: refused.to_string(),
            syncs: replaced_syncs(store, pointer.as_ref()).await?,
        }),
        pointer,
    })
}

async fn followed(
    store: &dyn Store,
    pointer: Option<&StoredObject>,
    intent: &Intent<'_>,
) -> Result<Existing, DatasetError> {
    if let Some(stored) = pointer {
        let pointer = check_pointer(store, stored)?;
        let manifest = linked(store, &pointer.latest).await?;
        admit_beside(store, &manifest, intent)?;
        return Ok(Existing {
            sync_origin: manifest.sync_origin(),
            latest: Some((pointer, manifest)),
            ..Existing::default()
        });
    }
    let newest = without_pointer(store).await?;
    if let Some(newest) = &newest {
        admit_beside(store, newest, intent)?;
    }
    Ok(Existing {
        sync_origin: newest.map(|newest| newest.sync_origin()).unwrap_or_default(),
        ..Existing::default()
    })
}

fn admit_beside(
    store: &dyn Store,
    latest_manifest: &Manifest,
    intent: &Intent<'_>,
) -> Result<(), DatasetError> {
    let ended_at = latest_manifest.sync.ended();
    let ended_at = ended_at.ok_or_else(|| {
        DatasetError::damaged(
            &store.describe(&manifest_path(&latest_manifest.sync.id)),
            "its end is not a valid time",
        )
    })?;
    let layout = match intent
        .formats
        .named(&latest_manifest.format, &latest_manifest.format_options)
    {
        Ok(format) => format.layout(),
        Err(_) => latest_manifest.format.clone(),
    };
    let contents = LocationContents {
        tenant: Some(latest_manifest.sync.tenant.clone()),
        format: Some(layout),
        resource_types: None,
        // Publishing the same sync again, as an export of it does, changes nothing.
        latest_ended_at: (latest_manifest.sync.id != intent.run.id.as_str()).then_some(ended_at),
        checked_at: Some(time::OffsetDateTime::now_utc()),
    };
    check_location(&contents, intent.run, &intent.format.layout()).map_err(|conflict| {
        DatasetError::Conflict {
            location: store.describe(""),
            conflict,
        }
    })?;
    // Published, it would be a full sync to which no link leads.
    let is_other = latest_manifest.sync.id != intent.run.id.as_str();
    if is_other
        && latest_manifest.sync.is_full()
        && intent.run.sync_type == SyncType::Full
        && ended_at > intent.run.started_at
    {
        return Err(DatasetError::Outdated {
            sync_id: intent.run.id.to_string(),
            location: store.describe(""),
            latest: latest_manifest.sync.id.clone(),
        });
    }
    Ok(())
}

/// The newest partial sync of a location without a pointer. A full sync, or files of one, means that the pointer was lost.
async fn without_pointer(store: &dyn Store) -> Result<Option<Manifest>, DatasetError> {
    // Before the manifests, so that the next check sees the pointer of a sync whose claim was just removed.
    let claims = claimed(store).await?;
    let lost =
        |what: String| DatasetError::damaged(&store.describe(POINTER), format!("it is missing, but {what}"));
    let found: Result<Vec<_>, _> = manifests(store, &claims).await?.into_iter().collect();
    let found = found?;
    let mut ids: Vec<&str> = claims.iter().map(String::as_str).collect();
    for (manifest, _) in &found {
        if manifest.sync.is_full() {
            return Err(lost(format!("the full sync {} is", manifest.sync.id)));
        }
        ids.push(&manifest.sync.id);
    }
    for table in Table::ALL.into_iter().chain(Table::HISTORY) {
        for path in store.list(table.name()).await? {
            let known = |part: &str| part.strip_prefix("sync=").is_some_and(|id| ids.contains(&id));
            if path.contains("/sync=") && !path.split('/').any(known) {
                return Err(lost(format!("{path} of an earlier sync is")));
            }
        }
    }
    let newest = found
        .into_iter()
        .max_by_key(|(manifest, _)| manifest.sync.start_time());
    Ok(newest.map(|(manifest, _)| manifest))
}

/// All manifests but those of running publications.
async fn manifests(store: &dyn Store, claims: &[String]) -> Result<Vec<Found>, DatasetError> {
    let mut found = Vec::new();
    for path in store.list(MANIFESTS).await? {
        if claims.iter().any(|id| path == manifest_path(id)) {
            continue;
        }
        let Some(stored) = store.get(&path).await? else {
            continue;
        };
        found.push(parse_manifest(store, &path, &stored.bytes).map(|manifest| {
            let link = ManifestLink {
                sync_id: manifest.sync.id.clone(),
                started_at: manifest.sync.started_at.clone(),
                manifest: path,
                sha256: hex(&Sha256::digest(&stored.bytes)),
            };
            (manifest, link)
        }));
    }
    Ok(found)
}

/// The syncs that a new chain replaces: the latest one, which leads to the others, or all that can be read.
async fn replaced_syncs(
    store: &dyn Store,
    pointer: Option<&StoredObject>,
) -> Result<Vec<ManifestLink>, DatasetError> {
    if let Some(stored) = pointer
        && let Ok(pointer) = check_pointer(store, stored)
    {
        match linked(store, &pointer.latest).await {
            Ok(_) => return Ok(vec![pointer.latest]),
            Err(DatasetError::Damaged { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let claims = claimed(store).await?;
    // One that cannot be read is found by `verify`; a partial sync is never linked.
    let found = manifests(store, &claims).await?.into_iter().flatten();
    let full = found.filter(|(manifest, _)| manifest.sync.is_full());
    Ok(full.map(|(_, link)| link).collect())
}
