//! The access source.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use access_core::model::{IdScheme, ResourceType, SyncId, SyncRun, SyncScope, SyncType};
use access_core::ports::{
    AccessSource, ApiUsage, CheckOutcome, CheckReport, EndpointCheck, SourceError, SourceEvent,
};
use async_trait::async_trait;
use c1z::{Limits, Reader, SyncRow};
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use time::OffsetDateTime;

use crate::channel::EventSender;
use crate::error::C1zSourceError;
use crate::events::EventStream;
use crate::snapshot::C1zSnapshot;
use crate::sync_pass;
use crate::sync_pass::Types;
use crate::sync_selection::SelectedSync;

/// Maximum number of batches in the queue to the pipeline.
const QUEUE_BATCHES: usize = 4;

/// Options of [`C1zSource`].
#[derive(Debug, Clone)]
pub struct C1zSourceConfig {
    /// The c1z file.
    pub path: PathBuf,
    /// The folder to which it is unpacked.
    pub temp_folder: PathBuf,
    /// Limits for unpacking.
    pub limits: Limits,
    /// The id of the sync to read. By default the latest finished full sync, or the latest finished one if none is full.
    pub sync: Option<String>,
    /// The tenant; by default the one that the file names.
    pub tenant: Option<String>,
    /// What to do if neither this nor the file names the tenant.
    pub unknown_tenant: UnknownTenant,
}

/// What to do with a file that does not name its tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnknownTenant {
    /// Use this name, for display only.
    Placeholder(String),
    /// Fail: an output written from it would be bound to the wrong tenant.
    Refuse,
}

/// One finished sync of a c1z file as an [`AccessSource`].
#[derive(Debug)]
pub struct C1zSource {
    reader: Mutex<Reader>,
    path: PathBuf,
    tenant: String,
    id_scheme: Option<IdScheme>,
    sync: SelectedSync,
    types: Arc<Types>,
}

impl C1zSource {
    /// Unpacks a file and chooses the sync. Blocks.
    ///
    /// # Errors
    /// [`C1zSourceError`] if the file cannot be read, or has no such sync, or none that can be used.
    pub fn open(config: C1zSourceConfig) -> Result<Self, C1zSourceError> {
        Self::open_cancellable(config, &AtomicBool::new(false))
    }

    /// As [`open`](Self::open), but fails soon after `stop` is set.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`c1z::C1zError::Stopped`].
    pub fn open_cancellable(config: C1zSourceConfig, stop: &AtomicBool) -> Result<Self, C1zSourceError> {
        let reader = Reader::open(&config.path, &config.temp_folder, config.limits, stop)?;
        let sync = SelectedSync::choose(&reader, config.sync.as_deref())?;
        let types = Types::of(&reader, &sync)?;
        let sync_id = sync.id.to_string();
        let note = reader.note(&sync_id)?.unwrap_or_default();
        let said = match config.tenant {
            Some(tenant) => Some(tenant),
            None => reader.tenant(&sync_id)?,
        };
        let tenant = match (said, config.unknown_tenant) {
            (Some(tenant), _) | (None, UnknownTenant::Placeholder(tenant)) => tenant,
            (None, UnknownTenant::Refuse) => {
                return Err(C1zSourceError::UnknownTenant { path: config.path });
            }
        };
        Ok(Self {
            reader: Mutex::new(reader),
            path: config.path,
            tenant,
            id_scheme: note.id_scheme.as_deref().map(IdScheme::new),
            sync,
            types: Arc::new(types),
        })
    }

    /// The selected sync.
    #[must_use]
    pub fn sync_id(&self) -> SyncId {
        self.sync.id
    }

    /// The type of the sync. Diffs are partial syncs.
    #[must_use]
    pub fn sync_type(&self) -> SyncType {
        self.sync.sync_type
    }

    /// The start of the sync, in UTC.
    #[must_use]
    pub fn started_at(&self) -> OffsetDateTime {
        self.sync.started_at
    }

    /// The end of the sync, in UTC.
    #[must_use]
    pub fn ended_at(&self) -> OffsetDateTime {
        self.sync.ended_at
    }

    /// The same sync as a snapshot for point queries.
    ///
    /// # Errors
    /// [`C1zSourceError`] if the unpacked copy cannot be opened any more.
    pub fn snapshot(&self) -> Result<C1zSnapshot, C1zSourceError> {
        let run = SyncRun {
            id: self.sync.id,
            sync_type: self.sync.sync_type,
            tenant: self.tenant.clone(),
            started_at: self.sync.started_at,
            provenance: access_core::model::Provenance::default(),
        };
        Ok(C1zSnapshot::new(
            self.reader()?,
            run,
            self.sync.ended_at,
            Arc::clone(&self.types),
        ))
    }

