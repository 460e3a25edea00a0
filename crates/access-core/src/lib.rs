//! The domain of an access-governance connector: a model of access data, ports for adapters, and the rules that connect them.
//!
//! A connector answers two questions about a tenant: who has which access, and can that access be changed. This crate contains
//! everything that is independent of the tenant's protocol and of the output format. It performs no I/O and names no vendor: adapters
//! implement the traits in [`ports`], and a binary wires them together.
//!
//! # Modules
//!
//! - [`model`]: resource types, resources, entitlements and grants, with an id type for each; syncs and their completeness.
//! - [`ports`]: [`AccessSource`](ports::AccessSource) reads a tenant, [`AccessSink`](ports::AccessSink) publishes its data,
//!   [`AccessSnapshot`](ports::AccessSnapshot) queries a finished sync, [`Provisioner`](ports::Provisioner) changes a tenant.
//! - [`sync`]: the pipeline from one source to any number of sinks.
//! - [`diff`]: differences between two syncs, by a merge join in constant memory.
//! - [`query`]: resolving names and filtering users in a finished sync.
//! - [`provisioning`]: planning, applying and verifying one change, with an audit log.
//! - [`location`]: which syncs an existing output accepts. [`memory`]: the memory budget of the process. [`secrets`]: redaction.
//! - [`Diagnostic`]: status, retryability and hint of an error; every error of the workspace implements it.
//!
//! # The pipeline
//!
//! ```text
//! source ─▶ validate ─▶ fan out ─▶ compare ─▶ prepare all ─▶ publish all
//! ```
//!
//! [`SyncPipeline`](sync::SyncPipeline) reads the source once, in batches. Each row is validated: a grant is written only if its
//! principal, its entitlement and that entitlement's resource were. Every row is accounted for in the [`Ledger`](sync::Ledger),
//! which must balance. The result is compared with the sync that it replaces, and the [`ShrinkGuard`](sync::ShrinkGuard) refuses
//! implausible losses. Then all sinks prepare (complete, verified, durable, invisible) before any sink publishes.
//!
//! # Example
//!
//! `examples/in_memory.rs` runs the pipeline with a source and a sink in memory. Ids, rows and their checks work without any
//! adapter:
//!
//! ```
//! use access_core::model::{DisplayName, Entitlement, NativeId, Purpose, ResourceId, ResourceTypeId, Slug};
//!
//! let user = ResourceTypeId::from_static("user");
//! let role = ResourceId::new(ResourceTypeId::from_static("role"), NativeId::from_number(7));
//! let assigned = Entitlement::new(
//!     role,
//!     Slug::from_static("assigned"),
//!     DisplayName::new("Service Desk"),
//!     Purpose::Assignment,
//!     vec![user.clone()],
//! )?;
//! let grant = assigned.id.grant_to(&user, &NativeId::from_number(901))?;
//! assert_eq!(grant.as_str(), "role:7:assigned:user:901");
//! # Ok::<(), access_core::model::IdError>(())
//! ```

mod diagnostic;
pub mod diff;
mod hex;
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
pub use hex::hex;
