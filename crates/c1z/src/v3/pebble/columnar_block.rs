//! Columnar blocks, which Pebble writes since its table format 5: a header, type and location of each column, the columns.

use super::error::StoreError;
use super::error::damaged;
use super::error::u32_at;
use super::varint;

/// Bytes of the block header, and of the header of a column.
const HEADER: usize = 7;
const COLUMN_HEADER: usize = 5;
/// Types of columns.
const BOOL: u8 = 1;
const UINT: u8 = 2;
const BYTES: u8 = 3;
const PREFIX_BYTES: u8 = 4;
/// In the encoding byte of an integer column: values are deltas to a base that precedes them.
const DELTA: u8 = 0x80;

fn short() -> StoreError {
    damaged("a column in its store is longer than its block")
}

/// A parsed block.
#[derive(Debug)]
pub(super) struct ColumnarBlock<'b> {
    block: &'b [u8],
    rows: usize,
    /// Type and offset of each column.
    locations: Vec<(u8, usize)>,
}

/// An integer column; all values have the width that the largest needs.
#[derive(Debug)]
pub(super) struct UintColumn<'b> {
    base: u64,
    width: usize,
    data: &'b [u8],
}

/// A column of byte strings: end offsets, then the bytes.
#[derive(Debug)]
pub(super) struct BytesColumn<'b> {
    ends: UintColumn<'b>,
    data: &'b [u8],
}

impl<'b> ColumnarBlock<'b> {
    /// Reads the header, which follows `own_header` bytes that depend on the type of the block.
    pub(super) fn parse(block: &'b [u8], own_header: usize) -> Result<Self, StoreError> {
        let header = block.get(own_header..own_header + HEADER).ok_or_else(short)?;
        if header[0] != 1 {
            return Err(StoreError::Unknown("its blocks have columns of a later version"));
        }
        let count = usize::from(u16::from_le_bytes([header[1], header[2]]));
        let rows = u32_at(header, 3)? as usize;
        // Rows differ, so each takes at least a byte. Without this check a block of equal numbers could claim any number of rows.
        if rows > block.len() {
            return Err(damaged("a block of its store has more rows than bytes"));
        }
        let columns = (0..count).map(|column| {
            let at = own_header + HEADER + column * COLUMN_HEADER;
            let kind = *block.get(at).ok_or_else(short)?;
            Ok((kind, u32_at(block, at + 1)? as usize))
        });
        let locations = columns.collect::<Result<_, StoreError>>()?;
        Ok(Self {
            block,
            rows,
            locations,
        })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    fn start(&self, column: usize, kind: u8) -> Result<usize, StoreError> {
        match self.locations.get(column) {
            Some((found, start)) if *found == kind => Ok(*start),
            _ => Err(StoreError::Unknown(
                "its tables have other columns than those known here",
            )),
        }
    }

    pub(super) fn uint_column(&self, column: usize) -> Result<UintColumn<'b>, StoreError> {
        self.uint_column_of_len(column, self.rows)
    }

