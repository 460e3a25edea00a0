//! Values as text, and text that a spreadsheet does not take for a formula.

use std::fmt::Write;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, Int64Array, ListArray, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::temporal_conversions::timestamp_us_to_datetime;

/// What stands before a text that would be a formula.
const GUARD: char = '\'';
/// First characters for which a spreadsheet takes a text for a formula, or which it skips before it does.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Where a value's text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The tenant wrote it.
    Tenant,
    /// It is a number, a time, a flag or a list, whose form is ours.
    Ours,
}

/// A column whose values can be had as text.
pub(crate) enum Cells<'a> {
    Text(&'a StringArray),
    Word(&'a DictionaryArray<Int32Type>, &'a StringArray),
    Flag(&'a BooleanArray),
    Count(&'a Int64Array),
    Time(&'a TimestampMicrosecondArray),
    Texts(&'a ListArray),
}

impl<'a> Cells<'a> {
    /// The column, if it is of one of the kinds that tables have.
    pub(crate) fn of(array: &'a ArrayRef) -> Option<Self> {
        match array.data_type() {
            DataType::Utf8 => Some(Self::Text(array.as_string())),
            DataType::Dictionary(..) => {
                let words = array.as_dictionary_opt::<Int32Type>()?;
                Some(Self::Word(words, words.values().as_string_opt()?))
            }
            DataType::Boolean => Some(Self::Flag(array.as_boolean())),
            DataType::Int64 => Some(Self::Count(array.as_primitive::<Int64Type>())),
            DataType::Timestamp(..) => array
                .as_primitive_opt::<TimestampMicrosecondType>()
                .map(Self::Time),
            DataType::List(_) => Some(Self::Texts(array.as_list())),
            _ => None,
        }
    }

    /// The keys and values of a column of few different texts.
    pub(crate) fn words(&self) -> Option<(&'a DictionaryArray<Int32Type>, &'a StringArray)> {
        match self {
            Self::Word(keys, values) => Some((keys, values)),
            _ => None,
        }
    }

    /// Writes a row's value into `cell`; `None` if there is none.
    pub(crate) fn write(&self, row: usize, cell: &mut String) -> Option<Origin> {
        match self {
            Self::Text(array) => {
                cell.push_str(array.is_valid(row).then(|| array.value(row))?);
                return Some(Origin::Tenant);
            }
            Self::Word(words, values) => {
                cell.push_str(values.value(words.key(row)?));
                return Some(Origin::Tenant);
            }
            Self::Flag(array) => {
                let flag = array.is_valid(row).then(|| array.value(row))?;
                cell.push_str(if flag { "true" } else { "false" });
            }
            Self::Count(array) => {
                let _ = write!(cell, "{}", array.is_valid(row).then(|| array.value(row))?);
            }
            Self::Time(array) => {
                let time = timestamp_us_to_datetime(array.is_valid(row).then(|| array.value(row))?)?;
                let _ = write!(cell, "{}", time.format("%Y-%m-%dT%H:%M:%S%.6fZ"));
            }
            Self::Texts(array) => {
                let texts = array.is_valid(row).then(|| array.value(row))?;
                json_list(texts.as_string(), cell);
            }
        }
        Some(Origin::Ours)
    }
}

/// A list as a JSON array; it begins with a bracket, which is no formula.
fn json_list(texts: &StringArray, cell: &mut String) {
    cell.push('[');
    for (n, text) in texts.iter().enumerate() {
        if n > 0 {
            cell.push(',');
        }
        json_text(text.unwrap_or_default(), cell);
    }
    cell.push(']');
}

fn json_text(text: &str, cell: &mut String) {
    cell.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                cell.push('\\');
                cell.push(c);
            }
            '\n' => cell.push_str("\\n"),
            '\r' => cell.push_str("\\r"),
            '\t' => cell.push_str("\\t"),
            c if u32::from(c) < 0x20 => {
                let _ = write!(cell, "\\u{:04x}", u32::from(c));
            }
            c => cell.push(c),
        }
    }
    cell.push('"');
}

/// Puts the guard before a text that would be a formula.
pub(crate) fn neutralise(cell: &mut String) {
    if cell.starts_with(FORMULA) {
        cell.insert(0, GUARD);
    }
}

/// Writes a cell into a line (RFC 4180). A text without characters is quoted, which tells it from no text at all.
pub(crate) fn quote(cell: &str, line: &mut Vec<u8>) {
    if !cell.is_empty()
        && !cell
            .bytes()
            .any(|byte| matches!(byte, b'"' | b',' | b'\r' | b'\n'))
    {
        line.extend_from_slice(cell.as_bytes());
        return;
    }
    line.push(b'"');
    for (n, part) in cell.split('"').enumerate() {
        if n > 0 {
            line.extend_from_slice(b"\"\"");
        }
        line.extend_from_slice(part.as_bytes());
    }
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_neutralised_and_nothing_else() {
        for (text, safe) in [
            ("=1+1", "'=1+1"),
            ("+49 30 1", "'+49 30 1"),
            ("-", "'-"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("plain", "plain"),
            (" =1", " =1"),
            ("", ""),
            ("'quoted", "'quoted"),
        ] {
            let mut cell = text.to_owned();
            neutralise(&mut cell);
            assert_eq!(cell, safe);
        }
    }

    #[test]
    fn lists_are_json() {
        let texts = StringArray::from(vec!["a \"b\" \\", "c\nd\u{1}", "ü"]);
        let mut cell = String::new();
        json_list(&texts, &mut cell);
        assert_eq!(cell, "[\"a \\\"b\\\" \\\\\",\"c\\nd\\u0001\",\"ü\"]");
    }
}
