//! A published sync, opened.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use access_core::model::{IdScheme, Provenance, ResourceTypeId, SyncRun, SyncType, UserSample};
use access_core::ports::FinishedSync;
use access_dataset::{
    DatasetError, Formats, HashCheck, ListedSync, Location, Manifest, Published, Rows, Table, Voucher,
};
use arrow::array::RecordBatch;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::runtime::Handle;

use crate::batch_columns::Columns;
use crate::error::DatasetSourceError;

/// The dataset and the sync to open.
#[derive(Clone)]
pub struct DatasetConfig {
    /// The dataset.
    pub location: Location,
    /// The formats that it can have.
    pub formats: Formats,
    /// Folder for copies of a bucket's files.
    pub temp_folder: PathBuf,
    /// The id of the sync; `None` = the one that the pointer names.
    pub sync: Option<String>,
}

/// One published sync.
#[derive(Clone)]
pub struct OpenSync {
    published: Arc<Published>,
    manifest: Arc<Manifest>,
    sync: FinishedSync,
    stop: Arc<AtomicBool>,
}

/// Interval at which a thread that waits for a store checks for cancellation.
const POLLING_INTERVAL: Duration = Duration::from_millis(50);

impl OpenSync {
    /// Ends the waiting for a store soon after `stop` is set, with [`DatasetError::Stopped`].
    #[must_use]
    pub fn with_stop(self, stop: Arc<AtomicBool>) -> Self {
        Self { stop, ..self }
    }

    /// Opens the dataset and finds the sync.
    ///
    /// # Errors
    /// [`DatasetSourceError`] if there is no such dataset or sync, or its manifest is not valid.
    pub async fn open(config: DatasetConfig) -> Result<Self, DatasetSourceError> {
        let published = Published::open(&config.location, config.formats, &config.temp_folder).await?;
        let manifest = match &config.sync {
            Some(id) => {
                let ListedSync { manifest, standing } = published.sync(&id.parse()?).await?;
                warn_unvouched(standing, &manifest, &published.location());
                manifest
            }
            None => published.latest().await?,
        };
        Ok(Self {
            published: Arc::new(published),
            sync: finished(&manifest)?,
            manifest: Arc::new(manifest),
            stop: Arc::default(),
        })
    }

