//! What goes wrong, where and when.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tonic::Code;

use crate::endpoint::Endpoint;

/// All that goes wrong in a tenant. The first rule that matches a call decides.
#[derive(Debug, Clone, Default)]
pub struct FaultSchedule(Arc<Mutex<Vec<Counted>>>);

#[derive(Debug)]
struct Counted {
    rule: FaultRule,
    calls: u64,
}

/// Where, when and what.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRule {
    /// The endpoint, or any.
    pub endpoint: Option<Endpoint>,
    /// Which of the calls that match.
    pub when: When,
    /// What happens.
    pub fault: Fault,
}

/// Which calls of an endpoint, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Every one.
    Always,
    /// The first so many.
    First(u64),
    /// This one.
    Nth(u64),
    /// Those after the first so many.
    After(u64),
    /// This many in a hundred, always the same ones for the same seed.
    Percent {
        /// 0 to 100.
        percent: u64,
        /// Chooses which.
        seed: u64,
    },
}

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// Refused with this code; the token endpoint answers with the HTTP status that goes with it.
    Refuse(Code),
    /// Answered with this HTTP status and a page of HTML, as by a proxy in between.
    Http(u16),
    /// The token endpoint answers 200 with this body; no meaning elsewhere.
    TokenBody(String),
    /// Handled as ever, but so much later.
    Delay(Duration),
    /// The connection is closed without an answer, and with it all other calls on it.
    Drop,
    /// Only this call's stream is reset.
    Reset,
    /// The connection is closed once so many chunks of data have come; `UploadAsset` only.
    CutUpload(usize),
    /// The call has its effect, but the connection is closed in place of the answer.
    LoseAnswer,
    /// The tasks of this poll are given out by the next one once more; `GetTask` and `GetTasks` only.
    Duplicate,
    /// The task is cancelled, as by [`crate::TaskQueue::cancel`], and the answer says so; `Heartbeat` only.
    Cancel,
    /// All tokens stop working, this call's too.
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
        self.rules().push(Counted { rule, calls: 0 });
    }

    /// Forgets all rules.
    pub fn clear(&self) {
        self.rules().clear();
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Counted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What goes wrong with this call.
    pub(crate) fn strike(&self, endpoint: Endpoint) -> Option<Fault> {
        let mut struck = None;
        for Counted { rule, calls } in &mut *self.rules() {
            if rule.endpoint.is_none_or(|own| own == endpoint) {
                *calls += 1;
                if struck.is_none() && rule.when.holds(*calls) {
                    struck = Some(rule.fault.clone());
                }
            }
        }
        struck
    }
}

impl When {
    fn holds(self, call: u64) -> bool {
        match self {
            Self::Always => true,
            Self::First(count) => call <= count,
            Self::Nth(number) => call == number,
            Self::After(count) => call > count,
            Self::Percent { percent, seed } => mix(seed, call) % 100 < percent,
        }
    }
}

/// A well-mixed value of a seed and an index (the finaliser of `SplitMix64`).
const fn mix(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
