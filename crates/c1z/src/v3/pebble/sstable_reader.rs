//! Reads a table of any format from Pebble's first to its seventh, forwards, block by block.

use std::collections::VecDeque;
use std::io::{Read, SeekFrom};
use std::sync::Arc;

use twox_hash::XxHash64;

use super::checksum;
use super::columnar_block::ColumnarBlock;
use super::columnar_block::is_set;
use super::error::StoreError;
use super::error::damaged;
use super::error::u32_at;
use super::memory_budget::MemoryBudget;
use super::range_deletions;
use super::range_deletions::RangeDeletion;
use super::row_block;
use super::row_block::BlockRows;
use super::row_block::Row;
use super::snappy;
use super::table_files::TableFile;
use super::varint;

const MAGIC: [u8; 8] = [0xF0, 0x9F, 0xAA, 0xB3, 0xF0, 0x9F, 0xAA, 0xB3];
/// Bytes of a footer: type of checksum, two handles, then the format and the magic. Later formats have more in between.
const HANDLES: usize = 41;
const PLAIN_FOOTER: usize = 53;
const CHECKED_FOOTER: usize = 57;
const ATTRIBUTED_FOOTER: usize = 61;
const TRAILER: usize = 5;

/// The first formats in which values have a prefix byte, blocks are columnar, the metaindex is columnar, and properties are
/// columnar.
const VALUE_PREFIX: u32 = 3;
const COLUMNAR: u32 = 5;
const COLUMNAR_META: u32 = 6;
const COLUMNAR_PROPERTIES: u32 = 7;
const LATEST: u32 = 7;

/// Columns of a columnar data block; the first two are the key.
const TRAILERS: usize = 2;
const VALUES: usize = 4;
const OUT_OF_LINE: usize = 5;
const OBSOLETE_BIT: u64 = 64;

const CRC32C: u8 = 1;
const XXHASH64: u8 = 3;

/// Memory of a block that the next block uses again. That of larger blocks is freed, because many tables may be open.
const MAX_KEPT_BYTES: usize = 128 << 10;

type Handle = (u64, u64);

/// A table that is read, or rows in memory that look like one.
#[derive(Debug)]
pub(super) struct TableReader {
    /// `None` for rows in memory.
    file: Option<Box<dyn TableFile>>,
    bytes: u64,
    format: u32,
    checksum: u8,
    budget: MemoryBudget,
    /// Blocks that were not read yet.
    blocks: VecDeque<Handle>,
    rows: Arc<BlockRows>,
    at: usize,
    /// The block of range deletions.
    deletions: Option<Handle>,
    /// The memory of the previous block, which the next one uses again.
    buffer: Vec<u8>,
}

impl TableReader {
    /// A reader of rows in memory.
    pub(super) fn from_rows(rows: Arc<BlockRows>, budget: MemoryBudget) -> Self {
        Self {
            file: None,
            bytes: 0,
            format: LATEST,
            checksum: CRC32C,
            budget,
            blocks: VecDeque::new(),
            rows,
            at: 0,
            deletions: None,
            buffer: Vec::new(),
        }
    }

    /// Opens a table at the block in which the key `from` would be. Calls `deleted` with its range deletions.
    pub(super) fn open(
        file: Box<dyn TableFile>,
        budget: &MemoryBudget,
        from: &[u8],
        deleted: impl FnMut(RangeDeletion) -> Result<(), StoreError>,
    ) -> Result<Self, StoreError> {
        let (mut table, index, two_levels) = Self::described(file, budget)?;
        if let Some(handle) = table.deletions {
            let block = table.block(handle)?;
            range_deletions::read(&block, table.format >= COLUMNAR, deleted)?;
        }
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

    /// Reads footer, metaindex and properties. Returns the table, its index, and whether the index has two levels.
    fn described(
        mut file: Box<dyn TableFile>,
        budget: &MemoryBudget,
    ) -> Result<(Self, Handle, bool), StoreError> {
        budget.open()?;
        let bytes = file.seek(SeekFrom::End(0))?;
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
            ..Self::from_rows(Arc::default(), budget.clone())
        };
        let two_levels = table.describe(meta)?;
        Ok((table, index, two_levels))
    }

