//! A column of few different texts, each quoted once.

use arrow::array::{DictionaryArray, StringArray};
use arrow::datatypes::Int32Type;

use crate::cell::{Content, is_plain, write_text};
use crate::dialect::Dialect;

/// Quoted texts, and which row has which.
pub(crate) struct DictionaryColumn<'a> {
    keys: &'a DictionaryArray<Int32Type>,
    quoted: Vec<Vec<u8>>,
}

impl<'a> DictionaryColumn<'a> {
    pub(crate) fn new(keys: &'a DictionaryArray<Int32Type>, values: &StringArray, dialect: Dialect) -> Self {
        let quoted = values.iter().map(|value| {
            let (text, mut quoted) = (value.unwrap_or_default(), Vec::new());
            let plain = is_plain(text.as_bytes(), dialect);
            write_text(text, Content::Text, plain, dialect, &mut quoted);
            quoted
        });
        Self {
            keys,
            quoted: quoted.collect(),
        }
    }

    /// The cell of a row; empty for null.
    pub(crate) fn at(&self, row: usize) -> &[u8] {
        let key = self.keys.key(row);
        key.and_then(|key| self.quoted.get(key))
            .map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_once_and_found_by_row() {
        let texts = vec![Some("a,b"), None, Some("=1"), Some(""), Some("a,b")];
        let keys: DictionaryArray<Int32Type> = texts.into_iter().collect();
        let values = keys.values().as_any().downcast_ref::<StringArray>().unwrap();
        let words = DictionaryColumn::new(&keys, values, Dialect::default());
        let shown: Vec<&str> = (0..5)
            .map(|row| std::str::from_utf8(words.at(row)).unwrap())
            .collect();
        assert_eq!(shown, ["\"a,b\"", "", "'=1", "\"\"", "\"a,b\""]);
    }
}
