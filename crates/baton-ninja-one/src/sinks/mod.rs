//! The kinds of sinks: how each is named in `--sink KIND=TARGET` and in `[[sinks]]`, and how it is opened. A new kind is a file
//! beside this one and a line in [`KINDS`].

mod c1z;
mod csv;
mod html;
mod keys;
mod parquet;
mod schema;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use access_core::ports::AccessSink;
use access_dataset::{DatasetSink, DatasetSinkConfig, FileFormat, Location};
use sink_c1z::C1zSinkConfig;
use sink_html::HtmlSinkConfig;

use crate::wiring::formats;

pub(crate) use c1z::C1zConfig;
pub(crate) use keys::SinkKeys;
pub(crate) use schema::sink_schemas;

/// All kinds.
pub(crate) static KINDS: [&dyn SinkKind; 4] = [&c1z::C1z, &parquet::Parquet, &csv::Csv, &html::Html];

/// A kind of sink.
pub(crate) trait SinkKind: Sync {
    /// Its name in settings.
    fn name(&self) -> &'static str;

    /// The keys that it takes in a config file, besides `kind`.
    fn keys(&self) -> &'static [&'static str];

    /// The sink of `KIND=TARGET`; the target is empty for `KIND` alone.
    ///
    /// # Errors
    /// What is wrong with the target.
    fn parse_target(&self, target: &str) -> Result<NamedSink, String>;

    /// The sink of a table in a config file, which has no keys but those of the kind.
    ///
    /// # Errors
    /// What is wrong with a value.
    fn parse_keys(&self, keys: SinkKeys<'_>) -> Result<NamedSink, String>;
}

/// A sink as it is named.
pub(crate) enum NamedSink {
    /// A sink with its target.
    Sink(Box<dyn SinkConfig>),
    /// The c1z at `--file`.
    File,
}

impl NamedSink {
    fn new(config: impl SinkConfig + 'static) -> Self {
        Self::Sink(Box::new(config))
    }
}

/// A sink that is configured and not yet built.
pub(crate) trait SinkConfig: fmt::Debug {
    /// Where it writes.
    fn location(&self) -> String;

    /// Trusts the certificate authorities in a file too, where it writes over a network.
    fn trust(&mut self, _ca_file: Option<&Path>) {}

    /// Whether it writes a c1z, here or in a bucket.
    fn is_c1z(&self) -> bool {
        false
    }

    /// The folder of a dataset on this machine, which opening makes.
    fn dataset_folder(&self) -> Option<&Path> {
        None
    }

    /// The sink.
    fn build(&self, options: &SinkOptions) -> Arc<dyn AccessSink>;
}

/// What sinks are built with besides their own target and keys.
pub(crate) struct SinkOptions {
    pub(crate) temp_folder: PathBuf,
    /// Whether datasets keep a history.
    pub(crate) history: bool,
    /// Whether a dataset that cannot be continued is replaced by a new chain.
    pub(crate) replace_existing: bool,
    /// How c1z files are written; the path is the sink's.
    pub(crate) c1z: C1zSinkConfig,
    /// How reports are written; the path is the sink's.
    pub(crate) html: HtmlSinkConfig,
}

/// The kind of a name.
///
/// # Errors
/// That there is none.
pub(crate) fn find(name: &str) -> Result<&'static dyn SinkKind, String> {
    let kind = KINDS.into_iter().find(|kind| kind.name() == name);
    kind.ok_or_else(|| {
        format!(
            "`{name}` is not a kind of sink; write KIND=TARGET with {}",
            names()
        )
    })
}

/// The names of all kinds, as people read them.
pub(crate) fn names() -> String {
    KINDS.map(SinkKind::name).join(", ")
}

/// The location of a dataset.
fn dataset_location(text: &str) -> Result<Location, String> {
    text.parse()
        .map_err(|error: access_dataset::LocationError| error.to_string())
}

/// The folder of a location, if it is one of this machine.
fn local_folder(location: &Location) -> Option<&Path> {
    match location {
        Location::Folder(path) => Some(path),
        Location::Bucket(_) => None,
    }
}

/// A dataset in a format.
fn dataset_sink(
    options: &SinkOptions,
    location: &Location,
    format: impl FileFormat + 'static,
) -> Arc<dyn AccessSink> {
    let config = DatasetSinkConfig {
        location: location.clone(),
        temp_folder: options.temp_folder.clone(),
        history: options.history,
        replace_existing: options.replace_existing,
    };
    Arc::new(DatasetSink::new(config, format).reading(formats()))
}
