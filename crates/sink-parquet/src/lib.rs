//! Datasets of Parquet files: compressed, with dictionaries, sorted, with statistics, page index and bloom filters on ids.

mod format;
mod guard;
mod layout;
mod page_header;
mod reader;
mod thrift;

pub use format::{Codec, ParquetFormat};
