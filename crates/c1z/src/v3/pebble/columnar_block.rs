//! Blocks of columns, which Pebble writes since its table format 5: a header, the type and place of each column, columns.

use super::error::StoreError;
use super::error::damaged;
use super::error::length;
use super::error::u32_at;

/// Bytes before the columns' headers, and of each of these.
const HEADER: usize = 7;
const COLUMN_HEADER: usize = 5;
/// Types of columns.
const BOOL: u8 = 1;
const UINT: u8 = 2;
const BYTES: u8 = 3;
const PREFIX_BYTES: u8 = 4;
/// In the encoding of numbers: a base stands before them.
const DELTA: u8 = 0x80;

fn short() -> StoreError {
    damaged("a column in its store is longer than its block")
}

/// A block and where its columns are.
#[derive(Debug)]
pub(super) struct Columns<'b> {
    block: &'b [u8],
    rows: usize,
    /// Type and place of each.
    places: Vec<(u8, usize)>,
}

/// Numbers, all as wide as the widest needs.
#[derive(Debug)]
pub(super) struct Uints<'b> {
    base: u64,
    width: usize,
    data: &'b [u8],
}

/// Texts, one after another.
#[derive(Debug)]
pub(super) struct Texts<'b> {
    ends: Uints<'b>,
    data: &'b [u8],
}

impl<'b> Columns<'b> {
    /// Reads the header, before which a kind of blocks may have something of its own.
    pub(super) fn parse(block: &'b [u8], own_header: usize) -> Result<Self, StoreError> {
        let header = block.get(own_header..own_header + HEADER).ok_or_else(short)?;
        if header[0] != 1 {
            return Err(StoreError::Unknown("its blocks have columns of a later version"));
        }
        let count = usize::from(u16::from_le_bytes([header[1], header[2]]));
        let rows = u32_at(header, 3)? as usize;
        // Rows differ, and so each takes a byte at least; blocks of numbers that are all the same could claim any number.
        if rows > block.len() {
            return Err(damaged("a block of its store has more rows than bytes"));
        }
        let columns = (0..count).map(|column| {
            let at = own_header + HEADER + column * COLUMN_HEADER;
            let kind = *block.get(at).ok_or_else(short)?;
            Ok((kind, u32_at(block, at + 1)? as usize))
        });
        let places = columns.collect::<Result<_, StoreError>>()?;
        Ok(Self { block, rows, places })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    fn start(&self, column: usize, kind: u8) -> Result<usize, StoreError> {
        match self.places.get(column) {
            Some((found, start)) if *found == kind => Ok(*start),
            _ => Err(StoreError::Unknown(
                "its tables have other columns than those known here",
            )),
        }
    }

    pub(super) fn uints(&self, column: usize) -> Result<Uints<'b>, StoreError> {
        self.uints_of(column, self.rows)
    }

    pub(super) fn texts(&self, column: usize) -> Result<Texts<'b>, StoreError> {
        self.texts_of(column, self.rows)
    }

    /// A column of so many numbers, where a column need not have one for each row.
    pub(super) fn uints_of(&self, column: usize, count: usize) -> Result<Uints<'b>, StoreError> {
        Ok(Uints::parse(self.block, self.start(column, UINT)?, count)?.0)
    }

    /// A column of so many texts.
    pub(super) fn texts_of(&self, column: usize, count: usize) -> Result<Texts<'b>, StoreError> {
        Texts::parse(self.block, self.start(column, BYTES)?, count)
    }

    /// A column of flags; `None` if none is set.
    pub(super) fn flags(&self, column: usize) -> Result<Option<&'b [u8]>, StoreError> {
        let start = self.start(column, BOOL)?;
        if *self.block.get(start).ok_or_else(short)? == 1 {
            return Ok(None);
        }
        let words = (start + 1).next_multiple_of(8);
        let bits = self.block.get(words..).ok_or_else(short)?;
        let bits = bits.get(..self.rows.div_ceil(64) * 8).ok_or_else(short)?;
        Ok(Some(bits))
    }

    /// Calls `take` with the texts of a column in which each leaves out what it shares: with all, and with its bundle.
    pub(super) fn sorted_texts(
        &self,
        column: usize,
        mut take: impl FnMut(usize, &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let start = self.start(column, PREFIX_BYTES)?;
        let shift = u32::from(*self.block.get(start).ok_or_else(short)?);
        let bundle = 1_usize
            .checked_shl(shift)
            .filter(|bundle| *bundle > 0)
            .ok_or_else(short)?;
        let texts = Texts::parse(self.block, start + 1, self.rows + self.rows.div_ceil(bundle))?;
        let shared = texts.data.get(..texts.ends.at(0)?).ok_or_else(short)?;
        let mut key = shared.to_vec();
        let (mut of_bundle, mut next) = (shared.len(), 0);
        for row in 0..self.rows {
            let first = row % bundle == 0;
            if first {
                key.truncate(shared.len());
                key.extend_from_slice(texts.get(next)?);
                of_bundle = key.len();
                next += 1;
            }
            let own = texts.get(next)?;
            next += 1;
            // Nothing of its own: the same as the one before.
            if first || !own.is_empty() {
                key.truncate(of_bundle);
                key.extend_from_slice(own);
            }
            take(row, &key)?;
        }
        Ok(())
    }
}

/// Whether a flag is set.
pub(super) fn is_set(flags: Option<&[u8]>, row: usize) -> bool {
    flags.is_some_and(|bits| bits.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1))
}

impl<'b> Uints<'b> {
    /// Reads so many numbers that begin somewhere in a block, and tells where they end.
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
        length(self.get(at)?)
    }
}

impl<'b> Texts<'b> {
    fn parse(block: &'b [u8], start: usize, count: usize) -> Result<Self, StoreError> {
        let numbers = if count == 0 { 0 } else { count + 1 };
        let (ends, data) = Uints::parse(block, start, numbers)?;
        let data = block.get(data..).ok_or_else(short)?;
        Ok(Self { ends, data })
    }

    pub(super) fn get(&self, at: usize) -> Result<&'b [u8], StoreError> {
        let (start, end) = (self.ends.at(at)?, self.ends.at(at + 1)?);
        self.data.get(start..end).ok_or_else(short)
    }
}
