//! Datasets of CSV files: RFC 4180, UTF-8, a header, one file a table, safe to open in a spreadsheet unless asked otherwise.

mod cell;
mod column;
mod counting;
mod format;
mod packing;
mod reading;
mod records;
mod words;

pub use format::{CsvFormat, SpreadsheetSafety};
pub use packing::Packing;
