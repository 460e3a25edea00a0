//! Where finished syncs are: a c1z file or a dataset, named by one text.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use access_core::StatusCode;
use access_core::ports::AccessSnapshot;
use access_dataset::{FileFormat, Formats, Location};
use sink_csv::CsvFormat;
use sink_parquet::ParquetFormat;
use source_c1z::{C1zSource, C1zSourceConfig};
use source_dataset::{DatasetConfig, DatasetSnapshot, DatasetSourceError};
use tokio::runtime::Handle;

use crate::exit::Failure;
use crate::settings::Settings;

/// A place that holds finished syncs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A c1z file, of any connector.
    File(PathBuf),
    /// A dataset, in a folder or a bucket.
    Dataset(Location),
}

/// A sync that a place holds, whatever its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyncFacts {
    pub(crate) id: String,
    pub(crate) sync_type: String,
    pub(crate) started_at: String,
    /// Nothing if it was never finished.
    pub(crate) ended_at: Option<String>,
    /// Resources, entitlements, grants, where the place says so.
    pub(crate) counts: Option<[u64; 3]>,
}

/// A sync that was opened, and those beside it.
pub(crate) struct Opened {
    pub(crate) snapshot: Box<dyn AccessSnapshot>,
    pub(crate) syncs: Vec<SyncFacts>,
}

impl Place {
    /// The place that a text names: a URL or a folder is a dataset, everything else a file.
    pub(crate) fn named(text: &str) -> Result<Self, Failure> {
        if text.contains("://") || PathBuf::from(text).is_dir() {
            let location = text.parse().map_err(|error: access_dataset::LocationError| {
                Failure::found(error.to_string(), None, StatusCode::InvalidArgument)
            })?;
            return Ok(Self::Dataset(location));
        }
        Ok(Self::File(text.into()))
    }

    /// Opens a sync: the one with an id, or the latest finished one, full ones first. Blocks; ends soon after `stop` is set.
    pub(crate) fn open(
        &self,
        settings: &Settings,
        sync: Option<&str>,
        stop: &AtomicBool,
    ) -> Result<Opened, Failure> {
        match self {
            Self::File(path) => {
                let config = C1zSourceConfig {
                    path: path.clone(),
                    temp_folder: settings.temp_folder()?,
                    limits: settings.limits()?,
                    sync: sync.map(str::to_owned),
                    tenant: path
                        .file_stem()
                        .unwrap_or_default()
                        .to_string_lossy()
                        .into_owned(),
                };
                let source = C1zSource::open_unless(config, stop)?;
                let syncs = source.syncs()?.into_iter().map(|row| SyncFacts {
                    counts: row
                        .stats
                        .map(|stats| [stats.resources, stats.entitlements, stats.grants]),
                    id: row.sync_id,
                    sync_type: row.sync_type,
                    started_at: row.started_at,
                    ended_at: row.ended_at,
                });
                Ok(Opened {
                    syncs: syncs.collect(),
                    snapshot: Box::new(source.snapshot()?),
                })
            }
            Self::Dataset(location) => {
                let config = DatasetConfig {
                    location: location.clone(),
                    formats: formats(),
                    temp_folder: settings.temp_folder()?,
                    sync: sync.map(str::to_owned),
                };
                let handle = Handle::current();
                let opened = handle.block_on(source_dataset::Opened::open(config))?;
                let syncs = handle
                    .block_on(opened.published().syncs())
                    .map_err(DatasetSourceError::from)?;
                let syncs = syncs.into_iter().map(|manifest| {
                    let count = |table: &str| manifest.rows.get(table).copied().unwrap_or_default();
                    SyncFacts {
                        counts: Some(["resources", "entitlements", "grants"].map(count)),
                        id: manifest.sync.id,
                        sync_type: manifest.sync.sync_type,
                        started_at: manifest.sync.started_at,
                        ended_at: Some(manifest.sync.ended_at),
                    }
                });
                Ok(Opened {
                    syncs: syncs.collect(),
                    snapshot: Box::new(DatasetSnapshot::new(opened)),
                })
            }
        }
    }
}

/// The formats that datasets can have.
pub(crate) fn formats() -> Formats {
    Formats::new([
        Arc::new(ParquetFormat) as Arc<dyn FileFormat>,
        Arc::new(CsvFormat::default()),
    ])
}
