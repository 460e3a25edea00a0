//! Settings: flag over environment over config file over default (DESIGN §6), parsed into what the program works with.

mod error;
mod health;
mod judge;
mod provisioning;
mod proxy;
mod service;
mod sinks;
mod sources;
mod table;
mod telemetry;
mod typed;

use std::path::{Path, PathBuf};

use clap::ArgMatches;
use figment::Figment;
use figment::value::Value;

use proxy::Proxies;

pub(crate) use error::SettingsError;
pub(crate) use health::HealthAddress;
pub(crate) use provisioning::{OnDemand, ProvisioningMode};
pub(crate) use service::ServiceSettings;
pub(crate) use sinks::SinkSetting;
pub(crate) use sources::Environment;
pub(crate) use table::{GivenBy, Kind, SETTINGS, Setting};
pub(crate) use telemetry::{TelemetrySettings, Trust};
pub(crate) use typed::Output;

/// All settings as they were given. There is no `Debug`: a secret is among them.
#[derive(Clone)]
pub(crate) struct Settings {
    figment: Figment,
    unknown_variables: Vec<String>,
    proxies: Proxies,
}

impl Settings {
    /// Gathers the settings. Values are judged when they are asked for.
    ///
    /// # Errors
    /// [`SettingsError`] if a config or secret file cannot be used.
    pub(crate) fn load(
        matches: &ArgMatches,
        environment: &Environment,
        folder: &Path,
    ) -> Result<Self, SettingsError> {
        crate::secrets::register_environment(environment);
        let flags = sources::flags(matches);
        let variables = sources::environment(environment)?;
        let first = Self {
            figment: Figment::new().merge(&variables).merge(&flags),
            unknown_variables: Vec::new(),
            proxies: Proxies::default(),
        };
        let file = sources::config_file(first.path("config-path")?, folder)?;
        let mut figment = Figment::from(sources::defaults());
        if let Some(file) = file {
            figment = figment.merge(file);
        }
        let settings = Self {
            figment: figment
                .merge(sources::secret_files(environment)?)
                .merge(variables)
                .merge(flags),
            unknown_variables: sources::unknown_variables(environment),
            proxies: Proxies::from_environment(environment),
        };
        for setting in SETTINGS.iter().filter(|setting| setting.secret) {
            // One that is no text is judged where it is used.
            if let Ok(Some(secret)) = settings.text(setting.name) {
                access_core::secrets::register(&secret);
            }
        }
        Ok(settings)
    }

    /// Whether the proxies that the environment names can be used. Whatever sends requests asks first.
    ///
    /// # Errors
    /// [`SettingsError::Value`] if one cannot.
    pub(crate) fn check_proxies(&self) -> Result<(), SettingsError> {
        self.proxies.check()
    }

    /// Secrets that were given on the command line, where every local user can read them in the list of processes.
    pub(crate) fn secrets_on_command_line(&self) -> Vec<&'static str> {
        let secrets = SETTINGS.iter().filter(|setting| setting.secret);
        let given = secrets.filter(|setting| self.is_from_flag(setting.name));
        given.map(|setting| setting.name).collect()
    }

    /// Variables that look like settings and are none.
    pub(crate) fn unknown_variables(&self) -> &[String] {
        &self.unknown_variables
    }

    fn value(&self, name: &str) -> Option<Value> {
        self.figment.find_value(name).ok()
    }

    /// Whether a value was given as a flag, for this run only.
    fn is_from_flag(&self, name: &str) -> bool {
        sources::is_flag(self.figment.find_metadata(name))
    }

    fn refuse(&self, name: &str, problem: impl Into<String>) -> SettingsError {
        let origin = sources::describe(Setting::named(name), self.figment.find_metadata(name));
        SettingsError::Value {
            origin,
            problem: problem.into(),
        }
    }

    /// A text; numbers and flags in a config file are taken as they are written.
    fn text(&self, name: &str) -> Result<Option<String>, SettingsError> {
        let text = match self.value(name) {
            None => return Ok(None),
            Some(Value::String(_, text)) => text,
            Some(Value::Bool(_, flag)) => flag.to_string(),
            Some(Value::Num(_, number)) => match (number.to_i128(), number.to_u128()) {
                (Some(number), _) => number.to_string(),
                (None, Some(number)) => number.to_string(),
                (None, None) => return Err(self.refuse(name, "a text is wanted; put it into quotes")),
            },
            Some(_) => return Err(self.refuse(name, "one value is wanted, not several")),
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    fn path(&self, name: &str) -> Result<Option<PathBuf>, SettingsError> {
        Ok(self.text(name)?.map(PathBuf::from))
    }

    /// On or off, in the spellings that the reference takes.
    fn flag(&self, name: &str) -> Result<bool, SettingsError> {
        match self.text(name)?.as_deref() {
            None | Some("false" | "False" | "FALSE" | "f" | "F" | "0") => Ok(false),
            Some("true" | "True" | "TRUE" | "t" | "T" | "1") => Ok(true),
            Some(other) => Err(self.refuse(name, format!("`{other}` is neither true nor false"))),
        }
    }

    fn integer(&self, name: &str) -> Result<u64, SettingsError> {
        let Kind::Integer { min, max } = Setting::named(name).kind else {
            return Err(self.refuse(name, "not a number"));
        };
        let text = self.text(name)?.unwrap_or_default();
        let number = text
            .parse::<u64>()
            .ok()
            .filter(|number| (min..=max).contains(number));
        number.ok_or_else(|| {
            self.refuse(
                name,
                format!("`{text}` is not a whole number from {min} to {max}"),
            )
        })
    }

    fn choice(&self, name: &str) -> Result<Option<&'static str>, SettingsError> {
        let Kind::Choice(words) = Setting::named(name).kind else {
            return Ok(None);
        };
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        match words.iter().find(|word| **word == text) {
            Some(word) => Ok(Some(word)),
            None => Err(self.refuse(name, format!("`{text}` is not one of {}", words.join(", ")))),
        }
    }

    /// A list; one text is split at commas, a list in a config file is taken as it is.
    fn list(&self, name: &str) -> Result<Vec<String>, SettingsError> {
        let texts = match self.value(name) {
            None => Vec::new(),
            Some(Value::Array(_, values)) => {
                let texts: Option<Vec<String>> = values
                    .iter()
                    .map(|value| value.as_str().map(str::to_owned))
                    .collect();
                texts.ok_or_else(|| self.refuse(name, "a list of texts is wanted"))?
            }
            Some(_) => self
                .text(name)?
                .unwrap_or_default()
                .split(',')
                .map(|text| text.trim().to_owned())
                .collect(),
        };
        Ok(texts.into_iter().filter(|text| !text.is_empty()).collect())
    }
}
