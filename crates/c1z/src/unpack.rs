//! From the packed file to the database within it.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::container::MAGIC_V1;
use crate::error::C1zError;

/// How much a file may unpack to. The defaults are the reference's (c1z facts §1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the database.
    pub decoded_bytes: u64,
    /// Bytes of zstd's window.
    pub window_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            decoded_bytes: 10 << 30,
            window_bytes: 128 << 20,
        }
    }
}

/// Unpacks all frames into a file, checking checksums, window and size on the way.
pub(crate) fn unpack(
    path: &Path,
    database: &Path,
    limits: Limits,
    stop: &AtomicBool,
) -> Result<(), C1zError> {
    let reading = |error| C1zError::io("reading", path, error);
    let broken = |error: &io::Error| C1zError::Corrupt {
        path: path.to_owned(),
        detail: error.to_string(),
    };
    let too_large = || C1zError::TooLarge {
        path: path.to_owned(),
        limit: limits.decoded_bytes,
    };
    let mut file = File::open(path).map_err(reading)?;
    let mut magic = [0; MAGIC_V1.len()];
    file.read_exact(&mut magic).map_err(reading)?;
    let packed = BufReader::with_capacity(1 << 20, file);
    let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(|error| broken(&error))?;
    let window_log = limits.window_bytes.max(1).ilog2();
    decoder
        .window_log_max(window_log)
        .map_err(|error| broken(&error))?;
    let writing = |error| C1zError::io("unpacking to", database, error);
    let mut out = File::create(database).map_err(writing)?;
    let mut chunk = vec![0; 1 << 20];
    let mut total = 0;
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(C1zError::Stopped);
        }
        let got = decoder.read(&mut chunk).map_err(|error| broken(&error))?;
        if got == 0 {
            return Ok(());
        }
        total += got as u64;
        if total > limits.decoded_bytes {
            return Err(too_large());
        }
        out.write_all(&chunk[..got]).map_err(writing)?;
    }
}
