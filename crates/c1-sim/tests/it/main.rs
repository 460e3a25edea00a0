//! The simulated tenant against a client made from the same `.proto` files, over real TLS.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod assertion;
mod connector;
mod faults;
mod rules;
mod sign_in;
mod tasks;
mod uploads;
