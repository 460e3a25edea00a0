//! Writes tables: data blocks, their index, properties, and a footer with the locations of both.
//!
//! They have the oldest table format that Pebble 2 opens (`Pebble v1`, which equals a format of `RocksDB`): rows need no value
//! prefix and blocks no columns. Blocks are not compressed: callers compress complete tables, which makes them smaller.

use std::mem::take;

use twox_hash::XxHash64;

use super::block::Block;
use super::varint;

/// Bytes after which a data block ends.
const BLOCK_BYTES: usize = 32 << 10;
/// Bytes after which a table ends.
const TABLE_BYTES: usize = 8 << 20;
/// Rows per restart point. Readers scan half as many for one row; with the usual 16, files were a tenth to a third larger.
const RESTART_INTERVAL: usize = 128;
/// The trailer of every row: sets its key, at sequence number zero.
const TRAILER: [u8; 8] = [1, 0, 0, 0, 0, 0, 0, 0];
/// The type of checksum that blocks have: xxHash64, truncated to 32 bits.
const CHECKSUM: u8 = 3;
const FOOTER_BYTES: usize = 53;
const FORMAT: u32 = 1;
const MAGIC: [u8; 8] = [0xF0, 0x9F, 0xAA, 0xB3, 0xF0, 0x9F, 0xAA, 0xB3];

/// What the manifest says about a table.
#[derive(Debug)]
pub(crate) struct FinishedTable {
    pub(super) bytes: u64,
    /// First and last key, with trailers.
    pub(super) smallest: Vec<u8>,
    pub(super) largest: Vec<u8>,
}

/// A table that is being filled.
#[derive(Debug)]
pub(crate) struct TableWriter {
    bytes: Vec<u8>,
    block: Block,
    index: Block,
    smallest: Vec<u8>,
    key: Vec<u8>,
    rows: u64,
    key_bytes: u64,
    value_bytes: u64,
    blocks: u64,
}

impl TableWriter {
    pub(crate) fn new() -> Self {
        Self {
            bytes: Vec::new(),
            block: Block::new(RESTART_INTERVAL),
            index: Block::new(1),
            smallest: Vec::new(),
            key: Vec::new(),
            rows: 0,
            key_bytes: 0,
            value_bytes: 0,
            blocks: 0,
        }
    }

    /// Adds a row. Keys must be ascending and unique.
    pub(crate) fn add(&mut self, key: &[u8], value: &[u8]) {
        self.key.clear();
        self.key.extend_from_slice(key);
        self.key.extend_from_slice(&TRAILER);
        if self.rows == 0 {
            self.smallest.clone_from(&self.key);
        }
        self.block.add(&self.key, value);
        self.rows += 1;
        self.key_bytes += self.key.len() as u64;
        self.value_bytes += value.len() as u64;
        if self.block.len() >= BLOCK_BYTES {
            self.end_block();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether the table has reached its size.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() >= TABLE_BYTES
    }

    fn end_block(&mut self) {
        let last = self.block.last_key().to_vec();
        let handle = write_block(&mut self.block, &mut self.bytes);
        self.index.add(&last, &handle);
        self.blocks += 1;
    }

    /// Returns the bytes of the table and starts an empty one.
    pub(crate) fn finish(&mut self) -> (Vec<u8>, FinishedTable) {
        if !self.block.is_empty() {
            self.end_block();
        }
        let mut table = take(self);
        let data_bytes = table.bytes.len() as u64;
        let index_bytes = (table.index.len() + 5) as u64;
        let index = write_block(&mut table.index, &mut table.bytes);
        let mut properties = table.properties(data_bytes, index_bytes);
        let properties = write_block(&mut properties, &mut table.bytes);
        let mut meta = Block::new(1);
        meta.add(b"rocksdb.properties", &properties);
        let meta = write_block(&mut meta, &mut table.bytes);

        let mut footer = vec![CHECKSUM];
        footer.extend_from_slice(&meta);
        footer.extend_from_slice(&index);
        footer.resize(FOOTER_BYTES - 4 - MAGIC.len(), 0);
        footer.extend_from_slice(&FORMAT.to_le_bytes());
        footer.extend_from_slice(&MAGIC);
        table.bytes.extend_from_slice(&footer);
        let placed = FinishedTable {
            bytes: table.bytes.len() as u64,
            smallest: table.smallest,
            largest: table.key,
        };
        (table.bytes, placed)
    }

    /// The properties block.
    fn properties(&self, data_bytes: u64, index_bytes: u64) -> Block {
        let number = |number: u64| {
            let mut bytes = Vec::new();
            varint::push(number, &mut bytes);
            bytes
        };
        let mut block = Block::new(usize::MAX);
        for (name, value) in [
            ("rocksdb.block.based.table.index.type", vec![0; 4]),
            ("rocksdb.comparator", b"leveldb.BytewiseComparator".to_vec()),
            ("rocksdb.compression", b"NoCompression".to_vec()),
            ("rocksdb.data.size", number(data_bytes)),
            ("rocksdb.deleted.keys", number(0)),
            ("rocksdb.filter.size", number(0)),
            ("rocksdb.index.size", number(index_bytes)),
            ("rocksdb.merge.operands", number(0)),
            ("rocksdb.merge.operator", b"pebble.concatenate".to_vec()),
            ("rocksdb.num.data.blocks", number(self.blocks)),
            ("rocksdb.num.entries", number(self.rows)),
            ("rocksdb.num.range-deletions", number(0)),
            ("rocksdb.property.collectors", b"[]".to_vec()),
            ("rocksdb.raw.key.size", number(self.key_bytes)),
            ("rocksdb.raw.value.size", number(self.value_bytes)),
        ] {
            block.add(name.as_bytes(), &value);
        }
        block
    }
}

impl Default for TableWriter {
    fn default() -> Self {
        Self::new()
    }
}

/// Appends a block with its trailer. Returns its handle, which leaves out the trailer.
fn write_block(block: &mut Block, out: &mut Vec<u8>) -> Vec<u8> {
    let start = out.len();
    block.finish(out);
    let mut handle = Vec::new();
    varint::push(start as u64, &mut handle);
    varint::push((out.len() - start) as u64, &mut handle);
    // Not compressed. The checksum covers this byte too.
    out.push(0);
    let sum = XxHash64::oneshot(0, &out[start..]).to_le_bytes();
    out.extend_from_slice(&sum[..4]);
    handle
}
