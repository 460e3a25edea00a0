//! Columns on their way into lines.

use std::io::Write;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::temporal_conversions::timestamp_us_to_datetime;

use crate::cell::{Content, is_plain, json_list, write_text};
use crate::dialect::Dialect;
use crate::dictionary_column::DictionaryColumn;

/// A column whose values can be written as cells.
pub(crate) enum Column<'a> {
    Texts(Texts<'a>),
    DictionaryColumn(DictionaryColumn<'a>),
    Flags(&'a BooleanArray),
    Counts(&'a Int64Array),
    Times(Times<'a>),
    Lists(Lists<'a>),
}

impl<'a> Column<'a> {
    /// The column, if it is of one of the tables' types.
    pub(crate) fn of(array: &'a ArrayRef, content: Content, dialect: Dialect) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Utf8 => Self::Texts(Texts::new(array.as_string(), content, dialect)),
            DataType::Dictionary(..) => {
                let words = array.as_dictionary_opt::<Int32Type>()?;
                Self::DictionaryColumn(DictionaryColumn::new(
                    words,
                    words.values().as_string_opt()?,
                    dialect,
                ))
            }
            DataType::Boolean => Self::Flags(array.as_boolean()),
            DataType::Int64 => Self::Counts(array.as_primitive::<Int64Type>()),
            DataType::Timestamp(..) => Self::Times(Times {
                array: array.as_primitive_opt::<TimestampMicrosecondType>()?,
                last: None,
            }),
            DataType::List(_) => Self::Lists(Lists {
                texts: array.as_list::<i32>().values().as_string_opt()?,
                array: array.as_list(),
                dialect,
                cell: String::new(),
            }),
            _ => return None,
        })
    }

    /// Writes a row's cell into a line; nothing if the row has no value.
    pub(crate) fn write(&mut self, row: usize, line: &mut Vec<u8>) -> std::io::Result<()> {
        match self {
            Self::Texts(texts) => texts.write(row, line),
            Self::DictionaryColumn(words) => line.extend_from_slice(words.at(row)),
            Self::Flags(flags) if flags.is_valid(row) => {
                line.extend_from_slice(if flags.value(row) { b"true" } else { b"false" });
            }
            Self::Counts(counts) if counts.is_valid(row) => write!(line, "{}", counts.value(row))?,
            Self::Flags(_) | Self::Counts(_) => {}
            Self::Times(times) => times.write(row, line),
            Self::Lists(lists) => lists.write(row, line),
        }
        Ok(())
    }
}

/// Texts of the tenant's.
pub(crate) struct Texts<'a> {
    array: &'a StringArray,
    content: Content,
    /// Whether all of them are plain, which is checked once for the column.
    plain: bool,
    dialect: Dialect,
}

impl<'a> Texts<'a> {
    fn new(texts: &'a StringArray, content: Content, dialect: Dialect) -> Self {
        Self {
            array: texts,
            content,
            plain: is_plain(texts.value_data(), dialect),
            dialect,
        }
    }

    fn write(&self, row: usize, line: &mut Vec<u8>) {
        if self.array.is_valid(row) {
            let text = self.array.value(row);
            let plain = self.plain || is_plain(text.as_bytes(), self.dialect);
            write_text(text, self.content, plain, self.dialect, line);
        }
    }
}

/// Times, which are often the same for all rows.
pub(crate) struct Times<'a> {
    array: &'a TimestampMicrosecondArray,
    last: Option<(i64, String)>,
}

impl Times<'_> {
    fn write(&mut self, row: usize, line: &mut Vec<u8>) {
        if self.array.is_null(row) {
            return;
        }
        let time = self.array.value(row);
        if self.last.as_ref().is_none_or(|(last, _)| *last != time) {
            let Some(moment) = timestamp_us_to_datetime(time) else {
                return;
            };
            self.last = Some((time, moment.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()));
        }
        if let Some((_, shown)) = &self.last {
            line.extend_from_slice(shown.as_bytes());
        }
    }
}

/// Lists of texts.
pub(crate) struct Lists<'a> {
    array: &'a ListArray,
    texts: &'a StringArray,
    dialect: Dialect,
    cell: String,
}

impl Lists<'_> {
    fn write(&mut self, row: usize, line: &mut Vec<u8>) {
        let ends = self.array.value_offsets();
        let Some([begin, end]) = ends.get(row..).and_then(|ends| ends.first_chunk()) else {
            return;
        };
        if self.array.is_valid(row) {
            self.cell.clear();
            let texts = (*begin..*end).filter_map(|n| usize::try_from(n).ok());
            json_list(texts.map(|n| self.texts.value(n)), &mut self.cell);
            let plain = is_plain(self.cell.as_bytes(), self.dialect);
            write_text(&self.cell, Content::Json, plain, self.dialect, line);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ListBuilder, StringBuilder};

    use super::*;

    fn cells(array: impl Array + 'static) -> Vec<String> {
        let array: ArrayRef = Arc::new(array);
        let mut column = Column::of(&array, Content::Text, Dialect::default()).unwrap();
        let cell = |row| {
            let mut line = Vec::new();
            column.write(row, &mut line).unwrap();
            String::from_utf8(line).unwrap()
        };
        (0..array.len()).map(cell).collect()
    }

    #[test]
    fn every_kind_as_cells() {
        let flags = BooleanArray::from(vec![Some(true), None, Some(false)]);
        assert_eq!(cells(flags), ["true", "", "false"]);
        let counts = Int64Array::from(vec![Some(-7), None, Some(i64::MAX)]);
        assert_eq!(cells(counts), ["-7", "", "9223372036854775807"]);
        let times = TimestampMicrosecondArray::from(vec![Some(1), Some(1), None, Some(-1)]);
        let [one, before] = ["1970-01-01T00:00:00.000001Z", "1969-12-31T23:59:59.999999Z"];
        assert_eq!(cells(times), [one, one, "", before]);
        let texts = StringArray::from(vec![Some("a"), None, Some("b,c"), Some("")]);
        assert_eq!(cells(texts.slice(0, 2)), ["a", ""]);
        assert_eq!(cells(texts), ["a", "", "\"b,c\"", "\"\""]);
    }

    #[test]
    fn lists_of_a_part_of_a_column() {
        let mut lists = ListBuilder::new(StringBuilder::new());
        lists.append_value([Some("a"), Some("b")]);
        lists.append_value([None::<&str>; 0]);
        lists.append_null();
        lists.append_value([Some("=c")]);
        let lists = lists.finish();
        let shown = ["\"[\"\"a\"\",\"\"b\"\"]\"", "[]", "", "\"[\"\"=c\"\"]\""];
        assert_eq!(cells(lists.clone()), shown);
        assert_eq!(cells(lists.slice(1, 3)), shown[1..]);
    }
}
