//! Converts settings to the configurations of the components.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use access_core::memory::MemoryBudget;
use access_core::model::{AccessDepth, Provenance, ResourceId, ResourceTypeId, SyncId, SyncScope};
use access_core::secrets::ServerText;
use access_core::sync::{AcceptDrop, ShrinkGuard};
use ninjaone::{BaseUrl, ClientConfig, Pace, RetryBudget, Secret, SourceOptions, WritePolicy};
use sink_c1z::{C1zSinkConfig, Compression, ExistingFilePolicy, Limits, Retention, StorageEngine};
use sink_html::HtmlSinkConfig;
use tracing::Level;

use super::error::SettingsError;
use super::keys;
use super::setting::{Integer, Setting, SettingKey, Text, ValueType};
use super::values::Settings;
use super::verbosity::Verbosity;
use crate::output::format::OutputFormat;
use crate::targets;

/// Settings that decide what a sync reads, accepts and keeps, recorded in its provenance.
static PROVENANCE_SETTINGS: [&Setting; 10] = [
    &keys::ACCEPT_DROP.setting,
    &keys::KEEP_SYNC_COUNT.setting,
    &keys::MAX_DROP_PERCENT.setting,
    &keys::NINJA_ONE_INCLUDE_DEVICES.setting,
    &keys::SKIP_ENTITLEMENTS_AND_GRANTS.setting,
    &keys::SKIP_FULL_SYNC.setting,
    &keys::SKIP_GRANTS.setting,
    &keys::STORAGE_ENGINE.setting,
    &keys::SYNC_RESOURCE_TYPES.setting,
    &keys::SYNC_RESOURCES.setting,
];

/// Formats, levels and targets of logs.
#[derive(Debug, Clone)]
pub(crate) struct Logs {
    /// Minimum level.
    pub(crate) level: Level,
    /// JSON lines instead of lines for people.
    pub(crate) json: bool,
    /// Standard error is a terminal: messages of at least this level go there instead of log lines.
    pub(crate) terminal: Option<Level>,
    /// Files, `stdout`, `stderr`.
    pub(crate) paths: Vec<String>,
}

