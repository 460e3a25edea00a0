//! The start of every command.

use indicatif::MultiProgress;

use crate::failure::Failure;
use crate::observability::logging;
use crate::observability::otlp::Telemetry;
use crate::observability::task_logs::TaskLogs;
use crate::settings::Settings;

/// Log and progress display of a command. Dropping it sends the remaining traces and logs.
pub(crate) struct CommandContext {
    /// Progress bars; log lines go above them.
    pub(crate) display: MultiProgress,
    _telemetry: Option<Telemetry>,
}

impl CommandContext {
    /// Starts the log according to the settings.
    ///
    /// # Errors
    /// [`Failure`] if a log cannot be written, or a collector cannot be used.
    pub(crate) fn new(settings: &Settings) -> Result<Self, Failure> {
        Self::with_task_logs(settings, None)
    }

    /// Same, with logs of tasks.
    ///
    /// # Errors
    /// Same as [`new`](Self::new).
    pub(crate) fn with_task_logs(settings: &Settings, task_logs: Option<&TaskLogs>) -> Result<Self, Failure> {
        let display = MultiProgress::new();
        let telemetry = logging::start(settings, &display, task_logs)?;
        Ok(Self {
            display,
            _telemetry: telemetry,
        })
    }
}
