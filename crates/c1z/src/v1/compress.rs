//! From a finished database to the finished file: five bytes of magic and one zstd frame.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use zstd::stream::write::Encoder;

use crate::format::MAGIC_V1;
use crate::v1::sqlite::PageCheck;

/// How hard to compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compression {
    /// zstd level; higher is smaller and slower. `None` is what suits the format.
    pub level: Option<i32>,
    /// Threads beside the calling one.
    pub threads: u32,
}

impl Default for Compression {
    fn default() -> Self {
        Self {
            level: None,
            threads: 2,
        }
    }
}

/// On 1M grants higher levels took longer and made nothing smaller; the example `bulk` takes a level to try.
const LEVEL: i32 = 1;

const CHUNK_BYTES: usize = 1 << 20;

fn interrupted() -> io::Error {
    io::ErrorKind::Interrupted.into()
}

/// Repeats what a signal interrupted: nobody has asked to stop because of that.
pub(crate) fn again<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Compresses the database into the file and makes it durable. The frame tells its content size and carries a checksum
/// (docs/reference/c1z.md §1.1).
pub(crate) fn seal(mut database: File, out: &File, how: Compression, stop: &AtomicBool) -> io::Result<()> {
    let size = database.seek(SeekFrom::End(0))?;
    database.seek(SeekFrom::Start(0))?;
    let mut writer: &File = out;
    writer.seek(SeekFrom::Start(0))?;
    writer.write_all(&MAGIC_V1)?;
    let mut encoder = Encoder::new(writer, how.level.unwrap_or(LEVEL))?;
    encoder.include_checksum(true)?;
    encoder.include_contentsize(true)?;
    encoder.set_pledged_src_size(Some(size))?;
    if how.threads > 0 {
        encoder.multithread(how.threads)?;
    }
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let got = again(|| database.read(&mut chunk))?;
        if stop.load(Ordering::Relaxed) {
            return Err(interrupted());
        }
        if got == 0 {
            break;
        }
        encoder.write_all(&chunk[..got])?;
    }
    encoder.finish()?;
    out.sync_all()
}

/// Reads the file back and unpacks all of it, which checks the frame's size and checksum. What comes out must be a database of so
/// many bytes and so many trees whose pages fit together.
pub(crate) fn verify(file: &File, database_bytes: u64, trees: usize, stop: &AtomicBool) -> io::Result<()> {
    let mut reader: &File = file;
    reader.seek(SeekFrom::Start(MAGIC_V1.len() as u64))?;
    let mut decoder =
        zstd::stream::read::Decoder::with_buffer(BufReader::with_capacity(CHUNK_BYTES, reader))?;
    let mut check = PageCheck::new(database_bytes)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let got = fill(&mut decoder, &mut chunk)?;
        if stop.load(Ordering::Relaxed) {
            return Err(interrupted());
        }
        if got == 0 {
            return check.finish(trees);
        }
        check.take(&chunk[..got])?;
    }
}

/// Reads until the chunk is full or nothing is left, so that no page is torn.
fn fill(reader: &mut impl Read, chunk: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < chunk.len() {
        match again(|| reader.read(&mut chunk[filled..]))? {
            0 => break,
            got => filled += got,
        }
    }
    Ok(filled)
}
