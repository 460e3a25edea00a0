//! Every given value, judged by its kind: one that cannot be is an error in every command, not only where it is used.

use super::Settings;
use super::error::SettingsError;
use super::table::{Kind, SETTINGS};

impl Settings {
    /// Whether every value is of the kind that its setting takes.
    ///
    /// # Errors
    /// [`SettingsError::Value`] for the first one that is not.
    pub(crate) fn judge(&self) -> Result<(), SettingsError> {
        for setting in SETTINGS {
            match setting.kind {
                Kind::Bool => self.flag(setting.name).map(drop)?,
                Kind::Integer { .. } => self.integer(setting.name).map(drop)?,
                Kind::Choice(_) => self.choice(setting.name).map(drop)?,
                Kind::List => self.list(setting.name).map(drop)?,
                Kind::Text | Kind::Path => self.text(setting.name).map(drop)?,
            }
        }
        Ok(())
    }
}
