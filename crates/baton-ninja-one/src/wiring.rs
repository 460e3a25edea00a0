//! Which adapters the settings ask for: formats of datasets and sinks. Only this module and the commands know them all.

use std::path::PathBuf;
use std::sync::Arc;

use access_core::ports::AccessSink;
use access_dataset::{Contract, DatasetSink, DatasetSinkConfig, FileFormat, Formats};
use sink_c1z::C1zSink;
use sink_csv::CsvFormat;
use sink_html::HtmlSink;
use sink_parquet::ParquetFormat;

use crate::bucket_c1z::BucketC1zSink;
use crate::failure::Failure;
use crate::settings::{Settings, SinkConfig};

/// The columns of datasets: every table's own, and those of NinjaOne's attributes of users.
pub(crate) const CONTRACT: Contract = Contract::new(ninjaone::USER_ATTRIBUTES);

/// The formats in which datasets may be.
pub(crate) fn formats() -> Formats {
    Formats::new([
        Arc::new(ParquetFormat {
            contract: CONTRACT,
            ..ParquetFormat::default()
        }) as Arc<dyn FileFormat>,
        Arc::new(CsvFormat {
            contract: CONTRACT,
            ..CsvFormat::default()
        }),
    ])
}

/// The sinks that are wanted.
pub(crate) fn sinks(
    settings: &Settings,
    wanted: Vec<SinkConfig>,
) -> Result<Vec<Arc<dyn AccessSink>>, Failure> {
    let temp_folder = settings.temp_folder()?;
    let history = settings.history()?;
    let replace_existing = settings.replace_existing()?;
    let dataset = |location| DatasetSinkConfig {
        location,
        temp_folder: temp_folder.clone(),
        history,
        replace_existing,
    };
    let mut sinks: Vec<Arc<dyn AccessSink>> = Vec::new();
    for sink in wanted {
        sinks.push(match sink {
            SinkConfig::C1z(path) => Arc::new(C1zSink::new(settings.c1z(path)?)),
            SinkConfig::BucketC1z(url) => Arc::new(BucketC1zSink::new(url, settings.c1z(PathBuf::new())?)),
            SinkConfig::Parquet(location, codec) => {
                let format = ParquetFormat {
                    contract: CONTRACT,
                    codec,
                };
                Arc::new(DatasetSink::new(dataset(location), format).reading(formats()))
            }
            SinkConfig::Csv(location, options) => {
                Arc::new(DatasetSink::new(dataset(location), options.format()).reading(formats()))
            }
            SinkConfig::Html(path) => Arc::new(HtmlSink::new(settings.html(path)?)),
        });
    }
    Ok(sinks)
}
