//! What a kind of sink is, and a configured sink of one.

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
    pub(super) fn new(config: impl SinkConfig + 'static) -> Self {
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
