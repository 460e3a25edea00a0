//! Typed values of settings.

use std::path::PathBuf;

use figment::Figment;
use figment::value::Value;

use super::clean;
use super::error::SettingsError;
use super::keys::SETTINGS;
use super::providers::{self, Remark};
use super::proxy::Proxies;
use super::reference::Reference;
use super::setting::{Choice, Integer, Json, List, Path, Setting, SettingKey, Switch, Text, ValueType};
use super::verbosity::Verbosity;

/// All given settings. Not `Debug`, because they contain secrets.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(super) figment: Figment,
    pub(super) remarks: Vec<Remark>,
    pub(super) unknown_variables: providers::UnknownVariables,
    pub(super) proxies: Proxies,
    pub(super) verbosity: Verbosity,
}

impl Settings {
    /// Checks the proxies of the environment. Must be called before requests.
    ///
    /// # Errors
    /// [`SettingsError::Value`] if one is invalid.
    pub(crate) fn check_proxies(&self) -> Result<(), SettingsError> {
        self.proxies.check()
    }

    /// Secrets on the command line, which every local user can read in the list of processes.
    pub(crate) fn secrets_on_command_line(&self) -> Vec<&'static str> {
        let secrets = SETTINGS.iter().filter(|setting| setting.secret);
        let given = secrets.filter(|setting| self.is_from_flag(setting));
        given.map(|setting| setting.name).collect()
    }

    /// Remarks on the settings.
    pub(crate) fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// The given value, or the default.
    pub(super) fn value(&self, named: &impl Named) -> Option<Value> {
        self.figment.find_value(named.name()).ok()
    }

    /// Settings with values that override all sources.
    pub(crate) fn with_values(&self, values: &[(&SettingKey<Text>, &str)]) -> Self {
        let mut changed = self.clone();
        for (key, value) in values {
            changed.figment = changed.figment.merge((key.setting.name, *value));
        }
        changed
    }

    /// The value of a flag, a variable or a secret file, not of the config file or the default.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn given_for_this_run(&self, key: &SettingKey<Text>) -> Result<Option<String>, SettingsError> {
        let metadata = self.figment.find_metadata(key.setting.name);
        match metadata {
            Some(metadata) if metadata.source.is_none() && metadata.name != "default" => self.get(key),
            _ => Ok(None),
        }
    }

    /// Whether a value was given at all.
    pub(super) fn is_given(&self, setting: &Setting) -> bool {
        self.figment
            .find_metadata(setting.name)
            .is_some_and(|metadata| metadata.name != "default")
    }

    /// Whether a value was given as a flag, for this run only.
    pub(super) fn is_from_flag(&self, setting: &Setting) -> bool {
        providers::is_flag(self.figment.find_metadata(setting.name))
    }

    /// The origin of a value: the flag, the variable, or the key with its file.
    pub(super) fn origin(&self, named: &impl Named) -> String {
        let name = named.name();
        providers::describe(name, self.figment.find_metadata(name))
    }

    pub(super) fn invalid(&self, named: &impl Named, problem: impl Into<String>) -> SettingsError {
        SettingsError::Value {
            origin: self.origin(named),
            problem: problem.into(),
        }
    }

    /// The value of a setting.
    pub(super) fn get<T: SettingType>(&self, key: &SettingKey<T>) -> Result<T::Value, SettingsError> {
        T::read(self, &key.setting)
    }

    /// A text; numbers and switches in a config file are converted as written.
    pub(super) fn read_text(&self, named: &impl Named) -> Result<Option<String>, SettingsError> {
        let text = match self.value(named) {
            None => return Ok(None),
            Some(Value::String(_, text)) => text,
            Some(Value::Bool(_, on)) => on.to_string(),
            Some(Value::Num(_, number)) => match (number.to_i128(), number.to_u128()) {
                (Some(number), _) => number.to_string(),
                (None, Some(number)) => number.to_string(),
                (None, None) => return Err(self.invalid(named, "expected a string; put it in quotes")),
            },
            Some(_) => return Err(self.invalid(named, "expected one value, not several")),
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// A switch, in the spellings of the reference, ignoring case.
    pub(super) fn read_switch(&self, setting: &Setting) -> Result<bool, SettingsError> {
        let text = self.read_text(setting)?.unwrap_or_default();
        parse_switch(&text)
            .ok_or_else(|| self.invalid(setting, format!("`{text}` is neither true nor false")))
    }

    pub(super) fn read_integer(&self, setting: &Setting) -> Result<u64, SettingsError> {
        let ValueType::Integer { min, max, .. } = setting.value_type else {
            return Err(self.invalid(setting, "not a number"));
        };
        let text = match self.read_text(setting)? {
            Some(text) if setting.zero_is_default() && is_zero_or_less(&text) => setting.default.to_owned(),
            text => text.unwrap_or_default(),
        };
        let number = text
            .parse::<u64>()
            .ok()
            .filter(|number| (min..=max).contains(number));
        number.ok_or_else(|| {
            self.invalid(
                setting,
                format!("`{text}` is not a whole number from {min} to {max}"),
            )
        })
    }

    /// One of the setting's words, ignoring case; `None` if not given.
    pub(super) fn read_choice(&self, setting: &Setting) -> Result<Option<&'static str>, SettingsError> {
        let Some(text) = self.read_text(setting)? else {
            return Ok(None);
        };
        let (words, fallback) = match setting.value_type {
            ValueType::Choice { words, fallback } => (words, fallback),
            _ => (&[][..], None),
        };
        let Some(word) = parse_choice(words, &text).or(fallback) else {
            return Err(self.invalid(setting, format!("`{text}` is not one of {}", words.join(", "))));
        };
        Ok(Some(word))
    }

    /// A list; one text is split at commas, a list in a config file is not.
    pub(super) fn read_list(&self, setting: &Setting) -> Result<Vec<String>, SettingsError> {
        let texts = match self.value(setting) {
            None => Vec::new(),
            Some(Value::Array(_, values)) => {
                let texts: Option<Vec<String>> = values
                    .iter()
                    .map(|value| value.as_str().map(str::to_owned))
                    .collect();
                texts.ok_or_else(|| self.invalid(setting, "expected a list of strings"))?
            }
            Some(_) => clean::split_list(&self.read_text(setting)?.unwrap_or_default()),
        };
        Ok(texts.into_iter().filter(|text| !text.is_empty()).collect())
    }
}

