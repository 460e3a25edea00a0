//! Datasets of Parquet files: compressed, with dictionaries, sorted, with statistics, page index and bloom filters on ids.

mod format;
mod reading;

pub use format::{Codec, ParquetFormat};
