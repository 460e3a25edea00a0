//! Reads lines as cells (RFC 4180). An empty text is quoted, null is an empty cell.

use std::borrow::Cow;
use std::io::{self, Read};

use access_dataset::FormatTooLarge;
use memchr::{memchr, memchr2};

use crate::dialect::Delimiter;

/// Bytes that are read at a time.
const BLOCK: usize = 1 << 18;
/// The longest row. The tables' texts are bounded, but a forged file could have longer ones.
const MAX_RECORD_BYTES: usize = 4 << 20;

/// Reads records one after the other.
pub(crate) struct Records<R> {
    text: R,
    delimiter: u8,
    block: Vec<u8>,
    /// Where the record begins that is read next.
    at: usize,
    /// Bytes of the block that are filled.
    filled: usize,
    at_end: bool,
    cells: Vec<Cell>,
}

/// Where a cell's text is in the block.
#[derive(Debug, Clone, Copy)]
struct Cell {
    begin: usize,
    end: usize,
    quoted: bool,
    /// Whether quotes in it are doubled.
    doubled: bool,
}

/// One record.
pub(crate) struct Record<'a> {
    block: &'a [u8],
    cells: &'a [Cell],
}

impl<R: Read> Records<R> {
    pub(crate) fn new(text: R, delimiter: Delimiter) -> Self {
        Self {
            text,
            delimiter: delimiter.byte(),
            block: vec![0; BLOCK],
            at: 0,
            filled: 0,
            at_end: false,
            cells: Vec::new(),
        }
    }

    /// The next record, or none after the last.
    pub(crate) fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        let end = loop {
            if let Some(end) = self.scan()? {
                break end;
            }
            if self.at_end {
                if self.at == self.filled {
                    return Ok(None);
                }
                return Err(damaged("the last row has no end"));
            }
            self.fill()?;
        };
        self.at = end;
        Ok(Some(Record {
            block: &self.block,
            cells: &self.cells,
        }))
    }

    /// Finds the cells of the record at hand and where the next begins; nothing if its end is not in the block yet.
    fn scan(&mut self) -> io::Result<Option<usize>> {
        self.cells.clear();
        let (text, mut at) = (&self.block[..self.filled], self.at);
        let delimiter = self.delimiter;
        loop {
            let (cell, end) = if text.get(at) == Some(&b'"') {
                let Some(cell) = quoted(text, at + 1) else {
                    return Ok(None);
                };
                (cell, cell.end + 1)
            } else {
                let Some(length) = text.get(at..).and_then(|rest| memchr2(delimiter, b'\n', rest)) else {
                    return Ok(None);
                };
                let end = at + length;
                let is_last = text[end] == b'\n';
                let end = end - usize::from(is_last && length > 0 && text[end - 1] == b'\r');
                (
                    Cell {
                        begin: at,
                        end,
                        quoted: false,
                        doubled: false,
                    },
                    end,
                )
            };
            self.cells.push(cell);
            match (text.get(end), text.get(end + 1)) {
                (Some(byte), _) if *byte == delimiter => at = end + 1,
                (Some(b'\n'), _) => return Ok(Some(end + 1)),
                (Some(b'\r'), Some(b'\n')) => return Ok(Some(end + 2)),
                (None, _) | (Some(b'\r'), None) => return Ok(None),
                _ => return Err(damaged("something follows the end of a quoted text")),
            }
        }
    }

    /// Reads more, after the part of the current record that was read.
    fn fill(&mut self) -> io::Result<()> {
        self.block.copy_within(self.at..self.filled, 0);
        self.filled -= self.at;
        self.at = 0;
        if self.filled == self.block.len() {
            if self.filled >= MAX_RECORD_BYTES {
                let reason = FormatTooLarge(format!("a row has more than {} MiB", MAX_RECORD_BYTES >> 20));
                return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
            }
            self.block.resize(self.filled * 2, 0);
        }
        let got = loop {
            match self.text.read(&mut self.block[self.filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.filled += got;
        self.at_end = got == 0;
        Ok(())
    }
}

/// The quoted text that begins here; nothing if its end is not there.
fn quoted(text: &[u8], begin: usize) -> Option<Cell> {
    let (mut at, mut doubled) = (begin, false);
    loop {
        let quote = at + memchr(b'"', text.get(at..)?)?;
        if text.get(quote + 1) != Some(&b'"') {
            return Some(Cell {
                begin,
                end: quote,
                quoted: true,
                doubled,
            });
        }
        doubled = true;
        at = quote + 2;
    }
}

impl<'a> Record<'a> {
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Bytes of its cells.
    pub(crate) fn bytes(&self) -> usize {
        self.cells.iter().map(|cell| cell.end - cell.begin).sum()
    }

    /// A cell's text, or none.
    pub(crate) fn cell(&self, n: usize) -> io::Result<Option<Cow<'a, str>>> {
        let Some(cell) = self
            .cells
            .get(n)
            .filter(|cell| cell.quoted || cell.begin < cell.end)
        else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&self.block[cell.begin..cell.end])
            .map_err(|_| damaged("a text is not UTF-8"))?;
        Ok(Some(if cell.doubled {
            Cow::Owned(text.replace("\"\"", "\""))
        } else {
            Cow::Borrowed(text)
        }))
    }
}

pub(crate) fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cell::tests::raw_text;

    fn read(text: impl Read) -> io::Result<Vec<Vec<Option<String>>>> {
        let (mut records, mut read) = (Records::new(text, Delimiter::Comma), Vec::new());
        while let Some(record) = records.next()? {
            let cells = (0..record.len()).map(|n| Ok(record.cell(n)?.map(Cow::into_owned)));
            read.push(cells.collect::<io::Result<_>>()?);
        }
        Ok(read)
    }

    /// Gives a few bytes at a time.
    struct Drops<'a>(&'a [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
            let most = block.len().min(self.1);
            self.0.read(&mut block[..most])
        }
    }

    #[test]
    fn null_differs_from_the_empty_text() {
        let rows = read("a,,\"\"\r\n\"x \"\"y\"\"\",z\n\r\n".as_bytes()).unwrap();
        let text = |text: &str| Some(text.to_owned());
        let expected = [
            vec![text("a"), None, text("")],
            vec![text("x \"y\""), text("z")],
            vec![None],
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn truncated_or_torn_files_are_errors() {
        for text in [
            "a",
            "a\r\nb",
            "a\r\n\"b\r\n",
            "\"a\"b\r\n",
            "\"a\"\rb\r\n",
            "a\r\n\"b\"",
        ] {
            read(text.as_bytes()).expect_err(text);
        }
        read(&b"a,\xFF\r\n"[..]).unwrap_err();
    }

    #[test]
    fn an_endless_row_does_not_exhaust_memory() {
        let error = read(io::repeat(b'x')).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a row has more than 4 MiB, which is more than can be read"
        );
    }

    proptest! {
        #[test]
        fn batches_round_trip_however_they_are_read(
            rows in prop::collection::vec(prop::collection::vec(prop::option::of("[a\",\r\n'=\u{fc}]{0,5}"), 1..4), 0..20),
            most in 1_usize..40,
        ) {
            let mut text = Vec::new();
            for cells in &rows {
                for (n, cell) in cells.iter().enumerate() {
                    if n > 0 {
                        text.push(b',');
                    }
                    if let Some(cell) = cell {
                        raw_text(cell, &mut text);
                    }
                }
                text.extend_from_slice(b"\r\n");
            }
            prop_assert_eq!(read(Drops(&text, most)).unwrap(), rows);
        }
    }
}
