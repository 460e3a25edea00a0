//! Decompresses a v1 file to its database.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::error::C1zError;
use crate::format::MAGIC_V1;
use crate::io::retry::retry_interrupted;
use crate::options::Limits;

/// Decompresses all frames into a file, and checks checksums, window and size.
pub(crate) fn decompress(
    path: &Path,
    database: &Path,
    limits: Limits,
    stop: &AtomicBool,
) -> Result<(), C1zError> {
    let reading = |error| C1zError::io("reading", path, error);
    let broken = |error| C1zError::zstd(path, limits.window_bytes, error);
    let too_large = || C1zError::TooLarge {
        path: path.to_owned(),
        limit: limits.decoded_bytes,
    };
    let mut file = regular_file::open(path).map_err(|error| C1zError::file("reading", path, error))?;
    let mut magic = [0; MAGIC_V1.len()];
    file.read_exact(&mut magic).map_err(reading)?;
    let mut packed = BufReader::with_capacity(1 << 20, file);
    let content_size = retry_interrupted(|| packed.fill_buf().map(zstd::zstd_safe::get_frame_content_size))
        .map_err(reading)?;
    if content_size.is_ok_and(|content_size| {
        content_size.is_some_and(|content_size| content_size > limits.decoded_bytes)
    }) {
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
        chunk.resize(CHUNK_BYTES, 0);
        let got = retry_interrupted(|| decoder.read(chunk)).map_err(broken)?;
        chunk.truncate(got);
        total += got as u64;
        if total > limits.decoded_bytes {
            return Err(too_large());
        }
        Ok(got > 0)
    };
    pipe_to_file(path, next, out)?.map_err(writing)
}

/// Bytes of a chunk.
const CHUNK_BYTES: usize = 1 << 20;
/// Maximum number of chunks that wait to be written.
const QUEUE_CAPACITY: usize = 4;

/// Writes chunks that `next` fills, until it returns `false`. Writing has a thread of its own, because it takes about as long as
/// decompressing.
fn pipe_to_file(
    path: &Path,
    mut next: impl FnMut(&mut Vec<u8>) -> Result<bool, C1zError>,
    mut out: File,
) -> Result<io::Result<()>, C1zError> {
    let (full, to_write) = mpsc::sync_channel::<Vec<u8>>(QUEUE_CAPACITY);
    let (empty, written) = mpsc::channel();
    thread::scope(|scope| {
        let write = move || {
            to_write.into_iter().try_for_each(|chunk| {
                out.write_all(&chunk)?;
                // At the end nobody receives it any more.
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
                // If the writer has ended, joining it returns the reason.
                Ok(_) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        drop(full);
        let ended = writer
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the writing thread was lost")));
        // A write error comes first: it may be the cause of the read error.
        match (ended, read) {
            (Err(error), _) => Ok(Err(error)),
            (Ok(()), read) => read.map(Ok),
        }
    })
}
