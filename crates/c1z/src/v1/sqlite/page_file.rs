//! The database under construction: a temporary file of pages that has no name, so that nothing can be left behind.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::PAGE_BYTES;

/// Allocates page numbers and writes pages, from several threads.
#[derive(Debug)]
pub(super) struct PageFile {
    file: File,
    /// The next page number, counted without the page of the locks. Page 1 is reserved for the header, which can only be written last.
    next: AtomicU32,
    stop: std::sync::Arc<AtomicBool>,
}

/// The error of a cancelled write.
pub(crate) fn interrupted() -> io::Error {
    io::Error::new(io::ErrorKind::Interrupted, "stopped on request")
}

impl PageFile {
    pub(super) fn create(folder: &Path, stop: std::sync::Arc<AtomicBool>) -> io::Result<Self> {
        Ok(Self {
            file: tempfile::tempfile_in(folder)?,
            next: AtomicU32::new(2),
            stop,
        })
    }

    /// Writes a page. Returns its number.
    pub(super) fn append(&self, page: &[u8; PAGE_BYTES]) -> io::Result<u32> {
        let number = skipping_the_lock(self.allocate(1)?);
        self.write(number, page)?;
        Ok(number)
    }

    /// Allocates consecutive page numbers.
    pub(super) fn reserve(&self, count: u32) -> io::Result<impl Iterator<Item = u32> + Clone> {
        let first = self.allocate(count)?;
        Ok((first..first + count).map(skipping_the_lock))
    }

    fn allocate(&self, count: u32) -> io::Result<u32> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(interrupted());
        }
        let first = self.next.fetch_add(count, Ordering::Relaxed);
        // SQLite's own limit is 2^32-2 pages; the decoded-size limits of readers are far below.
        if first >= u32::MAX - count - 1 {
            Err(io::Error::from(io::ErrorKind::FileTooLarge))
        } else {
            Ok(first)
        }
    }

    /// Writes a page whose number was reserved.
    #[cfg(unix)]
    pub(super) fn write(&self, number: u32, page: &[u8; PAGE_BYTES]) -> io::Result<()> {
        use std::os::unix::fs::FileExt;
        self.file.write_all_at(page, offset(number))
    }

    /// Writes a page whose number was reserved.
    #[cfg(windows)]
    pub(super) fn write(&self, number: u32, page: &[u8; PAGE_BYTES]) -> io::Result<()> {
        use std::os::windows::fs::FileExt;
        let mut rest: &[u8] = page;
        let mut at = offset(number);
        while !rest.is_empty() {
            let written = self.file.seek_write(rest, at)?;
            at += written as u64;
            rest = &rest[written..];
        }
        Ok(())
    }

    /// Number of pages, including the header's.
    pub(super) fn pages(&self) -> u32 {
        skipping_the_lock(self.next.load(Ordering::Relaxed) - 1)
    }

    /// Continues as if the file had this many pages already.
    #[cfg(test)]
    pub(super) fn begin_at(&self, next: u32) {
        self.next.store(next, Ordering::Relaxed);
    }

    pub(super) fn into_file(self) -> File {
        self.file
    }
}

/// The page at 1 GiB, which SQLite takes locks on and never reads (SQLite file format §1.4).
pub(super) const LOCK_PAGE: u32 = (1 << 30) / 4096 + 1;
const _: () = assert!(PAGE_BYTES == 4096, "the page of the locks depends on the size");

/// Counted numbers skip that page.
fn skipping_the_lock(counted: u32) -> u32 {
    counted + u32::from(counted >= LOCK_PAGE)
}

fn offset(number: u32) -> u64 {
    u64::from(number - 1) * PAGE_BYTES as u64
}
