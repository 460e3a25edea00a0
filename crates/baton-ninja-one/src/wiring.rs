//! The contract of datasets, and their file formats.

use std::sync::Arc;

use access_dataset::{Contract, FileFormat, Formats};
use sink_csv::CsvFormat;
use sink_parquet::ParquetFormat;

/// The columns of datasets: the fixed ones, and those of NinjaOne's attributes of users.
pub(crate) const CONTRACT: Contract = Contract::new(ninjaone::USER_ATTRIBUTES);

/// The file formats of datasets.
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
