//! From the packed file to the database within it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::error::{C1zError, is_exhausted};
use crate::format::MAGIC_V1;
use crate::v1::compress::again;

/// How much a file may unpack to. The defaults are the reference's (docs/reference/c1z.md §1.1).
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
        _ if error.raw_os_error().is_some() || is_exhausted(error) => None,
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
    let mut file = regular_file::open(path).map_err(|error| C1zError::file("reading", path, error))?;
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
    let out = File::create(database).map_err(writing)?;
    let mut total = 0;
    let next = |chunk: &mut Vec<u8>| {
        if stop.load(Ordering::Relaxed) {
            return Err(C1zError::Stopped);
        }
        chunk.resize(CHUNK, 0);
        let got = again(|| decoder.read(chunk)).map_err(broken)?;
        chunk.truncate(got);
        total += got as u64;
        if total > limits.decoded_bytes {
            return Err(too_large());
        }
        Ok(got > 0)
    };
    beside(path, next, out)?.map_err(writing)
}

/// Bytes that are handed over at a time.
const CHUNK: usize = 1 << 20;
/// Chunks that wait to be written.
const QUEUE: usize = 4;

/// Writes what `next` puts into a chunk, until it says that there is no more, on a thread of its own: decompressing takes about as
/// long as writing.
fn beside(
    path: &Path,
    mut next: impl FnMut(&mut Vec<u8>) -> Result<bool, C1zError>,
    mut out: File,
) -> Result<io::Result<()>, C1zError> {
    let (full, to_write) = mpsc::sync_channel::<Vec<u8>>(QUEUE);
    let (empty, written) = mpsc::channel();
    thread::scope(|scope| {
        let write = move || {
            to_write.into_iter().try_for_each(|chunk| {
                out.write_all(&chunk)?;
                // Nobody wants it back any more at the end.
                let _ = empty.send(chunk);
                Ok(())
            })
        };
        let writer = thread::Builder::new().name("c1z-unpack".to_owned());
        let writer = writer
            .spawn_scoped(scope, write)
            .map_err(|error| C1zError::thread(path, error))?;
        let read = loop {
            let mut chunk = written.try_recv().unwrap_or_default();
            match next(&mut chunk) {
                Ok(true) if full.send(chunk).is_ok() => {}
                // A writer that is gone says why when it is asked.
                Ok(_) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        drop(full);
        let ended = writer
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the writing thread was lost")));
        // What could not be written comes first: it may be why there was nothing more to read.
        match (ended, read) {
            (Err(error), _) => Ok(Err(error)),
            (Ok(()), read) => read.map(Ok),
        }
    })
}
