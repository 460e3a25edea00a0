//! `html`: a review report.

use std::path::PathBuf;
use std::sync::Arc;

use access_core::ports::AccessSink;
use sink_html::{HtmlSink, HtmlSinkConfig};

use super::keys::SinkKeys;
use super::kind::{NamedSink, SinkConfig, SinkKind, SinkOptions};
use crate::targets;

pub(super) struct Html;

impl SinkKind for Html {
    fn name(&self) -> &'static str {
        "html"
    }

    fn keys(&self) -> &'static [&'static str] {
        &["path"]
    }

    fn parse_target(&self, target: &str) -> Result<NamedSink, String> {
        if target.is_empty() {
            return Err("a report needs a file, e.g. html=report.html".to_owned());
        }
        if target.contains("://") {
            return Err(
                "a report goes to a file; write the sync with parquet=URL, and the report with `baton-ninja-one report --from URL`"
                    .to_owned(),
            );
        }
        targets::local_file(target, "a report").map(|path| NamedSink::new(HtmlConfig(path)))
    }

    fn parse_keys(&self, keys: SinkKeys<'_>) -> Result<NamedSink, String> {
        self.parse_target(keys.text("path")?.unwrap_or_default())
    }
}

#[derive(Debug)]
struct HtmlConfig(PathBuf);

impl SinkConfig for HtmlConfig {
    fn location(&self) -> String {
        self.0.display().to_string()
    }

    fn build(&self, options: &SinkOptions) -> Arc<dyn AccessSink> {
        Arc::new(HtmlSink::new(HtmlSinkConfig {
            path: self.0.clone(),
            ..options.html.clone()
        }))
    }
}
