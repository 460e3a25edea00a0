//! Where finished syncs are: a c1z file or a dataset, named by one text.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use access_core::StatusCode;
use access_core::ports::AccessSnapshot;
use access_dataset::Location;
use source_c1z::{C1zSource, C1zSourceConfig};

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
            Self::Dataset(_) => Err(Failure::found(
                "datasets cannot be read yet".to_owned(),
                None,
                StatusCode::Unimplemented,
            )),
        }
    }
}
