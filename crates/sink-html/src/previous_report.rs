//! The previous report of a chain: changes are computed against it, and the next seal has its hash.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use access_core::diff::RemovalPolicy;
use access_core::location::{self, LocationContents};
use access_core::model::{Baseline, SyncOrigin, SyncRun, SyncType, UserAttributes};
use access_core::sync::Comparer;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::changes::{Changes, changes};
use crate::error::ReportError;
use crate::model::Model;
use crate::payload::ReportHeader;
use crate::payload::TrendPoint;
use crate::payload::decode;
use crate::report_reader::ReportFile;
use crate::seal::Previous;

/// There is one format of reports.
const FORMAT: &str = "report";

/// What a report inherits from the previous one.
#[derive(Debug, Default)]
pub(crate) struct Continuation {
    pub(crate) changes: Changes,
    pub(crate) previous: Option<Previous>,
    /// The figures of the previous reports, the earliest first.
    pub(crate) trend: Vec<TrendPoint>,
}

/// The report at the path of the next one, or a named one. Its data is read again when it is needed, so that it takes no memory
/// while the tenant is read.
#[derive(Debug)]
pub(crate) struct PreviousReport {
    path: PathBuf,
    fingerprint: String,
    sync_id: String,
    started_at: String,
    sync_type: String,
    pub(crate) origin: SyncOrigin,
    /// Whether it is of the same sync as the one being written, so that nothing can have changed.
    is_same: bool,
    pub(crate) baseline: Baseline,
}

impl PreviousReport {
    /// Reads the report that a sync follows. `None` without a file, or with an empty one.
    ///
    /// # Errors
    /// [`ReportError`] if the file cannot be followed: it is not a report, was altered, or is of another tenant or a later sync.
    pub(crate) fn read(path: &Path, sync: &SyncRun) -> Result<Option<Self>, ReportError> {
        match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ReportError::io("reading", path, error)),
            Ok(file) if file.is_file() && file.len() == 0 => return Ok(None),
            Ok(_) => {}
        }
        let (file, head, model) = read(path)?;
        let seal = &file.seal;
        let time = |text: &str| {
            let parsed = OffsetDateTime::parse(text, &Rfc3339);
            parsed.map_err(|_| ReportError::altered(path, "its time cannot be read"))
        };
        // A rewritten report is not a later one.
        let is_same = seal.sync_id == sync.id.as_str();
        let contents = LocationContents {
            tenant: Some(seal.tenant.clone()),
            format: None,
            resource_types: None,
            latest_ended_at: (!is_same).then(|| time(&head.ended_at)).transpose()?,
            checked_at: Some(time::OffsetDateTime::now_utc()),
        };
        location::check_location(&contents, sync, FORMAT).map_err(|conflict| ReportError::Location {
            path: path.to_owned(),
            conflict,
        })?;
        Ok(Some(Self {
            path: path.to_owned(),
            fingerprint: file.fingerprint(),
            sync_id: seal.sync_id.clone(),
            started_at: seal.started_at.clone(),
            sync_type: seal.sync_type.clone(),
            origin: head.evidence.origin(),
            is_same,
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

    /// Whether it is of another full sync than the one that is written.
    pub(crate) fn is_earlier_full(&self) -> bool {
        self.is_full() && !self.is_same
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Streams the ids of its resources and grants into a comparison.
    ///
    /// # Errors
    /// [`ReportError`] if the file changed since the sync began.
    pub(crate) fn visit_ids(&self, comparer: &mut Comparer) -> Result<(), ReportError> {
        let (_, _, model) = self.read_again()?;
        let held_on = model.entitlements.iter().filter_map(|entitlement| {
            let kind = model.kind(entitlement)?;
            Some((&*kind.id, &*entitlement.resource))
        });
        let others = model
            .others
            .iter()
            .map(|other| (&*other.resource_type, &*other.id));
        let people = model
            .people
            .iter()
            .map(|person| (model.words.text(person.resource_type), &*person.id));
        let mut seen: HashSet<(&str, &str)> = HashSet::new();
        for (resource_type, id) in people.chain(held_on).chain(others) {
            if seen.insert((resource_type, id)) {
                comparer.add_resource(resource_type, id);
            }
        }
        for (entitlement, holders) in model.entitlements.iter().zip(&model.holders) {
            for index in &holders.principals {
                if let Some((principal_type, id)) = model.principal(*index) {
                    comparer.add_grant(&entitlement.id, principal_type, id);
                }
            }
        }
        Ok(())
    }

    fn read_again(&self) -> Result<(ReportFile, ReportHeader, Model), ReportError> {
        let (file, head, model) = read(&self.path)?;
        if file.fingerprint() == self.fingerprint {
            Ok((file, head, model))
        } else {
            Err(ReportError::altered(
                &self.path,
                "it was replaced while the sync ran",
            ))
        }
    }

    /// Computes the changes since this report, and dates the grants of the model. A rewritten report of the same sync keeps its changes.
    ///
    /// # Errors
    /// [`ReportError`] if the file changed since the sync began.
    pub(crate) fn compare(
        &self,
        run: &SyncRun,
        model: &mut Model,
        attributes: UserAttributes,
    ) -> Result<Continuation, ReportError> {
        let (file, head, old) = self.read_again()?;
        let started_at = run.started_at.format(&Rfc3339).unwrap_or_default();
        model.date_grants(&started_at, Some((&old, &head.started_at)));
        if self.sync_id == run.id.as_str() {
            let kept = file.section("changes").and_then(|section| {
                serde_json::from_slice(&section.bytes).map_err(|error| error.to_string())
            });
            let kept = kept.map_err(|reason| ReportError::altered(&self.path, reason))?;
            return Ok(Continuation {
                changes: kept,
                previous: file.seal.previous,
                trend: head.trend,
            });
        }
        let complete = model.kinds.iter().filter(|kind| kind.complete);
        let removals = RemovalPolicy::from_complete_types(
            run.sync_type == SyncType::Full,
            complete.map(|kind| &*kind.id),
        );
        let previous = Previous {
            sync_id: self.sync_id.clone(),
            started_at: self.started_at.clone(),
            seal_sha256: self.fingerprint.clone(),
        };
        Ok(Continuation {
            changes: changes(&old, model, &removals, attributes),
            previous: Some(previous),
            trend: head.into_trend(),
        })
    }
}

fn read(path: &Path) -> Result<(ReportFile, ReportHeader, Model), ReportError> {
    let file = ReportFile::read(path)?;
    let altered = |reason: String| ReportError::altered(path, reason);
    if !file.page_is_intact() {
        return Err(altered("the page differs from its seal".to_owned()));
    }
    let sections = file.sections().map_err(altered)?;
    let (head, model) = decode(&sections).map_err(|error| altered(error.to_string()))?;
    Ok((file, head, model))
}
