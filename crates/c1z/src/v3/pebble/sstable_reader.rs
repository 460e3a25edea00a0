//! Reads a table of any format that the ecosystem's SDK has written, from its beginning to its end, block by block.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use twox_hash::XxHash64;

use super::columnar_block::Columns;
use super::columnar_block::is_set;
use super::crc32c;
use super::error::StoreError;
use super::error::damaged;
use super::error::u32_at;
use super::memory_budget::MemoryBudget;
use super::range_deletions;
use super::range_deletions::Span;
use super::row_block;
use super::row_block::BlockRows;
use super::row_block::Row;
use super::snappy;

const MAGIC: [u8; 8] = [0xF0, 0x9F, 0xAA, 0xB3, 0xF0, 0x9F, 0xAA, 0xB3];
/// Bytes of a footer: kind of checksum, two handles, then the format and the magic; later formats have more between.
const HANDLES: usize = 41;
const PLAIN_FOOTER: usize = 53;
const CHECKED_FOOTER: usize = 57;
const ATTRIBUTED_FOOTER: usize = 61;
const TRAILER: usize = 5;

/// From this format on values have a byte before them, blocks are of columns, and so are the two that describe.
const VALUE_PREFIX: u32 = 3;
const COLUMNAR: u32 = 5;
const COLUMNAR_META: u32 = 6;
const COLUMNAR_PROPERTIES: u32 = 7;
const LATEST: u32 = 7;

/// Columns of a block of rows, after the two of the key.
const TRAILERS: usize = 2;
const VALUES: usize = 4;
const OUT_OF_LINE: usize = 5;
const OBSOLETE_BIT: u64 = 64;

const CRC32C: u8 = 1;
const XXHASH64: u8 = 3;

type Handle = (u64, u64);

/// A table that is being read.
#[derive(Debug)]
pub(super) struct TableReader {
    /// `None` where rows come from a log.
    file: Option<File>,
    bytes: u64,
    format: u32,
    checksum: u8,
    allowance: MemoryBudget,
    /// Blocks that are still to be read.
    blocks: VecDeque<Handle>,
    rows: Arc<BlockRows>,
    at: usize,
    /// Where the deletions of ranges are.
    spans: Option<Handle>,
}

impl TableReader {
    /// Rows that are in memory.
    pub(super) fn of(rows: Arc<BlockRows>, allowance: MemoryBudget) -> Self {
        Self {
            file: None,
            bytes: 0,
            format: LATEST,
            checksum: CRC32C,
            allowance,
            blocks: VecDeque::new(),
            rows,
            at: 0,
            spans: None,
        }
    }

    /// Calls `take` with the deletions of ranges in a table.
    pub(super) fn spans(
        path: &Path,
        allowance: &MemoryBudget,
        take: impl FnMut(Span) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (mut table, _, _) = Self::described(path, allowance)?;
        let Some(handle) = table.spans else { return Ok(()) };
        let block = table.block(handle)?;
        range_deletions::read(&block, table.format >= COLUMNAR, take)
    }

    /// Opens a table and goes to the block where a key would be.
    pub(super) fn open(path: &Path, allowance: &MemoryBudget, from: &[u8]) -> Result<Self, StoreError> {
        let (mut table, index, two_levels) = Self::described(path, allowance)?;
        let mut left = table.bytes;
        let mut blocks = table.index(index, from, &mut left)?;
        if two_levels {
            let parts = std::mem::take(&mut blocks);
            for part in parts {
                blocks.extend(table.index(part, from, &mut left)?);
            }
        }
        table.blocks = blocks;
        table.refill()?;
        Ok(table)
    }

    /// A table of which footer and descriptions are read, its index, and whether that has two levels.
    fn described(path: &Path, allowance: &MemoryBudget) -> Result<(Self, Handle, bool), StoreError> {
        allowance.open()?;
        let mut file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let tail = bytes.min(ATTRIBUTED_FOOTER as u64);
        file.seek(SeekFrom::Start(bytes - tail))?;
        let mut footer = Vec::new();
        file.read_to_end(&mut footer)?;
        let (format, checksum, meta, index) = parse_footer(&footer)?;
        let mut table = Self {
            file: Some(file),
            bytes,
            format,
            checksum,
            ..Self::of(Arc::default(), allowance.clone())
        };
        let two_levels = table.describe(meta)?;
        Ok((table, index, two_levels))
    }

