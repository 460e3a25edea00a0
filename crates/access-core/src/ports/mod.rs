//! What the domain needs of the outside, as traits. Adapter and sink crates implement them; the binary wires them.

mod audit_log;
mod clock;
mod event_feed;
mod observer;
mod port_error;
mod provisioner;
mod sink;
mod snapshot;
mod source;

pub use audit_log::{AuditLog, NoAudit};
pub use clock::{Clock, SyncIds};
pub use event_feed::AccessEvent;
pub use event_feed::AccessEvents;
pub use event_feed::EventCursor;
pub use event_feed::EventPage;
pub use event_feed::Happening;
pub use observer::{Phase, Silent, SyncObserver};
pub use port_error::{AuditError, ProvisionerError, SinkError, SourceError};
pub use provisioner::{ActFailure, Acted, Effect, Provisioner};
pub use sink::{AccessSink, Prepared, Receipt, SinkWriter};
pub use snapshot::{
    AccessSnapshot, EntitlementFacts, FinishedSync, Held, Holding, Take, TypeFacts, WhichEntitlements,
    WhichGrants, WhichResources,
};
pub use source::{
    AccessSource, Activity, CheckOutcome, EndpointCheck, ListStep, Mention, ScopeAdvice, SkipReason, Skipped,
    SkippedRow, SourceEvent, SourceReport, SourceUsage, Wait, Warning,
};
