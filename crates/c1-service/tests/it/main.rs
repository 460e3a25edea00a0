//! The client against the simulated ConductorOne, over real TLS.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod calls;
mod failures;
mod finish;
mod proxy;
mod secrets;
mod sign_in;
mod tenant;
mod uploads;