    /// All syncs of a dataset that can be read, the earliest first, and the id of the one that the pointer names. Full syncs
    /// that the pointer does not lead to are left out with a warning: nothing vouches for them.
    ///
    /// # Errors
    /// [`DatasetSourceError`] if there is no such dataset or it cannot be read.
    pub async fn syncs(config: DatasetConfig) -> Result<(Vec<Manifest>, Option<String>), DatasetSourceError> {
        let published = Published::open(&config.location, config.formats, &config.temp_folder).await?;
        let latest = match published.latest().await {
            Ok(manifest) => Some(manifest.sync.id),
            Err(DatasetError::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let mut syncs = Vec::new();
        for ListedSync { manifest, standing } in published.syncs().await? {
            if standing == Voucher::Unlinked {
                warn_unvouched(standing, &manifest, &published.location());
            } else {
                syncs.push(manifest);
            }
        }
        Ok((syncs, latest))
    }

    /// All full syncs of a dataset that something vouches for, each opened, in no order.
    ///
    /// # Errors
    /// [`DatasetSourceError`] if there is no such dataset, it cannot be read, or a manifest is not valid.
    pub async fn full_syncs(config: DatasetConfig) -> Result<Vec<Self>, DatasetSourceError> {
        let published = Published::open(&config.location, config.formats, &config.temp_folder).await?;
        let published = Arc::new(published);
        let mut syncs = Vec::new();
        for ListedSync { manifest, standing } in published.syncs().await? {
            if standing == Voucher::Unlinked {
                warn_unvouched(standing, &manifest, &published.location());
            } else if manifest.sync.sync_type == SyncType::Full.as_str() {
                syncs.push(Self {
                    published: Arc::clone(&published),
                    sync: finished(&manifest)?,
                    manifest: Arc::new(manifest),
                    stop: Arc::default(),
                });
            }
        }
        Ok(syncs)
    }

    pub(crate) fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// The sync.
    #[must_use]
    pub fn sync(&self) -> &FinishedSync {
        &self.sync
    }

    /// Its manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Calls `take` with every batch of a table. Blocks, which async threads must not.
    pub(crate) fn each_batch(
        &self,
        handle: &Handle,
        table: Table,
        columns: &[&str],
        mut take: impl FnMut(Columns<'_>) -> Result<ControlFlow<()>, DatasetSourceError>,
    ) -> Result<(), DatasetSourceError> {
        for batch in self.rows(handle, table, columns)? {
            let batch: RecordBatch = batch?;
            let columns = Columns { table, batch: &batch };
            if take(columns)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The rows of a table. Blocks, which async threads must not.
    pub(crate) fn rows(
        &self,
        handle: &Handle,
        table: Table,
        columns: &[&str],
    ) -> Result<Rows, DatasetSourceError> {
        let rows = self
            .published
            .rows(&self.manifest, table, Some(columns), HashCheck::Skip);
        handle.block_on(async {
            let mut rows = pin!(rows);
            loop {
                match tokio::time::timeout(POLLING_INTERVAL, rows.as_mut()).await {
                    Ok(opened) => return Ok(opened?),
                    Err(_) if self.stop.load(Ordering::Relaxed) => return Err(DatasetError::Stopped.into()),
                    Err(_) => {}
                }
            }
        })
    }
}

/// The provenance in a manifest. Older manifests have none; values of another type are left out.
fn provenance(noted: &serde_json::Value) -> Provenance {
    let text = |key: &str| noted[key].as_str().map(str::to_owned);
    let texts = |key: &str| {
        let list = noted[key].as_array().into_iter().flatten();
        list.filter_map(|text| text.as_str().map(str::to_owned))
    };
    let settings = noted["settings"].as_object().into_iter().flatten();
    Provenance {
        program: text("program").unwrap_or_default(),
        client_id: text("client_id"),
        scopes: texts("scopes").collect(),
        settings: settings
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
        resource_types: texts("resource_types")
            .filter_map(|id| ResourceTypeId::new(&id).ok())
            .collect(),
        id_scheme: text("id_scheme").map(|word| IdScheme::new(&word)),
        user_sample: UserSample::from_entries(
            noted["user_sample"]
                .as_object()
                .into_iter()
                .flatten()
                .filter_map(|(id, hash)| Some((id.as_str(), hash.as_str()?))),
        ),
    }
}

/// Warns if nothing vouches for a sync.
fn warn_unvouched(standing: Voucher, manifest: &Manifest, location: &str) {
    let sync = manifest.sync.id.as_str();
    match standing {
        Voucher::Linked => {}
        Voucher::Replaced => {
            tracing::warn!(
                sync,
                location,
                "this sync belongs to a chain that was replaced by a new one"
            );
        }
        Voucher::Beside => {
            tracing::warn!(
                sync,
                location,
                "this partial sync is not linked: its integrity is not proven"
            );
        }
        Voucher::Unlinked => {
            tracing::warn!(
                sync,
                location,
                "left out: this full sync is not linked, so its integrity is not proven; run `verify`"
            );
        }
    }
}

/// The sync of a manifest.
fn finished(manifest: &Manifest) -> Result<FinishedSync, DatasetSourceError> {
    let sync = &manifest.sync;
    let cannot_be = |what, text: &str| DatasetSourceError::Manifest {
        sync: sync.id.clone(),
        what,
        text: text.to_owned(),
    };
    let time = |what, text: &str| OffsetDateTime::parse(text, &Rfc3339).map_err(|_| cannot_be(what, text));
    let known = [SyncType::Full, SyncType::ResourcesOnly, SyncType::Partial];
    let sync_type = known.into_iter().find(|known| known.as_str() == sync.sync_type);
    Ok(FinishedSync {
        run: SyncRun {
            id: sync.id.parse()?,
            sync_type: sync_type.ok_or_else(|| cannot_be("type", &sync.sync_type))?,
            tenant: sync.tenant.clone(),
            started_at: time("start", &sync.started_at)?,
            provenance: provenance(&manifest.provenance),
        },
        ended_at: time("end", &sync.ended_at)?,
    })
}
