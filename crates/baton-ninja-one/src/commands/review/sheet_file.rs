//! Reads CSV files in the separators and encodings of spreadsheets.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use access_core::{Diagnostic, StatusCode};
use access_review::{Record, Sheet, SheetError, SheetFile, sha256_hex};

/// Maximum size of a sheet.
const MAX_BYTES: u64 = 256 << 20;
/// The first bytes of files of Excel (xlsx, xls) and others (ods).
const WORKBOOKS: [&[u8]; 2] = [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"];
/// Maximum number of records before the line of column names.
const MAX_HEADER_RECORDS: usize = 64;

/// Why a file is not a sheet.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SheetFileError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    /// It is not a CSV file.
    #[error("{}: not a CSV file: {reason}", path.display())]
    Csv { path: PathBuf, reason: String },
    /// It is a workbook of a spreadsheet.
    #[error("{}: a workbook of a spreadsheet, not a CSV file", path.display())]
    Workbook { path: PathBuf },
    /// It is not a sheet.
    #[error("{}: {source}", path.display())]
    Sheet { path: PathBuf, source: SheetError },
}

impl Diagnostic for SheetFileError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => StatusCode::NotFound,
            Self::Io { .. } => StatusCode::Unknown,
            Self::Csv { .. } | Self::Workbook { .. } => StatusCode::InvalidArgument,
            Self::Sheet { source, .. } => source.status(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io { .. } => None,
            Self::Workbook { .. } => {
                Some("save it as `CSV UTF-8` in the spreadsheet, and pass that file".to_owned())
            }
            Self::Csv { .. } => {
                Some("pass the CSV file that the review page of the report exports".to_owned())
            }
            Self::Sheet { source, .. } => source.hint(),
        }
    }
}

/// Reads a sheet to its end.
pub(crate) fn read_sheet(path: &Path) -> Result<SheetFile, SheetFileError> {
    let bytes = read_bytes(path)?;
    parse_sheet(path, &bytes)
}

/// Parses the sheet in a file's bytes.
pub(crate) fn parse_sheet(path: &Path, bytes: &[u8]) -> Result<SheetFile, SheetFileError> {
    let records = records(path, bytes, &access_review::COLUMNS)?;
    let sheet = Sheet::parse(&records).map_err(|source| SheetFileError::Sheet {
        path: path.to_owned(),
        source,
    })?;
    let name = path.file_name().unwrap_or(path.as_os_str());
    Ok(SheetFile {
        name: name.to_string_lossy().into_owned(),
        sha256: sha256_hex(bytes),
        sheet,
    })
}

/// Reads a file up to the maximum size.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, SheetFileError> {
    let failed = |source| SheetFileError::Io {
        path: path.to_owned(),
        source,
    };
    let not_one = || SheetFileError::Csv {
        path: path.to_owned(),
        reason: format!("not a file of at most {} MiB", MAX_BYTES >> 20),
    };
    match regular_file::read(path, MAX_BYTES) {
        Ok(bytes) => Ok(bytes),
        Err(regular_file::FileError::Io(source)) if source.kind() == std::io::ErrorKind::FileTooLarge => {
            Err(not_one())
        }
        Err(regular_file::FileError::Io(source)) => Err(failed(source)),
        Err(_) => Err(not_one()),
    }
}

/// The records of a CSV file. The separator is that of `sep=`, or the one of comma, semicolon and tab that finds most of
/// the known columns.
pub(crate) fn records(path: &Path, bytes: &[u8], columns: &[&str]) -> Result<Vec<Record>, SheetFileError> {
    let failed = |reason: String| SheetFileError::Csv {
        path: path.to_owned(),
        reason,
    };
    if WORKBOOKS.iter().any(|begin| bytes.starts_with(begin)) {
        return Err(SheetFileError::Workbook {
            path: path.to_owned(),
        });
    }
    let text = decode(bytes).map_err(failed)?;
    let (separator, rest, first_row) = named_separator(&text);
    let separators: &[char] = match &separator {
        Some(separator) => std::slice::from_ref(separator),
        None => &[',', ';', '\t'],
    };
    let mut best: Option<(usize, Result<Vec<Record>, String>)> = None;
    for separator in separators {
        let parsed = parse(rest, *separator, first_row);
        let found = parsed
            .as_ref()
            .map_or(0, |records| known_columns(records, columns));
        if best.as_ref().is_none_or(|(most, _)| found > *most) {
            best = Some((found, parsed));
        }
    }
    best.map_or_else(|| Ok(Vec::new()), |(_, parsed)| parsed)
        .map_err(failed)
}

fn known_columns(records: &[Record], columns: &[&str]) -> usize {
    let known = |record: &Record| {
        let is_known = |cell: &&String| columns.contains(&cell.trim().to_lowercase().as_str());
        record.cells.iter().filter(is_known).count()
    };
    records
        .iter()
        .take(MAX_HEADER_RECORDS)
        .map(known)
        .max()
        .unwrap_or(0)
}

