//! The port, on the async side.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use access_core::model::{ReportSchema, SyncRun};
use access_core::ports::{AccessSink, SinkError, SinkWriter};
use async_trait::async_trait;
use sink_worker::FileWorker;

use crate::collector::Collector;
use crate::error::ReportError;
use crate::previous_report::PreviousReport;
use crate::target::Target;
use crate::worker::ReportJob;

/// Settings of [`HtmlSink`].
#[derive(Debug, Clone)]
pub struct HtmlSinkConfig {
    /// The file.
    pub path: PathBuf,
    /// Replaces an existing file that is not a report this one can follow.
    pub replace_existing: bool,
    /// The report to compare with and whose chain to continue; by default the one at the path.
    pub previous: Option<PathBuf>,
    /// The program that writes it, for people.
    pub program: String,
    /// What the adapter declares for reports.
    pub schema: ReportSchema,
}

/// A sink that writes each sync as a report.
#[derive(Debug, Clone)]
pub struct HtmlSink {
    config: HtmlSinkConfig,
}

impl HtmlSink {
    /// A sink over one file.
    #[must_use]
    pub fn new(config: HtmlSinkConfig) -> Self {
        Self { config }
    }
}

#[async_trait]
impl AccessSink for HtmlSink {
    fn name(&self) -> String {
        format!("report {}", self.config.path.display())
    }

    async fn begin(&self, sync: &SyncRun) -> Result<Box<dyn SinkWriter>, SinkError> {
        let (config, run) = (self.config.clone(), sync.clone());
        let worker = FileWorker::start("report", move |stop| open(config, &run, stop));
        match worker.await {
            Ok(worker) => Ok(Box::new(worker)),
            Err(error) => Err(SinkError::new(error.or_no_thread(|source| {
                ReportError::Exhausted {
                    doing: "starting a thread for",
                    path: self.config.path.clone(),
                    source,
                }
            }))),
        }
    }
}

fn open(config: HtmlSinkConfig, sync: &SyncRun, stop: Arc<AtomicBool>) -> Result<ReportJob, ReportError> {
    let target = Target::lock(&config.path)?;
    let previous_report = match (&config.previous, PreviousReport::read(&config.path, sync)) {
        (_, Err(error)) if !config.replace_existing || !error.is_about_contents() => return Err(error),
        (None, existing) => existing.unwrap_or_default(),
        (Some(named), _) => {
            let existing = PreviousReport::read(named, sync)?;
            let path = || named.clone();
            let existing = existing.ok_or_else(|| ReportError::Foreign { path: path() })?;
            if !existing.is_full() {
                return Err(ReportError::NotFull { path: path() });
            }
            Some(existing)
        }
    };
    Ok(ReportJob {
        collector: Collector::new(config.schema.attributes),
        target,
        previous_report,
        program: config.program,
        schema: config.schema,
        stop,
    })
}
