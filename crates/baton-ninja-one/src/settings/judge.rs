//! Every value that was given is judged in every command, whether the command uses it or not: what cannot be meant is an error
//! before anything is done, and an operation that is not done never becomes a sync.

use super::clean::is_padding;
use super::definitions::SETTINGS;
use super::definitions::Setting;
use super::definitions::ValueKind;
use super::error::SettingsError;
use super::providers::Remark;
use super::reference::{Reference, SettingStatus};
use super::{Settings, is_zero_or_less, named_choice, read_flag};

/// What NinjaOne calls scopes.
const SCOPES: [&str; 4] = ["monitoring", "management", "control", "offline_access"];
/// Settings whose unknown words mean something in the reference: the level info, the format json.
pub(super) const FORGIVING: [&str; 2] = ["log-level", "log-format"];
/// Settings that are JSON texts, which may have line ends in them.
const JSON: [&str; 2] = ["create-account-profile", "invoke-action-args"];

impl Settings {
    /// Judges every value that was given.
    ///
    /// # Errors
    /// [`SettingsError`] for the first that cannot be.
    pub(crate) fn judge(&self) -> Result<(), SettingsError> {
        for row in Reference::others() {
            self.judge_other(row)?;
        }
        if let Some((variable, hint)) = self.unknown_variables.mistyped.first() {
            return Err(SettingsError::UnknownVariable {
                variable: variable.clone(),
                hint: hint.clone(),
            });
        }
        for setting in SETTINGS {
            self.judge_setting(setting)?;
        }
        if self.text("ninja-one-base-url")?.is_some() {
            self.base_url()?;
        }
        self.token_path()?;
        self.scope()?;
        self.shrink_guard()?;
        self.named_sinks()?;
        self.file()?;
        Ok(())
    }

    fn judge_setting(&self, setting: &'static Setting) -> Result<(), SettingsError> {
        let name = setting.name;
        match setting.kind {
            ValueKind::Bool => self.flag(name).map(drop),
            ValueKind::Integer { .. } => self.integer(name).map(drop),
            ValueKind::Choice(_) if FORGIVING.contains(&name) => self.text(name).map(drop),
            ValueKind::Choice(_) => self.choice(name).map(drop),
            ValueKind::List => self.list(name).map(drop),
            ValueKind::Path | ValueKind::Number => self.text(name).map(drop),
            ValueKind::Text => {
                let text = self.text(name)?.unwrap_or_default();
                if !JSON.contains(&name) && text.contains(char::is_control) {
                    return Err(self.refuse(
                        name,
                        "there is a line end or another control character inside the value",
                    ));
                }
                Ok(())
            }
        }
    }

    /// A flag of the reference that is no setting here.
    fn judge_other(&self, row: &'static Reference) -> Result<(), SettingsError> {
        let Some(value) = self.value(row.name) else {
            return Ok(());
        };
        let text = match row.kind {
            ValueKind::List => None,
            _ => self.text(row.name)?,
        };
        let wrong = |problem: String| SettingsError::Value {
            origin: self.origin(row.name),
            problem,
        };
        if let Some(text) = &text {
            match row.kind {
                ValueKind::Bool if read_flag(text).is_none() => {
                    return Err(wrong(format!("`{text}` is neither true nor false")));
                }
                ValueKind::Number if text.parse::<i64>().is_err() => {
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
                origin: self.origin(row.name),
                reason,
                instead,
            }),
            SettingStatus::NoEffect(_) | SettingStatus::Works => Ok(()),
        }
    }

    /// Remarks on values, and on variables that are no settings.
    pub(super) fn remarks_on_values(&self) -> Vec<Remark> {
        let mut remarks = Vec::new();
        let mut remark = |origin: String, problem: String| remarks.push(Remark { origin, problem });
        for row in Reference::others() {
            if let SettingStatus::NoEffect(reason) = row.fate
                && self.value(row.name).is_some()
                && !matches!(self.text(row.name), Ok(Some(text)) if row.is_default(&text))
            {
                remark(
                    self.origin(row.name),
                    format!("accepted without effect: {reason}"),
                );
            }
        }
        for name in FORGIVING {
            let setting = Setting::named(name);
            if let Ok(Some(text)) = self.text(name)
                && named_choice(setting, &text).is_none()
            {
                let used = if name == "log-level" { "info" } else { "json" };
                remark(self.origin(name), format!("`{text}` is unknown; {used} is used"));
            }
        }
        for setting in SETTINGS.iter().filter(|setting| setting.zero_is_default()) {
            if let Ok(Some(text)) = self.text(setting.name)
                && is_zero_or_less(&text)
            {
                let problem = format!("`{text}` stands for the default, {}", setting.default);
                remark(self.origin(setting.name), problem);
            }
        }
        if let Ok(Some(scope)) = self.text("ninja-one-scope") {
            for word in scope.split(is_padding).filter(|word| !SCOPES.contains(word)) {
                remark(
                    self.origin("ninja-one-scope"),
                    format!("`{word}` is no scope of NinjaOne; they are monitoring, management and control"),
                );
            }
        }
        for (variable, reason) in &self.unknown_variables.without_effect {
            remark(variable.clone(), format!("accepted without effect: {reason}"));
        }
        for variable in &self.unknown_variables.strays {
            remark(variable.clone(), "no setting of this connector".to_owned());
        }
        remarks
    }
}
