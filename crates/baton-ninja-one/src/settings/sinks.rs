//! Where a sync goes: `--sink KIND=TARGET`, or `[[sinks]]` in the config file.

use std::path::PathBuf;

use access_dataset::{BucketUrl, Location};
use figment::value::{Dict, Value};
use sink_csv::{Compression, CsvFormat, Delimiter, SpreadsheetSafety};
use sink_parquet::Codec;

use super::Settings;
use super::error::SettingsError;
use super::keys;
use super::providers;
use super::setting::Setting;
use super::targets::{self, C1zTarget};

/// The kinds of sinks.
const KINDS: [&str; 4] = ["c1z", "parquet", "csv", "html"];

/// What a report without a place is told.
const NO_REPORT: &str = "a report needs a file, e.g. html=report.html";

/// The key of sinks in a config file.
pub(super) const KEY: &str = "sinks";

/// The JSON Schemas of the sinks in a config file, one for each type.
pub(crate) fn sink_schemas() -> Vec<serde_json::Value> {
    use serde_json::json;

    let schema = |kind: &str, required: &[&str], properties: serde_json::Value| {
        let mut schema = json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        schema["properties"]["kind"] = json!({ "const": kind });
        schema
    };
    let location = json!({ "type": "string", "description": "A folder, or an s3://, gs:// or az:// URL" });
    let flag =
        |default: bool, what: &str| json!({ "type": "boolean", "default": default, "description": what });
    vec![
        schema(
            "c1z",
            &["kind"],
            json!({ "path": { "type": "string", "description": "A file, or a URL in a bucket. Default: the setting `file`" } }),
        ),
        schema(
            "html",
            &["kind", "path"],
            json!({ "path": { "type": "string", "description": "The report, an .html file" } }),
        ),
        schema(
            "parquet",
            &["kind", "url"],
            json!({ "url": location, "compression": { "enum": Codec::WORDS } }),
        ),
        schema(
            "csv",
            &["kind", "url"],
            json!({
                "url": location,
                "compression": { "enum": Compression::WORDS },
                "delimiter": { "enum": Delimiter::WORDS },
                "bom": flag(false, "Begin each file with a byte order mark"),
                "sep": flag(false, "Begin each file with the line `sep=`"),
                "spreadsheet_safe": flag(true, "Put an apostrophe before texts that a spreadsheet would treat as a formula"),
            }),
        ),
    ]
}

/// A sink that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SinkConfig {
    /// A c1z file.
    C1z(PathBuf),
    /// A c1z file in a bucket.
    BucketC1z(BucketUrl),
    /// A dataset of Parquet files.
    Parquet(Location, Codec),
    /// A dataset of CSV files.
    Csv(Location, CsvOptions),
    /// A review report.
    Html(PathBuf),
}

/// How CSV files are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CsvOptions {
    compression: Compression,
    safety: SpreadsheetSafety,
    delimiter: Delimiter,
    bom: bool,
    sep_line: bool,
}

impl CsvOptions {
    /// The format with these options.
    pub(crate) fn format(self) -> CsvFormat {
        CsvFormat {
            contract: crate::wiring::CONTRACT,
            compression: self.compression,
            safety: self.safety,
            delimiter: self.delimiter,
            bom: self.bom,
            sep_line: self.sep_line,
        }
    }
}

