//! The tasks of a tenant: queued by tests, assigned to connectors, with their results.

mod finish;
mod progress;
mod record;
mod task_id;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use baton_proto::connectorapi_baton_v1::Task;
use baton_proto::connectorapi_baton_v1::task::{Status, TaskType};
use sim_kit::WatchCell;

pub use finish::Finish;
pub use progress::{Hello, TaskProgress, TaskState, Upload, UploadOutcome};
pub use task_id::{InvalidTaskId, TaskId};

use crate::config::Pace;
use record::Record;

/// All tasks of a tenant. Clones share the tasks.
#[derive(Debug, Clone)]
pub struct TaskQueue(WatchCell<QueueState>);

#[derive(Debug)]
struct QueueState {
    records: Vec<Record>,
    hellos: Vec<Hello>,
    pace: Pace,
}

/// A task did not end exactly once.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FinishCountError {
    /// The task does not exist.
    #[error("there is no task {0}")]
    Unknown(TaskId),
    /// Its end was not reported in time.
    #[error("the end of task {0} was not reported in time")]
    Never(TaskId),
    /// Its end was reported repeatedly.
    #[error("the end of task {id} was reported {times} times")]
    Repeated {
        /// The task.
        id: TaskId,
        /// The number of reports.
        times: usize,
    },
}

impl TaskQueue {
    pub(crate) fn new(pace: Pace) -> Self {
        Self(WatchCell::new(QueueState {
            records: Vec::new(),
            hellos: Vec::new(),
            pace,
        }))
    }

    /// Queues a task of a type; `None` is a type that the connector does not know.
    pub fn push(&self, task_type: impl Into<Option<TaskType>>) -> TaskId {
        let task_type = task_type.into();
        self.0.change(|queue| {
            let id = TaskId::generate(queue.records.len());
            let task = Task {
                id: id.to_string(),
                status: Status::Scheduled.into(),
                debug: false,
                task_type,
            };
            queue.records.push(Record::new(id.clone(), task));
            id
        })
    }

    /// Queues a complete task of the test.
    ///
    /// # Errors
    /// [`InvalidTaskId`] if its id is invalid.
    pub fn push_task(&self, task: Task) -> Result<TaskId, InvalidTaskId> {
        let id = TaskId::parse(&task.id)?;
        self.0
            .change(|queue| queue.records.push(Record::new(id.clone(), task)));
        Ok(id)
    }

    /// Cancels a task: the answers to its heartbeats report it, and it is not assigned again.
    pub fn cancel(&self, id: &TaskId) {
        self.edit(id, |record| record.progress.cancelled = true);
    }

    /// Assigns a task to the next poll, even if it is assigned or its end was reported.
    pub fn redeliver(&self, id: &TaskId) {
        self.edit(id, |record| record.redeliver_next = true);
    }

    /// The progress of a task.
    #[must_use]
    pub fn progress(&self, id: &TaskId) -> Option<TaskProgress> {
        self.0.read().record(id).map(|record| record.progress.clone())
    }

    /// Blocks until a task satisfies a condition; `None` after the timeout.
    #[must_use]
    pub fn wait_for(
        &self,
        id: &TaskId,
        timeout: Duration,
        condition: impl Fn(&TaskProgress) -> bool,
    ) -> Option<TaskProgress> {
        self.0.wait_for(timeout, |queue| {
            let progress = &queue.record(id)?.progress;
            condition(progress).then(|| progress.clone())
        })
    }

    /// Blocks until a task's end was reported, and checks that it was reported once.
    ///
    /// # Errors
    /// [`FinishCountError`] if it was not reported, or more than once.
    pub fn finished_once(&self, id: &TaskId, timeout: Duration) -> Result<Finish, FinishCountError> {
        if self.progress(id).is_none() {
            return Err(FinishCountError::Unknown(id.clone()));
        }
        let progress = self.wait_for(id, timeout, |progress| !progress.finishes.is_empty());
        let mut finishes = progress.map(|progress| progress.finishes).unwrap_or_default();
        match (finishes.pop(), finishes.len()) {
            (Some(finish), 0) => Ok(finish),
            (None, _) => Err(FinishCountError::Never(id.clone())),
            (Some(_), others) => Err(FinishCountError::Repeated {
                id: id.clone(),
                times: others + 1,
            }),
        }
    }

