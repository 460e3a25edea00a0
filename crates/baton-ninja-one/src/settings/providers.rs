//! The sources of settings, as figment providers. Values stay texts until they are typed, so that a secret of digits does
//! not become a number.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use access_core::query::nearest;
use clap::ArgMatches;
use clap::parser::ValueSource;
use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider, Source};

use super::clean::Cleaned;
use super::clean::clean;
use super::clean::is_half_quoted;
use super::clean::is_padding;
use super::clean::normalize_scope;
use super::clean::split_list;
use super::error::SettingsError;
use super::keys::{self, SETTINGS, changes_tenant};
use super::reference::Reference;
use super::reference::SettingStatus;
use super::setting::{Setting, SettingScope, ValueType, flag_name, variable_name};

/// The key of sinks in a config file.
pub(super) const SINKS_KEY: &str = "sinks";

/// Maximum size of a config file or a secret, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// The default config files in search order (the reference has the YAML one).
const DEFAULT_FILES: [&str; 3] = [".baton.yaml", ".baton.yml", ".baton.toml"];

/// The environment, passed as a value for tests.
pub(crate) type Environment = BTreeMap<String, OsString>;

/// Values of one source.
#[derive(Debug)]
pub(super) struct Values {
    origin: Origin,
    values: Dict,
}

/// The type of a source.
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

/// The origin of a value, for people.
pub(super) fn describe(name: &'static str, metadata: Option<&Metadata>) -> String {
    match metadata.map(|metadata| metadata.name.as_ref()) {
        Some("flag") => format!("--{}", flag_name(name)),
        Some("variable") => variable_name(name),
        Some("secret file") => format!("{}_FILE", variable_name(name)),
        Some("file") => format!("{}: {name}", config_file_of_value(metadata)),
        _ => name.to_owned(),
    }
}

/// A remark on a setting, which does not stop the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remark {
    /// The flag, the variable, or the key with its file.
    pub(crate) origin: String,
    /// The remark.
    pub(crate) problem: String,
}

/// Everything that can be given, supported or not.
#[derive(Clone, Copy)]
struct Known {
    name: &'static str,
    value_type: ValueType,
    scope: SettingScope,
    credential: bool,
}

fn known() -> impl Iterator<Item = Known> {
    let settings = SETTINGS.iter().map(|setting| Known {
        name: setting.name,
        value_type: setting.value_type,
        scope: setting.scope,
        credential: setting.credential,
    });
    settings.chain(Reference::others().map(|row| Known {
        name: row.name,
        value_type: row.value_type,
        scope: row.scope,
        credential: false,
    }))
}

/// The cleaned value; `None` if it is empty.
fn clean_value(known: Known, origin: &str, value: Value, remarks: &mut Vec<Remark>) -> Option<Value> {
    let mut remark = |problem: &str| {
        remarks.push(Remark {
            origin: origin.to_owned(),
            problem: problem.to_owned(),
        });
    };
    let texts = |values: &[Value]| -> Option<Vec<String>> {
        values
            .iter()
            .map(|value| value.as_str().map(str::to_owned))
            .collect()
    };
    match value {
        Value::String(_, text) if known.value_type == ValueType::List => {
            let items = split_list(&text);
            (!items.is_empty()).then(|| Value::from(items))
        }
        Value::Array(_, values)
            if known.name == keys::NINJA_ONE_SCOPE.setting.name && texts(&values).is_some() =>
        {
            let scope = normalize_scope(&texts(&values).unwrap_or_default().join(" "));
            (!scope.is_empty()).then(|| Value::from(scope))
        }
        Value::Array(tag, values) => {
            let items = values.into_iter().map(|value| match value.as_str() {
                Some(text) => Value::from(clean(text).text),
                None => value,
            });
            Some(Value::Array(tag, items.collect()))
        }
        Value::String(_, text) => {
            let Cleaned { mut text, quoted } = clean(&text);
            if quoted {
                remark("the quotes around the value are not part of it and were removed");
            } else if known.credential && is_half_quoted(&text) {
                remark("the value has a quote at one end only; check that it was copied completely");
            }
            if known.name == keys::NINJA_ONE_SCOPE.setting.name {
                text = normalize_scope(&text);
            } else if known.credential && text.contains(|c| is_padding(c) || !c.is_ascii()) {
                remark(
                    "the value has a space or a character that is not ASCII in it; check that it was copied correctly",
                );
            }
            (!text.is_empty()).then(|| Value::from(text))
        }
        other => Some(other),
    }
}

