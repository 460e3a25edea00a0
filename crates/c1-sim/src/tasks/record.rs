use std::time::{Duration, Instant};

use baton_proto::connectorapi_baton_v1::Task;

use super::{TaskId, TaskProgress, TaskState};

/// A task with the state of its assignment.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) id: TaskId,
    pub(super) progress: TaskProgress,
    /// Assigned to the next poll whatever its state.
    pub(super) redeliver_next: bool,
    last_seen: Option<Instant>,
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
            redeliver_next: false,
            last_seen: None,
        }
    }

    pub(super) fn record_heartbeat(&mut self, now: Instant) {
        self.last_seen = Some(now);
    }

    pub(super) fn is_due(&self, now: Instant, timeout: Duration) -> bool {
        let is_silent = self
            .last_seen
            .is_none_or(|last_seen| now.duration_since(last_seen) >= timeout);
        let due = match self.progress.state {
            TaskState::Queued => true,
            TaskState::Assigned => is_silent,
            TaskState::Finished => false,
        };
        self.redeliver_next || due && !self.progress.cancelled
    }

    pub(super) fn assign(&mut self, now: Instant, deliver_again: bool) -> Task {
        self.redeliver_next = deliver_again;
        if self.progress.state == TaskState::Queued {
            self.progress.state = TaskState::Assigned;
        }
        self.progress.deliveries.push(now);
        self.record_heartbeat(now);
        self.progress.task.clone()
    }
}
