//! The domain of the connector: what access data is, and how one pass over a tenant becomes published data.
//!
//! Nothing in here performs I/O or knows a wire format. [`model`] holds the vocabulary, [`ports`] the traits that
//! adapters implement (the source of access data, the sinks that take it, time and ids), [`sync`] the pipeline between
//! them: source → checks → fan-out → prepare all → publish all, with a [`sync::Ledger`] that must balance.
//! [`compare`] tells two syncs apart, [`explore`] looks at a finished one: who holds what, found by the names that people use.
//! [`provisioning`] is the other way round: one change to the tenant, planned, made, and seen to be made. [`memory`] is the
//! budget that all of it keeps to, [`secrets`] keeps secrets out of every text.

mod diagnostic;
pub mod diff;
pub mod location;
pub mod memory;
pub mod model;
pub mod ports;
pub mod provisioning;
pub mod query;
pub mod secrets;
pub mod sync;

pub use diagnostic::Diagnostic;
pub use diagnostic::EXHAUSTED_HINT;
pub use diagnostic::StatusCode;
pub use diagnostic::classify;
pub use diagnostic::error_chain;
pub use diagnostic::find_cause;
pub use diagnostic::is_caused_by_exhaustion;
pub use diagnostic::is_exhausted;
pub use diagnostic::is_thread_limit_reached;