impl Settings {
    /// The sinks that are wanted; the c1z at `--file` if none is named.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn sinks(&self) -> Result<Vec<SinkConfig>, SettingsError> {
        let named = self.named_sinks()?;
        if named.is_empty() {
            return Ok(vec![self.file()?]);
        }
        self.refuse_unused_file(&named)?;
        Ok(named)
    }

    /// The sinks that are named.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn named_sinks(&self) -> Result<Vec<SinkConfig>, SettingsError> {
        let mut sinks = Vec::new();
        for text in self.get(&keys::SINK)? {
            let sink = self
                .named_sink(&text)
                .map_err(|problem| self.invalid(&keys::SINK.setting, problem))?;
            sinks.push(self.trusting(sink)?);
        }
        // What a flag or a variable names weighs more than the file.
        if sinks.is_empty() || self.is_from_file(&keys::SINK.setting) {
            sinks.extend(self.sinks_of_file()?);
        }
        for (n, sink) in sinks.iter().enumerate() {
            if sinks[..n].iter().any(|other| other.place() == sink.place()) {
                let problem = format!(
                    "{} is named twice; every sink needs a place of its own",
                    sink.place()
                );
                return Err(self.invalid(&keys::SINK.setting, problem));
            }
        }
        Ok(sinks)
    }

    /// The c1z at `--file`.
    pub(super) fn file(&self) -> Result<SinkConfig, SettingsError> {
        let named = self.read_text(&keys::FILE.setting)?;
        let text = named.unwrap_or_else(|| keys::FILE.setting.default.to_owned());
        if text == "-" {
            let problem = "a c1z goes to a file, not to standard output; ./- is a file of this name";
            return Err(self.invalid(&keys::FILE.setting, problem));
        }
        let sink = c1z(&text).map_err(|problem| self.invalid(&keys::FILE.setting, problem))?;
        self.trusting(sink)
    }

    /// The sink, trusting the authorities of `--ca-file` if it is in a bucket.
    fn trusting(&self, sink: SinkConfig) -> Result<SinkConfig, SettingsError> {
        let ca_file = self.ca_file()?;
        let ca_file = ca_file.as_deref();
        Ok(match sink {
            SinkConfig::BucketC1z(url) => SinkConfig::BucketC1z(url.with_ca_file(ca_file)),
            SinkConfig::Parquet(place, codec) => SinkConfig::Parquet(place.with_ca_file(ca_file), codec),
            SinkConfig::Csv(place, options) => SinkConfig::Csv(place.with_ca_file(ca_file), options),
            local @ (SinkConfig::C1z(_) | SinkConfig::Html(_)) => local,
        })
    }

    /// `KIND=TARGET`, or `c1z` alone for the file at `--file`.
    fn named_sink(&self, text: &str) -> Result<SinkConfig, String> {
        let (kind, target) = text.split_once('=').unwrap_or((text, ""));
        match (kind, target) {
            ("c1z", "") => self.file().map_err(|error| error.to_string()),
            ("c1z", target) => c1z(target),
            ("parquet", place) => Ok(SinkConfig::Parquet(location(place)?, Codec::default())),
            ("csv", place) => Ok(SinkConfig::Csv(location(place)?, CsvOptions::default())),
            ("html", path) => report(path),
            _ => Err(unknown_kind(kind)),
        }
    }

    fn sinks_of_file(&self) -> Result<Vec<SinkConfig>, SettingsError> {
        let Ok(value) = self.figment.find_value(KEY) else {
            return Ok(Vec::new());
        };
        let file = providers::file_of(self.figment.find_metadata(KEY));
        let refuse = |place: String, problem: String| SettingsError::Value {
            origin: format!("{file}: {place}"),
            problem,
        };
        let Value::Array(_, values) = value else {
            return Err(refuse(KEY.to_owned(), "expected a list of sinks".to_owned()));
        };
        let mut sinks = Vec::new();
        for (n, value) in values.iter().enumerate() {
            let place = format!("{KEY}[{n}]");
            let Value::Dict(_, keys) = value else {
                return Err(refuse(
                    place,
                    "expected keys and values, at least `kind`".to_owned(),
                ));
            };
            let sink = self
                .sink_of_keys(keys)
                .map_err(|problem| refuse(place, problem))?;
            sinks.push(self.trusting(sink)?);
        }
        Ok(sinks)
    }

    fn sink_of_keys(&self, keys: &Dict) -> Result<SinkConfig, String> {
        let kind = text_of(keys, "kind")?
            .ok_or_else(|| format!("`kind` is missing; it is one of {}", KINDS.join(", ")))?;
        let known: &[&str] = match kind {
            "c1z" | "html" => &["kind", "path"],
            "parquet" => &["kind", "url", "compression"],
            "csv" => &[
                "kind",
                "url",
                "compression",
                "delimiter",
                "bom",
                "sep",
                "spreadsheet_safe",
            ],
            _ => return Err(unknown_kind(kind)),
        };
        if let Some(key) = keys.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!(
                "unknown key `{key}`; a {kind} sink takes {}",
                known.join(", ")
            ));
        }
        let place = || location(text_of(keys, "url")?.unwrap_or_default());
        match kind {
            "c1z" => match text_of(keys, "path")? {
                Some(target) => c1z(target),
                None => self.file().map_err(|error| error.to_string()),
            },
            "parquet" => Ok(SinkConfig::Parquet(
                place()?,
                word_of(keys, "compression", &Codec::WORDS, Codec::named)?,
            )),
            "html" => report(text_of(keys, "path")?.unwrap_or_default()),
            _ => Ok(SinkConfig::Csv(place()?, csv_options(keys)?)),
        }
    }

    fn is_from_file(&self, setting: &Setting) -> bool {
        self.figment
            .find_metadata(setting.name)
            .is_some_and(|metadata| metadata.name == "file")
    }

    /// A file that somebody named and nobody would write is a mistake.
    fn refuse_unused_file(&self, sinks: &[SinkConfig]) -> Result<(), SettingsError> {
        let written = sinks
            .iter()
            .any(|sink| matches!(sink, SinkConfig::C1z(_) | SinkConfig::BucketC1z(_)));
        if self.is_given(&keys::FILE.setting) && !written {
            let problem =
                "no c1z is written when other sinks are chosen; add the sink `c1z`, or leave the file out";
            return Err(self.invalid(&keys::FILE.setting, problem));
        }
        Ok(())
    }
}

