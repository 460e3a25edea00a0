//! A faithful simulated NinjaOne tenant for demos, tests and benchmarks: token endpoint, reads, writes, activities,
//! faults on demand, and a ledger of every call. Where NinjaOne's behaviour is unknown a [`Switches`] position decides.
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

mod answer;
mod api;
mod auth;
mod config;
mod error;
mod fault;
mod generated;
mod hash;
mod ledger;
mod server;
mod switches;
mod tenant;

pub use config::{AppRegistration, Scopes, SimConfig, TlsConfig, Validity};
pub use error::SimError;
pub use fault::{Cut, Edit, Fault, FaultRule, FaultSchedule, Reshape, Rows, To, When};
pub use generated::GeneratedSize;
pub use ledger::{Call, CallLedger};
pub use server::Sim;
pub use switches::{
    ActivitySwitches, AuthorizationSwitches, ExpiresIn, InvalidToken, MissingPath, OfflineAccess,
    ReadSwitches, Repeated, RolesKey, Switches, TechnicianWrites, TokenSwitches, TransportSwitches,
    UnsupportedFields, UserContext, WriteSwitches, WrongSecret,
};
pub use tenant::{Expected, Tenant, UserKind};
