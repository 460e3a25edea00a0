//! Tables as files on this machine.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use access_core::hex;
use access_core::sync::SyncSummary;
use arrow::array::RecordBatch;
use arrow::util::display::array_value_to_string;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::error::DatasetError;
use crate::format::{FileFormat, FileWriter};
use crate::manifest::FileEntry;
use crate::rows::{TableError, Tables};
use crate::schema::{ColumnKind, Table, own_columns};

/// The folder of a sync in Hive's way. Not `sync_id`, which is a column: `BigQuery` refuses a folder of the same name as a
/// column, pyarrow stumbles over it, Spark warns.
pub(super) const PARTITION: &str = "sync";

/// A finished file that is still on this machine.
#[derive(Debug)]
pub(crate) struct LocalFile {
    pub(crate) entry: FileEntry,
    pub(crate) local: PathBuf,
}

/// Makes the files of a sync.
pub(crate) struct TableFileWriter<'a> {
    pub(crate) format: &'a dyn FileFormat,
    /// The folders of the sync within a table, see [`partition`].
    pub(crate) partition: String,
    pub(crate) folder: &'a Path,
    pub(crate) stop: &'a AtomicBool,
}

impl TableFileWriter<'_> {
    /// Writes every table of the sync itself.
    pub(crate) fn run(
        &self,
        tables: &mut Tables,
        summary: &SyncSummary,
    ) -> Result<Vec<LocalFile>, DatasetError> {
        let mut finished = Vec::new();
        for dataset in Table::ALL {
            let mut files = self.table(dataset)?;
            let drained = tables.drain(dataset, summary, &mut |batch| files.write(&batch));
            drained.map_err(|failure| match failure {
                TableError::Scratch(error) => DatasetError::scratch(self.folder, error),
                TableError::Arrow(error) => DatasetError::Rows {
                    reason: error.to_string(),
                },
                TableError::Consumer(error) => error,
            })?;
            finished.extend(files.finish()?);
        }
        Ok(finished)
    }

    /// Begins the files of one table.
    pub(crate) fn table(&self, dataset: Table) -> Result<TableWriter<'_>, DatasetError> {
        Ok(TableWriter {
            shared: self,
            current: self.begin(dataset, 0)?,
            finished: Vec::new(),
        })
    }

    fn begin(&self, dataset: Table, number: u32) -> Result<OpenFile, DatasetError> {
        let name = format!("part-{number:05}.{}", self.format.extension());
        let local = self.folder.join(format!("{dataset}-{name}"));
        let file = File::create(&local).map_err(|error| DatasetError::io(&local, error))?;
        let sum = Arc::new(Mutex::new(Sum::default()));
        let out = DigestWriter {
            file: BufWriter::with_capacity(1 << 18, file),
            sum: Arc::clone(&sum),
        };
        let writer = self.format.create(dataset, Box::new(out));
        Ok(OpenFile {
            dataset,
            number,
            path: format!("{dataset}/{}/{name}", self.partition),
            writer: writer.map_err(|error| self.failed(dataset, &local, error))?,
            local,
            sum,
            rows: 0,
            min_key: None,
            max_key: None,
        })
    }

    /// A format's error, or the file system's error behind it.
    fn failed(&self, dataset: Table, local: &Path, error: crate::error::FormatError) -> DatasetError {
        if let Some(source) = io_cause(&*error) {
            return DatasetError::io(local, source);
        }
        DatasetError::Format {
            format: self.format.name(),
            dataset,
            source: error,
        }
    }
}

/// The folders of a sync within a table, in Hive's way.
pub(crate) fn partition(started_at: OffsetDateTime, sync_id: &str) -> String {
    format!("sync_date={}/{PARTITION}={sync_id}", started_at.date())
}

/// The message of zstd if it gets no memory.
const NO_MEMORY: &str = "not enough memory";