    /// The current row; `None` at the end.
    pub(super) fn row(&self) -> Option<Row<'_>> {
        self.rows.get(self.at)
    }

    /// Memory that it takes for rows.
    pub(super) fn held(&self) -> usize {
        self.file.as_ref().map_or(0, |_| self.rows.held())
    }

    /// Goes to the next row.
    pub(super) fn advance(&mut self) -> Result<(), StoreError> {
        self.at += 1;
        self.refill()
    }

    fn refill(&mut self) -> Result<(), StoreError> {
        while self.rows.get(self.at).is_none() {
            let Some(handle) = self.blocks.pop_front() else {
                return Ok(());
            };
            let block = self.block(handle)?;
            self.at = 0;
            // Before the next one is unpacked the last one goes.
            self.rows = Arc::default();
            self.rows = Arc::new(if self.format < COLUMNAR {
                self.row_block(&block)?
            } else {
                self.column_block(&block)?
            });
        }
        Ok(())
    }

    /// Reads a block, checks its sum and unpacks it.
    fn block(&mut self, (offset, size): Handle) -> Result<Vec<u8>, StoreError> {
        let most = self.allowance.most;
        let whole = usize::try_from(size).ok().filter(|size| *size <= most);
        let whole = whole.ok_or(StoreError::TooLarge("a block of its store"))? + TRAILER;
        self.allowance.read(whole)?;
        let file = self
            .file
            .as_mut()
            .ok_or_else(|| damaged("a log of its store has no blocks"))?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(whole as u64).read_to_end(&mut bytes)?;
        if bytes.len() < whole {
            return Err(damaged("a block of its store is not within its table"));
        }
        let summed = whole - TRAILER + 1;
        let sum = match self.checksum {
            CRC32C => crc32c::masked(&[&bytes[..summed]]),
            _ => u32_at(&XxHash64::oneshot(0, &bytes[..summed]).to_le_bytes(), 0)?,
        };
        if !crc32c::agree(sum, u32_at(&bytes, summed)?) {
            return Err(damaged("a block of its store is not the one that was written"));
        }
        let kind = bytes[summed - 1];
        bytes.truncate(summed - 1);
        let bytes = match kind {
            0 => bytes,
            1 => snappy::unpack(&bytes, most)?,
            7 => self.zstd_block(&bytes)?,
            _ => {
                return Err(StoreError::Unknown(
                    "its tables are compressed in a way not known here",
                ));
            }
        };
        self.allowance.unpack(bytes.len())?;
        Ok(bytes)
    }

    fn zstd_block(&self, packed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let (bytes, packed) = super::error::varint(packed)?;
        let bytes = usize::try_from(bytes)
            .ok()
            .filter(|bytes| *bytes <= self.allowance.most);
        let bytes = bytes.ok_or(StoreError::TooLarge("a block of its store"))?;
        zstd::bulk::decompress(packed, bytes).map_err(|error| StoreError::Damaged(error.to_string()))
    }

    /// Reads what describes the table: whether its index has two levels. What would have to be known and is not is refused.
    fn describe(&mut self, meta: Handle) -> Result<bool, StoreError> {
        let block = self.block(meta)?;
        let (mut properties, mut spans) = (None, None);
        pairs(&block, self.format >= COLUMNAR_META, |name, value| {
            match name {
                b"rocksdb.properties" => properties = Some(row_block::handle(value)?.0),
                b"rocksdb.range_del2" => spans = Some(row_block::handle(value)?.0),
                b"rocksdb.range_del" => {
                    return Err(StoreError::Unknown("its tables have deletions of an older kind"));
                }
                b"pebble.range_key" => return Err(StoreError::Unknown("its tables have keys of ranges")),
                b"pebble.value_index" => {
                    return Err(StoreError::Unknown(
                        "its tables have values in blocks of their own",
                    ));
                }
                b"pebble.blob_ref_index" => {
                    return Err(StoreError::Unknown(
                        "its tables have values in files of their own",
                    ));
                }
                _ => {}
            }
            Ok(())
        })?;
        let block =
            self.block(properties.ok_or_else(|| damaged("a table of its store has no properties"))?)?;
        let mut two_levels = false;
        pairs(&block, self.format >= COLUMNAR_PROPERTIES, |name, value| {
            if name == b"rocksdb.block.based.table.index.type" {
                two_levels = u32_at(value, 0)? == 2;
            }
            if name == b"rocksdb.comparator" && value != b"leveldb.BytewiseComparator" {
                return Err(StoreError::Unknown("its keys are in another order"));
            }
            Ok(())
        })?;
        Ok(two_levels)
    }

    /// The blocks that an index lists, without those that end before a key. All of them are in the table side by side, so they
    /// take no more bytes than are left of it.
    fn index(&mut self, handle: Handle, from: &[u8], left: &mut u64) -> Result<VecDeque<Handle>, StoreError> {
        let block = self.block(handle)?;
        let mut blocks = VecDeque::new();
        let mut add = |handle: Handle| {
            let rest = left
                .checked_sub(handle.1)
                .and_then(|left| left.checked_sub(TRAILER as u64));
            *left = rest.ok_or_else(|| damaged("the blocks of a table are more than the table"))?;
            blocks.push_back(handle);
            Ok::<(), StoreError>(())
        };
        if self.format < COLUMNAR {
            row_block::each(&block, |key, value| {
                if row_block::part(key)?.0 >= from {
                    add(row_block::handle(value)?.0)?;
                }
                Ok(())
            })?;
            return Ok(blocks);
        }
        let columns = Columns::parse(&block, 0)?;
        let (last, offsets, sizes) = (columns.texts(0)?, columns.uints(1)?, columns.uints(2)?);
        for row in 0..columns.rows() {
            if last.get(row)? >= from {
                add((offsets.get(row)?, sizes.get(row)?))?;
            }
        }
        Ok(blocks)
    }

    fn row_block(&self, block: &[u8]) -> Result<BlockRows, StoreError> {
        let mut out = BlockRows::within(self.allowance.most);
        let with_prefix = self.format >= VALUE_PREFIX;
        row_block::each(block, |key, mut value| {
            let (key, mut trailer) = row_block::part(key)?;
            trailer &= !OBSOLETE_BIT;
            // Only what is set has a value that could be elsewhere.
            if with_prefix && matches!(trailer & 0xFF, 1 | 18) {
                let (prefix, rest) = value
                    .split_first()
                    .ok_or_else(|| damaged("a value has no prefix"))?;
                if prefix & 0xC0 != 0 {
                    return Err(StoreError::Unknown(
                        "its tables have values in blocks of their own",
                    ));
                }
                value = rest;
            }
            out.push(Row { key, trailer, value })
        })?;
        Ok(out)
    }

    fn column_block(&self, block: &[u8]) -> Result<BlockRows, StoreError> {
        let columns = Columns::parse(block, 4)?;
        let mut out = BlockRows::within(self.allowance.most);
        let (suffixes, trailers) = (columns.texts(1)?, columns.uints(TRAILERS)?);
        let (values, elsewhere) = (columns.texts(VALUES)?, columns.flags(OUT_OF_LINE)?);
        columns.sorted_texts(0, |row, key| {
            if is_set(elsewhere, row) {
                return Err(StoreError::Unknown(
                    "its tables have values in blocks of their own",
                ));
            }
            if !suffixes.get(row)?.is_empty() {
                return Err(StoreError::Unknown("its keys have two parts"));
            }
            out.push(Row {
                key,
                trailer: trailers.get(row)?,
                value: values.get(row)?,
            })
        })?;
        Ok(out)
    }
}

