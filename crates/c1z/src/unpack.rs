//! From the packed file to the database within it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::container::MAGIC_V1;
use crate::error::C1zError;
use crate::seal::again;

/// How much a file may unpack to. The defaults are the reference's (c1z facts §1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the database.
    pub decoded_bytes: u64,
    /// Bytes of zstd's window, and of a row.
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

impl Limits {
    /// The window as zstd wants it told: a power of two, in the range that the format has.
    pub(crate) fn window_log(self) -> u32 {
        let largest = if cfg!(target_pointer_width = "64") { 31 } else { 30 };
        self.window_bytes.max(1).ilog2().clamp(10, largest)
    }
}

/// What zstd says of a frame whose window is larger than it may be.
const WINDOW_TOO_LARGE: &str = "too much memory";

/// What zstd's refusal means; `None` for what the system says, which is no fault of the file.
pub(crate) fn refused(path: &Path, limits: Limits, error: &io::Error) -> Option<C1zError> {
    let path = path.to_owned();
    match error.to_string() {
        _ if error.raw_os_error().is_some() => None,
        detail if detail.contains(WINDOW_TOO_LARGE) => Some(C1zError::TooMuchMemory {
            path,
            limit: limits.window_bytes,
            what: "the window of its compression",
        }),
        detail => Some(C1zError::Corrupt { path, detail }),
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
    let broken = |error: io::Error| refused(path, limits, &error).unwrap_or_else(|| reading(error));
    let too_large = || C1zError::TooLarge {
        path: path.to_owned(),
        limit: limits.decoded_bytes,
    };
    let mut file = File::open(path).map_err(reading)?;
    let mut magic = [0; MAGIC_V1.len()];
    file.read_exact(&mut magic).map_err(reading)?;
    let mut packed = BufReader::with_capacity(1 << 20, file);
    let told = again(|| packed.fill_buf().map(zstd::zstd_safe::get_frame_content_size)).map_err(reading)?;
    if told.is_ok_and(|told| told.is_some_and(|told| told > limits.decoded_bytes)) {
        return Err(too_large());
    }
    let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(broken)?;
    decoder.window_log_max(limits.window_log()).map_err(broken)?;
    let writing = |error| C1zError::io("unpacking to", database, error);
    let mut out = File::create(database).map_err(writing)?;
    let mut chunk = vec![0; 1 << 20];
    let mut total = 0;
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(C1zError::Stopped);
        }
        let got = again(|| decoder.read(&mut chunk)).map_err(broken)?;
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
