//! Settings: flag over environment over config file over default (docs/reference/design.md §6), parsed into what the program
//! works with.

mod accessors;
mod clean;
mod definitions;
mod error;
mod health;
mod judge;
mod providers;
mod provisioning;
mod proxy;
mod reference;
mod service;
mod sinks;
pub(crate) mod targets;
mod telemetry;
mod topics;
mod verbosity;

use std::path::{Path, PathBuf};

use clap::ArgMatches;
use figment::Figment;
use figment::value::Value;

use proxy::Proxies;

pub(crate) use accessors::Output;
pub(crate) use definitions::SETTINGS;
pub(crate) use definitions::Setting;
pub(crate) use definitions::SettingScope;
pub(crate) use definitions::ValueKind;
pub(crate) use definitions::changes_tenant;
pub(crate) use definitions::variable_of;
pub(crate) use error::SettingsError;
pub(crate) use health::HealthAddress;
pub(crate) use providers::Environment;
pub(crate) use providers::Remark;
pub(crate) use provisioning::{OnDemandFlags, ProvisioningMode};
pub(crate) use reference::{REFERENCE, Reference, SettingStatus};
pub(crate) use service::ServiceSettings;
pub(crate) use sinks::SinkConfig;
pub(crate) use telemetry::{TelemetrySettings, TlsTrust};
pub(crate) use topics::TOPICS;
pub(crate) use verbosity::{COLOR_FLAG, QUIET_FLAG, VERBOSE_FLAG, Verbosity};

/// All settings as they were given. There is no `Debug`: a secret is among them.
#[derive(Clone)]
pub(crate) struct Settings {
    figment: Figment,
    remarks: Vec<Remark>,
    unknown_variables: providers::UnknownVariables,
    proxies: Proxies,
    verbosity: Verbosity,
}

impl Settings {
    /// Gathers the settings. Values are judged by [`judge`](Self::judge), and again when they are used.
    ///
    /// # Errors
    /// [`SettingsError`] if a config or secret file cannot be used.
    pub(crate) fn load(
        matches: &ArgMatches,
        environment: &Environment,
        folder: &Path,
    ) -> Result<Self, SettingsError> {
        crate::secrets::register_environment(environment);
        let mut remarks = Vec::new();
        let flags = providers::flags(matches, &mut remarks);
        let variables = providers::environment(environment, &mut remarks)?;
        let unknown_variables = providers::unknown_variables(environment);
        let mut settings = Self {
            figment: Figment::new().merge(&variables).merge(&flags),
            remarks: Vec::new(),
            unknown_variables,
            proxies: Proxies::from_environment(environment),
            verbosity: Verbosity::from_matches(matches),
        };
        let file = providers::config_file(settings.path("config-path")?, folder, &mut remarks)?;
        let mut figment = Figment::from(providers::defaults());
        if let Some(file) = file {
            figment = figment.merge(file);
        }
        settings.figment = figment
            .merge(providers::secret_files(environment, &mut remarks)?)
            .merge(variables)
            .merge(flags);
        remarks.extend(settings.remarks_on_values());
        settings.remarks = remarks;
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

    /// What people should know about their settings.
    pub(crate) fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    fn value(&self, name: &str) -> Option<Value> {
        self.figment.find_value(name).ok()
    }

    /// The same settings with values for some of them that win over all others.
    pub(crate) fn with_values(&self, values: &[(&'static str, &str)]) -> Self {
        let mut changed = self.clone();
        for (name, value) in values {
            changed.figment = changed.figment.merge((*name, *value));
        }
        changed
    }

    /// A value that a flag, a variable or a secret file gives, not the config file or the default.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn given_now(&self, name: &str) -> Result<Option<String>, SettingsError> {
        let metadata = self.figment.find_metadata(name);
        match metadata {
            Some(metadata) if metadata.source.is_none() && metadata.name != "default" => self.text(name),
            _ => Ok(None),
        }
    }

    /// Whether a value was given at all.
    fn is_given(&self, name: &str) -> bool {
        self.figment
            .find_metadata(name)
            .is_some_and(|metadata| metadata.name != "default")
    }

    /// Whether a value was given as a flag, for this run only.
    fn is_from_flag(&self, name: &str) -> bool {
        providers::is_flag(self.figment.find_metadata(name))
    }

    /// Where a value comes from, in words.
    fn origin(&self, name: &'static str) -> String {
        providers::describe(name, self.figment.find_metadata(name))
    }

    fn refuse(&self, name: &str, problem: impl Into<String>) -> SettingsError {
        SettingsError::Value {
            origin: self.origin(known_name(name)),
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

    /// On or off, in the spellings that the reference takes, in any case.
    fn flag(&self, name: &str) -> Result<bool, SettingsError> {
        let text = self.text(name)?.unwrap_or_default();
        read_flag(&text).ok_or_else(|| self.refuse(name, format!("`{text}` is neither true nor false")))
    }

    fn integer(&self, name: &str) -> Result<u64, SettingsError> {
        let setting = Setting::named(name);
        let ValueKind::Integer { min, max } = setting.kind else {
            return Err(self.refuse(name, "not a number"));
        };
        let text = match self.text(name)? {
            Some(text) if setting.zero_is_default() && is_zero_or_less(&text) => setting.default.to_owned(),
            text => text.unwrap_or_default(),
        };
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

    /// One of the setting's words, whatever the case; nothing if none was given.
    fn choice(&self, name: &str) -> Result<Option<&'static str>, SettingsError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        if let Some(word) = named_choice(Setting::named(name), &text) {
            return Ok(Some(word));
        }
        let words = match Setting::named(name).kind {
            ValueKind::Choice(words) => words.join(", "),
            _ => String::new(),
        };
        Err(self.refuse(name, format!("`{text}` is not one of {words}")))
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
            Some(_) => clean::split_list(&self.text(name)?.unwrap_or_default()),
        };
        Ok(texts.into_iter().filter(|text| !text.is_empty()).collect())
    }
}

/// The name of a setting, or of a flag of the reference that is none.
fn known_name(name: &str) -> &'static str {
    let other = Reference::others().find(|row| row.name == name);
    other.map_or_else(|| Setting::named(name).name, |row| row.name)
}

/// Go's spellings, in any case.
fn read_flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "" | "false" | "f" | "0" => Some(false),
        "true" | "t" | "1" => Some(true),
        _ => None,
    }
}

fn is_zero_or_less(text: &str) -> bool {
    text.parse::<i64>().is_ok_and(|number| number <= 0)
}

/// The word of a setting that a text means.
fn named_choice(setting: &Setting, text: &str) -> Option<&'static str> {
    let ValueKind::Choice(words) = setting.kind else {
        return None;
    };
    let text = match (setting.name, text.to_ascii_lowercase()) {
        ("log-level", text) if text == "warning" => "warn".to_owned(),
        (_, text) => text,
    };
    words.iter().find(|word| **word == text).copied()
}