/// Parses a first line `sep=;`, which some spreadsheets write. Returns the separator, the rest, and the number of its first
/// row.
fn named_separator(text: &str) -> (Option<char>, &str, u64) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let first = first.trim_end_matches('\r').trim_matches('"');
    let named = first.get(..4).filter(|start| start.eq_ignore_ascii_case("sep="));
    let mut after = named.map_or("", |_| &first[4..]).chars();
    match (after.next(), after.next()) {
        (Some(separator), None) => (Some(separator), rest, 2),
        _ => (None, text, 1),
    }
}

/// Parses RFC 4180 records: quoted cells, doubled quotes, line breaks within quotes.
fn parse(text: &str, separator: char, first_row: u64) -> Result<Vec<Record>, String> {
    let mut records = Vec::new();
    let mut row = first_row;
    let mut cells: Vec<String> = Vec::new();
    let mut cell = String::new();
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    // Whether the cell began with a quote that is closed.
    let mut closed = false;
    while let Some(c) = chars.next() {
        if quoted {
            match c {
                '"' if chars.peek() == Some(&'"') => {
                    chars.next();
                    cell.push('"');
                }
                '"' => {
                    quoted = false;
                    closed = true;
                }
                c => cell.push(c),
            }
            continue;
        }
        match c {
            '"' if !closed && cell.trim().is_empty() => {
                cell.clear();
                quoted = true;
            }
            c if c == separator => {
                cells.push(std::mem::take(&mut cell));
                closed = false;
            }
            '\n' | '\r' => {
                if c == '\r' && chars.peek() == Some(&'\n') {
                    chars.next();
                }
                cells.push(std::mem::take(&mut cell));
                closed = false;
                records.push(record(row, std::mem::take(&mut cells)));
                row += 1;
            }
            c => cell.push(c),
        }
    }
    if quoted {
        return Err("a quote is not closed".to_owned());
    }
    if !cell.is_empty() || closed || !cells.is_empty() {
        cells.push(cell);
        records.push(record(row, cells));
    }
    Ok(records)
}

fn record(row: u64, cells: Vec<String>) -> Record {
    // A leading apostrophe prevents formulas in spreadsheets and is not part of the text.
    let cells = cells
        .into_iter()
        .map(|cell| match sink_csv::text_of_cell(cell.trim()) {
            Cow::Borrowed(text) => text.to_owned(),
            Cow::Owned(text) => text,
        });
    Record {
        row,
        cells: cells.collect(),
    }
}

/// Decodes UTF-8 or UTF-16, otherwise Windows-1252.
fn decode(bytes: &[u8]) -> Result<String, String> {
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return match std::str::from_utf8(rest) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err("it claims to be UTF-8 but is not".to_owned()),
        };
    }
    let utf16 = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .map(|pair| read([pair[0], pair[1]]))
            .collect();
        let is_even = bytes.len().is_multiple_of(2);
        let text = String::from_utf16(&units).ok().filter(|_| is_even);
        text.ok_or_else(|| "it claims to be UTF-16 but is not".to_owned())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => return utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => return utf16(rest, u16::from_be_bytes),
        [first, 0, second, 0, ..] if first.is_ascii() && second.is_ascii() && *first != 0 && *second != 0 => {
            return utf16(bytes, u16::from_le_bytes);
        }
        [0, first, 0, second, ..] if first.is_ascii() && second.is_ascii() && *first != 0 && *second != 0 => {
            return utf16(bytes, u16::from_be_bytes);
        }
        _ => {}
    }
    if bytes.contains(&0) {
        return Err("it is not text".to_owned());
    }
    Ok(match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| windows_1252(*byte)).collect(),
    })
}

/// Where Windows-1252 differs from ISO 8859-1; five code points are undefined.
fn windows_1252(byte: u8) -> char {
    const FROM_80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => FROM_80[usize::from(byte - 0x80)],
        byte => char::from(byte),
    }
}

