//! Settings: a flag overrides the environment, the environment the config file, and the file the default
//! (docs/reference/design.md §6).

mod accessors;
mod clean;
pub(crate) mod definitions;
mod error;
mod health;
mod load;
mod providers;
mod provisioning;
mod proxy;
mod reference;
mod service;
mod setting;
mod sinks;
mod telemetry;
mod topics;
mod validation;
mod values;
mod verbosity;

pub(crate) use crate::sinks::sink_schemas;
pub(crate) use accessors::Output;
pub(crate) use definitions as keys;
pub(crate) use definitions::{SETTINGS, changes_tenant};
pub(crate) use error::SettingsError;
pub(crate) use health::HealthAddress;
pub(crate) use providers::Environment;
pub(crate) use providers::Remark;
pub(crate) use provisioning::{OnDemandFlags, ProvisioningMode};
pub(crate) use reference::{REFERENCE, Reference, SettingStatus};
pub(crate) use service::ServiceSettings;
pub(crate) use setting::{Setting, SettingKey, SettingScope, Text, ValueType, variable_name};
pub(crate) use telemetry::{TelemetrySettings, TlsTrust};
pub(crate) use topics::TOPICS;
pub(crate) use values::Settings;
pub(crate) use verbosity::{COLOR_FLAG, QUIET_FLAG, VERBOSE_FLAG};
