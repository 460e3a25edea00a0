//! Source and provisioner in this process, against the simulated tenant: every filter, every single resource, every broken
//! list and every request of a change, compared with the fixture and with what a whole read finds.
//!
//! What the program makes of it is `tests/e2e`'s; this is what the mutants of `cargo xtask mutants` are caught by.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod checks;
mod fixture;
mod full_sync;
mod list_failures;
mod provisioning;
mod scopes;
mod silence;
mod tenant;
