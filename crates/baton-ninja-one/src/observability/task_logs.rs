//! Debug logs of ConductorOne's tasks that request them (`Task.debug`), each in its own file, independently of the log
//! level.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::log_line::{Fields, json_line};

/// Maximum size of the log of a task. Later lines are dropped, and the last line says so.
const MAX_LOG_BYTES: u64 = 16 << 20;
/// The name of the span of a task, and of its field with the id of the task.
const SPAN: &str = "task";
const HIDDEN: &str = "[hidden]";

/// The open logs by task id. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct TaskLogs(Arc<Inner>);

#[derive(Default)]
struct Inner {
    logs: Mutex<HashMap<String, Log>>,
    /// Texts that are removed from every line.
    secrets: Vec<String>,
}

struct Log {
    out: BufWriter<File>,
    bytes: u64,
    /// Whether later lines are dropped: the log or the disk is full.
    ended: bool,
}

/// An open log, closed on drop.
pub(crate) struct TaskLog {
    logs: TaskLogs,
    task: String,
    path: PathBuf,
}

impl TaskLogs {
    /// Creates an empty set of logs that never contain these texts.
    pub(crate) fn excluding(secrets: impl IntoIterator<Item = String>) -> Self {
        let secrets = secrets.into_iter().filter(|secret| !secret.is_empty());
        // Also in JSON spelling.
        let secrets = secrets.flat_map(|secret| {
            let escaped = serde_json::Value::from(secret.as_str()).to_string();
            [escaped.trim_matches('"').to_owned(), secret]
        });
        Self(Arc::new(Inner {
            logs: Mutex::default(),
            secrets: secrets.collect(),
        }))
    }

    /// Begins the log of a task.
    ///
    /// # Errors
    /// [`io::Error`] if the file cannot be created.
    pub(crate) fn begin(&self, task: &str, path: &Path) -> io::Result<TaskLog> {
        let log = Log {
            out: BufWriter::new(File::create_new(path)?),
            bytes: 0,
            ended: false,
        };
        self.logs().insert(task.to_owned(), log);
        Ok(TaskLog {
            logs: self.clone(),
            task: task.to_owned(),
            path: path.to_owned(),
        })
    }

    fn logs(&self) -> MutexGuard<'_, HashMap<String, Log>> {
        self.0.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, task: &str, line: &str) {
        if let Some(log) = self.logs().get_mut(task) {
            let line = self.0.secrets.iter().fold(line.to_owned(), |line, secret| {
                line.replace(secret.as_str(), HIDDEN)
            });
            log.write(&line);
        }
    }
}

impl Log {
    fn write(&mut self, line: &str) {
        if self.ended {
            return;
        }
        self.bytes += line.len() as u64;
        self.ended = self.bytes > MAX_LOG_BYTES;
        let line = if self.ended {
            "{\"level\":\"warn\",\"msg\":\"the log has reached its largest size; later lines are left out\"}\n"
        } else {
            line
        };
        // A log that cannot be written must not end the task.
        self.ended |= self.out.write_all(line.as_bytes()).is_err();
    }
}

impl TaskLog {
    /// Ends the log and returns its path.
    ///
    /// # Errors
    /// [`io::Error`] if the last lines cannot be written.
    pub(crate) fn end(self) -> io::Result<PathBuf> {
        if let Some(mut log) = self.logs.logs().remove(&self.task) {
            log.out.flush()?;
        }
        Ok(self.path.clone())
    }
}

impl Drop for TaskLog {
    fn drop(&mut self) {
        self.logs.logs().remove(&self.task);
    }
}

/// The id of a span's task.
struct TaskOf(String);

impl Visit for TaskOf {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == SPAN {
            self.0 = format!("{value:?}");
        }
    }
}

impl<S> Layer<S> for TaskLogs
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().name() != SPAN {
            return;
        }
        let mut task = TaskOf(String::new());
        attributes.record(&mut task);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(task);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if self.logs().is_empty() {
            return;
        }
        let mut spans = context.event_scope(event).into_iter().flatten();
        let task = spans.find_map(|span| Some(span.extensions().get::<TaskOf>()?.0.clone()));
        if let Some(task) = task {
            let mut fields = Fields::default();
            event.record(&mut fields);
            let line = json_line(OffsetDateTime::now_utc(), event.metadata(), fields);
            self.write(&task, &line);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn task_lines_are_logged_without_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let logs = TaskLogs::excluding(["hush".to_owned(), String::new()]);
        let subscriber = tracing_subscriber::registry().with(logs.clone());
        let path = folder.path().join("debug.log");
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!("before");
            let log = logs.begin("task-1", &path).unwrap();
            for id in ["task-1", "task-2"] {
                let span = tracing::info_span!("task", task = %id);
                span.in_scope(|| {
                    let inner = tracing::info_span!("request");
                    inner.in_scope(|| tracing::debug!(token = "hush", "hush in {id}"));
                });
            }
            tracing::debug!("outside");
            assert_eq!(log.end().unwrap(), path);
        });
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 1, "{text}");
        assert_eq!(lines[0]["msg"], "[hidden] in task-1");
        assert_eq!(
            (&lines[0]["level"], &lines[0]["token"]),
            (&"debug".into(), &"[hidden]".into())
        );
    }

    #[test]
    fn log_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let logs = TaskLogs::default();
        let path = folder.path().join("debug.log");
        let log = logs.begin("task-1", &path).unwrap();
        let line = "x".repeat(1 << 20) + "\n";
        for _ in 0..20 {
            logs.write("task-1", &line);
        }
        log.end().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.len() < 17 << 20 && text.ends_with("later lines are left out\"}\n"));
    }
}