    /// All syncs of a file in order of their start, and the id of the one that readers use by default.
    /// Blocks; ends soon after `stop` is set.
    ///
    /// # Errors
    /// [`C1zSourceError`] if the file cannot be read.
    pub fn syncs(
        path: &Path,
        temp_folder: &Path,
        limits: Limits,
        stop: &AtomicBool,
    ) -> Result<(Vec<SyncRow>, Option<String>), C1zSourceError> {
        let syncs = Reader::syncs_of(path, temp_folder, limits, stop)?;
        let latest = SyncRow::latest_finished(&syncs).map(|sync| sync.sync_id.clone());
        Ok((syncs, latest))
    }

    /// Ids and end times of the finished full syncs of the file, in order of their start.
    ///
    /// # Errors
    /// [`C1zSourceError`] if the unpacked copy cannot be read, or a sync has an id or time that is none.
    pub fn full_syncs(&self) -> Result<Vec<(String, OffsetDateTime)>, C1zSourceError> {
        let reader = self.reader()?;
        let rows = reader.syncs()?.into_iter();
        let full = rows.filter(|row| row.sync_type == SyncType::Full.as_str() && row.ended_at.is_some());
        full.map(|row| {
            let sync = SelectedSync::choose(&reader, Some(&row.sync_id))?;
            Ok((row.sync_id, sync.ended_at))
        })
        .collect()
    }

    /// Opens another sync of the same file without unpacking it again.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn with_sync(&self, id: &str) -> Result<Self, C1zSourceError> {
        let reader = self.reader()?;
        let sync = SelectedSync::choose(&reader, Some(id))?;
        let types = Types::of(&reader, &sync)?;
        Ok(Self {
            reader: Mutex::new(reader),
            path: self.path.clone(),
            tenant: self.tenant.clone(),
            id_scheme: self.id_scheme.clone(),
            sync,
            types: Arc::new(types),
        })
    }

    /// Opens another reader, so that concurrent reads do not wait for each other.
    fn reader(&self) -> Result<Reader, C1zSourceError> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(reader.reopen()?)
    }

    /// Starts a thread with its own reader, so that concurrent reads do not wait for each other.
    fn start(&self, scope: &SyncScope) -> Result<EventStream, C1zSourceError> {
        let reader = self.reader()?;
        let interrupt = reader.interrupt();
        let (outlet, queue) = EventSender::new(QUEUE_BATCHES);
        let (sync, types, scope) = (self.sync.id, Arc::clone(&self.types), scope.clone());
        let thread = thread::Builder::new()
            .name("c1z-read".to_owned())
            .spawn(move || sync_pass::read(&reader, sync, &types, &scope, &outlet))
            .map_err(C1zSourceError::NoThread)?;
        Ok(EventStream::new(queue, thread, interrupt))
    }
}

#[async_trait]
impl AccessSource for C1zSource {
    async fn check(&self) -> Result<CheckReport, SourceError> {
        let ok = |endpoint, purpose, detail| EndpointCheck {
            endpoint,
            purpose,
            outcome: CheckOutcome::Ok { detail },
        };
        let file = ok(
            format!("file {}", self.path.display()),
            "everything",
            "c1z, unpacked".to_owned(),
        );
        let detail = format!(
            "{}, finished {} UTC, {} resource types",
            self.sync.sync_type.as_str(),
            c1z::format_timestamp(self.sync.ended_at),
            self.types.listed().len()
        );
        let sync = ok(format!("sync {}", self.sync.id), "everything", detail);
        Ok(CheckReport {
            tenant: self.tenant.clone(),
            id_scheme: None,
            endpoints: vec![file, sync],
            scopes: Vec::new(),
        })
    }

    fn tenant(&self) -> String {
        self.tenant.clone()
    }

    fn resource_types(&self) -> Vec<ResourceType> {
        self.types.listed().to_vec()
    }

    fn read(&self, scope: &SyncScope) -> BoxStream<'_, Result<SourceEvent, SourceError>> {
        match self.start(scope) {
            Ok(events) => {
                let scheme = self.id_scheme.clone().map(SourceEvent::IdScheme).map(Ok);
                stream::iter(scheme).chain(events).boxed()
            }
            Err(error) => stream::iter([Err(SourceError::new(error))]).boxed(),
        }
    }

    fn usage(&self) -> ApiUsage {
        ApiUsage::default()
    }
}
