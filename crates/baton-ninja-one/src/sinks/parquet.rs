//! `parquet`: a dataset of Parquet files.

use std::path::Path;
use std::sync::Arc;

use access_core::ports::AccessSink;
use access_dataset::Location;
use sink_parquet::{Codec, ParquetFormat};

use super::dataset::{dataset_location, dataset_sink, local_folder};
use super::keys::SinkKeys;
use super::kind::{NamedSink, SinkConfig, SinkKind, SinkOptions};
use crate::wiring::CONTRACT;

pub(super) struct Parquet;

impl SinkKind for Parquet {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn keys(&self) -> &'static [&'static str] {
        &["url", "compression"]
    }

    fn parse_target(&self, target: &str) -> Result<NamedSink, String> {
        Ok(NamedSink::new(ParquetConfig {
            location: dataset_location(target)?,
            codec: Codec::default(),
        }))
    }

    fn parse_keys(&self, keys: SinkKeys<'_>) -> Result<NamedSink, String> {
        Ok(NamedSink::new(ParquetConfig {
            location: dataset_location(keys.text("url")?.unwrap_or_default())?,
            codec: keys.choice("compression", &Codec::WORDS, Codec::named)?,
        }))
    }
}

#[derive(Debug)]
struct ParquetConfig {
    location: Location,
    codec: Codec,
}

impl SinkConfig for ParquetConfig {
    fn location(&self) -> String {
        self.location.to_string()
    }

    fn trust(&mut self, ca_file: Option<&Path>) {
        self.location = self.location.clone().with_ca_file(ca_file);
    }

    fn dataset_folder(&self) -> Option<&Path> {
        local_folder(&self.location)
    }

    fn build(&self, options: &SinkOptions) -> Arc<dyn AccessSink> {
        let format = ParquetFormat {
            contract: CONTRACT,
            codec: self.codec,
        };
        dataset_sink(options, &self.location, format)
    }
}
