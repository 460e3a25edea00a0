//! How tables become files, and are read again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::error::{DatasetError, FormatError};
use crate::hashing_reader::HashingReader;
use crate::schema::{Contract, Table};

/// Rows of a file, as they are read.
pub type Batches = Box<dyn Iterator<Item = Result<RecordBatch, FormatError>> + Send>;

/// Options of a format by name, as manifests record them.
pub type FormatOptions = BTreeMap<String, String>;

/// A file format of tables.
pub trait FileFormat: Send + Sync + 'static {
    /// The format's name in settings, manifests and messages, e.g. `parquet`.
    fn name(&self) -> &'static str;

    /// The end of file names, without a leading dot, e.g. `csv.gz`.
    fn extension(&self) -> &'static str;

    /// The columns of each table in its files.
    fn contract(&self) -> Contract;

    /// Rows after which another file is begun.
    fn rows_per_file(&self) -> u64;

    /// Begins a file of one table.
    ///
    /// # Errors
    /// The error of the format's library.
    fn create(&self, dataset: Table, out: Box<dyn Write + Send>) -> Result<Box<dyn FileWriter>, FormatError>;

    /// Counts the rows of a file that is read back.
    ///
    /// # Errors
    /// The error of the format's library for a file that is damaged or of another format.
    fn count_rows(&self, back: &mut HashingReader) -> Result<u64, FormatError>;

    /// Reads a file of one table: rows in the order of the file, columns in the order of the contract, values as they were
    /// written. Nullable columns that an older file lacks are null. `columns` selects columns; `None` selects all.
    ///
    /// # Errors
    /// The error of the format's library for a file that is damaged or of another format or table.
    fn read(&self, dataset: Table, file: File, columns: Option<&[&str]>) -> Result<Batches, FormatError>;

    /// The options that a reader needs beside the format's name.
    fn options(&self) -> FormatOptions {
        FormatOptions::new()
    }

    /// The layout that a location is bound to: the format, and the options that change file names, e.g. `csv (.csv.gz)`.
    fn layout(&self) -> String {
        if self.extension() == self.name() {
            self.name().to_owned()
        } else {
            format!("{} (.{})", self.name(), self.extension())
        }
    }

    /// The format as it was when files were written with these options.
    fn with_options(&self, options: &FormatOptions) -> Arc<dyn FileFormat>;
}

/// The formats that a reader knows.
#[derive(Clone)]
pub struct Formats(Arc<[Arc<dyn FileFormat>]>);

impl Formats {
    /// These formats.
    #[must_use]
    pub fn new(formats: impl IntoIterator<Item = Arc<dyn FileFormat>>) -> Self {
        Self(formats.into_iter().collect())
    }

    /// The format of a name, as it was when files were written with these options.
    ///
    /// # Errors
    /// [`DatasetError::UnknownFormat`].
    pub fn named(&self, name: &str, options: &FormatOptions) -> Result<Arc<dyn FileFormat>, DatasetError> {
        let known = self.0.iter().find(|format| format.name() == name);
        let unknown = || DatasetError::UnknownFormat {
            name: name.to_owned(),
        };
        Ok(known.ok_or_else(unknown)?.with_options(options))
    }
}

/// A file that is being written.
pub trait FileWriter {
    /// Adds rows.
    ///
    /// # Errors
    /// The error of the format's library; I/O errors are among its causes.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError>;

    /// Completes the file.
    ///
    /// # Errors
    /// The error of the format's library; I/O errors are among its causes.
    fn finish(self: Box<Self>) -> Result<(), FormatError>;
}
