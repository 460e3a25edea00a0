//! Whether the disk is to blame for what SQLite calls damage: a page that could not be read is a damaged one to it.

use std::fs::File;
use std::io;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::guard::Guard;
use crate::unpack::Limits;

/// Reads an unpacked copy once more. Gives why it could not be read, if it cannot be now or is sound after all.
pub(crate) fn disk_is_to_blame(database: &Path, limits: Limits) -> Option<io::Error> {
    let read = File::open(database).and_then(|mut copy| io::copy(&mut copy, &mut io::sink()));
    match read {
        Ok(bytes) if is_sound(database, bytes, limits).unwrap_or(false) => {
            Some(io::Error::other("the disk gave all of it only when asked again"))
        }
        Ok(_) => None,
        Err(error) => Some(error),
    }
}

fn is_sound(database: &Path, bytes: u64, limits: Limits) -> rusqlite::Result<bool> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(database, flags)?;
    let _guard = Guard::over(&mut connection, bytes, limits)?;
    let found: String = connection.query_row("pragma integrity_check(1)", [], |row| row.get(0))?;
    Ok(found == "ok")
}