impl SinkConfig {
    /// Where it writes.
    fn place(&self) -> String {
        match self {
            Self::C1z(path) | Self::Html(path) => path.display().to_string(),
            Self::BucketC1z(url) => url.to_string(),
            Self::Parquet(place, _) | Self::Csv(place, _) => place.to_string(),
        }
    }
}

/// A report is a file.
fn report(path: &str) -> Result<SinkConfig, String> {
    if path.is_empty() {
        return Err(NO_REPORT.to_owned());
    }
    if path.contains("://") {
        return Err(
            "a report goes to a file; write the sync with parquet=URL, and the report with `baton-ninja-one report --from URL`"
                .to_owned(),
        );
    }
    targets::local_file(path, "a report").map(SinkConfig::Html)
}

fn c1z(text: &str) -> Result<SinkConfig, String> {
    Ok(match targets::c1z(text)? {
        C1zTarget::File(path) => SinkConfig::C1z(path),
        C1zTarget::Bucket(url) => SinkConfig::BucketC1z(url),
    })
}

fn location(text: &str) -> Result<Location, String> {
    text.parse()
        .map_err(|error: access_dataset::LocationError| error.to_string())
}

fn unknown_kind(kind: &str) -> String {
    format!(
        "`{kind}` is not a kind of sink; write KIND=TARGET with {}",
        KINDS.join(", ")
    )
}

fn text_of<'a>(keys: &'a Dict, key: &str) -> Result<Option<&'a str>, String> {
    match keys.get(key) {
        None => Ok(None),
        Some(Value::String(_, text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{key}`: expected a string")),
    }
}

/// The value of a key that is one of some words; the default without the key.
fn word_of<T: Default>(
    keys: &Dict,
    key: &str,
    words: &[&str],
    named: impl Fn(&str) -> Option<T>,
) -> Result<T, String> {
    let Some(word) = text_of(keys, key)? else {
        return Ok(T::default());
    };
    named(word).ok_or_else(|| {
        format!(
            "`{key}`: `{}` is not one of {}",
            word.escape_debug(),
            // A comma may be one of them.
            words.join(if words.contains(&",") { "  " } else { ", " })
        )
    })
}

fn flag_of(keys: &Dict, key: &str, default: bool) -> Result<bool, String> {
    match keys.get(key) {
        None => Ok(default),
        Some(Value::Bool(_, flag)) => Ok(*flag),
        Some(_) => Err(format!("`{key}`: expected true or false")),
    }
}

fn csv_options(keys: &Dict) -> Result<CsvOptions, String> {
    let safety = if flag_of(keys, "spreadsheet_safe", true)? {
        SpreadsheetSafety::Safe
    } else {
        SpreadsheetSafety::Raw
    };
    Ok(CsvOptions {
        compression: word_of(keys, "compression", &Compression::WORDS, Compression::named)?,
        safety,
        delimiter: word_of(keys, "delimiter", &Delimiter::WORDS, Delimiter::named)?,
        bom: flag_of(keys, "bom", false)?,
        sep_line: flag_of(keys, "sep", false)?,
    })
}