/// Format, kind of checksum, handles of what describes the table and of the index.
fn parse_footer(bytes: &[u8]) -> Result<(u32, u8, Handle, Handle), StoreError> {
    let no_table = || damaged("a table of its store is none");
    let end = bytes.len().checked_sub(12).ok_or_else(no_table)?;
    if bytes[end + 4..] != MAGIC {
        return Err(no_table());
    }
    let format = u32_at(bytes, end)?;
    let size = match format {
        1..COLUMNAR_META => PLAIN_FOOTER,
        COLUMNAR_META => CHECKED_FOOTER,
        LATEST => ATTRIBUTED_FOOTER,
        _ => return Err(StoreError::Unknown("its tables are of a later format")),
    };
    let start = bytes.len().checked_sub(size).ok_or_else(no_table)?;
    let footer = &bytes[start..];
    if format >= COLUMNAR_META {
        let sum_at = size - 16;
        let sum = crc32c::masked(&[&footer[..sum_at], &footer[sum_at + 4..]]);
        if !crc32c::agree(sum, u32_at(footer, sum_at)?) {
            return Err(damaged(
                "the footer of a table of its store is not the one that was written",
            ));
        }
    }
    let checksum = footer[0];
    if !matches!(checksum, CRC32C | XXHASH64) {
        return Err(StoreError::Unknown(
            "its tables have sums of a kind not known here",
        ));
    }
    let (meta, rest) = row_block::handle(&footer[1..HANDLES])?;
    let (index, _) = row_block::handle(rest)?;
    Ok((format, checksum, meta, index))
}

/// Names and values of a block that describes.
fn pairs(
    block: &[u8],
    columnar: bool,
    mut take: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    if !columnar {
        return row_block::each(block, take);
    }
    let columns = Columns::parse(block, 0)?;
    let (names, values) = (columns.texts(0)?, columns.texts(1)?);
    (0..columns.rows()).try_for_each(|row| take(names.get(row)?, values.get(row)?))
}
