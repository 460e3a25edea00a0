//! A simulated ConductorOne tenant for tests of service mode: the token endpoint and `BatonService` on one TLS port,
//! scripted tasks, faults on demand, and a ledger of every call (docs/reference/conductorone.md §3). It is strict where the
//! reference only documents a rule.
//!
//! ```
//! # fn main() -> Result<(), c1_sim::C1SimError> {
//! use c1_sim::{C1Sim, C1SimConfig};
//!
//! let sim = C1Sim::start(C1SimConfig::default())?;
//! assert!(sim.credentials().client_id.contains("@localhost:"));
//! # Ok(())
//! # }
//! ```

mod baton_service;
mod call_context;
mod config;
mod credentials;
mod endpoint;
mod error;
mod fault;
mod ledger;
mod server;
mod tasks;
mod token;
mod upload;
mod validation;

pub use baton_proto::tonic::Code;
pub use config::{C1SimConfig, ExpiresIn, Idle, Pace, TokenBehavior};
pub use credentials::Credentials;
pub use endpoint::Endpoint;
pub use error::C1SimError;
pub use fault::{Fault, FaultRule, FaultSchedule};
pub use ledger::{Call, CallLedger, Outcome};
pub use server::C1Sim;
pub use sim_kit::When;
pub use tasks::{
    Finish, FinishCountError, Hello, InvalidTaskId, TaskId, TaskProgress, TaskQueue, TaskState, Upload,
    UploadOutcome,
};
