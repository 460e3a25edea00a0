//! The shared parts of the simulated services in tests. A simulator adds its protocol and its state.
//!
//! - [`Server`] accepts connections on its own thread, so that sync and async tests can start one.
//! - [`tls_acceptor`] serves TLS with a certificate of a fresh test CA.
//! - [`Ledger`] records every call, for tests to look at and to wait for.
//! - [`FaultRules`] and [`When`] decide which call fails.
//!
//! ```
//! # fn main() -> Result<(), sim_kit::ServerError> {
//! use sim_kit::{Listener, Server};
//!
//! let listener = Listener::bind_loopback()?;
//! let server = Server::start("echo", listener, |_stream, _peer| async {})?;
//! assert!(server.address().ip().is_loopback());
//! # Ok(())
//! # }
//! ```

mod fault;
mod ledger;
mod mix;
mod server;
mod tls;
mod watch_cell;

pub use fault::{CountedRule, FaultRules, When};
pub use ledger::{InFlight, Ledger};
pub use mix::mix;
pub use server::{Listener, Server, ServerError};
pub use tls::{CertificateOptions, Validity, tls_acceptor};
pub use tokio_rustls::TlsAcceptor;
pub use watch_cell::WatchCell;
