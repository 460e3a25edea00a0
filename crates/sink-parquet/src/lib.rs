//! Datasets of Parquet files: zstd, dictionaries, sorted, with statistics, page index and bloom filters on ids.

mod format;
mod reading;

pub use format::ParquetFormat;
