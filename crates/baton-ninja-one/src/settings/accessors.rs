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
use ninjaone::{BaseUrl, ClientConfig, RetryBudget, Secret, SourceOptions, Writes};
use sink_c1z::{C1zSinkConfig, Compression, ExistingFilePolicy, Limits, Retention, StorageEngine};
use sink_html::HtmlSinkConfig;
use tracing::Level;

use super::Settings;
use super::Verbosity;
use super::definitions::SETTINGS;
use super::definitions::Setting;
use super::definitions::ValueKind;
use super::error::SettingsError;
use super::named_choice;
use super::targets;
use crate::commands::inspect::OutputFormat;

/// Settings that decide what a sync reads, accepts and keeps: they are written down with it.
const PROVENANCE_SETTINGS: [&str; 10] = [
    "accept-drop",
    "keep-sync-count",
    "max-drop-percent",
    "ninja-one-include-devices",
    "skip-entitlements-and-grants",
    "skip-full-sync",
    "skip-grants",
    "storage-engine",
    "sync-resource-types",
    "sync-resources",
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
        for setting in SETTINGS.iter().filter(|setting| setting.required) {
            if self.text(setting.name)?.is_none() {
                missing.push(setting.name);
            }
        }
        if !missing.is_empty() {
            return Err(SettingsError::Missing { flags: missing });
        }
        self.check_proxies()?;
        let text = |name| Ok::<_, SettingsError>(self.text(name)?.unwrap_or_default());
        let version = env!("CARGO_PKG_VERSION");
        Ok(ClientConfig {
            base_url: self.base_url()?,
            token_path: self.token_path()?,
            client_id: text("ninja-one-client-id")?,
            client_secret: Secret::new(text("ninja-one-client-secret")?),
            scope: self.text("ninja-one-scope")?,
            ca_file: self.ca_file()?,
            timeout: Duration::from_secs(self.integer("http-timeout-seconds")?),
            retry: RetryBudget {
                total_wait: Duration::from_secs(self.integer("ninja-one-retry-seconds")?),
                ..RetryBudget::default()
            },
            requests_per_second: u32::try_from(self.integer("ninja-one-requests-per-second")?)
                .ok()
                .and_then(NonZeroU32::new),
            writes: Writes::Off,
            user_agent: format!("baton-ninja-one/{version}"),
        })
    }

    /// The address of the instance. A refused one is shown without what may be a password or a secret in it.
    pub(super) fn base_url(&self) -> Result<BaseUrl, SettingsError> {
        let text = self.text("ninja-one-base-url")?.unwrap_or_default();
        BaseUrl::parse(&text).map_err(|error| {
            let mut problem = error.to_string();
            if let Some(cut) = text.find(['?', '#']) {
                problem = problem.replace(&text[cut..], "…");
            }
            self.refuse("ninja-one-base-url", problem)
        })
    }

    /// The path of the token endpoint.
    pub(super) fn token_path(&self) -> Result<String, SettingsError> {
        let path = self.text("ninja-one-token-path")?.unwrap_or_default();
        if path.starts_with('/') {
            return Ok(path);
        }
        // An address may have a password in it.
        if path.contains("://") || path.contains('@') {
            let problem = format!(
                "a path is wanted, not an address, e.g. {}",
                ninjaone::DEFAULT_TOKEN_PATH
            );
            return Err(self.refuse("ninja-one-token-path", problem));
        }
        let shown = path.split(['?', '#']).next().unwrap_or_default();
        Err(self.refuse(
            "ninja-one-token-path",
            format!("`{}` does not begin with /", ServerText::new(shown)),
        ))
    }

    /// The file with certificate authorities that every connection trusts besides the usual ones.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn ca_file(&self) -> Result<Option<PathBuf>, SettingsError> {
        self.path("ca-file")
    }

    /// What to read beyond the core types.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn source_options(&self) -> Result<SourceOptions, SettingsError> {
        Ok(SourceOptions {
            devices: self.flag("ninja-one-include-devices")?,
        })
    }

    /// The sink over a report.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn html(&self, path: PathBuf) -> Result<HtmlSinkConfig, SettingsError> {
        Ok(HtmlSinkConfig {
            path,
            replace_existing: self.flag("replace-existing")?,
            previous: None,
            program: crate::PROGRAM.to_owned(),
        })
    }

    /// What of the tenant to sync.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn scope(&self) -> Result<SyncScope, SettingsError> {
        let types = self.list("sync-resource-types")?;
        let types: Result<BTreeSet<ResourceTypeId>, _> =
            types.iter().map(|text| ResourceTypeId::new(text)).collect();
        let types = types.map_err(|error| self.refuse("sync-resource-types", error.to_string()))?;
        let mut targets = BTreeSet::new();
        for text in self.list("sync-resources")? {
            let target = ResourceId::parse_baton_id(&text)
                .map_err(|error| self.refuse("sync-resources", format!("`{text}`: {error}")))?;
            targets.insert(target);
        }
        let without_grants = self.flag("skip-grants")?;
        if without_grants && targets.is_empty() {
            return Err(self.refuse("skip-grants", "it goes with --sync-resources only"));
        }
        let depth = match (self.flag("skip-entitlements-and-grants")?, without_grants) {
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
        for name in PROVENANCE_SETTINGS {
            let value = match Setting::named(name).kind {
                ValueKind::List => Some(self.list(name)?.join(",")).filter(|list| !list.is_empty()),
                _ => self.text(name)?,
            };
            if let Some(value) = value {
                settings.insert(name.to_owned(), value);
            }
        }
        let scopes = self.text("ninja-one-scope")?.unwrap_or_default();
        Ok(Provenance {
            program: concat!("baton-ninja-one ", env!("CARGO_PKG_VERSION")).to_owned(),
            client_id: self.text("ninja-one-client-id")?,
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
        let percent = u8::try_from(self.integer("max-drop-percent")?).unwrap_or(u8::MAX);
        let standing = !self.is_from_flag("accept-drop");
        let accepted = self.list("accept-drop")?;
        let accepted: Result<Vec<AcceptDrop>, SettingsError> = accepted
            .iter()
            .map(|text| self.accept_drop(text, standing))
            .collect();
        Ok(ShrinkGuard::new(percent, accepted?))
    }

    /// `TYPE` or `TYPE@SYNC`, where SYNC is the sync against which the loss was seen.
    fn accept_drop(&self, text: &str, standing: bool) -> Result<AcceptDrop, SettingsError> {
        let refuse = |problem: String| self.refuse("accept-drop", problem);
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
            on_foreign: if self.flag("replace-existing")? {
                ExistingFilePolicy::Replace
            } else {
                ExistingFilePolicy::Refuse
            },
            engine: self.storage_engine()?,
            retention: Retention {
                full_syncs: usize::try_from(self.integer("keep-sync-count")?).unwrap_or(usize::MAX),
                keep_all: self.flag("skip-cleanup")?,
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
        Ok(match self.choice("storage-engine")? {
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
        let mib = |name| Ok::<_, SettingsError>(self.integer(name)? << 20);
        Ok(Limits {
            decoded_bytes: mib("decoder-max-decoded-size-mb")?,
            window_bytes: mib("decoder-max-memory-mb")?,
        })
    }

    /// Whether datasets keep a history.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn history(&self) -> Result<bool, SettingsError> {
        self.flag("dataset-history")
    }

    /// Whether a dataset starts a new chain over what it cannot follow.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn replace_existing(&self) -> Result<bool, SettingsError> {
        self.flag("replace-existing")
    }

    /// Where temporary files go.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn temp_folder(&self) -> Result<PathBuf, SettingsError> {
        for name in ["c1z-temp-dir", "tmpdir"] {
            if let Some(folder) = self.path(name)? {
                if folder.is_dir() {
                    return Ok(folder);
                }
                return Err(self.refuse(name, format!("there is no folder {}", folder.display())));
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
            limit: self.integer("max-memory-mib")? << 20,
            probe: crate::runtime::memory_probe::probe,
        })
    }

    /// How long a sync may take.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn sync_timeout(&self) -> Result<Option<Duration>, SettingsError> {
        let minutes = self.integer("sync-timeout-minutes")?;
        Ok((minutes > 0).then(|| Duration::from_secs(60 * minutes)))
    }

    /// How to log.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn logs(&self) -> Result<Logs, SettingsError> {
        let word = |name| {
            let text = self.text(name)?;
            let word = text
                .as_deref()
                .and_then(|text| named_choice(Setting::named(name), text));
            Ok::<_, SettingsError>((text.is_some(), word))
        };
        let configured = match word("log-level")?.1 {
            Some("debug") => Level::DEBUG,
            Some("warn") => Level::WARN,
            Some("error" | "dpanic" | "panic" | "fatal") => Level::ERROR,
            _ => Level::INFO,
        };
        let level = self.verbosity.level().unwrap_or(configured);
        let (format_given, format) = word("log-format")?;
        let json = if format_given {
            format != Some("console")
        } else {
            !std::io::stdout().is_terminal()
        };
        // A service is watched by its log.
        let person = std::io::stderr().is_terminal() && !format_given && !self.serves()?;
        let terminal = self.verbosity.level().unwrap_or(if self.is_given("log-level") {
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
        let paths = self.list("log-path")?;
        for path in &paths {
            targets::local_file(path, "a log").map_err(|problem| self.refuse("log-path", problem))?;
        }
        Ok(paths)
    }

    /// The form of results.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn output(&self) -> Result<Output, SettingsError> {
        match self.choice("output")? {
            Some("json") => Ok(Output::Json),
            Some("csv") => Err(self.refuse(
                "output",
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
        Ok(match self.choice("output")? {
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
        Ok(!self.flag("no-progress")? && self.verbosity != Verbosity::Quiet)
    }
}
