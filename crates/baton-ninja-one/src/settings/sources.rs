//! Where settings come from, as figment providers. Values stay texts until they are typed, so that a secret of digits
//! does not become a number on the way.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use clap::parser::ValueSource;
use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider, Source};

use super::error::SettingsError;
use super::table::{GivenBy, SETTINGS, Setting};

/// The default config files, in the order they are looked for (the reference has the same in YAML).
const DEFAULT_FILES: [&str; 3] = [".baton.yaml", ".baton.yml", ".baton.toml"];

/// The environment, passed in so that tests need not change their own.
pub(crate) type Environment = BTreeMap<String, OsString>;

/// Values of one source.
#[derive(Debug)]
pub(super) struct Values {
    origin: Origin,
    values: Dict,
}

/// What kind of source.
#[derive(Debug, Clone)]
enum Origin {
    Flags,
    Environment,
    SecretFiles,
    File(PathBuf),
    Defaults,
}

impl Provider for Values {
    fn metadata(&self) -> Metadata {
        match &self.origin {
            Origin::Flags => Metadata::named("flag"),
            Origin::Environment => Metadata::named("variable"),
            Origin::SecretFiles => Metadata::named("secret file"),
            Origin::File(path) => Metadata::from("file", Source::File(path.clone())),
            Origin::Defaults => Metadata::named("default"),
        }
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

/// Where a value comes from, in words.
pub(super) fn describe(setting: &Setting, metadata: Option<&Metadata>) -> String {
    match metadata.map(|metadata| metadata.name.as_ref()) {
        Some("flag") => format!("--{}", setting.flag()),
        Some("variable") => setting.variable(),
        Some("secret file") => format!("{}_FILE", setting.variable()),
        Some("file") => format!("{}: {}", file_of(metadata), setting.name),
        _ => setting.name.to_owned(),
    }
}

/// Whether a value was given as a flag.
pub(super) fn is_flag(metadata: Option<&Metadata>) -> bool {
    metadata.is_some_and(|metadata| metadata.name == "flag")
}

/// The config file that a value comes from.
pub(super) fn file_of(metadata: Option<&Metadata>) -> String {
    let source = metadata.and_then(|metadata| metadata.source.as_ref());
    let path = source
        .and_then(Source::file_path)
        .unwrap_or(Path::new("the config file"));
    path.display().to_string()
}

pub(super) fn defaults() -> Values {
    let given = SETTINGS.iter().filter(|setting| !setting.default.is_empty());
    let values = given.map(|setting| (setting.name.to_owned(), Value::from(setting.default)));
    Values {
        origin: Origin::Defaults,
        values: values.collect(),
    }
}

pub(super) fn flags(matches: &ArgMatches) -> Values {
    let mut values = Dict::new();
    for setting in SETTINGS.iter().filter(|setting| setting.has_flag()) {
        if matches.value_source(setting.name) == Some(ValueSource::CommandLine) {
            let given: Vec<String> = matches
                .get_many(setting.name)
                .into_iter()
                .flatten()
                .cloned()
                .collect();
            values.insert(setting.name.to_owned(), Value::from(given.join(",")));
        }
    }
    Values {
        origin: Origin::Flags,
        values,
    }
}

/// Variables that are set but empty count as unset, as in the reference.
pub(super) fn environment(environment: &Environment) -> Result<Values, SettingsError> {
    let mut values = Dict::new();
    for setting in SETTINGS {
        let variable = setting.variable();
        let Some(value) = environment.get(&variable).filter(|value| !value.is_empty()) else {
            continue;
        };
        let text = value.to_str().ok_or_else(|| SettingsError::Value {
            origin: variable,
            problem: "the value is not UTF-8".to_owned(),
        })?;
        values.insert(setting.name.to_owned(), Value::from(text));
    }
    Ok(Values {
        origin: Origin::Environment,
        values,
    })
}

/// Variables that look like settings and are none: a slip of the pen, or a setting of the reference that does not work here.
pub(super) fn unknown_variables(environment: &Environment) -> Vec<String> {
    let known = |name: &str| {
        SETTINGS.iter().any(|setting| {
            let variable = setting.variable();
            name == variable || (setting.secret && name.strip_suffix("_FILE") == Some(&variable))
        })
    };
    let ours = environment.keys().filter(|name| name.starts_with("BATON_"));
    ours.filter(|name| !known(name)).cloned().collect()
}

/// Secrets from files, as Kubernetes and systemd hand them over. A line end at the end of the file does not count.
pub(super) fn secret_files(environment: &Environment) -> Result<Values, SettingsError> {
    let mut values = Dict::new();
    for setting in SETTINGS.iter().filter(|setting| setting.secret) {
        let path = environment
            .get(&format!("{}_FILE", setting.variable()))
            .filter(|path| !path.is_empty());
        if let Some(path) = path {
            let text = read(Path::new(path))?;
            values.insert(
                setting.name.to_owned(),
                Value::from(text.trim_end_matches(['\r', '\n'])),
            );
        }
    }
    Ok(Values {
        origin: Origin::SecretFiles,
        values,
    })
}

/// The named config file, or a default one if it is there.
pub(super) fn config_file(named: Option<PathBuf>, folder: &Path) -> Result<Option<Values>, SettingsError> {
    let (path, is_named) = match named {
        Some(path) => (path, true),
        None => match DEFAULT_FILES
            .iter()
            .map(|file| folder.join(file))
            .find(|path| path.symlink_metadata().is_ok())
        {
            Some(path) => (path, false),
            None => return Ok(None),
        },
    };
    let text = || {
        if is_named {
            read(&path)
        } else {
            read_trusted(&path)
        }
    };
    let malformed = |reason: String| SettingsError::File {
        path: path.clone(),
        reason,
    };
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .map(str::to_ascii_lowercase);
    let values = match extension.as_deref() {
        Some("yaml" | "yml") => yaml(&text()?).map_err(malformed)?,
        Some("toml") => toml(&text()?).map_err(malformed)?,
        _ => return Err(SettingsError::Extension { path }),
    };
    let mut known = Dict::new();
    for (key, value) in values {
        let name = key.to_lowercase();
        if name == super::sinks::KEY {
            known.insert(name, value);
            continue;
        }
        let setting = SETTINGS
            .iter()
            .find(|setting| setting.name == name && setting.given_by == GivenBy::All);
        let Some(setting) = setting else {
            return Err(SettingsError::UnknownKey { path, key });
        };
        // A key without a value is one that is not set.
        if !matches!(value, Value::Empty(..)) {
            known.insert(setting.name.to_owned(), value);
        }
    }
    Ok(Some(Values {
        origin: Origin::File(path),
        values: known,
    }))
}

/// What is wrong and where; the line itself may hold a secret.
fn toml(text: &str) -> Result<Dict, String> {
    Toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let Some(before) = before else {
            return error.message().to_owned();
        };
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("{} at line {line}, column {column}", error.message())
    })
}

/// An empty file is one without settings.
fn yaml(text: &str) -> Result<Dict, String> {
    let content = text
        .lines()
        .map(str::trim)
        .any(|line| !line.is_empty() && !line.starts_with('#') && line != "---");
    if content {
        // Without the lines around the error: a secret may be in them.
        serde_saphyr::from_str(text).map_err(|error| error.without_snippet().to_string())
    } else {
        Ok(Dict::new())
    }
}

/// Reads a file that nobody has named: only what others cannot have put there says what the program does, and where the
/// secret goes.
fn read_trusted(path: &Path) -> Result<String, SettingsError> {
    let file = private_fs::open_trusted(path).map_err(|error| match error.raw_os_error() {
        None => SettingsError::Untrusted {
            path: path.to_owned(),
            reason: error.to_string(),
        },
        Some(_) => unreadable(path, &error),
    })?;
    std::io::read_to_string(file).map_err(|error| unreadable(path, &error))
}

fn read(path: &Path) -> Result<String, SettingsError> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> SettingsError {
    SettingsError::File {
        path: path.to_owned(),
        reason: match error.kind() {
            ErrorKind::NotFound => "there is no such file".to_owned(),
            ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
            _ => error.to_string(),
        },
    }
}
