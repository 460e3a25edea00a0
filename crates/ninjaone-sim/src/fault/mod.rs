//! Faults on demand (docs/reference/ninjaone-api.md §11.8).

mod edit;
mod parse;

pub use edit::{Edit, Reshape, Rows, To};

use std::time::Duration;

use sim_kit::{FaultRules, When};

/// The faults of a tenant. The first rule that matches a call decides.
#[derive(Debug, Clone, Default)]
pub struct FaultSchedule(FaultRules<FaultRule>);

/// The fault of a call.
#[derive(Debug, Clone)]
pub(crate) struct FaultHit {
    pub(crate) fault: Fault,
    rule: usize,
}

/// Which calls fail, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRule {
    /// The method, or any.
    pub method: Option<String>,
    /// The path; a `*` at its end matches any suffix.
    pub path: String,
    /// Which of the matching calls.
    pub when: When,
    /// The fault.
    pub fault: Fault,
}

/// Where a body is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// After this number of bytes.
    Bytes(usize),
    /// After this number of eighths of the body.
    Eighths(usize),
}

/// A fault of a call.
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
    /// Some rows are changed.
    Edit(Edit),
    /// The list is changed.
    Reshape(Reshape),
    /// The first name in the list has this number of bytes.
    HugeName(usize),
    /// 302 to this address.
    Redirect(String),
    /// The write is done, but the answer is this status; 0 closes the connection.
    LostWrite(u16),
    /// Always the same keyset page: `after` is ignored.
    NoProgress,
    /// The tenant changes just before this call: an end user is added or removed, a role loses a member, or an
    /// organization is renamed.
    ChangeTenant,
    /// JSON without an end: `begin`, then `again` until `bytes` are sent.
    Endless {
        /// The beginning.
        begin: Vec<u8>,
        /// The repeated piece.
        again: Vec<u8>,
        /// Number of bytes.
        bytes: u64,
    },
    /// These bytes on the wire instead of an answer; then the connection is closed. Without TLS only.
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

    /// A schedule of one rule, for any method of a path.
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
        self.0.add(rule);
    }

    /// The rules, and how many calls each has affected.
    #[must_use]
    pub fn fired(&self) -> Vec<(FaultRule, u64)> {
        let counted = self.0.counted().into_iter();
        counted.map(|counted| (counted.rule, counted.effects)).collect()
    }

    /// Rules that have not affected a call yet: a test that plans a fault has tested nothing without it.
    #[must_use]
    pub fn unfired(&self) -> Vec<FaultRule> {
        let fired = self.fired().into_iter();
        fired
            .filter_map(|(rule, effects)| (effects == 0).then_some(rule))
            .collect()
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.0.clear();
    }

    /// Counts a call and returns its fault.
    pub(crate) fn next_fault(&self, method: &str, path: &str) -> Option<FaultHit> {
        let hit = self
            .0
            .next_fault(|rule| rule.matches(method, path), |rule| rule.when);
        hit.map(|(position, rule)| FaultHit {
            fault: rule.fault,
            rule: position,
        })
    }

    /// Records that a fault had an effect.
    pub(crate) fn count_effect(&self, hit: &FaultHit) {
        self.0.count_effect(hit.rule);
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
