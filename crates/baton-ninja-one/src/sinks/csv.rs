//! `csv`: a dataset of CSV files.

use std::path::Path;
use std::sync::Arc;

use access_core::ports::AccessSink;
use access_dataset::Location;
use sink_csv::{Compression, CsvFormat, Delimiter, SpreadsheetSafety};

use super::dataset::{dataset_location, dataset_sink, local_folder};
use super::keys::SinkKeys;
use super::kind::{NamedSink, SinkConfig, SinkKind, SinkOptions};
use crate::wiring::CONTRACT;

pub(super) struct Csv;

impl SinkKind for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn keys(&self) -> &'static [&'static str] {
        &[
            "url",
            "compression",
            "delimiter",
            "bom",
            "sep",
            "spreadsheet_safe",
        ]
    }

    fn parse_target(&self, target: &str) -> Result<NamedSink, String> {
        Ok(NamedSink::new(CsvConfig {
            location: dataset_location(target)?,
            format: CsvFormat {
                contract: CONTRACT,
                ..CsvFormat::default()
            },
        }))
    }

    fn parse_keys(&self, keys: SinkKeys<'_>) -> Result<NamedSink, String> {
        let location = dataset_location(keys.text("url")?.unwrap_or_default())?;
        let safety = if keys.switch("spreadsheet_safe", true)? {
            SpreadsheetSafety::Safe
        } else {
            SpreadsheetSafety::Raw
        };
        Ok(NamedSink::new(CsvConfig {
            location,
            format: CsvFormat {
                contract: CONTRACT,
                compression: keys.choice("compression", &Compression::WORDS, Compression::named)?,
                safety,
                delimiter: keys.choice("delimiter", &Delimiter::WORDS, Delimiter::named)?,
                bom: keys.switch("bom", false)?,
                sep_line: keys.switch("sep", false)?,
            },
        }))
    }
}

#[derive(Debug)]
struct CsvConfig {
    location: Location,
    format: CsvFormat,
}

impl SinkConfig for CsvConfig {
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
        dataset_sink(options, &self.location, self.format)
    }
}