    pub(super) fn byte_column(&self, column: usize) -> Result<BytesColumn<'b>, StoreError> {
        self.byte_column_of_len(column, self.rows)
    }

    /// An integer column with a length of its own.
    pub(super) fn uint_column_of_len(
        &self,
        column: usize,
        count: usize,
    ) -> Result<UintColumn<'b>, StoreError> {
        Ok(UintColumn::parse(self.block, self.start(column, UINT)?, count)?.0)
    }

    /// A column of byte strings with a length of its own.
    pub(super) fn byte_column_of_len(
        &self,
        column: usize,
        count: usize,
    ) -> Result<BytesColumn<'b>, StoreError> {
        BytesColumn::parse(self.block, self.start(column, BYTES)?, count)
    }

    /// A bitmap column; `None` if no bit is set.
    pub(super) fn bool_column(&self, column: usize) -> Result<Option<&'b [u8]>, StoreError> {
        let start = self.start(column, BOOL)?;
        if *self.block.get(start).ok_or_else(short)? == 1 {
            return Ok(None);
        }
        let words = (start + 1).next_multiple_of(8);
        let bits = self.block.get(words..).ok_or_else(short)?;
        let bits = bits.get(..self.rows.div_ceil(64) * 8).ok_or_else(short)?;
        Ok(Some(bits))
    }

    /// Calls `visit` with the values of a prefix-compressed column: values leave out the prefix of the block and that of their
    /// bundle.
    pub(super) fn each_prefixed(
        &self,
        column: usize,
        mut visit: impl FnMut(usize, &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let start = self.start(column, PREFIX_BYTES)?;
        let shift = u32::from(*self.block.get(start).ok_or_else(short)?);
        let bundle = 1_usize
            .checked_shl(shift)
            .filter(|bundle| *bundle > 0)
            .ok_or_else(short)?;
        let byte_column = BytesColumn::parse(self.block, start + 1, self.rows + self.rows.div_ceil(bundle))?;
        let shared = byte_column
            .data
            .get(..byte_column.ends.at(0)?)
            .ok_or_else(short)?;
        let mut key = shared.to_vec();
        let (mut of_bundle, mut next) = (shared.len(), 0);
        for row in 0..self.rows {
            let first = row % bundle == 0;
            if first {
                key.truncate(shared.len());
                key.extend_from_slice(byte_column.get(next)?);
                of_bundle = key.len();
                next += 1;
            }
            let own = byte_column.get(next)?;
            next += 1;
            // An empty suffix repeats the previous value.
            if first || !own.is_empty() {
                key.truncate(of_bundle);
                key.extend_from_slice(own);
            }
            visit(row, &key)?;
        }
        Ok(())
    }
}

/// Whether a bit of a bitmap column is set.
pub(super) fn is_set(bool_column: Option<&[u8]>, row: usize) -> bool {
    bool_column.is_some_and(|bits| bits.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1))
}

impl<'b> UintColumn<'b> {
    /// Reads `count` numbers at `start`. Returns them with the offset of their end.
    fn parse(block: &'b [u8], start: usize, count: usize) -> Result<(Self, usize), StoreError> {
        if count == 0 {
            return Ok((
                Self {
                    base: 0,
                    width: 0,
                    data: &[],
                },
                start,
            ));
        }
        let encoding = *block.get(start).ok_or_else(short)?;
        let (mut at, mut base) = (start + 1, 0);
        if encoding & DELTA != 0 {
            let bytes = block.get(at..).and_then(|bytes| bytes.first_chunk());
            base = u64::from_le_bytes(*bytes.ok_or_else(short)?);
            at += 8;
        }
        let width = usize::from(encoding & !DELTA);
        match width {
            0 => {}
            1 | 2 | 4 | 8 => at = at.next_multiple_of(width),
            _ => {
                return Err(damaged(
                    "a column of numbers in its store has an impossible width",
                ));
            }
        }
        let end = count.checked_mul(width).and_then(|bytes| at.checked_add(bytes));
        let end = end.ok_or_else(short)?;
        let data = block.get(at..end).ok_or_else(short)?;
        Ok((Self { base, width, data }, end))
    }

    pub(super) fn get(&self, at: usize) -> Result<u64, StoreError> {
        let bytes = self
            .data
            .get(at * self.width..(at + 1) * self.width)
            .ok_or_else(short)?;
        let number = bytes
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        Ok(self.base.wrapping_add(number))
    }

    fn at(&self, at: usize) -> Result<usize, StoreError> {
        varint::to_length(self.get(at)?)
    }
}

impl<'b> BytesColumn<'b> {
    fn parse(block: &'b [u8], start: usize, count: usize) -> Result<Self, StoreError> {
        let numbers = if count == 0 { 0 } else { count + 1 };
        let (ends, data) = UintColumn::parse(block, start, numbers)?;
        let data = block.get(data..).ok_or_else(short)?;
        Ok(Self { ends, data })
    }

    pub(super) fn get(&self, at: usize) -> Result<&'b [u8], StoreError> {
        let (start, end) = (self.ends.at(at)?, self.ends.at(at + 1)?);
        self.data.get(start..end).ok_or_else(short)
    }
}
