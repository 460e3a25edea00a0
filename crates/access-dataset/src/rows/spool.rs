//! Records on disk, by number.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Bytes per read. Few, because numeric ids are sorted as texts: after ten records the next one is elsewhere, and the rest of the
/// buffer is discarded.
const READ_BYTES: usize = 1 << 13;

/// Writes records one after the other. The file has no name and is removed with the spool.
#[derive(Debug)]
pub(super) struct Spool {
    file: BufWriter<File>,
    /// Where each record ends.
    ends: Vec<u64>,
    record: Vec<u8>,
}

impl Spool {
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        Ok(Self {
            file: BufWriter::with_capacity(1 << 18, tempfile::tempfile_in(folder)?),
            ends: Vec::new(),
            record: Vec::new(),
        })
    }

    /// Adds a record; its number is how many there were before.
    pub(super) fn push(&mut self, record: &impl Serialize) -> io::Result<()> {
        self.record.clear();
        let bytes =
            postcard::to_extend(record, std::mem::take(&mut self.record)).map_err(io::Error::other)?;
        self.file.write_all(&bytes)?;
        let begin = self.ends.last().copied().unwrap_or_default();
        self.ends.push(begin + bytes.len() as u64);
        self.record = bytes;
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// No more records: from now on they are read.
    pub(super) fn finish(self) -> io::Result<Records> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Records {
            file: BufReader::with_capacity(READ_BYTES, file),
            at: 0,
            ends: self.ends,
            record: Vec::new(),
        })
    }
}

/// Gives records in any order; the order they came in is the quickest.
#[derive(Debug)]
pub(super) struct Records {
    file: BufReader<File>,
    at: u64,
    ends: Vec<u64>,
    record: Vec<u8>,
}

impl Records {
    pub(super) fn read<'a, T: Deserialize<'a>>(&'a mut self, number: usize) -> io::Result<T> {
        let missing = || io::Error::other("a record that was never written");
        let end = *self.ends.get(number).ok_or_else(missing)?;
        let begin = number
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .copied()
            .unwrap_or_default();
        self.file
            .seek_relative(begin.cast_signed() - self.at.cast_signed())?;
        let length = usize::try_from(end - begin).map_err(io::Error::other)?;
        self.record.resize(length, 0);
        self.file.read_exact(&mut self.record)?;
        self.at = end;
        postcard::from_bytes(&self.record).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_in_any_order() {
        let mut spool = Spool::new(&std::env::temp_dir()).unwrap();
        let texts: Vec<String> = (0..3000_usize).map(|n| "ä\n\0".repeat(n % 97)).collect();
        for (n, text) in texts.iter().enumerate() {
            spool.push(&(n, text)).unwrap();
        }
        assert_eq!(spool.len(), texts.len());
        let mut records = spool.finish().unwrap();
        for n in (0..texts.len()).rev().chain([5, 6, 2999, 0]) {
            assert_eq!(records.read::<(usize, &str)>(n).unwrap(), (n, texts[n].as_str()));
        }
        assert!(records.read::<(usize, &str)>(texts.len()).is_err());
    }
}
