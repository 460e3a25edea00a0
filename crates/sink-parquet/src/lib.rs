//! Datasets of Parquet files: compressed, with dictionaries, sorted, with statistics, page index and bloom filters on ids.

mod format;
mod guard;
mod page_header;
mod reader;

pub use format::{Codec, ParquetFormat};