/// The system's error among the causes of an error.
pub(super) fn io_cause(error: &(dyn std::error::Error + 'static)) -> Option<io::Error> {
    let text = error.to_string();
    if access_core::is_caused_by_exhaustion(error) || text.contains(NO_MEMORY) {
        let number = access_core::find_cause::<io::Error>(error).and_then(io::Error::raw_os_error);
        return Some(number.map_or_else(
            || io::Error::new(io::ErrorKind::OutOfMemory, text),
            io::Error::from_raw_os_error,
        ));
    }
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io::Error::new(io.kind(), text));
        }
        cause = error.source();
    }
    None
}

/// The files of one table on their way.
pub(crate) struct TableWriter<'a> {
    shared: &'a TableFileWriter<'a>,
    current: OpenFile,
    finished: Vec<LocalFile>,
}

impl TableWriter<'_> {
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), DatasetError> {
        if self.shared.stop.load(Ordering::Relaxed) {
            return Err(DatasetError::Stopped);
        }
        if self.current.rows >= self.shared.format.rows_per_file() {
            let next = self.shared.begin(self.current.dataset, self.current.number + 1)?;
            let full = std::mem::replace(&mut self.current, next);
            self.finished.push(full.finish(self.shared)?);
        }
        self.current.write(self.shared, batch)
    }

    pub(crate) fn finish(mut self) -> Result<Vec<LocalFile>, DatasetError> {
        self.finished.push(self.current.finish(self.shared)?);
        Ok(self.finished)
    }
}

struct OpenFile {
    dataset: Table,
    number: u32,
    path: String,
    local: PathBuf,
    writer: Box<dyn FileWriter>,
    sum: Arc<Mutex<Sum>>,
    rows: u64,
    min_key: Option<Vec<String>>,
    max_key: Option<Vec<String>>,
}

impl OpenFile {
    fn write(&mut self, shared: &TableFileWriter<'_>, batch: &RecordBatch) -> Result<(), DatasetError> {
        let Some(last) = batch.num_rows().checked_sub(1) else {
            return Ok(());
        };
        if self.min_key.is_none() {
            self.min_key = key(self.dataset, batch, 0);
        }
        self.max_key = key(self.dataset, batch, last);
        self.rows += batch.num_rows() as u64;
        let written = self.writer.write(batch);
        written.map_err(|error| shared.failed(self.dataset, &self.local, error))
    }

    fn finish(self, shared: &TableFileWriter<'_>) -> Result<LocalFile, DatasetError> {
        let finished = self.writer.finish();
        finished.map_err(|error| shared.failed(self.dataset, &self.local, error))?;
        let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        let on_disk = std::fs::metadata(&self.local).map_err(|error| DatasetError::io(&self.local, error))?;
        if on_disk.len() != sum.bytes {
            return Err(DatasetError::ReadBackMismatch {
                location: self.local.display().to_string(),
                found: format!("{} bytes", on_disk.len()),
                written: format!("{} bytes", sum.bytes),
            });
        }
        let sha256 = hex(&std::mem::take(&mut sum.hash).finalize());
        Ok(LocalFile {
            entry: FileEntry {
                dataset: self.dataset.name().to_owned(),
                path: self.path,
                rows: self.rows,
                bytes: sum.bytes,
                sha256,
                min_key: self.min_key,
                max_key: self.max_key,
            },
            local: self.local,
        })
    }
}

fn key(dataset: Table, batch: &RecordBatch, row: usize) -> Option<Vec<String>> {
    let value = |column: &&str| array_value_to_string(batch.column_by_name(column)?, row).ok();
    let is_time = |name: &&&str| {
        let mut columns = own_columns(dataset).iter();
        columns.any(|column| column.name == **name && column.kind == ColumnKind::Time)
    };
    dataset
        .key()
        .iter()
        .filter(|name| !is_time(name))
        .map(value)
        .collect()
}

/// Size and hash of the bytes written to a file.
#[derive(Debug, Default)]
struct Sum {
    hash: Sha256,
    bytes: u64,
}

/// Counts and hashes on the way.
struct DigestWriter {
    file: BufWriter<File>,
    sum: Arc<Mutex<Sum>>,
}

impl Write for DigestWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        sum.hash.update(&bytes[..written]);
        sum.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
