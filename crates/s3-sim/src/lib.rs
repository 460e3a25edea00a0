//! A real S3 server on loopback for tests: S3's own protocol over HTTP, every signature checked, one bucket in memory,
//! faults on demand, and a record of every request.
//!
//! ```
//! # fn main() -> Result<(), s3_sim::ServerError> {
//! use s3_sim::{S3Sim, S3SimConfig};
//!
//! let s3 = S3Sim::start(S3SimConfig {
//!     bucket: "lake".into(),
//!     access_key: "AKIATEST".into(),
//!     secret_key: "secret".into(),
//!     read_only_prefix: None,
//! })?;
//! s3.put("there/before.txt", "hello");
//! assert!(s3.endpoint().starts_with("http://127.0.0.1:"));
//! # Ok(())
//! # }
//! ```

mod auth;
mod bucket;
mod config;
mod fault;
mod ledger;
mod listing;
mod object;
mod operations;
mod precondition;
mod respond;
mod server;
mod switches;
mod upload;

pub use config::S3SimConfig;
pub use fault::{S3Fault, S3Refusal};
pub use ledger::S3Request;
pub use server::S3Sim;
pub use sim_kit::ServerError;
pub use switches::S3Conditions;
