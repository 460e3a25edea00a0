//! What reading a database may cost that somebody else made. Its pages can be wired so that a few of them hold more rows
//! than a disk could, and its schema can compute anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, Row};

use crate::options::Limits;

/// Steps of SQLite's machine between two rows: so many, and so many more for each byte of the file. A sort of all rows,
/// the longest silence there is, takes about one step a byte.
const STEPS: u64 = 20_000_000;
const STEPS_PER_BYTE: u64 = 16;
/// Steps between two looks at the count.
const STRIDE: u16 = 10_000;

/// Bytes that a row takes in a file at the very least.
const ROW_OVERHEAD: u64 = 4;
/// Bytes of a file and of its texts differ where they are not UTF-8 in it.
const SLACK: u64 = 64 << 10;

/// Watches over a connection.
#[derive(Debug)]
pub(crate) struct QueryLimits {
    bytes: u64,
    /// Strides since the last row.
    strides: Arc<AtomicU64>,
}

impl QueryLimits {
    /// Bounds a connection to a database of so many bytes.
    pub(crate) fn over(connection: &mut Connection, bytes: u64, limits: Limits) -> Result<Self, Error> {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        let longest = i32::try_from(limits.window_bytes).unwrap_or(i32::MAX);
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, longest)?;
        let most = bytes.saturating_mul(STEPS_PER_BYTE).saturating_add(STEPS) / u64::from(STRIDE);
        let strides = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&strides);
        let too_long = move || counted.fetch_add(1, Ordering::Relaxed) > most;
        connection.progress_handler(i32::from(STRIDE), Some(too_long))?;
        connection.pragma_update(None, "cell_size_check", true)?;
        Ok(Self { bytes, strides })
    }

    /// What the rows of a statement may hold together.
    pub(crate) fn weight(&self) -> RowBudget {
        self.strides.store(0, Ordering::Relaxed);
        RowBudget {
            left: self.bytes.saturating_mul(2).saturating_add(SLACK),
            strides: Arc::clone(&self.strides),
        }
    }
}

/// Sees to it that the rows of a statement do not hold more than the file that they are from.
#[derive(Debug)]
pub(crate) struct RowBudget {
    left: u64,
    strides: Arc<AtomicU64>,
}

impl RowBudget {
    /// Takes a row into account.
    pub(crate) fn add(&mut self, row: &Row<'_>) -> Result<(), Error> {
        self.strides.store(0, Ordering::Relaxed);
        let columns = row.as_ref().column_count();
        let held = (0..columns).filter_map(|column| match row.get_ref(column) {
            Ok(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => Some(bytes.len() as u64),
            _ => None,
        });
        let held = held.sum::<u64>() + ROW_OVERHEAD;
        match self.left.checked_sub(held) {
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
