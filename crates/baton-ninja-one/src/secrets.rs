//! Registers secrets for redaction at the start of the program, before anything can print them, used or not.

use std::ffi::OsString;

use access_dataset::secret_cloud_variables;

use crate::settings::{Environment, SETTINGS};

/// Variables of libraries that contain secrets, besides those of buckets.
const LIBRARY_VARIABLES: [&str; 2] = ["AWS_CONTAINER_AUTHORIZATION_TOKEN", "OTEL_EXPORTER_OTLP_HEADERS"];

/// Registers the secrets of the command line, even if the command line is invalid.
pub(crate) fn register_arguments(arguments: &[OsString]) {
    let mut arguments = arguments.iter().filter_map(|argument| argument.to_str());
    while let Some(argument) = arguments.next() {
        let Some(flag) = argument.strip_prefix("--") else {
            continue;
        };
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (flag, None),
        };
        if is_secret(name)
            && let Some(secret) = value.or_else(|| arguments.next())
        {
            access_core::secrets::register(secret);
        }
    }
}

/// Registers the secrets of the environment.
pub(crate) fn register_environment(environment: &Environment) {
    let ours = SETTINGS
        .iter()
        .filter(|setting| setting.secret)
        .map(|setting| setting.variable());
    let others = secret_cloud_variables().chain(LIBRARY_VARIABLES);
    for name in ours.chain(others.map(str::to_owned)) {
        if let Some(secret) = environment.get(&name).and_then(|value| value.to_str()) {
            access_core::secrets::register(secret);
        }
    }
}

fn is_secret(flag: &str) -> bool {
    SETTINGS
        .iter()
        .any(|setting| setting.secret && setting.has_flag() && setting.flag() == flag)
}
