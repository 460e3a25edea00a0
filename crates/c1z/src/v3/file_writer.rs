//! Writes sorted rows as a complete file: tables, each compressed on a thread of its own, in an envelope.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

use prost::Message;

use super::envelope::Envelope;
use super::envelope::EnvelopeWriter;
use super::envelope::Frame;
use super::key;
use super::manifest::Summary;
use super::pebble;
use super::pebble::FinishedTable;
use super::pebble::TableWriter;
use super::row_sorter::Rows;
use super::row_sorter::RowsError;
use crate::error::C1zError;
use crate::options::{Compression, Limits, StorageEngine};

/// Key families that a reader decodes to rows.
const READ_FAMILIES: [&[u8]; 5] = [
    &key::RESOURCE_TYPE,
    &key::RESOURCE,
    &key::ENTITLEMENT,
    &key::GRANT,
    &key::ASSET,
];

/// Writes rows as a complete file and makes it durable. Returns the bytes that count against a reader's limit on decoded bytes:
/// those of the unpacked tables or of the rows in them, whichever is more.
pub(crate) fn write_file(
    rows: Rows,
    summary: &Summary<'_>,
    out: &File,
    compression: Compression,
    stop: &AtomicBool,
) -> Result<u64, RowsError> {
    let mut tables = Tables {
        envelope: EnvelopeWriter::begin(out, &summary.manifest(rows.sum()))?,
        table: TableWriter::new(),
        finished: Vec::new(),
        compressing: VecDeque::new(),
        compression,
        unpacked: 0,
    };
    let mut row_bytes = 0;
    rows.finish(stop, &summary.run().encode_to_vec(), |key, value| {
        if READ_FAMILIES.iter().any(|family| key.starts_with(family)) {
            row_bytes += (key.len() + value.len()) as u64 + key::ROW_OVERHEAD;
        }
        tables.add(key, value)
    })?;
    for (key, value) in [
        (key::ID_FORMAT, &key::LAYOUT[..]),
        (key::KEYSPACE, &key::LAYOUT),
        (key::STATS, &summary.stats().encode_to_vec()),
    ] {
        tables.add(key, value)?;
    }
    Ok(tables.finish()?.max(row_bytes))
}

/// Reads a file back and checks that every frame is what was written.
pub(crate) fn verify(file: &File, path: &Path, stop: &AtomicBool) -> Result<(), C1zError> {
    let file = file
        .try_clone()
        .map_err(|error| C1zError::io("reading back", path, error))?;
    // A file that was just written may have any size.
    let limits = Limits {
        decoded_bytes: u64::MAX,
        ..Limits::default()
    };
    Envelope::from_file(path, file, limits)?.verify(stop)
}

struct Tables<'f> {
    envelope: EnvelopeWriter<'f>,
    table: TableWriter,
    finished: Vec<FinishedTable>,
    /// Frames that are being compressed, in the order in which they are written.
    compressing: VecDeque<JoinHandle<io::Result<Frame>>>,
    compression: Compression,
    /// Bytes of all files, before compression.
    unpacked: u64,
}

impl Tables<'_> {
    fn add(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        self.table.add(key, value);
        if self.table.is_full() {
            self.end_table()?;
        }
        Ok(())
    }

    fn end_table(&mut self) -> io::Result<()> {
        let name = pebble::table_name(self.finished.len() as u64);
        let (bytes, finished) = self.table.finish();
        self.unpacked += bytes.len() as u64;
        self.finished.push(finished);
        while self.compressing.len() >= self.compression.threads.max(1) as usize {
            self.write_next()?;
        }
        let level = self.level();
        let thread = std::thread::Builder::new()
            .name("c1z-pack".to_owned())
            .spawn(move || Frame::pack(name, &bytes, level))?;
        self.compressing.push_back(thread);
        Ok(())
    }

    fn level(&self) -> i32 {
        self.compression.level_for(StorageEngine::Pebble)
    }

    fn write_next(&mut self) -> io::Result<()> {
        let Some(thread) = self.compressing.pop_front() else {
            return Ok(());
        };
        let compressed = thread.join();
        self.envelope
            .add(compressed.map_err(|_| io::Error::other("the compressing thread has ended"))??)
    }

    fn finish(mut self) -> io::Result<u64> {
        if !self.table.is_empty() {
            self.end_table()?;
        }
        while !self.compressing.is_empty() {
            self.write_next()?;
        }
        // In the order of their names, after the tables.
        for (name, content) in [
            (pebble::MANIFEST, pebble::manifest(&self.finished)),
            (pebble::FORMAT_MARKER, Vec::new()),
            (pebble::MANIFEST_MARKER, Vec::new()),
        ] {
            self.unpacked += content.len() as u64;
            self.envelope
                .add(Frame::pack(name.to_owned(), &content, self.level())?)?;
        }
        self.envelope.finish()?;
        Ok(self.unpacked)
    }
}