    /// The current row; `None` at the end.
    pub(super) fn row(&self) -> Option<Row<'_>> {
        self.rows.get(self.at)
    }

    /// Bytes of memory of the rows.
    pub(super) fn memory_bytes(&self) -> usize {
        self.file.as_ref().map_or(0, |_| self.rows.memory_bytes())
    }

    /// Moves to the next row.
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
            let mut rows = std::mem::take(&mut self.rows);
            // Only the rows of a log have further owners.
            let rows_of_block = Arc::make_mut(&mut rows);
            rows_of_block.restart(self.budget.max_bytes, MAX_KEPT_BYTES);
            if self.format < COLUMNAR {
                self.row_block(&block, rows_of_block)?;
            } else {
                column_block(&block, rows_of_block)?;
            }
            self.rows = rows;
            if block.capacity() <= MAX_KEPT_BYTES {
                self.buffer = block;
            }
        }
        Ok(())
    }

    /// Reads a block, verifies its checksum and decompresses it.
    fn block(&mut self, (offset, size): Handle) -> Result<Vec<u8>, StoreError> {
        let max_bytes = self.budget.max_bytes;
        let length = usize::try_from(size).ok().filter(|size| *size <= max_bytes);
        let length = length.ok_or(StoreError::TooLarge("a block of its store"))? + TRAILER;
        self.budget.read(length)?;
        let file = self
            .file
            .as_mut()
            .ok_or_else(|| damaged("a log of its store has no blocks"))?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = std::mem::take(&mut self.buffer);
        bytes.clear();
        // A block may say that it is larger than its table.
        bytes.reserve(usize::try_from(self.bytes).unwrap_or(length).min(length));
        Read::take(&mut **file, length as u64).read_to_end(&mut bytes)?;
        if bytes.len() < length {
            return Err(damaged("a block of its store is not within its table"));
        }
        let summed = length - TRAILER + 1;
        let sum = match self.checksum {
            CRC32C => checksum::masked_crc32c(&[&bytes[..summed]]),
            _ => u32_at(&XxHash64::oneshot(0, &bytes[..summed]).to_le_bytes(), 0)?,
        };
        if !checksum::matches(sum, u32_at(&bytes, summed)?) {
            return Err(damaged("a block of its store is not the one that was written"));
        }
        let kind = bytes[summed - 1];
        bytes.truncate(summed - 1);
        let bytes = match kind {
            0 => bytes,
            1 => snappy::decompress(&bytes, max_bytes)?,
            7 => self.zstd_block(&bytes)?,
            _ => {
                return Err(StoreError::Unknown(
                    "its tables are compressed in a way not known here",
                ));
            }
        };
        self.budget.unpack(bytes.len())?;
        Ok(bytes)
    }

    fn zstd_block(&self, packed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let (bytes, packed) = varint::read(packed)?;
        let bytes = usize::try_from(bytes)
            .ok()
            .filter(|bytes| *bytes <= self.budget.max_bytes);
        let bytes = bytes.ok_or(StoreError::TooLarge("a block of its store"))?;
        zstd::bulk::decompress(packed, bytes).map_err(|error| StoreError::Damaged(error.to_string()))
    }

    /// Reads metaindex and properties. Returns whether the index has two levels. Features that readers must know and this one
    /// does not are errors.
    fn describe(&mut self, meta: Handle) -> Result<bool, StoreError> {
        let block = self.block(meta)?;
        let (mut properties, mut deletions) = (None, None);
        pairs(&block, self.format >= COLUMNAR_META, |name, value| {
            match name {
                b"rocksdb.properties" => properties = Some(row_block::read_handle(value)?.0),
                b"rocksdb.range_del2" => deletions = Some(row_block::read_handle(value)?.0),
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

    /// The blocks of an index that do not end before the key `from`. Blocks do not overlap, so together they take at most the
    /// `left` bytes of the table.
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
                if row_block::split_trailer(key)?.0 >= from {
                    add(row_block::read_handle(value)?.0)?;
                }
                Ok(())
            })?;
            return Ok(blocks);
        }
        let columns = ColumnarBlock::parse(&block, 0)?;
        let (last, offsets, sizes) = (
            columns.byte_column(0)?,
            columns.uint_column(1)?,
            columns.uint_column(2)?,
        );
        for row in 0..columns.rows() {
            if last.get(row)? >= from {
                add((offsets.get(row)?, sizes.get(row)?))?;
            }
        }
        Ok(blocks)
    }

    fn row_block(&self, block: &[u8], out: &mut BlockRows) -> Result<(), StoreError> {
        let with_prefix = self.format >= VALUE_PREFIX;
        row_block::each(block, |key, mut value| {
            let (key, mut trailer) = row_block::split_trailer(key)?;
            trailer &= !OBSOLETE_BIT;
            // Only rows that set a key have a value that could be stored elsewhere.
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
        })
    }
}

fn column_block(block: &[u8], out: &mut BlockRows) -> Result<(), StoreError> {
    let columns = ColumnarBlock::parse(block, 4)?;
    let (suffixes, trailers) = (columns.byte_column(1)?, columns.uint_column(TRAILERS)?);
    let (values, elsewhere) = (columns.byte_column(VALUES)?, columns.bool_column(OUT_OF_LINE)?);
    columns.each_prefixed(0, |row, key| {
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
    })
}

/// Returns format, type of checksum, and the handles of metaindex and index.
fn parse_footer(bytes: &[u8]) -> Result<(u32, u8, Handle, Handle), StoreError> {
    let no_table = || damaged("a table of its store is invalid");
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
        let sum = checksum::masked_crc32c(&[&footer[..sum_at], &footer[sum_at + 4..]]);
        if !checksum::matches(sum, u32_at(footer, sum_at)?) {
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
    let (meta, rest) = row_block::read_handle(&footer[1..HANDLES])?;
    let (index, _) = row_block::read_handle(rest)?;
    Ok((format, checksum, meta, index))
}

/// Calls `visit` with the names and values of a metaindex or properties block.
fn pairs(
    block: &[u8],
    columnar: bool,
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    if !columnar {
        return row_block::each(block, visit);
    }
    let columns = ColumnarBlock::parse(block, 0)?;
    let (names, values) = (columns.byte_column(0)?, columns.byte_column(1)?);
    (0..columns.rows()).try_for_each(|row| visit(names.get(row)?, values.get(row)?))
}