/// A type of settings.
pub(super) trait SettingType {
    /// The type of the value.
    type Value;

    /// Reads the value.
    ///
    /// # Errors
    /// [`SettingsError::Value`] if it is not of this type.
    fn read(settings: &Settings, setting: &Setting) -> Result<Self::Value, SettingsError>;
}

/// Implements [`SettingType`] for the types of settings.
macro_rules! readers {
    ($($name:ident => $value:ty: |$settings:ident, $setting:ident| $read:expr;)*) => {
        $(
            impl SettingType for $name {
                type Value = $value;

                fn read($settings: &Settings, $setting: &Setting) -> Result<Self::Value, SettingsError> {
                    $read
                }
            }
        )*
    };
}

readers! {
    Text => Option<String>: |settings, setting| settings.read_text(setting);
    Json => Option<String>: |settings, setting| settings.read_text(setting);
    Path => Option<PathBuf>: |settings, setting| Ok(settings.read_text(setting)?.map(PathBuf::from));
    Switch => bool: |settings, setting| settings.read_switch(setting);
    Integer => u64: |settings, setting| settings.read_integer(setting);
    List => Vec<String>: |settings, setting| settings.read_list(setting);
    Choice => Option<&'static str>: |settings, setting| settings.read_choice(setting);
}

/// Anything with the name of a flag.
pub(super) trait Named {
    /// The flag without dashes.
    fn name(&self) -> &'static str;
}

impl Named for Setting {
    fn name(&self) -> &'static str {
        self.name
    }
}

impl Named for Reference {
    fn name(&self) -> &'static str {
        self.name
    }
}

/// Go's spellings, ignoring case.
pub(super) fn parse_switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "" | "false" | "f" | "0" => Some(false),
        "true" | "t" | "1" => Some(true),
        _ => None,
    }
}

pub(super) fn is_zero_or_less(text: &str) -> bool {
    text.parse::<i64>().is_ok_and(|number| number <= 0)
}

/// The word of a text, ignoring case. `warning` is `warn`, like in the reference.
pub(super) fn parse_choice(words: &'static [&'static str], text: &str) -> Option<&'static str> {
    let text = match text.to_ascii_lowercase().as_str() {
        "warning" => "warn".to_owned(),
        text => text.to_owned(),
    };
    words.iter().find(|word| **word == text).copied()
}
