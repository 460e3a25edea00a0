//! `c1z`: a c1z file, local or in a bucket.

use std::path::Path;
use std::sync::Arc;

use access_core::ports::AccessSink;
use sink_c1z::{C1zSink, C1zSinkConfig};

use super::keys::SinkKeys;
use super::kind::{NamedSink, SinkConfig, SinkKind, SinkOptions};
use crate::bucket_c1z::BucketC1zSink;
use crate::targets::{self, C1zTarget};

pub(super) struct C1z;

impl SinkKind for C1z {
    fn name(&self) -> &'static str {
        "c1z"
    }

    fn keys(&self) -> &'static [&'static str] {
        &["path"]
    }

    fn parse_target(&self, target: &str) -> Result<NamedSink, String> {
        if target.is_empty() {
            return Ok(NamedSink::File);
        }
        Ok(NamedSink::new(C1zConfig::parse(target)?))
    }

    fn parse_keys(&self, keys: SinkKeys<'_>) -> Result<NamedSink, String> {
        match keys.text("path")? {
            Some(target) => Ok(NamedSink::new(C1zConfig::parse(target)?)),
            None => Ok(NamedSink::File),
        }
    }
}

/// A configured c1z sink.
#[derive(Debug)]
pub(crate) struct C1zConfig(C1zTarget);

impl C1zConfig {
    /// Parses the target.
    ///
    /// # Errors
    /// The reason, if it is not a c1z.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        targets::c1z(text).map(Self)
    }
}

impl SinkConfig for C1zConfig {
    fn location(&self) -> String {
        match &self.0 {
            C1zTarget::File(path) => path.display().to_string(),
            C1zTarget::Bucket(url) => url.to_string(),
        }
    }

    fn trust(&mut self, ca_file: Option<&Path>) {
        if let C1zTarget::Bucket(url) = &mut self.0 {
            *url = url.clone().with_ca_file(ca_file);
        }
    }

    fn is_c1z(&self) -> bool {
        true
    }

    fn build(&self, options: &SinkOptions) -> Arc<dyn AccessSink> {
        match &self.0 {
            C1zTarget::File(path) => Arc::new(C1zSink::new(C1zSinkConfig {
                path: path.clone(),
                ..options.c1z.clone()
            })),
            C1zTarget::Bucket(url) => Arc::new(BucketC1zSink::new(url.clone(), options.c1z.clone())),
        }
    }
}
