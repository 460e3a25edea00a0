//! Settings of service mode.

use std::path::PathBuf;
use std::time::Duration;

use super::error::SettingsError;
use super::keys;
use super::values::Settings;

/// The configuration of the service. Not `Debug`, because it contains a secret.
pub(crate) struct ServiceSettings {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) host_id: Option<String>,
    pub(crate) api_host: Option<String>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) concurrency: usize,
    pub(crate) grace: Duration,
}

/// Threads of a full sync in service mode.
const THREADS_OF_A_TASK: usize = 8;
/// Maximum number of tasks in the estimate: not all of them are full syncs.
const MAX_COUNTED_TASKS: usize = 9;

impl Settings {
    /// Whether ConductorOne's credentials are given, which selects service mode (docs/reference/conductorone.md §2.1).
    ///
    /// # Errors
    /// [`SettingsError::Group`] if one of them is missing.
    pub(crate) fn serves(&self) -> Result<bool, SettingsError> {
        let (id, secret) = (self.get(&keys::CLIENT_ID)?, self.get(&keys::CLIENT_SECRET)?);
        let missing = match (&id, &secret) {
            (None, None) => return Ok(false),
            (Some(_), Some(_)) => return Ok(true),
            (None, Some(_)) => keys::CLIENT_ID.setting.name,
            (Some(_), None) => keys::CLIENT_SECRET.setting.name,
        };
        Err(SettingsError::Group(format!(
            "if any flags in the group [client-id client-secret] are set they must all be set; missing [{missing}]"
        )))
    }

    /// Given settings that tasks override, like in the reference.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn without_effect_in_service_mode(&self) -> Result<Vec<&'static str>, SettingsError> {
        let mut names = Vec::new();
        if !self.get(&keys::SYNC_RESOURCES)?.is_empty() {
            names.push(keys::SYNC_RESOURCES.setting.name);
        }
        for key in [&keys::SKIP_ENTITLEMENTS_AND_GRANTS, &keys::SKIP_GRANTS] {
            if self.get(key)? {
                names.push(key.setting.name);
            }
        }
        Ok(names)
    }

    /// Whether full syncs are empty.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn skip_full_sync(&self) -> Result<bool, SettingsError> {
        self.get(&keys::SKIP_FULL_SYNC)
    }

    /// Threads besides those of one run.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn threads_at_once(&self) -> Result<usize, SettingsError> {
        if !self.serves()? {
            return Ok(0);
        }
        let tasks = usize::try_from(self.get(&keys::TASK_CONCURRENCY)?).unwrap_or(usize::MAX);
        Ok(tasks.saturating_sub(1).min(MAX_COUNTED_TASKS) * THREADS_OF_A_TASK)
    }

    /// The folder in which service mode keeps the state of the last delivery.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn state_folder(&self) -> Result<Option<std::path::PathBuf>, SettingsError> {
        self.get(&keys::STATE_DIR)
    }

    /// The configuration of the service.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn service(&self) -> Result<ServiceSettings, SettingsError> {
        self.check_proxies()?;
        Ok(ServiceSettings {
            client_id: self.get(&keys::CLIENT_ID)?.unwrap_or_default(),
            client_secret: self.get(&keys::CLIENT_SECRET)?.unwrap_or_default(),
            host_id: self.get(&keys::HOST_ID)?,
            api_host: self.get(&keys::C1_API_HOST)?,
            ca_file: self.get(&keys::CA_FILE)?,
            concurrency: usize::try_from(self.get(&keys::TASK_CONCURRENCY)?).unwrap_or(usize::MAX),
            grace: Duration::from_secs(self.get(&keys::SHUTDOWN_GRACE_SECONDS)?),
        })
    }
}
