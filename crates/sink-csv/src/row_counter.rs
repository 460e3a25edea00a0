//! Rows of a file that is read back, counted block by block.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter};

use crate::dialect::Delimiter;

/// Bytes per block.
const BLOCK: usize = 1 << 18;

/// Counts the rows below the header.
pub(crate) fn rows(mut text: impl Read, delimiter: Delimiter) -> io::Result<u64> {
    let (mut count, mut block) = (Count::new(delimiter), vec![0; BLOCK]);
    loop {
        match text.read(&mut block)? {
            0 => return count.finish(),
            got => count.take(&block[..got]),
        }
    }
}

/// Counts rows outside of quotes. Texts with quotes are quoted (RFC 4180), so every other quote ends a text; a doubled quote is an
/// end and a start with nothing between.
#[derive(Debug)]
struct Count {
    delimiter: u8,
    quoted: bool,
    /// Bytes since the last line end.
    begun: bool,
    lines: u64,
    delimiters: u64,
    /// Delimiters of the first line, once it is over.
    header: Option<u64>,
}

impl Count {
    fn new(delimiter: Delimiter) -> Self {
        Self {
            delimiter: delimiter.byte(),
            quoted: false,
            begun: false,
            lines: 0,
            delimiters: 0,
            header: None,
        }
    }

    fn take(&mut self, block: &[u8]) {
        let mut begin = 0;
        for quote in memchr_iter(b'"', block) {
            self.part(&block[begin..quote]);
            self.quoted = !self.quoted;
            self.begun = true;
            begin = quote + 1;
        }
        self.part(&block[begin..]);
    }

    /// Counts in bytes without a quote.
    fn part(&mut self, mut part: &[u8]) {
        let Some(last) = part.last().filter(|_| !self.quoted) else {
            return;
        };
        self.begun = *last != b'\n';
        if self.header.is_none()
            && let Some(end) = memchr(b'\n', part)
        {
            let (header, rest) = part.split_at(end);
            self.header = Some(self.delimiters + occurrences(self.delimiter, header));
            self.delimiters = 0;
            part = &rest[1..];
        }
        self.delimiters += occurrences(self.delimiter, part);
        self.lines += occurrences(b'\n', part);
    }

    fn finish(self) -> io::Result<u64> {
        let damaged = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        let rows = self.lines + u64::from(self.begun);
        match self.header {
            _ if self.quoted => damaged("the last text has no end"),
            None => Ok(0),
            Some(delimiters) if rows * delimiters != self.delimiters => {
                damaged("rows with more or fewer cells than columns")
            }
            Some(_) => Ok(rows),
        }
    }
}

fn occurrences(byte: u8, part: &[u8]) -> u64 {
    memchr_iter(byte, part).count() as u64
}

#[cfg(test)]
mod tests {
    use csv::{ByteRecord, ReaderBuilder};
    use proptest::prelude::*;

    use super::*;
    use crate::cell::tests::raw_text;

    fn count(text: &[u8], cuts: &[usize]) -> io::Result<u64> {
        let (mut count, mut rest) = (Count::new(Delimiter::Comma), text);
        for cut in cuts {
            let (block, more) = rest.split_at(cut % (rest.len() + 1));
            count.take(block);
            rest = more;
        }
        count.take(rest);
        count.finish()
    }

    #[test]
    fn damaged_tables_are_errors() {
        assert_eq!(count(b"", &[]).unwrap(), 0);
        assert_eq!(count(b"a,b", &[]).unwrap(), 0);
        assert_eq!(count(b"a,b\r\n", &[]).unwrap(), 0);
        assert_eq!(count(b"a,b\r\n1,2", &[]).unwrap(), 1);
        assert_eq!(count(b"a,b\r\n1,\"2\"", &[]).unwrap(), 1);
        for damaged in ["a,b\r\n1,\"2\r\n", "a,b\r\n1\r\n", "a,b\r\n1,2,3\r\n"] {
            count(damaged.as_bytes(), &[]).unwrap_err();
        }
    }

    proptest! {
        #[test]
        fn agrees_with_a_parser_wherever_blocks_end(
            rows in prop::collection::vec(prop::collection::vec("[a\",\r\n\u{fc}]{0,4}", 3), 1..20),
            line_end in prop::sample::select(vec!["\n", "\r\n"]),
            ends in any::<bool>(),
            cuts in prop::collection::vec(any::<usize>(), 0..20),
        ) {
            let lines = rows.iter().map(|cells| {
                let quoted = cells.iter().map(|cell| {
                    let mut quoted = Vec::new();
                    raw_text(cell, &mut quoted);
                    quoted
                });
                quoted.collect::<Vec<_>>().join(&b","[..])
            });
            let mut text = lines.collect::<Vec<_>>().join(line_end.as_bytes());
            if ends {
                text.extend_from_slice(line_end.as_bytes());
            }
            let (mut parser, mut record, mut parsed) = (ReaderBuilder::new().from_reader(text.as_slice()), ByteRecord::new(), 0);
            while parser.read_byte_record(&mut record).unwrap() {
                parsed += 1;
            }
            prop_assert_eq!(count(&text, &cuts).unwrap(), parsed);
            prop_assert_eq!(rows.len() as u64 - 1, parsed);
        }
    }
}
