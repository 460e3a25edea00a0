//! The sinks of a sync: `--sink KIND=TARGET`, or `[[sinks]]` in the config file.

use std::path::PathBuf;
use std::sync::Arc;

use access_core::ports::AccessSink;
use figment::value::{Dict, Value};

use super::error::SettingsError;
use super::keys;
use super::providers::{self, SINKS_KEY};
use super::setting::Setting;
use super::values::Settings;
use crate::sinks::{self, C1zConfig, NamedSink, SinkConfig, SinkKeys, SinkOptions};

impl Settings {
    /// The configured sinks; the c1z at `--file` by default.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn sinks(&self) -> Result<Vec<Box<dyn SinkConfig>>, SettingsError> {
        let named = self.named_sinks()?;
        if named.is_empty() {
            return Ok(vec![self.file()?]);
        }
        self.reject_unused_file(&named)?;
        Ok(named)
    }

    /// The sinks that are named.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn named_sinks(&self) -> Result<Vec<Box<dyn SinkConfig>>, SettingsError> {
        let mut sinks = Vec::new();
        for text in self.get(&keys::SINK)? {
            let (kind, target) = text.split_once('=').unwrap_or((&text, ""));
            let named = sinks::find(kind).and_then(|kind| kind.parse_target(target));
            let sink = named
                .and_then(|named| self.resolve(named))
                .map_err(|problem| self.invalid(&keys::SINK.setting, problem))?;
            sinks.push(self.with_ca_file(sink)?);
        }
        // Flags and variables override the file.
        if sinks.is_empty() || self.is_from_file(&keys::SINK.setting) {
            sinks.extend(self.sinks_from_file()?);
        }
        for (n, sink) in sinks.iter().enumerate() {
            let location = sink.location();
            if sinks[..n].iter().any(|other| other.location() == location) {
                let problem = format!("{location} is named twice; every sink needs a location of its own");
                return Err(self.invalid(&keys::SINK.setting, problem));
            }
        }
        Ok(sinks)
    }

    /// Builds sinks.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn build_sinks(
        &self,
        configs: &[Box<dyn SinkConfig>],
    ) -> Result<Vec<Arc<dyn AccessSink>>, SettingsError> {
        let options = SinkOptions {
            temp_folder: self.temp_folder()?,
            history: self.history()?,
            replace_existing: self.replace_existing()?,
            c1z: self.c1z(PathBuf::new())?,
            html: self.html(PathBuf::new())?,
        };
        Ok(configs.iter().map(|config| config.build(&options)).collect())
    }

    /// The c1z at `--file`.
    pub(super) fn file(&self) -> Result<Box<dyn SinkConfig>, SettingsError> {
        let given = self.read_text(&keys::FILE.setting)?;
        let text = given.unwrap_or_else(|| keys::FILE.setting.default.to_owned());
        if text == "-" {
            let problem = "a c1z goes to a file, not to standard output; ./- is a file of this name";
            return Err(self.invalid(&keys::FILE.setting, problem));
        }
        let sink = C1zConfig::parse(&text).map_err(|problem| self.invalid(&keys::FILE.setting, problem))?;
        self.with_ca_file(Box::new(sink))
    }

    /// Adds the authorities of `--ca-file` to a sink.
    fn with_ca_file(&self, mut sink: Box<dyn SinkConfig>) -> Result<Box<dyn SinkConfig>, SettingsError> {
        sink.trust(self.ca_file()?.as_deref());
        Ok(sink)
    }

    fn resolve(&self, named: NamedSink) -> Result<Box<dyn SinkConfig>, String> {
        match named {
            NamedSink::Sink(sink) => Ok(sink),
            NamedSink::File => self.file().map_err(|error| error.to_string()),
        }
    }

    fn sinks_from_file(&self) -> Result<Vec<Box<dyn SinkConfig>>, SettingsError> {
        let Ok(value) = self.figment.find_value(SINKS_KEY) else {
            return Ok(Vec::new());
        };
        let file = providers::config_file_of_value(self.figment.find_metadata(SINKS_KEY));
        let invalid = |key: String, problem: String| SettingsError::Value {
            origin: format!("{file}: {key}"),
            problem,
        };
        let Value::Array(_, values) = value else {
            return Err(invalid(
                SINKS_KEY.to_owned(),
                "expected a list of sinks".to_owned(),
            ));
        };
        let mut sinks = Vec::new();
        for (n, value) in values.iter().enumerate() {
            let key = format!("{SINKS_KEY}[{n}]");
            let Value::Dict(_, table) = value else {
                return Err(invalid(
                    key,
                    "expected keys and values, at least `kind`".to_owned(),
                ));
            };
            let named = parse_sink_table(table).and_then(|named| self.resolve(named));
            sinks.push(self.with_ca_file(named.map_err(|problem| invalid(key, problem))?)?);
        }
        Ok(sinks)
    }

    fn is_from_file(&self, setting: &Setting) -> bool {
        self.figment
            .find_metadata(setting.name)
            .is_some_and(|metadata| metadata.name == "file")
    }

    /// A named file that is not written is an error.
    fn reject_unused_file(&self, sinks: &[Box<dyn SinkConfig>]) -> Result<(), SettingsError> {
        if self.is_given(&keys::FILE.setting) && !sinks.iter().any(|sink| sink.is_c1z()) {
            let problem =
                "no c1z is written when other sinks are chosen; add the sink `c1z`, or leave the file out";
            return Err(self.invalid(&keys::FILE.setting, problem));
        }
        Ok(())
    }
}

fn parse_sink_table(table: &Dict) -> Result<NamedSink, String> {
    let keys = SinkKeys(table);
    let name = keys
        .text("kind")?
        .ok_or_else(|| format!("`kind` is missing; it is one of {}", sinks::names()))?;
    let kind = sinks::find(name)?;
    let known: Vec<&str> = std::iter::once("kind")
        .chain(kind.keys().iter().copied())
        .collect();
    if let Some(key) = keys.unknown(&known) {
        return Err(format!(
            "unknown key `{key}`; a {name} sink takes {}",
            known.join(", ")
        ));
    }
    kind.parse_keys(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_lists_every_kind_of_sink() {
        for kind in sinks::KINDS {
            let name = format!("{}=", kind.name());
            assert!(keys::SINK.setting.help.contains(&name), "{name}");
        }
    }
}
