//! The program as its users meet it: real processes, real HTTP against the simulated tenant, real files.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod architecture;
mod bad_input;
mod bad_targets;
mod check_command;
mod configuration;
mod damaged_v3;
mod datasets;
mod deployment;
mod diff;
mod disk;
mod documents;
mod export;
mod fault_tolerance;
mod golden;
mod harness;
mod health_check;
mod history;
mod inspect;
mod interop;
mod interruption;
mod misbehaving;
mod object_store;
mod provisioning;
mod provisioning_faults;
mod provisioning_properties;
mod published;
mod reports;
mod scopes_and_targets;
mod security;
mod served;
mod service_mode;
mod service_sweeps;
mod supply_chain;
mod telemetry;
mod trustworthy_deletes;
