//! The ports: traits that adapters implement. The binary wires them together.

mod audit_log;
mod clock;
mod event_feed;
mod observer;
mod port_error;
mod provisioner;
mod sink;
mod snapshot;
mod source;

pub use audit_log::{AuditLog, NoopAuditLog};
pub use clock::{Clock, SyncIdGenerator};
pub use event_feed::AccessEvent;
pub use event_feed::EventCursor;
pub use event_feed::EventFeed;
pub use event_feed::EventKind;
pub use event_feed::EventPage;
pub use observer::{NoopObserver, Phase, SyncObserver};
pub use port_error::{AuditError, ProvisionerError, SinkError, SourceError};
pub use provisioner::{ApplyError, ApplyOutcome, Provisioner, WriteEffect};
pub use sink::{AccessSink, Prepared, Receipt, SinkWriter};
pub use snapshot::{
    AccessSnapshot, EffectiveGrant, EntitlementInfo, EntitlementQuery, EntitlementSummary, FinishedSync,
    GrantQuery, ResourceQuery, ResourceTypeStats, RowVisitor,
};
pub use source::{
    AccessSource, Activity, ApiUsage, CheckOutcome, CheckReport, EndpointCheck, ListStep, Mention,
    ScopeCheck, SkipReason, SkippedRow, SkippedRows, SourceEvent, Wait, Warning,
};
