//! Columns of a batch as values.

use access_dataset::Table;
use arrow::array::{
    Array, AsArray, BooleanArray, Int32Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow::datatypes::{Int32Type, Int64Type};

use crate::error::DatasetSourceError;

/// A batch of one table.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    pub(crate) table: Table,
    pub(crate) batch: &'a RecordBatch,
}

/// Texts, each on its own or chosen from few.
pub(crate) enum Texts {
    Plain(StringArray),
    Words(Int32Array, StringArray),
}

impl Texts {
    pub(crate) fn get(&self, row: usize) -> Option<&str> {
        match self {
            Self::Plain(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Self::Words(keys, words) => {
                let key = keys.is_valid(row).then(|| keys.value(row))?;
                let key = usize::try_from(key).ok().filter(|key| *key < words.len())?;
                words.is_valid(key).then(|| words.value(key))
            }
        }
    }

    /// The text of a column that every row has one in; a row without one has an empty text.
    pub(crate) fn required(&self, row: usize) -> &str {
        self.get(row).unwrap_or_default()
    }
}

/// Lists of texts.
pub(crate) struct Lists(ListArray);

impl Lists {
    pub(crate) fn get(&self, row: usize) -> Vec<String> {
        if self.0.is_null(row) {
            return Vec::new();
        }
        let texts = self.0.value(row);
        let texts = texts.as_string_opt::<i32>();
        let texts = texts.into_iter().flat_map(|texts| texts.iter().flatten());
        texts.map(str::to_owned).collect()
    }
}

/// Booleans.
pub(crate) struct Flags(BooleanArray);

impl Flags {
    pub(crate) fn get(&self, row: usize) -> Option<bool> {
        self.0.is_valid(row).then(|| self.0.value(row))
    }
}

/// The largest number of rows that a table may claim. The sum of as many counts as fit into memory does not overflow.
const MAX_COUNT: i64 = 1 << 40;

/// Numbers of rows.
pub(crate) struct Counts(Int64Array);

impl Counts {
    pub(crate) fn get(&self, row: usize) -> u64 {
        if self.0.is_valid(row) {
            self.0.value(row).cast_unsigned()
        } else {
            0
        }
    }
}

impl Columns<'_> {
    pub(crate) fn texts(&self, column: &'static str) -> Result<Texts, DatasetSourceError> {
        let array = self.array(column)?;
        if let Some(texts) = array.as_string_opt::<i32>() {
            return Ok(Texts::Plain(texts.clone()));
        }
        let words = array.as_dictionary_opt::<Int32Type>();
        words
            .and_then(|words| {
                let texts = words.values().as_string_opt::<i32>()?;
                Some(Texts::Words(words.keys().clone(), texts.clone()))
            })
            .ok_or(self.wrong(column))
    }

    pub(crate) fn flags(&self, column: &'static str) -> Result<Flags, DatasetSourceError> {
        let flags = self.array(column)?.as_boolean_opt();
        flags.map(|flags| Flags(flags.clone())).ok_or(self.wrong(column))
    }

    pub(crate) fn counts(&self, column: &'static str) -> Result<Counts, DatasetSourceError> {
        let counts = self.array(column)?.as_primitive_opt::<Int64Type>();
        let counts = counts.ok_or(self.wrong(column))?;
        if counts
            .iter()
            .flatten()
            .any(|count| !(0..=MAX_COUNT).contains(&count))
        {
            return Err(self.wrong(column));
        }
        Ok(Counts(counts.clone()))
    }

    pub(crate) fn lists(&self, column: &'static str) -> Result<Lists, DatasetSourceError> {
        let lists = self.array(column)?.as_list_opt::<i32>();
        lists.map(|lists| Lists(lists.clone())).ok_or(self.wrong(column))
    }

    fn array(&self, column: &'static str) -> Result<&arrow::array::ArrayRef, DatasetSourceError> {
        self.batch.column_by_name(column).ok_or(self.wrong(column))
    }

    fn wrong(&self, column: &'static str) -> DatasetSourceError {
        DatasetSourceError::Column {
            table: self.table,
            column,
        }
    }
}
