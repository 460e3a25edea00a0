//! Bounds for reading a database from an untrusted file: a few of its pages can be linked so that they have more rows than fit on
//! a disk, and its schema can compute anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, Row};

use crate::options::Limits;

/// Maximum number of steps of SQLite's virtual machine between two rows: a base, and some for each byte of the file. A sort of
/// all rows, the longest legitimate pause, takes about one step a byte.
const BASE_STEPS: u64 = 20_000_000;
const STEPS_PER_BYTE: u64 = 16;
/// Steps between two checks.
const STRIDE: u16 = 10_000;

/// Maximum size of a row, in bytes: several copies of one are in memory. The largest rows of real files are icons.
const MAX_ROW_BYTES: u64 = 16 << 20;
/// Minimum size of a row in a file, in bytes.
const ROW_OVERHEAD: u64 = 4;
/// Tolerance in bytes: texts that are not UTF-8 in the file have another size in memory.
const SLACK: u64 = 64 << 10;

/// The limits of a connection.
#[derive(Debug)]
pub(crate) struct QueryLimits {
    bytes: u64,
    /// Number of strides since the last row.
    strides: Arc<AtomicU64>,
}

impl QueryLimits {
    /// Limits a connection to a database of `bytes`.
    pub(crate) fn apply(connection: &mut Connection, bytes: u64, limits: Limits) -> Result<Self, Error> {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        let max_length = i32::try_from(limits.window_bytes.min(MAX_ROW_BYTES)).unwrap_or(i32::MAX);
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, max_length)?;
        let max_strides = bytes.saturating_mul(STEPS_PER_BYTE).saturating_add(BASE_STEPS) / u64::from(STRIDE);
        let strides = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&strides);
        let too_long = move || counted.fetch_add(1, Ordering::Relaxed) > max_strides;
        connection.progress_handler(i32::from(STRIDE), Some(too_long))?;
        connection.pragma_update(None, "cell_size_check", true)?;
        Ok(Self { bytes, strides })
    }

    /// The budget for all rows of one statement.
    pub(crate) fn row_budget(&self) -> RowBudget {
        self.strides.store(0, Ordering::Relaxed);
        RowBudget {
            left: self.bytes.saturating_mul(2).saturating_add(SLACK),
            strides: Arc::clone(&self.strides),
        }
    }
}

/// Makes sure that the rows of a statement are not larger than their file.
#[derive(Debug)]
pub(crate) struct RowBudget {
    left: u64,
    strides: Arc<AtomicU64>,
}

impl RowBudget {
    /// Counts a row.
    pub(crate) fn add(&mut self, row: &Row<'_>) -> Result<(), Error> {
        self.strides.store(0, Ordering::Relaxed);
        let columns = row.as_ref().column_count();
        let values = (0..columns).filter_map(|column| match row.get_ref(column) {
            Ok(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => Some(bytes.len() as u64),
            _ => None,
        });
        let bytes = values.sum::<u64>() + ROW_OVERHEAD;
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => return Err(malformed()),
        }
        Ok(())
    }
}

fn malformed() -> Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    Error::SqliteFailure(code, Some("its rows hold more than the file".to_owned()))
}
