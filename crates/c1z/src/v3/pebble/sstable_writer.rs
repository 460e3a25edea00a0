//! A table: blocks of rows, an index of them, properties, and a footer that says where these are.
//!
//! It is Pebble's oldest table format that its version in the ecosystem's SDK still opens ("Pebble v1", as `RocksDB`'s): rows
//! need no value prefix and blocks no columns. Blocks are not compressed: the frame around the table is, and better so.

use std::mem::take;

use prost::encoding::encode_varint;
use twox_hash::XxHash64;

use super::block::Block;

/// Bytes of a block of rows.
const BLOCK_BYTES: usize = 32 << 10;
/// Bytes after which a table ends.
const TABLE_BYTES: usize = 8 << 20;
/// Rows between two keys that are whole. Readers look through half as many for one row; with the usual 16 files were a
/// tenth to a third larger.
const RESTART_INTERVAL: usize = 128;
/// What a row of the bottom level is: set, at sequence number zero.
const TRAILER: [u8; 8] = [1, 0, 0, 0, 0, 0, 0, 0];
/// The kind of checksum that blocks have here, xxHash64 cut to 32 bits.
const CHECKSUM: u8 = 3;
const FOOTER_BYTES: usize = 53;
const FORMAT: u32 = 1;
const MAGIC: [u8; 8] = [0xF0, 0x9F, 0xAA, 0xB3, 0xF0, 0x9F, 0xAA, 0xB3];

/// What the manifest tells of a table.
#[derive(Debug)]
pub(crate) struct FinishedTable {
    pub(super) bytes: u64,
    /// First and last key, with the trailer.
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

    /// Adds a row; keys come in order and once.
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

    /// Whether the table is as large as tables are to be.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() >= TABLE_BYTES
    }

    fn end_block(&mut self) {
        let last = self.block.last_key().to_vec();
        let handle = write_block(&mut self.block, &mut self.bytes);
        self.index.add(&last, &handle);
        self.blocks += 1;
    }

    /// Ends the table and gives its bytes; the writer begins the next one.
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

    /// What readers want to know of a table, by name.
    fn properties(&self, data_bytes: u64, index_bytes: u64) -> Block {
        let number = |number: u64| {
            let mut bytes = Vec::new();
            encode_varint(number, &mut bytes);
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

/// Appends a block with its trailer and gives its handle: where it is and how long, without the trailer.
fn write_block(block: &mut Block, out: &mut Vec<u8>) -> Vec<u8> {
    let start = out.len();
    block.finish(out);
    let mut handle = Vec::new();
    encode_varint(start as u64, &mut handle);
    encode_varint((out.len() - start) as u64, &mut handle);
    // Not compressed; the sum is over that, too.
    out.push(0);
    let sum = XxHash64::oneshot(0, &out[start..]).to_le_bytes();
    out.extend_from_slice(&sum[..4]);
    handle
}
