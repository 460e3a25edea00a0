//! Compresses a database to a v1 file, five bytes of magic and one zstd frame, and verifies it.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use zstd::stream::write::Encoder;

use crate::format::MAGIC_V1;
use crate::io::retry::retry_interrupted;
use crate::options::{Compression, StorageEngine};
use crate::v1::sqlite::PageCheck;

const CHUNK_BYTES: usize = 1 << 20;

fn interrupted() -> io::Error {
    io::ErrorKind::Interrupted.into()
}

/// Compresses the database into the file and makes it durable. The frame has a content size and a checksum (docs/reference/c1z.md
/// §1.1).
pub(crate) fn compress(
    mut database: File,
    out: &File,
    compression: Compression,
    stop: &AtomicBool,
) -> io::Result<()> {
    let size = database.seek(SeekFrom::End(0))?;
    database.seek(SeekFrom::Start(0))?;
    let mut writer: &File = out;
    writer.seek(SeekFrom::Start(0))?;
    writer.write_all(&MAGIC_V1)?;
    let mut encoder = Encoder::new(writer, compression.level_for(StorageEngine::Sqlite))?;
    encoder.include_checksum(true)?;
    encoder.include_contentsize(true)?;
    encoder.set_pledged_src_size(Some(size))?;
    if compression.threads > 0 {
        encoder.multithread(compression.threads)?;
    }
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let got = retry_interrupted(|| database.read(&mut chunk))?;
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

/// Reads the file back and decompresses it, which checks size and checksum of the frame. The result must be a consistent database
/// of `database_bytes` and `trees`.
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
        check.check(&chunk[..got])?;
    }
}

/// Fills the chunk as far as there is data, so that no page is split.
fn fill(reader: &mut impl Read, chunk: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < chunk.len() {
        match retry_interrupted(|| reader.read(&mut chunk[filled..]))? {
            0 => break,
            got => filled += got,
        }
    }
    Ok(filled)
}
