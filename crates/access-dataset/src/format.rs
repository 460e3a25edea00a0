//! How tables become files.

use std::error::Error;
use std::io::Write;

use arrow::array::RecordBatch;

use crate::read_back::ReadBack;
use crate::schema::Dataset;

/// What a format's own library says went wrong.
pub type FormatError = Box<dyn Error + Send + Sync>;

/// A kind of file.
pub trait FileFormat: Send + Sync + 'static {
    /// The format's word in settings, manifests and messages, e.g. `parquet`.
    fn name(&self) -> &'static str;

    /// The end of file names, without a leading dot, e.g. `csv.gz`.
    fn extension(&self) -> &'static str;

    /// Rows after which another file is begun.
    fn rows_per_file(&self) -> u64;

    /// Begins a file of one table.
    ///
    /// # Errors
    /// What the format's library says.
    fn create(
        &self,
        dataset: Dataset,
        out: Box<dyn Write + Send>,
    ) -> Result<Box<dyn FileWriter>, FormatError>;

    /// Counts the rows of a file that is read back.
    ///
    /// # Errors
    /// What the format's library says of a file that is damaged or not of this format.
    fn count_rows(&self, back: &mut ReadBack) -> Result<u64, FormatError>;
}

/// A file that is being written.
pub trait FileWriter {
    /// Adds rows.
    ///
    /// # Errors
    /// What the format's library says; I/O errors among its causes.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError>;

    /// Completes the file.
    ///
    /// # Errors
    /// What the format's library says; I/O errors among its causes.
    fn finish(self: Box<Self>) -> Result<(), FormatError>;
}
