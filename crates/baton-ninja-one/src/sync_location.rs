//! Locations of finished syncs: c1z files and datasets.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use access_core::StatusCode;
use access_core::ports::AccessSnapshot;
use access_dataset::{BucketUrl, Location};
use source_c1z::{C1zSource, C1zSourceConfig, UnknownTenant};
use source_dataset::{DatasetConfig, DatasetSnapshot};

use crate::bucket_c1z::LocalCopy;
use crate::failure::Failure;
use crate::runtime::cancellation::Cancellation;
use crate::settings::Settings;
use crate::targets::C1Z_ENDING;
use crate::wiring::formats;

/// A location of finished syncs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SyncLocation {
    /// A c1z file, of any connector.
    File(PathBuf),
    /// A c1z file in a bucket.
    BucketC1z(BucketUrl),
    /// A dataset, in a folder or a bucket.
    Dataset(Location),
}

/// A sync in the list of a location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyncListing {
    pub(crate) id: String,
    pub(crate) sync_type: String,
    pub(crate) started_at: String,
    /// `None` if it was not finished.
    pub(crate) ended_at: Option<String>,
    /// Whether it is read by default.
    pub(crate) latest: bool,
    /// Numbers of resources, entitlements and grants, if the location has them.
    pub(crate) counts: Option<[u64; 3]>,
}

impl SyncLocation {
    /// Parses a location: a URL that ends in `.c1z` is a file, another URL or a folder is a dataset, everything else a
    /// file.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let location = text.parse().map_err(|error: access_dataset::LocationError| {
            Failure::new(error.to_string(), None, StatusCode::InvalidArgument)
        })?;
        Ok(match location {
            Location::Bucket(url) if url.prefix().ends_with(C1Z_ENDING) => Self::BucketC1z(url),
            Location::Folder(path) if !path.is_dir() => Self::File(path),
            dataset => Self::Dataset(dataset),
        })
    }

    /// Opens a sync by id, or the latest finished one, full ones first. Blocks, so it needs a blocking thread of a runtime;
    /// ends soon after `cancellation`.
    pub(crate) fn open(
        &self,
        settings: &Settings,
        sync: Option<&str>,
        cancellation: &Cancellation,
    ) -> Result<Box<dyn AccessSnapshot>, Failure> {
        match self {
            Self::File(path) => {
                let source =
                    C1zSource::open_cancellable(c1z_config(path, settings, sync)?, cancellation.flag())?;
                Ok(Box::new(source.snapshot()?))
            }
            Self::BucketC1z(url) => {
                let copy = cancellation.block_on(copy(url, settings))?;
                let opened = Self::File(copy.path().to_owned()).open(settings, sync, cancellation);
                opened.map_err(|failure| copy.explain(failure))
            }
            Self::Dataset(location) => {
                let config = dataset_config(location, settings, sync)?;
                let opened = cancellation.block_on(source_dataset::OpenSync::open(config))?;
                Ok(Box::new(DatasetSnapshot::new(
                    opened.with_stop(Arc::clone(cancellation.flag())),
                )))
            }
        }
    }

    /// Lists all syncs, oldest first. Blocks like [`open`](Self::open).
    pub(crate) fn syncs(
        &self,
        settings: &Settings,
        cancellation: &Cancellation,
    ) -> Result<Vec<SyncListing>, Failure> {
        match self {
            Self::File(path) => {
                let (temp_folder, limits) = (settings.temp_folder()?, settings.limits()?);
                let (rows, latest) = C1zSource::syncs(path, &temp_folder, limits, cancellation.flag())?;
                let syncs = rows.into_iter().map(|row| SyncListing {
                    latest: latest.as_ref() == Some(&row.sync_id),
                    counts: row
                        .stats
                        .map(|stats| [stats.resources, stats.entitlements, stats.grants]),
                    id: row.sync_id,
                    sync_type: row.sync_type,
                    started_at: row.started_at,
                    ended_at: row.ended_at,
                });
                Ok(syncs.collect())
            }
            Self::BucketC1z(url) => {
                let copy = cancellation.block_on(copy(url, settings))?;
                let syncs = Self::File(copy.path().to_owned()).syncs(settings, cancellation);
                syncs.map_err(|failure| copy.explain(failure))
            }
            Self::Dataset(location) => {
                let config = dataset_config(location, settings, None)?;
                let syncs = cancellation.block_on(source_dataset::OpenSync::syncs(config))?;
                let (manifests, latest) = syncs;
                let syncs = manifests.into_iter().map(|manifest| {
                    let count = |table: &str| manifest.rows.get(table).copied().unwrap_or_default();
                    SyncListing {
                        latest: latest.as_ref() == Some(&manifest.sync.id),
                        counts: Some(["resources", "entitlements", "grants"].map(count)),
                        id: manifest.sync.id,
                        sync_type: manifest.sync.sync_type,
                        started_at: manifest.sync.started_at,
                        ended_at: Some(manifest.sync.ended_at),
                    }
                });
                Ok(syncs.collect())
            }
        }
    }
}

/// A local copy of a c1z in a bucket.
pub(crate) async fn copy(url: &BucketUrl, settings: &Settings) -> Result<LocalCopy, Failure> {
    let url = url.clone().with_ca_file(settings.ca_file()?.as_deref());
    LocalCopy::of(&url, &settings.temp_folder()?, settings.limits()?.decoded_bytes).await
}

/// The configuration that opens a sync of a file.
pub(crate) fn c1z_config(
    path: &Path,
    settings: &Settings,
    sync: Option<&str>,
) -> Result<C1zSourceConfig, Failure> {
    Ok(C1zSourceConfig {
        temp_folder: settings.temp_folder()?,
        limits: settings.limits()?,
        sync: sync.map(str::to_owned),
        tenant: None,
        unknown_tenant: UnknownTenant::Placeholder(
            path.file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        ),
        path: path.to_owned(),
    })
}

/// The configuration that opens a sync of a dataset.
pub(crate) fn dataset_config(
    location: &Location,
    settings: &Settings,
    sync: Option<&str>,
) -> Result<DatasetConfig, Failure> {
    if matches!(location, Location::Bucket(_)) {
        settings.check_proxies()?;
    }
    Ok(DatasetConfig {
        location: location.clone().with_ca_file(settings.ca_file()?.as_deref()),
        formats: formats(),
        temp_folder: settings.temp_folder()?,
        sync: sync.map(str::to_owned),
    })
}

/// Parses the location of a dataset.
pub(crate) fn dataset_location(settings: &Settings, text: &str) -> Result<Location, Failure> {
    let location: Location = text.parse().map_err(|error: access_dataset::LocationError| {
        Failure::new(error.to_string(), None, StatusCode::InvalidArgument)
    })?;
    if matches!(&location, Location::Bucket(url) if url.prefix().ends_with(C1Z_ENDING)) {
        return Err(Failure::new(
            format!("{location} is a c1z file, which has no hashes to verify"),
            Some(format!("`inspect {location} syncs` reads all of it")),
            StatusCode::InvalidArgument,
        ));
    }
    if matches!(location, Location::Bucket(_)) {
        settings.check_proxies()?;
    }
    Ok(location.with_ca_file(settings.ca_file()?.as_deref()))
}