/// The format of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Settings {
    /// The configuration of the tenant's client.
    ///
    /// # Errors
    /// [`SettingsError::Missing`] or [`SettingsError::Value`].
    pub(crate) fn client(&self) -> Result<ClientConfig, SettingsError> {
        let mut missing = Vec::new();
        for setting in keys::SETTINGS.iter().filter(|setting| setting.required) {
            if self.read_text(*setting)?.is_none() {
                missing.push(*setting);
            }
        }
        if !missing.is_empty() {
            return Err(SettingsError::Missing { settings: missing });
        }
        self.check_proxies()?;
        let text = |key: &SettingKey<Text>| Ok::<_, SettingsError>(self.get(key)?.unwrap_or_default());
        let version = env!("CARGO_PKG_VERSION");
        Ok(ClientConfig {
            base_url: self.base_url()?,
            token_path: self.token_path()?,
            client_id: text(&keys::NINJA_ONE_CLIENT_ID)?,
            client_secret: Secret::new(text(&keys::NINJA_ONE_CLIENT_SECRET)?),
            scope: self.get(&keys::NINJA_ONE_SCOPE)?,
            ca_file: self.ca_file()?,
            timeout: Duration::from_secs(self.get(&keys::HTTP_TIMEOUT_SECONDS)?),
            retry: RetryBudget {
                total_wait: Duration::from_secs(self.get(&keys::NINJA_ONE_RETRY_SECONDS)?),
                ..RetryBudget::default()
            },
            pace: u32::try_from(self.get(&keys::NINJA_ONE_REQUESTS_PER_SECOND)?)
                .ok()
                .and_then(NonZeroU32::new)
                .map(Pace::new),
            writes: WritePolicy::Disabled,
            user_agent: format!("baton-ninja-one/{version}"),
        })
    }

    /// The address of the instance. An invalid one is shown without possible passwords.
    pub(super) fn base_url(&self) -> Result<BaseUrl, SettingsError> {
        let text = self.get(&keys::NINJA_ONE_BASE_URL)?.unwrap_or_default();
        BaseUrl::parse(&text).map_err(|error| {
            let mut problem = error.to_string();
            if let Some(cut) = text.find(['?', '#']) {
                problem = problem.replace(&text[cut..], "…");
            }
            self.invalid(&keys::NINJA_ONE_BASE_URL.setting, problem)
        })
    }

    /// The path of the token endpoint.
    pub(super) fn token_path(&self) -> Result<String, SettingsError> {
        let path = self.get(&keys::NINJA_ONE_TOKEN_PATH)?.unwrap_or_default();
        if path.starts_with('/') {
            return Ok(path);
        }
        // Not quoted, because an address may contain a password.
        if path.contains("://") || path.contains('@') {
            let problem = format!(
                "expected a path, not a URL, e.g. {}",
                ninjaone::DEFAULT_TOKEN_PATH
            );
            return Err(self.invalid(&keys::NINJA_ONE_TOKEN_PATH.setting, problem));
        }
        let shown = path.split(['?', '#']).next().unwrap_or_default();
        Err(self.invalid(
            &keys::NINJA_ONE_TOKEN_PATH.setting,
            format!("`{}` does not begin with /", ServerText::new(shown)),
        ))
    }

    /// The file with additional certificate authorities for every connection.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn ca_file(&self) -> Result<Option<PathBuf>, SettingsError> {
        self.get(&keys::CA_FILE)
    }

    /// What to read beyond the core types.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn source_options(&self) -> Result<SourceOptions, SettingsError> {
        Ok(SourceOptions {
            devices: self.get(&keys::NINJA_ONE_INCLUDE_DEVICES)?,
        })
    }

    /// The configuration of report sinks.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn html(&self, path: PathBuf) -> Result<HtmlSinkConfig, SettingsError> {
        Ok(HtmlSinkConfig {
            path,
            replace_existing: self.get(&keys::REPLACE_EXISTING)?,
            previous: None,
            program: crate::cli::version::PROGRAM.to_owned(),
            schema: ninjaone::REPORT_SCHEMA,
        })
    }

    /// The scope of a sync.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn scope(&self) -> Result<SyncScope, SettingsError> {
        let types = self.get(&keys::SYNC_RESOURCE_TYPES)?;
        let types: Result<BTreeSet<ResourceTypeId>, _> =
            types.iter().map(|text| ResourceTypeId::new(text)).collect();
        let types =
            types.map_err(|error| self.invalid(&keys::SYNC_RESOURCE_TYPES.setting, error.to_string()))?;
        let mut targets = BTreeSet::new();
        for text in self.get(&keys::SYNC_RESOURCES)? {
            let target = ResourceId::parse_baton_id(&text)
                .map_err(|error| self.invalid(&keys::SYNC_RESOURCES.setting, format!("`{text}`: {error}")))?;
            targets.insert(target);
        }
        let without_grants = self.get(&keys::SKIP_GRANTS)?;
        if without_grants && targets.is_empty() {
            return Err(self.invalid(&keys::SKIP_GRANTS.setting, "it requires --sync-resources"));
        }
        let depth = match (self.get(&keys::SKIP_ENTITLEMENTS_AND_GRANTS)?, without_grants) {
            (true, _) => AccessDepth::ResourcesOnly,
            (false, true) => AccessDepth::WithoutGrants,
            (false, false) => AccessDepth::Full,
        };
        Ok(SyncScope {
            types: (!types.is_empty()).then_some(types),
            targets: (!targets.is_empty()).then_some(targets),
            depth,
        })
    }

    /// The provenance of a sync: the settings that decide what is read and accepted, never a secret.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn provenance(&self) -> Result<Provenance, SettingsError> {
        let mut settings = std::collections::BTreeMap::new();
        for setting in PROVENANCE_SETTINGS {
            let value = match setting.value_type {
                ValueType::List => Some(self.read_list(setting)?.join(",")).filter(|list| !list.is_empty()),
                _ => self.read_text(setting)?,
            };
            if let Some(value) = value {
                settings.insert(setting.name.to_owned(), value);
            }
        }
        let scopes = self.get(&keys::NINJA_ONE_SCOPE)?.unwrap_or_default();
        Ok(Provenance {
            program: concat!("baton-ninja-one ", env!("CARGO_PKG_VERSION")).to_owned(),
            client_id: self.get(&keys::NINJA_ONE_CLIENT_ID)?,
            scopes: scopes.split_whitespace().map(str::to_owned).collect(),
            settings,
            ..Provenance::default()
        })
    }

    /// The allowed losses from one sync to the next.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn shrink_guard(&self) -> Result<ShrinkGuard, SettingsError> {
        let percent = u8::try_from(self.get(&keys::MAX_DROP_PERCENT)?).unwrap_or(u8::MAX);
        let standing = !self.is_from_flag(&keys::ACCEPT_DROP.setting);
        let accepted = self.get(&keys::ACCEPT_DROP)?;
        let accepted: Result<Vec<AcceptDrop>, SettingsError> = accepted
            .iter()
            .map(|text| self.accept_drop(text, standing))
            .collect();
        Ok(ShrinkGuard::new(percent, accepted?))
    }

    /// Parses `TYPE` or `TYPE@SYNC`, where SYNC is the sync that the loss was compared with.
    fn accept_drop(&self, text: &str, standing: bool) -> Result<AcceptDrop, SettingsError> {
        let refuse = |problem: String| self.invalid(&keys::ACCEPT_DROP.setting, problem);
        let (named, since) = match text.split_once('@') {
            Some((named, since)) => (named, Some(since)),
            None => (text, None),
        };
        let since = since.map(str::parse::<SyncId>).transpose();
        Ok(AcceptDrop {
            resource_type: match named {
                "all" => None,
                named => Some(ResourceTypeId::new(named).map_err(|error| refuse(error.to_string()))?),
            },
            since: since.map_err(|error| refuse(format!("`{text}` is not TYPE@SYNC: {error}")))?,
            standing,
        })
    }

    /// The configuration of the c1z sink for a path.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn c1z(&self, path: PathBuf) -> Result<C1zSinkConfig, SettingsError> {
        Ok(C1zSinkConfig {
            path,
            temp_folder: self.temp_folder()?,
            on_foreign: if self.get(&keys::REPLACE_EXISTING)? {
                ExistingFilePolicy::Replace
            } else {
                ExistingFilePolicy::Refuse
            },
            engine: self.storage_engine()?,
            retention: Retention {
                full_syncs: usize::try_from(self.get(&keys::KEEP_SYNC_COUNT)?).unwrap_or(usize::MAX),
                keep_all: self.get(&keys::SKIP_CLEANUP)?,
            },
            compression: Compression::default(),
            limits: self.limits()?,
        })
    }

    /// The configured storage engine, if any.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn storage_engine(&self) -> Result<Option<StorageEngine>, SettingsError> {
        Ok(match self.get(&keys::STORAGE_ENGINE)? {
            Some("pebble") => Some(StorageEngine::Pebble),
            Some(_) => Some(StorageEngine::Sqlite),
            None => None,
        })
    }

    /// Maximum size of an unpacked c1z file.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn limits(&self) -> Result<Limits, SettingsError> {
        let bytes = |key: &SettingKey<Integer>| Ok::<_, SettingsError>(self.get(key)? << 20);
        Ok(Limits {
            decoded_bytes: bytes(&keys::DECODER_MAX_DECODED_SIZE_MB)?,
            window_bytes: bytes(&keys::DECODER_MAX_MEMORY_MB)?,
        })
    }

    /// Whether datasets keep a history.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn history(&self) -> Result<bool, SettingsError> {
        self.get(&keys::DATASET_HISTORY)
    }

    /// Whether a dataset that cannot be continued is replaced by a new chain.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn replace_existing(&self) -> Result<bool, SettingsError> {
        self.get(&keys::REPLACE_EXISTING)
    }

    /// The folder for temporary files.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn temp_folder(&self) -> Result<PathBuf, SettingsError> {
        for key in [&keys::C1Z_TEMP_DIR, &keys::TMPDIR] {
            if let Some(folder) = self.get(key)? {
                if folder.is_dir() {
                    return Ok(folder);
                }
                return Err(self.invalid(&key.setting, format!("there is no folder {}", folder.display())));
            }
        }
        Ok(std::env::temp_dir())
    }

    /// The memory budget.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn memory_budget(&self) -> Result<MemoryBudget, SettingsError> {
        Ok(MemoryBudget {
            limit: self.get(&keys::MAX_MEMORY_MIB)? << 20,
            probe: crate::runtime::memory_probe::probe,
        })
    }

    /// The time limit of a sync.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn sync_timeout(&self) -> Result<Option<Duration>, SettingsError> {
        let minutes = self.get(&keys::SYNC_TIMEOUT_MINUTES)?;
        Ok((minutes > 0).then(|| Duration::from_secs(60 * minutes)))
    }

    /// The logs.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn logs(&self) -> Result<Logs, SettingsError> {
        let configured = match self.get(&keys::LOG_LEVEL)? {
            Some("debug") => Level::DEBUG,
            Some("warn") => Level::WARN,
            Some("error" | "dpanic" | "panic" | "fatal") => Level::ERROR,
            _ => Level::INFO,
        };
        let level = self.verbosity.level().unwrap_or(configured);
        let format = self.get(&keys::LOG_FORMAT)?;
        let json = match format {
            Some(format) => format != "console",
            None => !std::io::stdout().is_terminal(),
        };
        // A service is monitored by its log.
        let person = std::io::stderr().is_terminal() && format.is_none() && !self.serves()?;
        let terminal = self
            .verbosity
            .level()
            .unwrap_or(if self.is_given(&keys::LOG_LEVEL.setting) {
                configured
            } else {
                Level::WARN
            });
        Ok(Logs {
            level,
            json,
            terminal: person.then_some(terminal),
            paths: self.log_paths()?,
        })
    }

    fn log_paths(&self) -> Result<Vec<String>, SettingsError> {
        let paths = self.get(&keys::LOG_PATH)?;
        for path in &paths {
            targets::local_file(path, "a log")
                .map_err(|problem| self.invalid(&keys::LOG_PATH.setting, problem))?;
        }
        Ok(paths)
    }

    /// The format of results.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn output(&self) -> Result<Output, SettingsError> {
        match self.get(&keys::OUTPUT)? {
            Some("json") => Ok(Output::Json),
            Some("csv") => Err(self.invalid(
                &keys::OUTPUT.setting,
                "csv is for `inspect` and `diff`, whose results are lists; use json".to_owned(),
            )),
            _ => Ok(Output::Text),
        }
    }

    /// The format of rows.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn row_format(&self) -> Result<OutputFormat, SettingsError> {
        Ok(match self.get(&keys::OUTPUT)? {
            Some("json") => OutputFormat::Json,
            Some("csv") => OutputFormat::Csv,
            _ => OutputFormat::Table,
        })
    }

    /// Whether to show progress.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn progress(&self) -> Result<bool, SettingsError> {
        Ok(!self.get(&keys::NO_PROGRESS)? && self.verbosity != Verbosity::Quiet)
    }
}
