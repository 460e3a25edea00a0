//! The report that another one follows: what changed is said against it, and its hash is carried on.

use std::path::{Path, PathBuf};

use access_core::compare::Removals;
use access_core::model::{Baseline, SyncRun, SyncType};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::changes::{Changes, changes};
use crate::error::ReportError;
use crate::model::Model;
use crate::report_file::ReportFile;
use crate::seal::Previous;
use crate::sections::decode;

/// A report that was found where the next one goes, or was named. Its data is read again when it is needed, so that it takes
/// no memory while the tenant is read.
#[derive(Debug)]
pub(crate) struct Predecessor {
    path: PathBuf,
    fingerprint: String,
    sync_id: String,
    started_at: String,
    sync_type: String,
    pub(crate) baseline: Baseline,
}

impl Predecessor {
    /// Reads a report that a sync is to follow. There is none if there is no file, or an empty one.
    ///
    /// # Errors
    /// [`ReportError`] if the file cannot be followed: it is no report, or was altered, or is of another tenant or a later
    /// sync.
    pub(crate) fn read(path: &Path, sync: &SyncRun) -> Result<Option<Self>, ReportError> {
        match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ReportError::io("reading", path, error)),
            Ok(file) if file.len() == 0 => return Ok(None),
            Ok(_) => {}
        }
        let (file, model) = read(path)?;
        let seal = &file.seal;
        if seal.tenant != sync.tenant {
            return Err(ReportError::OtherTenant {
                path: path.to_owned(),
                found: seal.tenant.clone(),
            });
        }
        let started_at = OffsetDateTime::parse(&seal.started_at, &Rfc3339);
        let started_at = started_at.map_err(|_| ReportError::altered(path, "its time cannot be read"))?;
        if started_at > sync.started_at {
            return Err(ReportError::Later {
                path: path.to_owned(),
                found: seal.sync_id.clone(),
            });
        }
        Ok(Some(Self {
            path: path.to_owned(),
            fingerprint: file.fingerprint(),
            sync_id: seal.sync_id.clone(),
            started_at: seal.started_at.clone(),
            sync_type: seal.sync_type.clone(),
            baseline: Baseline {
                sync_id: seal.sync_id.parse().ok(),
                ..model.baseline()
            },
        }))
    }

    /// Whether it is of a full sync.
    pub(crate) fn is_full(&self) -> bool {
        self.sync_type == SyncType::Full.as_str()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What changed since, and what the next report says of it. A report that is written once more says what it said.
    ///
    /// # Errors
    /// [`ReportError`] if the file is not what it was when the sync began.
    pub(crate) fn compare(
        &self,
        run: &SyncRun,
        model: &Model,
    ) -> Result<(Changes, Option<Previous>), ReportError> {
        let (file, old) = read(&self.path)?;
        if file.fingerprint() != self.fingerprint {
            return Err(ReportError::altered(
                &self.path,
                "it was replaced while the sync ran",
            ));
        }
        if self.sync_id == run.id.as_str() {
            let kept = file.section("changes").and_then(|section| {
                serde_json::from_slice(&section.bytes).map_err(|error| error.to_string())
            });
            let kept = kept.map_err(|reason| ReportError::altered(&self.path, reason))?;
            return Ok((kept, file.seal.previous));
        }
        let complete = model.kinds.iter().filter(|kind| kind.complete);
        let removals = Removals::of_types(run.sync_type == SyncType::Full, complete.map(|kind| &*kind.id));
        let previous = Previous {
            sync_id: self.sync_id.clone(),
            started_at: self.started_at.clone(),
            seal_sha256: self.fingerprint.clone(),
        };
        Ok((changes(&old, model, &removals), Some(previous)))
    }
}

fn read(path: &Path) -> Result<(ReportFile, Model), ReportError> {
    let file = ReportFile::read(path)?;
    let altered = |reason: String| ReportError::altered(path, reason);
    if !file.page_is_whole() {
        return Err(altered("the page differs from its seal".to_owned()));
    }
    let sections = file.sections().map_err(altered)?;
    let (_, model) = decode(&sections).map_err(|error| altered(error.to_string()))?;
    Ok((file, model))
}
