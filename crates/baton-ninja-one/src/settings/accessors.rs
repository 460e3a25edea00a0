//! Settings as what the program works with.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use access_core::memory::MemoryBudget;
use access_core::model::{AccessDepth, Provenance, ResourceId, ResourceTypeId, SyncId, SyncScope};
use access_core::secrets::ServerText;
use access_core::sync::{AcceptDrop, ShrinkGuard};
use ninjaone::{BaseUrl, ClientConfig, RetryBudget, Secret, SourceOptions, WritePolicy};
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

/// Settings that decide what a sync reads, accepts and keeps: they are written down with it.
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

/// How and where to log.
#[derive(Debug, Clone)]
pub(crate) struct Logs {
    /// Minimum level.
    pub(crate) level: Level,
    /// JSON lines instead of lines for people.
    pub(crate) json: bool,
    /// Standard error is a terminal with a person at it: plain messages of at least this level go there instead of log lines.
    pub(crate) terminal: Option<Level>,
    /// Files, `stdout`, `stderr`.
    pub(crate) paths: Vec<String>,
}

/// The form of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Settings {
    /// How to reach the tenant.
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
            requests_per_second: u32::try_from(self.get(&keys::NINJA_ONE_REQUESTS_PER_SECOND)?)
                .ok()
                .and_then(NonZeroU32::new),
            writes: WritePolicy::Disabled,
            user_agent: format!("baton-ninja-one/{version}"),
        })
    }

    /// The address of the instance. A refused one is shown without what may be a password or a secret in it.
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
        // An address may have a password in it.
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

    /// The file with certificate authorities that every connection trusts besides the usual ones.
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

    /// The sink over a report.
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

    /// What of the tenant to sync.
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

    /// What a sync of the tenant is made with: the settings that decide what is read and accepted, never a secret.
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

    /// How much may get lost from one sync to the next.
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

    /// `TYPE` or `TYPE@SYNC`, where SYNC is the sync against which the loss was seen.
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

    /// How to write the c1z file at a path.
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

    /// The storage engine that is asked for, if one is.
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

    /// How much a c1z file may unpack to.
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

    /// Whether a dataset starts a new chain over what it cannot follow.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn replace_existing(&self) -> Result<bool, SettingsError> {
        self.get(&keys::REPLACE_EXISTING)
    }

    /// Where temporary files go.
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

    /// How long a sync may take.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn sync_timeout(&self) -> Result<Option<Duration>, SettingsError> {
        let minutes = self.get(&keys::SYNC_TIMEOUT_MINUTES)?;
        Ok((minutes > 0).then(|| Duration::from_secs(60 * minutes)))
    }

    /// How to log.
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
        // A service is watched by its log.
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

    /// The form of results.
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

    /// The form of lists.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn sheet_form(&self) -> Result<OutputFormat, SettingsError> {
        Ok(match self.get(&keys::OUTPUT)? {
            Some("json") => OutputFormat::Json,
            Some("csv") => OutputFormat::Csv,
            _ => OutputFormat::Table,
        })
    }

    /// Whether to show progress on a terminal.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn progress(&self) -> Result<bool, SettingsError> {
        Ok(!self.get(&keys::NO_PROGRESS)? && self.verbosity != Verbosity::Quiet)
    }
}
