//! A faithful simulated NinjaOne tenant for demos, tests and benchmarks: token endpoint, reads, writes, activities,
//! faults on demand, and a ledger of every call. Where NinjaOne's behaviour is unknown a [`Behavior`] position decides.
//!
//! ```
//! # fn main() -> Result<(), ninjaone_sim::SimError> {
//! use ninjaone_sim::{Sim, SimConfig, Tenant};
//!
//! let sim = Sim::start(&SimConfig::new(Tenant::fixture("msp")?))?;
//! assert!(sim.base_url().starts_with("http://127.0.0.1:"));
//! # Ok(())
//! # }
//! ```

mod api;
mod auth;
mod behavior;
mod config;
mod error;
mod expected;
mod fault;
mod generated;
mod ledger;
mod response;
mod server;
mod tenant;
mod user_kind;

pub use behavior::ActivityBehavior;
pub use behavior::AuthorizationBehavior;
pub use behavior::Behavior;
pub use behavior::ExpiresIn;
pub use behavior::InvalidToken;
pub use behavior::MissingPath;
pub use behavior::OfflineAccess;
pub use behavior::ReadBehavior;
pub use behavior::Repeated;
pub use behavior::RolesKey;
pub use behavior::TechnicianWrites;
pub use behavior::TokenBehavior;
pub use behavior::TransportBehavior;
pub use behavior::UnsupportedFields;
pub use behavior::UserContext;
pub use behavior::WriteBehavior;
pub use behavior::WrongSecret;
pub use config::{AppRegistration, Scopes, SimConfig};
pub use error::SimError;
pub use expected::Expected;
pub use fault::{Cut, Edit, Fault, FaultRule, FaultSchedule, Reshape, Rows, To};
pub use generated::GeneratedSize;
pub use ledger::{Call, CallLedger};
pub use server::Sim;
pub use sim_kit::{CertificateOptions, Validity, When};
pub use tenant::Tenant;
pub use user_kind::UserKind;
