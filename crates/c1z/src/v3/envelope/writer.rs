//! Writes the container, frame by frame.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use baton_proto::c1z_v3::{C1zManifestV3, IndexedFrameEntry, IndexedFrameIndex};

use super::frame::Frame;
use super::header::{self, HEADER_BYTES, xxh64};
use super::index;

/// Writes a container. Frames must be added in the order of their names.
#[derive(Debug)]
pub(crate) struct EnvelopeWriter<'f> {
    file: &'f File,
    at: u64,
    index: IndexedFrameIndex,
}

impl<'f> EnvelopeWriter<'f> {
    /// Writes the header at the start of a file.
    pub(crate) fn begin(mut file: &'f File, manifest: &C1zManifestV3) -> io::Result<Self> {
        let header = header::encode(manifest)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&header)?;
        let index = IndexedFrameIndex {
            manifest_xxh64: xxh64(&header[HEADER_BYTES..]),
            ..IndexedFrameIndex::default()
        };
        Ok(Self {
            file,
            at: header.len() as u64,
            index,
        })
    }

    /// Adds a file.
    pub(crate) fn add(&mut self, frame: Frame) -> io::Result<()> {
        self.file.write_all(&frame.packed)?;
        let entry = IndexedFrameEntry {
            name: frame.name,
            frame_offset: self.at.cast_signed(),
            compressed_size: (frame.packed.len() as u64).cast_signed(),
            raw_size: frame.raw_bytes.cast_signed(),
            raw_xxh64: frame.raw_xxh64,
            raw_sha256: frame.raw_sha256.to_vec(),
        };
        self.at += frame.packed.len() as u64;
        self.index.total_compressed_size += entry.compressed_size;
        self.index.total_raw_size += entry.raw_size;
        self.index.entries.push(entry);
        Ok(())
    }

    /// Writes index and footer, and makes the file durable.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.file.write_all(&index::encode(&self.index, self.at))?;
        self.file.sync_all()
    }
}
