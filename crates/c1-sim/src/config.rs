use std::time::Duration;

use crate::fault::FaultSchedule;

/// Everything a simulated tenant is made of.
#[derive(Debug, Clone)]
pub struct C1SimConfig {
    /// What stands before the `@` of the first client's id.
    pub client_name: String,
    /// The `kid` of the first client's key, if it has one.
    pub key_id: Option<String>,
    /// How tokens are given out.
    pub token: TokenBehavior,
    /// How fast things go.
    pub pace: Pace,
    /// What a poll is answered with when there is nothing to do.
    pub idle: Idle,
    /// Refuse a `Hello` whose OS info lacks anything, as ConductorOne is said to (docs/reference/conductorone.md §3.5, step 1).
    pub refuse_blank_os_info: bool,
    /// What goes wrong, where and when.
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

/// How tokens are given out (docs/reference/conductorone.md §3.2).
#[derive(Debug, Clone)]
pub struct TokenBehavior {
    /// For how long a token is good.
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

/// What a token's answer says about its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpiresIn {
    /// The truth, in whole seconds.
    Truthful,
    /// So many seconds, whatever the truth.
    Claimed(u64),
    /// Nothing.
    Absent,
}

/// How fast things go. All of it can be changed while the tenant runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// `next_poll` of every poll.
    pub next_poll: Duration,
    /// `next_heartbeat` of every heartbeat and poll.
    pub next_heartbeat: Duration,
    /// A task that was given out and of which nothing was heard for so long is given out again.
    pub redeliver_after: Duration,
}

impl Default for Pace {
    /// Fast polls, for tests; nothing is given out twice within a minute.
    fn default() -> Self {
        Self {
            next_poll: Duration::from_millis(20),
            next_heartbeat: Duration::from_secs(1),
            redeliver_after: Duration::from_mins(1),
        }
    }
}

/// What a poll is answered with when there is nothing to do; connectors must take either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// A task of the type "none".
    NoneTask,
    /// No task.
    NoTask,
}