/// A CSV file for spreadsheets: with a byte order mark, every cell quoted, no cell a formula.
#[cfg(test)]
pub(crate) fn to_csv(records: &[Vec<String>]) -> Vec<u8> {
    let mut text = String::from("\u{feff}");
    for record in records {
        let cells = record
            .iter()
            .map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
        text.push_str(&cells.collect::<Vec<_>>().join(","));
        text.push_str("\r\n");
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: &str = "decision,reviewer,decided_at,note,entitlement_id,principal_type,principal_id,entitlement_name,resource_name,principal_name,principal_login,can_be_revoked,tenant,sync_id,report_sha256,line_id,self_review,superseded";
    const ROW: &str = "revoke,Zoë „B“,2026-11-30T00:00:00Z,\"two\nlines; \"\"x\"\"\",role:1:assigned,user,7,Desk role,Desk,Ada Nyström, ada ,yes,https://t,1,00,L1,,";

    fn parsed(bytes: &[u8]) -> Sheet {
        let path = Path::new("review.csv");
        match parse_sheet(path, bytes) {
            Ok(file) => file.sheet,
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(bytes)),
        }
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    /// A sheet has the same contents in every spreadsheet format.
    #[test]
    fn files_of_spreadsheets_are_read() {
        let plain = format!("#sheet: baton-ninja-one review sheet 1\r\n{HEAD}\r\n{ROW}\r\n");
        let expected = parsed(plain.as_bytes());
        assert_eq!(expected.rows.len(), 1);
        assert_eq!(expected.rows[0].note, "two\nlines; \"x\"");
        assert_eq!(expected.rows[0].principal_login, "ada");
        // No cell contains a comma, so the separator can be replaced in the text; the note is quoted.
        let semicolons = plain.replace(',', ";");
        let tabs = plain.replace(',', "\t");
        let western: Vec<u8> = semicolons
            .chars()
            .map(|c| match c {
                '„' => 0x84,
                '“' => 0x93,
                c => u8::try_from(u32::from(c)).unwrap(),
            })
            .collect();
        let marked = |text: &str| format!("\u{feff}{text}");
        for bytes in [
            marked(&plain).into_bytes(),
            marked(&semicolons).into_bytes(),
            semicolons.clone().into_bytes(),
            tabs.clone().into_bytes(),
            western,
            utf16(&marked(&tabs), u16::to_le_bytes),
            utf16(&marked(&tabs), u16::to_be_bytes),
            utf16(&tabs, u16::to_le_bytes),
            utf16(&tabs, u16::to_be_bytes),
            plain.replace("\r\n", "\n").into_bytes(),
            plain.replace("\r\n", "\r").into_bytes(),
            plain.trim_end().to_owned().into_bytes(),
        ] {
            assert_eq!(parsed(&bytes), expected, "{}", String::from_utf8_lossy(&bytes));
        }
        let rows = |text: &str| {
            let mut sheet = parsed(text.as_bytes());
            for row in &mut sheet.rows {
                row.row = expected.rows[0].row;
            }
            sheet
        };
        for text in [
            format!("sep=;\r\n{semicolons}"),
            format!("\"sep=,\"\r\n{plain}"),
            plain.replace("\r\n", "\r\n\r\n,,,,,\r\n"),
            format!("{HEAD}\r\n{ROW}\r\n#sheet: baton-ninja-one review sheet 1,,,,,,\r\n"),
        ] {
            assert_eq!(rows(&text), expected, "{text}");
        }
    }

    #[test]
    fn columns_may_be_in_any_order() {
        let plain = format!(
            "{HEAD}\r\n{}\r\n",
            ROW.replace("\"two\nlines; \"\"x\"\"\"", "why")
        );
        let expected = parsed(plain.as_bytes());
        let reversed: Vec<String> = plain
            .lines()
            .map(|line| line.split(',').rev().collect::<Vec<_>>().join(","))
            .collect();
        assert_eq!(parsed(reversed.join("\n").as_bytes()), expected);
    }

    #[test]
    fn other_files_are_not_sheets() {
        for (bytes, reason) in [
            (&b"\x89PNG\0\0"[..], "it is not text"),
            (b"PK\x03\x04\x14\0", "a workbook of a spreadsheet, not a CSV file"),
            (b"\xff\xfea", "it claims to be UTF-16 but is not"),
            (b"\xef\xbb\xbf\xff", "it claims to be UTF-8 but is not"),
            (b"a,\"b", "a quote is not closed"),
            (b"a,b\n1,2", "not a review sheet: it has no column decision"),
            (b"", "not a review sheet: it has no column decision"),
        ] {
            let error = parse_sheet(Path::new("x.csv"), bytes).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
            assert_eq!(error.status(), StatusCode::InvalidArgument);
        }
    }

    proptest! {
        #[test]
        fn written_sheets_round_trip(cells in prop::collection::vec(prop::collection::vec("[a-z ;,\t\"\r\n\u{e9}]{0,8}", 1..4), 0..5)) {
            let records = parse(
                std::str::from_utf8(&to_csv(&cells)[3..]).unwrap(),
                ',',
                1,
            ).unwrap();
            let read: Vec<Vec<String>> = records.into_iter().map(|record| record.cells).collect();
            let trimmed: Vec<Vec<String>> = cells
                .iter()
                .map(|record| record.iter().map(|cell| cell.trim().to_owned()).collect())
                .collect();
            prop_assert_eq!(read, trimmed);
        }

        #[test]
        fn any_bytes_are_a_sheet_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse_sheet(Path::new("x.csv"), &bytes);
        }
    }
}
