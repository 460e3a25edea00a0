//! Validates every given value in every command, used or not: an invalid value is an error before anything happens, and an
//! unsupported operation never becomes a sync.

use super::clean::is_padding;
use super::error::SettingsError;
use super::keys::{self, SETTINGS};
use super::providers::Remark;
use super::reference::{Reference, SettingStatus};
use super::setting::{Setting, ValueType};
use super::values::{Settings, is_zero_or_less, parse_choice, parse_switch};

/// NinjaOne's scopes.
const SCOPES: [&str; 4] = ["monitoring", "management", "control", "offline_access"];

impl Settings {
    /// Validates every given value.
    ///
    /// # Errors
    /// [`SettingsError`] for the first invalid one.
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        for row in Reference::others() {
            self.validate_other(row)?;
        }
        if let Some((variable, hint)) = self.unknown_variables.mistyped.first() {
            return Err(SettingsError::UnknownVariable {
                variable: variable.clone(),
                hint: hint.clone(),
            });
        }
        for setting in SETTINGS {
            self.validate_setting(setting)?;
        }
        if self.get(&keys::NINJA_ONE_BASE_URL)?.is_some() {
            self.base_url()?;
        }
        self.token_path()?;
        self.scope()?;
        self.shrink_guard()?;
        self.named_sinks()?;
        self.file()?;
        Ok(())
    }

    fn validate_setting(&self, setting: &'static Setting) -> Result<(), SettingsError> {
        match setting.value_type {
            ValueType::Switch => self.read_switch(setting).map(drop),
            ValueType::Integer { .. } => self.read_integer(setting).map(drop),
            ValueType::Choice { .. } => self.read_choice(setting).map(drop),
            ValueType::List => self.read_list(setting).map(drop),
            ValueType::Path | ValueType::Json | ValueType::Number => self.read_text(setting).map(drop),
            ValueType::Text => {
                let text = self.read_text(setting)?.unwrap_or_default();
                if text.contains(char::is_control) {
                    return Err(self.invalid(
                        setting,
                        "the value contains a line break or another control character",
                    ));
                }
                Ok(())
            }
        }
    }

    /// Checks a flag of the reference that is not a setting here.
    fn validate_other(&self, row: &'static Reference) -> Result<(), SettingsError> {
        let Some(value) = self.value(row) else {
            return Ok(());
        };
        let text = match row.value_type {
            ValueType::List => None,
            _ => self.read_text(row)?,
        };
        let wrong = |problem: String| SettingsError::Value {
            origin: self.origin(row),
            problem,
        };
        if let Some(text) = &text {
            match row.value_type {
                ValueType::Switch if parse_switch(text).is_none() => {
                    return Err(wrong(format!("`{text}` is neither true nor false")));
                }
                ValueType::Number if text.parse::<i64>().is_err() => {
                    return Err(wrong(format!("`{text}` is not a whole number")));
                }
                _ if row.is_default(text) => return Ok(()),
                _ => {}
            }
        } else if value.as_str().is_some() {
            return Ok(());
        }
        match row.fate {
            SettingStatus::Refused { reason, instead } => Err(SettingsError::Refused {
                origin: self.origin(row),
                reason,
                instead,
            }),
            SettingStatus::NoEffect(_) | SettingStatus::Works => Ok(()),
        }
    }

    /// Remarks on values, and on variables that are not settings.
    pub(super) fn remarks_on_values(&self) -> Vec<Remark> {
        let mut remarks = Vec::new();
        let mut remark = |origin: String, problem: String| remarks.push(Remark { origin, problem });
        for row in Reference::others() {
            if let SettingStatus::NoEffect(reason) = row.fate
                && self.value(row).is_some()
                && !matches!(self.read_text(row), Ok(Some(text)) if row.is_default(&text))
            {
                remark(self.origin(row), format!("accepted without effect: {reason}"));
            }
        }
        for setting in SETTINGS.iter().copied() {
            if let ValueType::Choice {
                words,
                fallback: Some(fallback),
            } = setting.value_type
                && let Ok(Some(text)) = self.read_text(setting)
                && parse_choice(words, &text).is_none()
            {
                remark(
                    self.origin(setting),
                    format!("`{text}` is unknown; {fallback} is used"),
                );
            }
        }
        for setting in SETTINGS
            .iter()
            .copied()
            .filter(|setting| setting.zero_is_default())
        {
            if let Ok(Some(text)) = self.read_text(setting)
                && is_zero_or_less(&text)
            {
                let problem = format!("`{text}` means the default, {}", setting.default);
                remark(self.origin(setting), problem);
            }
        }
        if let Ok(Some(scope)) = self.get(&keys::NINJA_ONE_SCOPE) {
            for word in scope.split(is_padding).filter(|word| !SCOPES.contains(word)) {
                remark(
                    self.origin(&keys::NINJA_ONE_SCOPE.setting),
                    format!(
                        "`{word}` is not a scope of NinjaOne; its scopes are monitoring, management and control"
                    ),
                );
            }
        }
        for (variable, reason) in &self.unknown_variables.without_effect {
            remark(variable.clone(), format!("accepted without effect: {reason}"));
        }
        for variable in &self.unknown_variables.strays {
            remark(variable.clone(), "not a setting of this connector".to_owned());
        }
        remarks
    }
}
