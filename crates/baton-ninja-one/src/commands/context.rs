//! What every command starts with.

use indicatif::MultiProgress;

use crate::failure::Failure;
use crate::observability::logging;
use crate::observability::otlp::Telemetry;
use crate::observability::task_logs::TaskLogs;
use crate::settings::Settings;

/// The log of a command, and the display of its progress. Traces and logs are sent until it is dropped.
pub(crate) struct CommandContext {
    /// Progress bars; log lines go above them.
    pub(crate) display: MultiProgress,
    _telemetry: Option<Telemetry>,
}

impl CommandContext {
    /// Starts the log as the settings ask for it.
    ///
    /// # Errors
    /// [`Failure`] if a log cannot be written, or a collector cannot be used.
    pub(crate) fn new(settings: &Settings) -> Result<Self, Failure> {
        Self::with_task_logs(settings, None)
    }

    /// The same, where the lines of tasks are collected too.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(crate) fn with_task_logs(settings: &Settings, task_logs: Option<&TaskLogs>) -> Result<Self, Failure> {
        let display = MultiProgress::new();
        let telemetry = logging::start(settings, &display, task_logs)?;
        Ok(Self {
            display,
            _telemetry: telemetry,
        })
    }
}
