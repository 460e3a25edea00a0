//! Faults on demand.

use std::time::Duration;

use sim_kit::{FaultRules, When};
use tonic::Code;

use crate::endpoint::Endpoint;

/// The faults of a tenant. The first rule that matches a call decides.
#[derive(Debug, Clone, Default)]
pub struct FaultSchedule(FaultRules<FaultRule>);

/// A fault and the calls it affects.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRule {
    /// The endpoint, or any.
    pub endpoint: Option<Endpoint>,
    /// Which of the matching calls.
    pub when: When,
    /// The fault.
    pub fault: Fault,
}

/// A fault of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// Refused with this code; the token endpoint answers with the corresponding HTTP status.
    Refuse(Code),
    /// Answered with this HTTP status and an HTML page, as by a proxy.
    Http(u16),
    /// The token endpoint answers 200 with this body; no effect elsewhere.
    TokenBody(String),
    /// Handled normally after this delay.
    Delay(Duration),
    /// The connection is closed without an answer, with all other calls on it.
    Drop,
    /// Only this call's stream is reset.
    Reset,
    /// The connection is closed after this number of chunks of data; `UploadAsset` only.
    CutUpload(usize),
    /// The call has its effect, but the connection is closed instead of an answer.
    LoseAnswer,
    /// The tasks of this poll are assigned again by the next one; `GetTask` and `GetTasks` only.
    Duplicate,
    /// The task is cancelled, as by [`crate::TaskQueue::cancel`], and the answer reports it; `Heartbeat` only.
    Cancel,
    /// All tokens become invalid, including this call's.
    RevokeTokens,
}

impl FaultSchedule {
    /// A schedule of these rules.
    #[must_use]
    pub fn new(rules: impl IntoIterator<Item = FaultRule>) -> Self {
        let schedule = Self::default();
        for rule in rules {
            schedule.add(rule);
        }
        schedule
    }

    /// Adds a rule for an endpoint, also while the tenant is served; calls are counted from now on.
    pub fn at(&self, endpoint: Endpoint, when: When, fault: Fault) {
        self.add(FaultRule {
            endpoint: Some(endpoint),
            when,
            fault,
        });
    }

    /// Adds a rule, also while the tenant is served; calls are counted from now on.
    pub fn add(&self, rule: FaultRule) {
        self.0.add(rule);
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.0.clear();
    }

    /// Counts a call and returns its fault.
    pub(crate) fn next_fault(&self, endpoint: Endpoint) -> Option<Fault> {
        let matches = |rule: &FaultRule| rule.endpoint.is_none_or(|own| own == endpoint);
        let hit = self.0.next_fault(matches, |rule| rule.when);
        hit.map(|(_, rule)| rule.fault)
    }
}
