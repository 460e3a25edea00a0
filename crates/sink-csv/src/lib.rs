//! Datasets of CSV files: RFC 4180, UTF-8, a header, one file a table, by default safe to open in a spreadsheet.

mod batch_reader;
mod cell;
mod column;
mod compression;
mod dialect;
mod dictionary_column;
mod format;
mod preamble;
mod record_reader;
mod row_counter;

use std::borrow::Cow;

use cell::Content;
use dialect::Dialect;

pub use compression::Compression;
pub use dialect::{Delimiter, SpreadsheetSafety};
pub use format::CsvFormat;

/// Writes a text into a line as datasets do, between commas: quoted where necessary and, with `safety`, without a piece that a
/// spreadsheet reads as a formula.
pub fn text_cell(text: &str, safety: SpreadsheetSafety, line: &mut Vec<u8>) {
    write_cell(text, Content::Text, safety, line);
}

/// Writes a list into a line as datasets do: as a JSON array, safe for spreadsheets.
pub fn list_cell<'a>(texts: impl Iterator<Item = &'a str>, line: &mut Vec<u8>) {
    let mut list = String::new();
    cell::json_list(texts, &mut list);
    write_cell(&list, Content::Json, SpreadsheetSafety::Safe, line);
}

fn write_cell(text: &str, content: Content, safety: SpreadsheetSafety, line: &mut Vec<u8>) {
    let dialect = Dialect {
        delimiter: Delimiter::Comma,
        safety,
    };
    let plain = cell::is_plain(text.as_bytes(), dialect);
    cell::write_text(text, content, plain, dialect, line);
}

/// A text as it was before [`text_cell`] kept it safe from spreadsheets.
#[must_use]
pub fn text_of_cell(cell: &str) -> Cow<'_, str> {
    cell::restore(cell, Content::Text, SpreadsheetSafety::Safe)
}