/// Whether the value was given as a flag.
pub(super) fn is_flag(metadata: Option<&Metadata>) -> bool {
    metadata.is_some_and(|metadata| metadata.name == "flag")
}

/// The config file of a value.
pub(super) fn config_file_of_value(metadata: Option<&Metadata>) -> String {
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

pub(super) fn flags(matches: &ArgMatches, remarks: &mut Vec<Remark>) -> Values {
    let mut values = Dict::new();
    for known in known().filter(|known| known.scope != SettingScope::Environment) {
        if matches.value_source(known.name) == Some(ValueSource::CommandLine) {
            let given = matches.get_many::<String>(known.name).into_iter().flatten();
            // Occurrences of a list are joined; of other flags only the last one is present.
            let value = match known.value_type {
                ValueType::List => Value::from(given.flat_map(|text| split_list(text)).collect::<Vec<_>>()),
                _ => Value::from(given.last().cloned().unwrap_or_default()),
            };
            let origin = format!("--{}", flag_name(known.name));
            if let Some(value) = clean_value(known, &origin, value, remarks) {
                values.insert(known.name.to_owned(), value);
            }
        }
    }
    Values {
        origin: Origin::Flags,
        values,
    }
}

/// Like in the reference, empty variables count as unset.
pub(super) fn environment(
    environment: &Environment,
    remarks: &mut Vec<Remark>,
) -> Result<Values, SettingsError> {
    let mut values = Dict::new();
    for known in known() {
        let variable = variable_name(known.name);
        let Some(value) = environment.get(&variable).filter(|value| !value.is_empty()) else {
            continue;
        };
        let text = value.to_str().ok_or_else(|| SettingsError::Value {
            origin: variable.clone(),
            problem: "the value is not UTF-8".to_owned(),
        })?;
        if let Some(value) = clean_value(known, &variable, Value::from(text), remarks) {
            values.insert(known.name.to_owned(), value);
        }
    }
    Ok(Values {
        origin: Origin::Environment,
        values,
    })
}

/// Variables that look like settings, but are none.
#[derive(Debug, Clone, Default)]
pub(super) struct UnknownVariables {
    /// Probable typing errors, with a hint.
    pub(super) mistyped: Vec<(String, String)>,
    /// Variables of the reference with a variable suffix, with the reason why they have no effect.
    pub(super) without_effect: Vec<(String, &'static str)>,
    /// All others.
    pub(super) strays: Vec<String>,
}

pub(super) fn unknown_variables(environment: &Environment) -> UnknownVariables {
    let mut names: Vec<String> = known()
        .filter(|known| !known.name.ends_with('*'))
        .map(|known| variable_name(known.name))
        .collect();
    names.extend(SETTINGS.iter().copied().filter_map(Setting::file_variable));
    let mut unknown = UnknownVariables::default();
    for variable in environment.keys() {
        let upper = variable.to_uppercase().replace(['-', '.'], "_");
        let Some(rest) = upper.strip_prefix("BATON_") else {
            continue;
        };
        let dashed = rest.to_lowercase().replace('_', "-");
        if names.contains(variable) {
            continue;
        }
        let of_reference = Reference::others().find(|row| row.is_named(&dashed) && upper == *variable);
        if let Some(row) = of_reference {
            if let SettingStatus::NoEffect(reason) = row.fate {
                unknown.without_effect.push((variable.clone(), reason));
            }
            continue;
        }
        let endings = names.iter().filter_map(|name| name.strip_prefix("BATON_"));
        let of_file = upper
            .strip_suffix("_FILE")
            .filter(|name| names.iter().any(|known| known == name));
        if let Some(meant) = nearest(rest, endings) {
            unknown
                .mistyped
                .push((variable.clone(), typing_error_hint(meant)));
        } else if let Some(name) = of_file {
            unknown.mistyped.push((
                variable.clone(),
                format!("{name} cannot come from a file; set it directly, or unset this variable"),
            ));
        } else if !is_service_link(rest) {
            unknown.strays.push(variable.clone());
        }
    }
    unknown
}

/// The variable that was probably meant. Variables that change the tenant, or allow changes, are never suggested.
fn typing_error_hint(meant: &str) -> String {
    if changes_tenant(&meant.to_lowercase().replace('_', "-")) {
        "correct its name, or unset it; docs/reference/settings.md lists the variables".to_owned()
    } else {
        format!("did you mean BATON_{meant}?")
    }
}

/// Variables that Kubernetes sets in every pod for a Service of the name `baton-…`.
fn is_service_link(rest: &str) -> bool {
    rest.ends_with("_SERVICE_HOST")
        || rest.contains("_SERVICE_PORT")
        || rest.ends_with("_PORT")
        || rest.contains("_PORT_") && (rest.contains("_TCP") || rest.contains("_UDP"))
}

/// Credentials from files, as provided by Kubernetes and systemd.
pub(super) fn secret_files(
    environment: &Environment,
    remarks: &mut Vec<Remark>,
) -> Result<Values, SettingsError> {
    let mut values = Dict::new();
    for known in known().filter(|known| known.credential) {
        let variable = format!("{}_FILE", variable_name(known.name));
        // The name of the file is cleaned like other values.
        let path = match environment.get(&variable).map(|path| path.to_str()) {
            None => continue,
            Some(Some(path)) => PathBuf::from(clean(path).text),
            Some(None) => environment.get(&variable).map(PathBuf::from).unwrap_or_default(),
        };
        if path.as_os_str().is_empty() {
            continue;
        }
        // The name is not shown, because it may be the secret itself by mistake.
        let text = read(&path).map_err(|error| match error {
            SettingsError::File { reason, .. } => SettingsError::Value {
                origin: variable.clone(),
                problem: format!("cannot read the file that it names: {reason}"),
            },
            error => error,
        })?;
        if let Some(value) = clean_value(known, &variable, Value::from(text), remarks) {
            values.insert(known.name.to_owned(), value);
        }
    }
    Ok(Values {
        origin: Origin::SecretFiles,
        values,
    })
}

/// The first default config file that exists. One that cannot be looked at may have settings that matter.
fn default_file(folder: &Path) -> Result<Option<PathBuf>, SettingsError> {
    for path in DEFAULT_FILES.map(|file| folder.join(file)) {
        match path.symlink_metadata() {
            Ok(_) => return Ok(Some(path)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(SettingsError::File {
                    path,
                    reason: error.to_string(),
                });
            }
        }
    }
    Ok(None)
}

/// The named config file, or the first existing default.
pub(super) fn config_file(
    named: Option<PathBuf>,
    folder: &Path,
    remarks: &mut Vec<Remark>,
) -> Result<Option<Values>, SettingsError> {
    let (path, is_named) = match named {
        Some(path) => (path, true),
        None => match default_file(folder)? {
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
    let mut found = Dict::new();
    for (key, value) in values {
        let name = key.to_lowercase();
        if name == SINKS_KEY {
            found.insert(name, value);
            continue;
        }
        let of_file = |known: &Known| known.scope == SettingScope::All;
        let Some(known_key) = known().filter(of_file).find(|known| known.name == name) else {
            let name = name.replace('_', "-");
            let settings = SETTINGS
                .iter()
                .filter(|setting| setting.scope == SettingScope::All);
            let meant = nearest(&name, settings.map(|setting| setting.name).chain([SINKS_KEY]));
            let meant = meant.filter(|name| !changes_tenant(name));
            return Err(SettingsError::UnknownKey { path, key, meant });
        };
        // A key without a value is unset.
        if matches!(value, Value::Empty(..)) {
            continue;
        }
        let origin = format!("{}: {name}", path.display());
        if let Some(value) = clean_value(known_key, &origin, value, remarks) {
            found.insert(known_key.name.to_owned(), value);
        }
    }
    Ok(Some(Values {
        origin: Origin::File(path),
        values: found,
    }))
}

/// The problem and its position, without the line, which may contain a secret.
fn toml(text: &str) -> Result<Dict, String> {
    Toml::from_str(text).map_err(|error| {
        let message = without_values(error.message(), text);
        let before = error.span().and_then(|span| text.get(..span.start));
        let Some(before) = before else {
            return message;
        };
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("{message} at line {line}, column {column}")
    })
}

/// An empty file has no settings.
fn yaml(text: &str) -> Result<Dict, String> {
    let content = text
        .lines()
        .map(str::trim)
        .any(|line| !line.is_empty() && !line.starts_with('#') && line != "---");
    if content {
        // Without the lines around the error, which may contain a secret.
        serde_saphyr::from_str(text).map_err(|error| match error.without_snippet() {
            serde_saphyr::Error::MultipleDocuments { .. } => {
                "there is more than one YAML document in it; keep one and remove the lines `---`".to_owned()
            }
            error => without_values(&error.to_string(), text),
        })
    } else {
        Ok(Dict::new())
    }
}

/// A parser's message without its quotes of the file, which may contain a secret.
fn without_values(message: &str, text: &str) -> String {
    let is_word = |c: char| !c.is_whitespace();
    let mut shown = String::new();
    let mut rest = message;
    while let Some(start) = rest.find(is_word) {
        let end = rest[start..]
            .find(char::is_whitespace)
            .map_or(rest.len(), |end| start + end);
        shown.push_str(&rest[..start]);
        let word = &rest[start..end];
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let common = bare.chars().count() < 4
            || bare.chars().all(|c| c.is_ascii_lowercase()) && PARSER_WORDS.contains(&bare)
            || SETTINGS.iter().any(|setting| setting.name == bare);
        if !common && text.contains(bare) {
            shown.push('…');
        } else {
            shown.push_str(word);
        }
        rest = &rest[end..];
    }
    shown
}

/// Words of parser messages that may also occur in a config file.
const PARSER_WORDS: [&str; 30] = [
    "after",
    "array",
    "before",
    "block",
    "character",
    "column",
    "could",
    "document",
    "duplicate",
    "expected",
    "file",
    "found",
    "here",
    "indentation",
    "invalid",
    "line",
    "missing",
    "more",
    "must",
    "scalar",
    "sequence",
    "string",
    "table",
    "text",
    "type",
    "unclosed",
    "unexpected",
    "value",
    "while",
    "with",
];

/// Reads a default file. It must not be writable by others, because it decides what the program does and where the secret
/// is sent.
fn read_trusted(path: &Path) -> Result<String, SettingsError> {
    let file = private_fs::open_trusted(path).map_err(|error| match error.raw_os_error() {
        None => SettingsError::Untrusted {
            path: path.to_owned(),
            reason: error.to_string(),
        },
        Some(_) => unreadable(path, &error),
    })?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(SettingsError::File {
            path: path.to_owned(),
            reason: format!("it has more than {MAX_FILE_BYTES} bytes"),
        });
    }
    text(path, bytes)
}

/// Reads a named file, which may be a pipe.
fn read(path: &Path) -> Result<String, SettingsError> {
    let read = regular_file::read_input(path, MAX_FILE_BYTES);
    let bytes = read.map_err(|error| match error {
        regular_file::FileError::Io(error) => unreadable(path, &error),
        other => SettingsError::File {
            path: path.to_owned(),
            reason: other.to_string(),
        },
    })?;
    text(path, bytes)
}

fn text(path: &Path, bytes: Vec<u8>) -> Result<String, SettingsError> {
    String::from_utf8(bytes).map_err(|_| unreadable(path, &ErrorKind::InvalidData.into()))
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
