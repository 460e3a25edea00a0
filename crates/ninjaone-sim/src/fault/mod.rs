//! What goes wrong, where and when (docs/reference/ninjaone-api.md §11.8).

mod edit;
mod parse;

pub use edit::{Edit, Reshape, Rows, To};

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::rng::mix;

/// All that goes wrong in a tenant. The first rule that matches a call decides.
#[derive(Debug, Clone, Default)]
pub struct FaultSchedule(Arc<Mutex<Vec<Counted>>>);

#[derive(Debug)]
struct Counted {
    rule: FaultRule,
    calls: u64,
    struck: u64,
}

/// A fault that strikes a call.
#[derive(Debug, Clone)]
pub(crate) struct Strike {
    pub(crate) fault: Fault,
    rule: usize,
}

/// Where, when and what.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRule {
    /// The method, or any.
    pub method: Option<String>,
    /// The path; a `*` at its end stands for any rest.
    pub path: String,
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

/// Where a body is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// After so many bytes.
    Bytes(usize),
    /// After so many eighths of the body.
    Eighths(usize),
}

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// An application error with this status.
    Status(u16),
    /// A status with a body of one's own.
    Answer {
        /// Status.
        status: u16,
        /// `Content-Type`.
        content_type: &'static str,
        /// Body.
        body: Vec<u8>,
    },
    /// 429 with this `Retry-After`, or none.
    RateLimit(Option<String>),
    /// An HTML page with this status.
    Html(u16),
    /// This status and no body.
    Empty(u16),
    /// The body ends early: with a broken connection, or as if that were all.
    CutBody {
        /// Where.
        at: Cut,
        /// The connection looks healthy.
        clean: bool,
    },
    /// The body begins late and trickles.
    SlowBody {
        /// Before the first byte.
        first: Duration,
        /// Between pieces.
        pause: Duration,
        /// Bytes in a piece.
        piece: usize,
    },
    /// The connection is closed without an answer.
    Drop,
    /// The answer, sent as something else.
    ContentType(&'static str),
    /// The answer, with one more header.
    Header(&'static str, String),
    /// A byte order mark before the JSON.
    Bom,
    /// The first text of the body is not UTF-8.
    InvalidUtf8,
    /// All tokens stop working; this call is answered 401.
    RevokeTokens,
    /// 401 `insufficient_privileges`.
    MissingScope,
    /// 404, as for a path that does not exist.
    MissingEndpoint,
    /// `[]`.
    EmptyList,
    /// Some rows are not what they should be.
    Edit(Edit),
    /// The list is not what it should be.
    Reshape(Reshape),
    /// The first name in the list is this many bytes long.
    HugeName(usize),
    /// 302 to this address.
    Redirect(String),
    /// The write is done, but the answer is this status; 0 closes the connection.
    LostWrite(u16),
    /// The same keyset page again and again: `after` is ignored.
    NoProgress,
    /// Somebody changes the tenant just before this call: an end user comes or goes, a role loses a member, an
    /// organization gets another name.
    MoveOn,
    /// JSON that goes on and on: `begin`, then `again` until so many bytes are sent.
    Endless {
        /// How it begins.
        begin: Vec<u8>,
        /// What comes again and again.
        again: Vec<u8>,
        /// How much of it.
        bytes: u64,
    },
    /// These bytes on the wire in place of an answer; then the connection is closed. Without TLS only.
    Raw(Vec<u8>),
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

    /// One rule: what happens at a path, whatever the method.
    #[must_use]
    pub fn at(path: &str, when: When, fault: Fault) -> Self {
        Self::new([FaultRule {
            method: None,
            path: path.to_owned(),
            when,
            fault,
        }])
    }

    /// Adds a rule, also while the tenant is served.
    pub fn add(&self, rule: FaultRule) {
        self.rules().push(Counted {
            rule,
            calls: 0,
            struck: 0,
        });
    }

    /// The rules, and how often each has struck.
    #[must_use]
    pub fn fired(&self) -> Vec<(FaultRule, u64)> {
        self.rules()
            .iter()
            .map(|counted| (counted.rule.clone(), counted.struck))
            .collect()
    }

    /// Rules that have not struck yet: a test that plans a fault has tested nothing without it.
    #[must_use]
    pub fn unfired(&self) -> Vec<FaultRule> {
        let fired = self.fired().into_iter();
        fired
            .filter_map(|(rule, struck)| (struck == 0).then_some(rule))
            .collect()
    }

    /// Forgets all rules.
    pub fn clear(&self) {
        self.rules().clear();
    }

    fn rules(&self) -> std::sync::MutexGuard<'_, Vec<Counted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What goes wrong with this call.
    pub(crate) fn strike(&self, method: &str, path: &str) -> Option<Strike> {
        let mut strike = None;
        for (position, Counted { rule, calls, .. }) in self.rules().iter_mut().enumerate() {
            if rule.matches(method, path) {
                *calls += 1;
                if strike.is_none() && rule.when.holds(*calls) {
                    strike = Some(Strike {
                        fault: rule.fault.clone(),
                        rule: position,
                    });
                }
            }
        }
        strike
    }

    /// Books that a strike had an effect.
    pub(crate) fn landed(&self, strike: &Strike) {
        if let Some(counted) = self.rules().get_mut(strike.rule) {
            counted.struck += 1;
        }
    }
}

impl FaultRule {
    fn matches(&self, method: &str, path: &str) -> bool {
        let method_fits = self.method.as_deref().is_none_or(|own| own == method);
        let path_fits = match self.path.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => path == self.path,
        };
        method_fits && path_fits
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
