use std::time::Duration;

use crate::fault::FaultSchedule;

/// The configuration of a simulated tenant.
#[derive(Debug, Clone)]
pub struct C1SimConfig {
    /// The part of the first client's id before the `@`.
    pub client_name: String,
    /// The `kid` of the first client's key, if it has one.
    pub key_id: Option<String>,
    /// How tokens are issued.
    pub token: TokenBehavior,
    /// Intervals of polls, heartbeats and redelivery.
    pub pace: Pace,
    /// The answer to a poll when there is no task.
    pub idle: Idle,
    /// Refuse a `Hello` with incomplete OS info, as ConductorOne reportedly does (docs/reference/conductorone.md §3.5, step 1).
    pub refuse_blank_os_info: bool,
    /// The faults.
    pub faults: FaultSchedule,
}

impl Default for C1SimConfig {
    /// A healthy tenant with one client.
    fn default() -> Self {
        Self {
            client_name: "brisk-otter-12345".to_owned(),
            key_id: None,
            token: TokenBehavior::default(),
            pace: Pace::default(),
            idle: Idle::NoneTask,
            refuse_blank_os_info: true,
            faults: FaultSchedule::default(),
        }
    }
}

/// How tokens are issued (docs/reference/conductorone.md §3.2).
#[derive(Debug, Clone)]
pub struct TokenBehavior {
    /// Lifetime of a token.
    pub lifetime: Duration,
    /// `token_type` of the answer.
    pub token_type: String,
    /// `expires_in` of the answer.
    pub expires_in: ExpiresIn,
}

impl Default for TokenBehavior {
    fn default() -> Self {
        Self {
            lifetime: Duration::from_mins(10),
            token_type: "Bearer".to_owned(),
            expires_in: ExpiresIn::Truthful,
        }
    }
}

/// The lifetime that the answer claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpiresIn {
    /// The real lifetime, in seconds.
    Truthful,
    /// This number of seconds, regardless of the real lifetime.
    Claimed(u64),
    /// Nothing.
    Absent,
}

/// Intervals of polls, heartbeats and redelivery. They can be changed while the tenant runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// `next_poll` of every poll.
    pub next_poll: Duration,
    /// `next_heartbeat` of every heartbeat and poll.
    pub next_heartbeat: Duration,
    /// A task without a sign of life for this time is assigned again.
    pub redeliver_after: Duration,
}

impl Default for Pace {
    /// Fast polls, for tests; no task is assigned twice within a minute.
    fn default() -> Self {
        Self {
            next_poll: Duration::from_millis(20),
            next_heartbeat: Duration::from_secs(1),
            redeliver_after: Duration::from_mins(1),
        }
    }
}

/// The answer to a poll when there is no task; connectors must accept both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// A task of the type "none".
    NoneTask,
    /// No task.
    NoTask,
}
