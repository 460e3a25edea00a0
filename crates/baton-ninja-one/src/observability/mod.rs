//! Logs, spans, metrics and their export.

mod log_line;
pub(crate) mod logging;
pub(crate) mod metrics;
pub(crate) mod otlp;
pub(crate) mod spans;
pub(crate) mod task_logs;
