//! Tells disk errors from damaged files: SQLite reports a page that could not be read as a damaged one.

use std::fs::File;
use std::io;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::options::Limits;
use crate::v1::query_limits::QueryLimits;

/// Reads an unpacked copy again. Returns an error if that fails, or if the copy turns out to be sound.
pub(crate) fn is_disk_error(database: &Path, limits: Limits) -> Option<io::Error> {
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
    let _guard = QueryLimits::apply(&mut connection, bytes, limits)?;
    let found: String = connection.query_row("pragma integrity_check(1)", [], |row| row.get(0))?;
    Ok(found == "ok")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A database of several pages.
    fn database(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("copy.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "create table t (id integer primary key, word text unique);
                 with recursive n(i) as (select 1 union all select i + 1 from n where i < 500)
                 insert into t select i, 'word number ' || i from n;",
            )
            .unwrap();
        path
    }

    #[test]
    fn a_sound_copy_is_a_disk_error() {
        let folder = tempfile::tempdir().unwrap();
        let blamed = is_disk_error(&database(folder.path()), Limits::default()).unwrap();
        assert_eq!(
            blamed.to_string(),
            "the disk gave all of it only when asked again"
        );
    }

    #[test]
    fn a_damaged_copy_is_not_a_disk_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = database(folder.path());
        let intact = fs::read(&path).unwrap();
        // The header, the root of the table, a leaf, and the end cut off.
        for (from, to) in [(0, 16), (4096, 4200), (3 * 4096, 4 * 4096)] {
            let mut spoilt = intact.clone();
            spoilt[from..to].fill(0xFF);
            fs::write(&path, spoilt).unwrap();
            assert!(is_disk_error(&path, Limits::default()).is_none(), "{from}");
        }
        fs::write(&path, &intact[..intact.len() - 4096]).unwrap();
        assert!(is_disk_error(&path, Limits::default()).is_none(), "cut off");
    }

    #[test]
    fn an_unreadable_copy_is_a_disk_error() {
        let folder = tempfile::tempdir().unwrap();
        let missing = is_disk_error(&folder.path().join("gone.db"), Limits::default()).unwrap();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        assert!(
            is_disk_error(folder.path(), Limits::default()).is_some(),
            "a folder"
        );
    }
}
