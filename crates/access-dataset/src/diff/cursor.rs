//! Rows one at a time.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, ListArray, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Int32Type, TimestampMicrosecondType};

use crate::error::DatasetError;

/// Batches of one table.
pub(crate) type TableBatches = Box<dyn Iterator<Item = Result<RecordBatch, DatasetError>> + Send>;

/// A cursor over the rows of a table. Columns are named by their index among the requested ones.
pub(crate) struct Cursor {
    batches: TableBatches,
    columns: Vec<&'static str>,
    cells: Vec<Cells>,
    row: usize,
    rows: usize,
}

/// A column of the batch at hand.
enum Cells {
    Texts(StringArray),
    Words(DictionaryArray<Int32Type>, StringArray),
    Flags(BooleanArray),
    Times(TimestampMicrosecondArray),
    /// The last text is the JSON of the row at hand.
    Lists(ListArray, StringArray, String),
}

impl Cursor {
    pub(crate) fn new(batches: TableBatches, columns: Vec<&'static str>) -> Self {
        Self {
            batches,
            columns,
            cells: Vec::new(),
            row: 0,
            rows: 0,
        }
    }

    /// Advances to the next row; false after the last.
    pub(crate) fn advance(&mut self) -> Result<bool, DatasetError> {
        self.row += 1;
        while self.row >= self.rows {
            let Some(batch) = self.batches.next().transpose()? else {
                (self.row, self.rows) = (0, 0);
                return Ok(false);
            };
            self.take(&batch)?;
        }
        for cells in &mut self.cells {
            cells.turn_to(self.row);
        }
        Ok(true)
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<(), DatasetError> {
        self.cells.clear();
        for name in &self.columns {
            let cells = batch.column_by_name(name).and_then(Cells::of);
            self.cells.push(cells.ok_or_else(|| DatasetError::Rows {
                reason: format!("the column {name} is missing or of another type"),
            })?);
        }
        (self.row, self.rows) = (0, batch.num_rows());
        Ok(())
    }

    /// A value as text: lists as JSON, times not at all.
    pub(crate) fn text(&self, column: usize) -> Option<&str> {
        self.cells.get(column)?.text(self.row)
    }

    /// A flag.
    pub(crate) fn flag(&self, column: usize) -> Option<bool> {
        match self.cells.get(column)? {
            Cells::Flags(flags) => flags.is_valid(self.row).then(|| flags.value(self.row)),
            _ => None,
        }
    }

    /// A time, in microseconds.
    pub(crate) fn time(&self, column: usize) -> Option<i64> {
        match self.cells.get(column)? {
            Cells::Times(times) => times.is_valid(self.row).then(|| times.value(self.row)),
            _ => None,
        }
    }

    /// The texts of a list.
    pub(crate) fn texts(&self, column: usize) -> Vec<&str> {
        match self.cells.get(column) {
            Some(Cells::Lists(lists, texts, _)) => elements(lists, texts, self.row).collect(),
            _ => Vec::new(),
        }
    }
}

impl Cells {
    fn of(array: &ArrayRef) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Utf8 => Self::Texts(array.as_string_opt()?.clone()),
            DataType::Dictionary(..) => {
                let words = array.as_dictionary_opt::<Int32Type>()?;
                Self::Words(words.clone(), words.values().as_string_opt()?.clone())
            }
            DataType::Boolean => Self::Flags(array.as_boolean_opt()?.clone()),
            DataType::Timestamp(..) => {
                Self::Times(array.as_primitive_opt::<TimestampMicrosecondType>()?.clone())
            }
            DataType::List(_) => {
                let lists = array.as_list_opt::<i32>()?;
                Self::Lists(
                    lists.clone(),
                    lists.values().as_string_opt()?.clone(),
                    String::new(),
                )
            }
            _ => return None,
        })
    }

    fn turn_to(&mut self, row: usize) {
        let Self::Lists(lists, texts, json) = self else {
            return;
        };
        json.clear();
        json.push('[');
        for text in elements(lists, texts, row) {
            if json.len() > 1 {
                json.push(',');
            }
            json.push_str(&serde_json::Value::from(text).to_string());
        }
        json.push(']');
    }

    fn text(&self, row: usize) -> Option<&str> {
        match self {
            Self::Texts(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Self::Words(words, texts) => {
                let word = words.key(row).filter(|word| *word < texts.len())?;
                texts.is_valid(word).then(|| texts.value(word))
            }
            Self::Flags(flags) => flags
                .is_valid(row)
                .then(|| if flags.value(row) { "true" } else { "false" }),
            Self::Lists(lists, _, json) => lists.is_valid(row).then_some(json),
            Self::Times(_) => None,
        }
    }
}

fn elements<'a>(
    lists: &ListArray,
    texts: &'a StringArray,
    row: usize,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let ends = lists.value_offsets();
    let index = |n: usize| {
        ends.get(n)
            .and_then(|end| usize::try_from(*end).ok())
            .unwrap_or_default()
    };
    (index(row)..index(row + 1)).map(|n| texts.value(n))
}
