//! NinjaOne as an access source, and as a tenant that can be changed.

mod activities;
mod client;
#[cfg(any(test, fuzzing))]
#[path = "../../../tests/fuzz/bodies/ninjaone.rs"]
pub mod fuzzing;
mod mapping;
mod provisioner;
mod source;
mod wire;

pub use activities::NinjaOneEvents;
pub use client::{
    ApiFault, BaseUrl, BaseUrlError, ClientConfig, DEFAULT_TOKEN_PATH, NinjaOneClient, NinjaOneError,
    RetryBudget, Secret, TlsFault, Writes,
};
pub use mapping::{
    device_type, entitlement_patterns, organization_type, resource_types, role_type, tenant_type, user_type,
};
pub use provisioner::{NinjaOneProvisioner, vocabulary};
pub use source::{NinjaOneSource, SourceOptions};
