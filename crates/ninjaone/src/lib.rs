//! NinjaOne as an access source and a provisioner.

mod api;
mod attributes;
mod client;
mod event_feed;
#[cfg(any(test, fuzzing))]
#[path = "../../../tests/fuzz/bodies/ninjaone.rs"]
pub mod fuzzing;
mod mapping;
mod provisioner;
mod source;

pub use attributes::{REPORT_SCHEMA, USER_ATTRIBUTES};
pub use client::{
    ApiError, BaseUrl, BaseUrlError, ClientConfig, DEFAULT_TOKEN_PATH, NinjaOneClient, NinjaOneError, Pace,
    RetryBudget, Secret, TlsFault, WritePolicy,
};
pub use event_feed::NinjaOneEventFeed;
pub use mapping::{
    device_type, entitlement_patterns, organization_type, resource_types, role_type, tenant_type, user_type,
};
pub use provisioner::{ACCOUNTS, END_USER, NinjaOneProvisioner, TECHNICIAN, provisioning_terms};
pub use source::{NinjaOneSource, SourceOptions};
