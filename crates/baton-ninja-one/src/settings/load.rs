//! Loads settings from flags, environment and files.

use std::path::Path;

use clap::ArgMatches;
use figment::Figment;

use super::error::SettingsError;
use super::keys::{self, SETTINGS};
use super::providers::{self, Environment};
use super::proxy::Proxies;
use super::values::Settings;
use super::verbosity::Verbosity;

impl Settings {
    /// Loads the settings. Values are validated by [`validate`](Self::judge), and again when they are used.
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
        let file = providers::config_file(settings.get(&keys::CONFIG_PATH)?, folder, &mut remarks)?;
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
            // A value that is not a text is validated where it is used.
            if let Ok(Some(secret)) = settings.read_text(*setting) {
                access_core::secrets::register(&secret);
            }
        }
        Ok(settings)
    }
}
