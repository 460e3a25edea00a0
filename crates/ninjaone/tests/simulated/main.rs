//! Source and provisioner in this process, against the simulated tenant: every filter, every single resource, every broken
//! list and every request of a change, compared with the fixture and with a complete read.
//!
//! `tests/e2e` tests the program; these tests catch the mutants of `cargo xtask mutants`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod checks;
mod client;
mod fixture;
mod full_sync;
mod list_failures;
mod provisioning;
mod requests;
mod scopes;
mod tenant;
mod unstated;
