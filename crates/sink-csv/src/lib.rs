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

/// Writes a text into a line as datasets do: quoted where it must be, and never what a spreadsheet takes for a formula if it is to
/// be safe.
pub fn text_cell(text: &str, safety: SpreadsheetSafety, line: &mut Vec<u8>) {
    cell::tenants_text(text, cell::is_plain(text.as_bytes()), safety, line);
}

/// Writes a list into a line as datasets do: as a JSON array.
pub fn list_cell<'a>(texts: impl Iterator<Item = &'a str>, line: &mut Vec<u8>) {
    let mut list = String::new();
    cell::json_list(texts, &mut list);
    cell::our_text(&list, line);
}
