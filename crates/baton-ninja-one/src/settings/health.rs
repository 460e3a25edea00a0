//! Settings of health checks (docs/reference/conductorone.md §1.4).

use std::fmt;

use super::error::SettingsError;
use super::keys;
use super::values::Settings;

/// The address of health checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HealthAddress {
    /// A host name or an IP address, the latter without brackets.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
}

impl fmt::Display for HealthAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Settings {
    /// Whether the health server is enabled.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn health_check(&self) -> Result<bool, SettingsError> {
        self.get(&keys::HEALTH_CHECK)
    }

    /// The address of the health server, and of the subcommand's request.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn health_address(&self) -> Result<HealthAddress, SettingsError> {
        let host = self.get(&keys::HEALTH_CHECK_BIND_ADDRESS)?.unwrap_or_default();
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(&host);
        let port = self.get(&keys::HEALTH_CHECK_PORT)?;
        Ok(HealthAddress {
            host: bare.to_owned(),
            port: u16::try_from(port).map_err(|_| {
                self.invalid(
                    &keys::HEALTH_CHECK_PORT.setting,
                    format!("`{port}` is not a port"),
                )
            })?,
        })
    }
}
