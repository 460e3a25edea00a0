//! Rows of a history on their way into files.

use crate::error::DatasetError;
use crate::publish::{LocalFile, TableWriter};
use crate::schema::RowTable;

/// A table that writes a batch as soon as it has the rows of one.
pub(super) struct BatchedTable<'a, T> {
    rows: T,
    files: TableWriter<'a>,
}

impl<'a, T: RowTable> BatchedTable<'a, T> {
    pub(super) fn new(rows: T, files: TableWriter<'a>) -> Self {
        Self { rows, files }
    }

    /// Adds the row that `push` adds.
    pub(super) fn push(&mut self, push: impl FnOnce(&mut T)) -> Result<(), DatasetError> {
        push(&mut self.rows);
        if self.rows.is_due(false) {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), DatasetError> {
        let batch = self.rows.batch().map_err(|error| DatasetError::rows(&error))?;
        self.files.write(&batch)
    }

    /// Writes the rest; a table without rows gets an empty batch.
    pub(super) fn finish(mut self) -> Result<Vec<LocalFile>, DatasetError> {
        self.flush()?;
        self.files.finish()
    }
}
