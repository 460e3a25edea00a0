//! Kinds of sinks, and configured sinks.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use access_core::ports::AccessSink;
use sink_c1z::C1zSinkConfig;
use sink_html::HtmlSinkConfig;

use super::keys::SinkKeys;

/// A kind of sink.
pub(crate) trait SinkKind: Sync {
    /// Its name in settings.
    fn name(&self) -> &'static str;

    /// Its keys in a config file, besides `kind`.
    fn keys(&self) -> &'static [&'static str];

    /// Parses the target of `KIND=TARGET`; empty for `KIND` alone.
    ///
    /// # Errors
    /// The problem of the target.
    fn parse_target(&self, target: &str) -> Result<NamedSink, String>;

    /// Parses a table of a config file, which only has keys of the kind.
    ///
    /// # Errors
    /// The problem of a value.
    fn parse_keys(&self, keys: SinkKeys<'_>) -> Result<NamedSink, String>;
}

/// A parsed sink.
pub(crate) enum NamedSink {
    /// A sink with its target.
    Sink(Box<dyn SinkConfig>),
    /// The c1z at `--file`.
    File,
}

impl NamedSink {
    pub(super) fn new(config: impl SinkConfig + 'static) -> Self {
        Self::Sink(Box::new(config))
    }
}

/// A configured sink, not built yet.
pub(crate) trait SinkConfig: fmt::Debug {
    /// The location that it writes to, for people.
    fn location(&self) -> String;

    /// Adds the certificate authorities in a file, if it writes over a network.
    fn trust(&mut self, _ca_file: Option<&Path>) {}

    /// Whether it writes a c1z, local or in a bucket.
    fn is_c1z(&self) -> bool {
        false
    }

    /// The local folder of a dataset, which opening creates.
    fn dataset_folder(&self) -> Option<&Path> {
        None
    }

    /// Builds the sink.
    fn build(&self, options: &SinkOptions) -> Arc<dyn AccessSink>;
}

/// Options of all sinks, besides their own target and keys.
pub(crate) struct SinkOptions {
    pub(crate) temp_folder: PathBuf,
    /// Whether datasets keep a history.
    pub(crate) history: bool,
    /// Whether a dataset that cannot be continued is replaced by a new chain.
    pub(crate) replace_existing: bool,
    /// Configuration of c1z sinks; the sink sets the path.
    pub(crate) c1z: C1zSinkConfig,
    /// Configuration of report sinks; the sink sets the path.
    pub(crate) html: HtmlSinkConfig,
}
