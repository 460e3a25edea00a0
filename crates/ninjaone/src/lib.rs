//! NinjaOne as an access source.

mod client;
mod mapping;
mod source;
mod wire;

pub use client::{
    ApiFault, BaseUrl, BaseUrlError, ClientConfig, DEFAULT_TOKEN_PATH, NinjaOneClient, NinjaOneError,
    RetryBudget, Secret,
};
pub use mapping::{
    device_type, entitlement_patterns, organization_type, resource_types, role_type, tenant_type, user_type,
};
pub use source::{NinjaOneSource, SourceOptions};
