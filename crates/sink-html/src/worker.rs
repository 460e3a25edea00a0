//! The report while a sync is written, on the worker's thread.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use access_core::model::{AccessBatch, Baseline, ReportSchema, SyncOrigin, SyncType};
use access_core::sync::{Comparer, Comparison, CurrentSync, SyncSummary};
use regular_file::beside;
use sink_worker::{FileJob, PreparedJob, PublishedFile, WorkerLost};
use time::format_description::well_known::Rfc3339;

use crate::charts::charts;
use crate::collector::Collector;
use crate::error::ReportError;
use crate::evidence::Evidence;
use crate::metrics::figures;
use crate::model::Model;
use crate::payload::ReportHeader;
use crate::payload::encode;
use crate::previous_report::Continuation;
use crate::previous_report::PreviousReport;
use crate::render::render;
use crate::schema::page_schema;
use crate::target::Target;

impl WorkerLost for ReportError {
    fn worker_lost() -> Self {
        Self::ThreadLost
    }
}

/// A report that is being written.
pub(crate) struct ReportJob {
    pub(crate) collector: Collector,
    pub(crate) target: Target,
    pub(crate) previous_report: Option<PreviousReport>,
    pub(crate) program: String,
    pub(crate) schema: ReportSchema,
    pub(crate) stop: Arc<AtomicBool>,
}

/// A report that is complete and not visible.
pub(crate) struct PreparedReport {
    target: Target,
    /// Where it becomes visible.
    path: PathBuf,
    bytes: u64,
    rows: u64,
}

impl PreparedJob for PreparedReport {
    type Error = ReportError;

    fn rows(&self) -> u64 {
        self.rows
    }

    fn publish(self) -> Result<PublishedFile, ReportError> {
        let candidate = beside(self.target.path(), CANDIDATE_SUFFIX);
        self.target.publish(&self.path)?;
        // A published sync makes the candidate obsolete. A candidate that cannot be removed does no harm.
        let _ = std::fs::remove_file(candidate);
        Ok(PublishedFile {
            path: self.path,
            bytes: self.bytes,
            rows: self.rows,
        })
    }
}

/// The suffix of a report in quarantine.
const CANDIDATE_SUFFIX: &str = ".candidate";

impl FileJob for ReportJob {
    type Error = ReportError;
    type Prepared = PreparedReport;

    /// The size of the report that this one is to replace.
    fn baseline(&self) -> Option<Baseline> {
        let full = self
            .previous_report
            .as_ref()
            .filter(|previous_report| previous_report.is_full());
        full.map(|previous_report| previous_report.baseline.clone())
    }

    fn origin(&self) -> SyncOrigin {
        let previous = self.previous_report.as_ref();
        previous
            .map(|previous| previous.origin.clone())
            .unwrap_or_default()
    }

    fn write(&mut self, batch: &AccessBatch) -> Result<(), ReportError> {
        self.collector.take(batch)
    }

    fn compare(&mut self, current: Arc<CurrentSync>) -> Result<Option<Comparison>, ReportError> {
        match &self.previous_report {
            Some(previous_report) if previous_report.is_earlier_full() => {
                let mut comparer = Comparer::new(current, previous_report.baseline.sync_id);
                previous_report.visit_ids(&mut comparer)?;
                Ok(Some(comparer.finish()))
            }
            _ => Ok(None),
        }
    }

    fn prepare(mut self, summary: &SyncSummary) -> Result<PreparedReport, ReportError> {
        let model = std::mem::take(&mut self.collector).finish(summary)?;
        self.complete(model, summary)
    }

    fn quarantine(self, summary: &SyncSummary) -> Result<PathBuf, ReportError> {
        let candidate = beside(self.target.path(), CANDIDATE_SUFFIX);
        self.prepare(summary)?.target.publish(&candidate)?;
        Ok(candidate)
    }
}

impl ReportJob {
    fn complete(mut self, mut model: Model, summary: &SyncSummary) -> Result<PreparedReport, ReportError> {
        self.check_cancelled()?;
        let continuation = if let Some(previous_report) = &self.previous_report {
            previous_report.compare(&summary.run, &mut model, self.schema.attributes)?
        } else {
            model.date_grants(&time(summary.run.started_at), None);
            Continuation::default()
        };
        let changes = continuation.changes;
        self.check_cancelled()?;
        let failed = |error: std::io::Error| ReportError::io("making", self.target.path(), error);
        let json = |error: serde_json::Error| failed(error.into());
        let head = ReportHeader {
            program: self.program.as_str().into(),
            tenant: summary.run.tenant.as_str().into(),
            sync_id: summary.run.id.as_str().into(),
            sync_type: summary.run.sync_type.as_str().into(),
            started_at: time(summary.run.started_at),
            ended_at: time(summary.ended_at),
            previous: continuation.previous,
            kinds: model.kinds.clone(),
            schema: page_schema(self.schema).map_err(json)?,
            figures: figures(&model, self.schema),
            charts: charts(&model, self.schema),
            ledger: serde_json::to_value(&summary.ledger).map_err(json)?,
            evidence: Evidence::new(summary).map_err(json)?,
            review: None,
            trend: continuation.trend,
        };
        let sections =
            encode(&head, &model, &changes).map_err(|error| failed(std::io::Error::other(error)))?;
        let rows = model.rows();
        drop(model);
        self.check_cancelled()?;
        let (file, _) = render(&head, &sections).map_err(failed)?;
        drop(sections);
        self.check_cancelled()?;
        self.target.fill(&file)?;
        Ok(PreparedReport {
            path: self.published_path(summary),
            target: self.target,
            bytes: file.len() as u64,
            rows,
        })
    }

    /// The path of the published report. A report of a full sync is not replaced by one of a partial sync.
    fn published_path(&self, summary: &SyncSummary) -> PathBuf {
        let path = self.target.path();
        let full = summary.run.sync_type == SyncType::Full;
        let over_full = self
            .previous_report
            .as_ref()
            .is_some_and(|previous_report| previous_report.is_full() && previous_report.path() == path);
        if full || !over_full {
            return path.to_owned();
        }
        path.with_extension("partial.html")
    }

    fn check_cancelled(&self) -> Result<(), ReportError> {
        if self.stop.load(Ordering::Relaxed) {
            Err(ReportError::ThreadLost)
        } else {
            Ok(())
        }
    }
}

fn time(time: time::OffsetDateTime) -> Box<str> {
    time.format(&Rfc3339).unwrap_or_default().into()
}
