use std::path::PathBuf;

use access_core::{Diagnostic, StatusCode};

use super::setting::Setting;

/// Errors in settings.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// Required settings are missing; the text is the reference's (docs/reference/conductorone.md §1.5).
    #[error("required flag(s) {} not set", quoted(settings))]
    Missing {
        /// The settings.
        settings: Vec<&'static Setting>,
    },
    /// Settings conflict, or require each other; the text is the reference's if it has the group
    /// (docs/reference/conductorone.md §1.5).
    #[error("{0}")]
    Group(String),
    /// A value is invalid.
    #[error("{origin}: {problem}")]
    Value {
        /// The origin of the value.
        origin: String,
        /// The problem.
        problem: String,
    },
    /// A feature of the reference that this program lacks.
    #[error("{origin}: not supported: {reason}")]
    Refused {
        /// The origin of the request.
        origin: String,
        /// Why.
        reason: &'static str,
        /// The alternative.
        instead: &'static str,
    },
    /// An unknown action.
    #[error("there is no action `{action}` of the resource type `{resource_type}`")]
    NoSuchAction {
        /// The action.
        action: String,
        /// The type.
        resource_type: String,
    },
    /// A variable that looks like a setting, but is none.
    #[error("{variable}: unknown environment variable")]
    UnknownVariable {
        /// The variable.
        variable: String,
        /// The hint.
        hint: String,
    },
    /// An unknown config key.
    #[error("{}: unknown key `{key}`", path.display())]
    UnknownKey {
        /// The config file.
        path: PathBuf,
        /// The key.
        key: String,
        /// The key that was probably meant.
        meant: Option<&'static str>,
    },
    /// A config or secret file cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A config file of the current folder is writable by others.
    #[error("{} is not trusted: {reason}", path.display())]
    Untrusted {
        /// The config file.
        path: PathBuf,
        /// Who can write it.
        reason: String,
    },
    /// The type of a config file is unknown.
    #[error("{}: expected config file to have .yaml, .yml or .toml extension", path.display())]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// The log file cannot be written.
    #[error("cannot write the log to {}: {reason}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A variable of OpenTelemetry is not supported.
    #[error("cannot send traces and logs: {0}")]
    Telemetry(String),
}

fn quoted(settings: &[&Setting]) -> String {
    let quoted = settings.iter().map(|setting| format!("{:?}", setting.flag()));
    let quoted: Vec<String> = quoted.collect();
    quoted.join(", ")
}

impl Diagnostic for SettingsError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Missing { .. } | Self::Group(_) | Self::Extension { .. } => StatusCode::Unknown,
            Self::Refused { .. } => StatusCode::Unimplemented,
            Self::NoSuchAction { .. } => StatusCode::NotFound,
            Self::Value { .. }
            | Self::UnknownVariable { .. }
            | Self::UnknownKey { .. }
            | Self::File { .. }
            | Self::Untrusted { .. }
            | Self::Log { .. }
            | Self::Telemetry(_) => StatusCode::InvalidArgument,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { settings } => {
                let ways: Vec<String> = settings
                    .iter()
                    .map(|setting| format!("--{} or {}", setting.flag(), setting.variable()))
                    .collect();
                Some(format!(
                    "run `baton-ninja-one init`, which asks for what is missing and tests it, or set {}",
                    ways.join(", ")
                ))
            }
            Self::Refused { instead, .. } => Some((*instead).to_owned()),
            Self::NoSuchAction { .. } => Some(
                "`baton-ninja-one --list-action-schemas` lists the actions, which belong to no resource type"
                    .to_owned(),
            ),
            Self::UnknownVariable { hint, .. } => Some(hint.clone()),
            Self::UnknownKey {
                meant: Some(name), ..
            } => Some(format!("did you mean `{name}`?")),
            Self::Untrusted { path, .. } => Some(format!(
                "if it is yours, name it with --config {}, or remove write access for others; otherwise delete it",
                path.display()
            )),
            Self::UnknownKey { .. } => {
                Some("keys are flags without dashes; `baton-ninja-one help settings` lists them".to_owned())
            }
            _ => None,
        }
    }
}
