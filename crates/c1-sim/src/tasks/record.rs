use std::time::{Duration, Instant};

use baton_proto::connectorapi_baton_v1::Task;

use super::{TaskId, TaskProgress, TaskState};

/// A task and when it is assigned.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) id: TaskId,
    pub(super) progress: TaskProgress,
    /// The next poll gets it, whatever its state.
    pub(super) again: bool,
    heard_of: Option<Instant>,
}

impl Record {
    pub(super) fn new(id: TaskId, task: Task) -> Self {
        Self {
            id,
            progress: TaskProgress {
                task,
                state: TaskState::Queued,
                cancelled: false,
                deliveries: Vec::new(),
                heartbeats: Vec::new(),
                uploads: Vec::new(),
                finishes: Vec::new(),
            },
            again: false,
            heard_of: None,
        }
    }

    pub(super) fn record_heartbeat(&mut self, now: Instant) {
        self.heard_of = Some(now);
    }

    pub(super) fn is_due(&self, now: Instant, patience: Duration) -> bool {
        let silent = self
            .heard_of
            .is_none_or(|heard_of| now.duration_since(heard_of) >= patience);
        let due = match self.progress.state {
            TaskState::Queued => true,
            TaskState::GivenOut => silent,
            TaskState::Finished => false,
        };
        self.again || due && !self.progress.cancelled
    }

    pub(super) fn give_out(&mut self, now: Instant, twice: bool) -> Task {
        self.again = twice;
        if self.progress.state == TaskState::Queued {
            self.progress.state = TaskState::GivenOut;
        }
        self.progress.deliveries.push(now);
        self.record_heartbeat(now);
        self.progress.task.clone()
    }
}