    /// Every `Hello` so far.
    #[must_use]
    pub fn hellos(&self) -> Vec<Hello> {
        self.0.read().hellos.clone()
    }

    /// Blocks until this number of `Hello`s arrived; returns fewer after the timeout.
    #[must_use]
    pub fn wait_for_hellos(&self, count: usize, timeout: Duration) -> Vec<Hello> {
        let enough = |queue: &QueueState| (queue.hellos.len() >= count).then(|| queue.hellos.clone());
        self.0.wait_for(timeout, enough).unwrap_or_else(|| self.hellos())
    }

    /// Intervals of polls, heartbeats and redelivery.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.0.read().pace
    }

    /// Changes the intervals from now on.
    pub fn set_pace(&self, pace: Pace) {
        self.0.change(|queue| queue.pace = pace);
    }

    /// Assigns the next tasks. The caller already works on the `known` ones.
    pub(crate) fn assign(&self, max_tasks: usize, known: &[TaskId], deliver_again: bool) -> Vec<Task> {
        let now = Instant::now();
        self.0.change(|queue| {
            let timeout = queue.pace.redeliver_after;
            let mut assigned = Vec::new();
            for record in &mut queue.records {
                if known.contains(&record.id) {
                    record.record_heartbeat(now);
                } else if assigned.len() < max_tasks && record.is_due(now, timeout) {
                    assigned.push(record.assign(now, deliver_again));
                }
            }
            assigned
        })
    }

    /// Records a `Hello`, which may answer a hello task. Returns whether that task exists.
    pub(crate) fn hello(&self, hello: Hello, task: Option<&TaskId>) -> bool {
        self.0.change(|queue| {
            let exists = task.is_none_or(|id| {
                queue
                    .edit(id, |record| record.progress.state = TaskState::Finished)
                    .is_some()
            });
            if exists {
                queue.hellos.push(hello);
            }
            exists
        })
    }

    /// Records a heartbeat. Returns whether the task is cancelled; `None` if there is no such task.
    pub(crate) fn heartbeat(&self, id: &TaskId) -> Option<bool> {
        let now = Instant::now();
        self.edit(id, |record| {
            record.record_heartbeat(now);
            record.progress.heartbeats.push(now);
            record.progress.cancelled
        })
    }

    /// Records the end of a task. Returns whether the task exists.
    pub(crate) fn finish(&self, id: &TaskId, finish: Finish) -> bool {
        self.edit(id, |record| {
            record.progress.state = TaskState::Finished;
            record.progress.finishes.push(finish);
        })
        .is_some()
    }

    /// Records the beginning of an upload. Returns its number, counted from 0; `None` if there is no such task.
    pub(crate) fn begin_upload(&self, id: &TaskId, path: impl FnOnce(usize) -> PathBuf) -> Option<usize> {
        let now = Instant::now();
        self.edit(id, |record| {
            record.record_heartbeat(now);
            let number = record.progress.uploads.len();
            record.progress.uploads.push(Upload {
                started_at: now,
                chunks: Vec::new(),
                path: path(number),
                outcome: UploadOutcome::Receiving,
            });
            number
        })
    }

    /// Records the progress of an upload.
    pub(crate) fn edit_upload(&self, id: &TaskId, number: usize, edit: impl FnOnce(&mut Upload)) {
        self.edit(id, |record| {
            record.record_heartbeat(Instant::now());
            if let Some(upload) = record.progress.uploads.get_mut(number) {
                edit(upload);
            }
        });
    }

    fn edit<R>(&self, id: &TaskId, edit: impl FnOnce(&mut Record) -> R) -> Option<R> {
        self.0.change(|queue| queue.edit(id, edit))
    }
}

impl QueueState {
    fn record(&self, id: &TaskId) -> Option<&Record> {
        self.records.iter().find(|record| record.id == *id)
    }

    fn edit<R>(&mut self, id: &TaskId, edit: impl FnOnce(&mut Record) -> R) -> Option<R> {
        self.records.iter_mut().find(|record| record.id == *id).map(edit)
    }
}
