//! Files that are read back.

use std::fs::File;
use std::io::{self, Read, Seek};

use access_core::hex;
use sha2::{Digest, Sha256};

/// Bytes that are read at a time.
const BLOCK: usize = 1 << 18;

/// A file that is hashed while it is read from front to back, so that counting its rows reads it once.
#[derive(Debug)]
pub struct HashingReader {
    file: File,
    hash: Sha256,
    bytes: u64,
    at_end: bool,
    /// The system's error code of a failed read.
    failed: Option<i32>,
}

impl HashingReader {
    /// Reads a file that is at its beginning.
    #[must_use]
    pub fn new(file: File) -> Self {
        Self {
            file,
            hash: Sha256::new(),
            bytes: 0,
            at_end: false,
            failed: None,
        }
    }

    /// The file at its start, for a format whose files are not read from front to back.
    ///
    /// # Errors
    /// The error of the file system.
    pub fn seekable(&mut self) -> io::Result<File> {
        self.read_rest()?;
        self.file.rewind()?;
        self.file.try_clone()
    }

    /// The number of bytes and their SHA-256. Reads the rest of the file.
    pub(crate) fn finish(mut self) -> io::Result<(u64, String)> {
        if let Some(code) = self.failed {
            return Err(io::Error::from_raw_os_error(code));
        }
        self.read_rest()?;
        Ok((self.bytes, hex(&self.hash.finalize())))
    }

    fn read_rest(&mut self) -> io::Result<()> {
        if self.at_end {
            return Ok(());
        }
        let mut block = vec![0; BLOCK];
        while self.read(&mut block)? > 0 {}
        Ok(())
    }
}

impl Read for HashingReader {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        if self.at_end || block.is_empty() {
            return Ok(0);
        }
        let got = loop {
            match self.file.read(block) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // The format's library may replace the error by its own.
                    self.failed = error.raw_os_error();
                    return Err(error);
                }
                Ok(got) => break got,
            }
        };
        self.hash.update(&block[..got]);
        self.bytes += got as u64;
        self.at_end = got == 0;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn every_byte_is_hashed_once() {
        let content: Vec<u8> = (0..=255).cycle().take(3 * BLOCK + 7).collect();
        let expected = (content.len() as u64, hex(&Sha256::digest(&content)));
        let back = || {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&content).unwrap();
            file.rewind().unwrap();
            HashingReader::new(file)
        };
        assert_eq!(back().finish().unwrap(), expected);
        let mut in_part = back();
        in_part.read_exact(&mut [0; 1000]).unwrap();
        assert_eq!(in_part.finish().unwrap(), expected);
        let (mut by_another, mut found) = (back(), Vec::new());
        by_another.read_exact(&mut [0; 1000]).unwrap();
        by_another.seekable().unwrap().read_to_end(&mut found).unwrap();
        assert_eq!(found, content);
        assert_eq!(by_another.finish().unwrap(), expected);
    }
}
