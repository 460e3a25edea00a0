//! The thread that gathers the rows and writes the file.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use access_core::model::{AccessBatch, Baseline, IdScheme, ReportSchema, SyncType};
use access_core::sync::{Comparer, Comparison, CurrentSync, SyncSummary};
use regular_file::beside;
use time::format_description::well_known::Rfc3339;
use tokio::sync::{mpsc, oneshot};

use crate::charts::charts;
use crate::collector::Collector;
use crate::error::ReportError;
use crate::evidence::Evidence;
use crate::metrics::figures;
use crate::payload::ReportHeader;
use crate::payload::encode;
use crate::previous_report::Continuation;
use crate::previous_report::Predecessor;
use crate::render::render;
use crate::schema::page_schema;
use crate::target::Target;

/// What the thread is asked to do.
pub(crate) enum Job {
    Write(Arc<AccessBatch>),
    Compare {
        current: Arc<CurrentSync>,
        done: oneshot::Sender<Option<Comparison>>,
    },
    Prepare {
        summary: Box<SyncSummary>,
        done: oneshot::Sender<u64>,
    },
    Publish {
        done: oneshot::Sender<Published>,
    },
    SetAside {
        summary: Box<SyncSummary>,
        done: oneshot::Sender<PathBuf>,
    },
}

/// What is visible now.
pub(crate) struct Published {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
}

/// A report on its way.
pub(crate) struct ReportJob {
    pub(crate) target: Target,
    pub(crate) predecessor: Option<Predecessor>,
    pub(crate) program: String,
    pub(crate) schema: ReportSchema,
    pub(crate) level: u32,
    pub(crate) stop: Arc<AtomicBool>,
}

/// A report that is whole and not visible.
struct Prepared {
    target: Target,
    place: PathBuf,
    bytes: u64,
    rows: u64,
}

/// Works until there are no more jobs. An error ends the thread; whoever waits for an answer then sees that the thread is
/// gone and asks it why by joining it.
pub(crate) fn run(writing: ReportJob, mut jobs: mpsc::Receiver<Job>) -> Result<(), ReportError> {
    let mut collector = Collector::new(writing.schema.attributes);
    let (summary, done) = loop {
        match jobs.blocking_recv() {
            Some(Job::Write(batch)) => collector.take(&batch)?,
            Some(Job::Compare { current, done }) => {
                let _ = done.send(writing.compare(current)?);
            }
            Some(Job::Prepare { summary, done }) => break (summary, done),
            Some(Job::SetAside { summary, done }) => {
                let aside = beside(writing.target.path(), ".candidate");
                let prepared = writing.complete(collector, &summary)?;
                prepared.target.publish(&aside)?;
                let _ = done.send(aside);
                return Ok(());
            }
            Some(Job::Publish { .. }) | None => return Ok(()),
        }
    };
    let prepared = writing.complete(collector, &summary)?;
    // The other side is gone when the run was stopped meanwhile; then there is nothing to publish either.
    let _ = done.send(prepared.rows);
    if let Some(Job::Publish { done }) = jobs.blocking_recv() {
        let Prepared {
            target,
            place,
            bytes,
            rows,
        } = prepared;
        let candidate = beside(target.path(), ".candidate");
        target.publish(&place)?;
        // What was in doubt is settled. One that cannot be removed is only a file that nobody needs.
        let _ = std::fs::remove_file(candidate);
        let _ = done.send(Published {
            path: place,
            bytes,
            rows,
        });
    }
    Ok(())
}

impl ReportJob {
    /// The size of what this report is to replace.
    pub(crate) fn baseline(&self) -> Option<Baseline> {
        let full = self
            .predecessor
            .as_ref()
            .filter(|predecessor| predecessor.is_full());
        full.map(|predecessor| predecessor.baseline.clone())
    }

    /// How ids are made in what this report is to replace.
    pub(crate) fn id_scheme(&self) -> Option<IdScheme> {
        self.predecessor.as_ref()?.id_scheme.clone()
    }

    /// Compares the report of a full sync that this one is to replace with what was read now.
    fn compare(&self, current: Arc<CurrentSync>) -> Result<Option<Comparison>, ReportError> {
        match &self.predecessor {
            Some(predecessor) if predecessor.is_earlier_full() => {
                let mut comparer = Comparer::new(current, predecessor.baseline.sync_id);
                predecessor.each_id(&mut comparer)?;
                Ok(Some(comparer.finish()))
            }
            _ => Ok(None),
        }
    }

    fn complete(mut self, collector: Collector, summary: &SyncSummary) -> Result<Prepared, ReportError> {
        let mut model = collector.finish(summary)?;
        self.go_on()?;
        let continuation = if let Some(predecessor) = &self.predecessor {
            predecessor.compare(&summary.run, &mut model, self.schema.attributes)?
        } else {
            model.date_grants(&time(summary.run.started_at), None);
            Continuation::default()
        };
        let changes = continuation.changes;
        self.go_on()?;
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
        self.go_on()?;
        let (file, _) = render(&head, &sections, self.level).map_err(failed)?;
        drop(sections);
        self.go_on()?;
        self.target.fill(&file)?;
        Ok(Prepared {
            place: self.place(summary),
            target: self.target,
            bytes: file.len() as u64,
            rows,
        })
    }

    /// Where it becomes visible. A report of a full sync is not replaced by one that shows less.
    fn place(&self, summary: &SyncSummary) -> PathBuf {
        let path = self.target.path();
        let full = summary.run.sync_type == SyncType::Full;
        let over_full = self
            .predecessor
            .as_ref()
            .is_some_and(|predecessor| predecessor.is_full() && predecessor.path() == path);
        if full || !over_full {
            return path.to_owned();
        }
        path.with_extension("partial.html")
    }

    fn go_on(&self) -> Result<(), ReportError> {
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
