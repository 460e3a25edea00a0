//! The headers of pages, in Thrift's compact form (<https://github.com/apache/parquet-format>): the sizes that a page claims,
//! before memory is allocated for it.

/// The header of a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PageHeader {
    page_type: u64,
    /// Bytes of the page when it is unpacked.
    pub(crate) unpacked: u64,
    /// Bytes of the page in the file, after the header.
    pub(crate) packed: u64,
    /// Values in it.
    pub(crate) values: u64,
    /// How they are encoded, as a number of the format.
    pub(crate) encoding: u64,
    /// Bytes of this header.
    pub(crate) header_bytes: u64,
}

const DICTIONARY_PAGE: u64 = 2;
/// Structures within each other.
const MAX_DEPTH: u32 = 8;

impl PageHeader {
    /// The header at the beginning of these bytes; `None` if they are truncated or no page header.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut header = Self::default();
        let mut rest = Rest(bytes);
        let mut sizes = [None; 2];
        rest.structure(0, &mut |path, number| match path {
            [0, 1] => header.page_type = number,
            [0, 2] => sizes[0] = Some(number),
            [0, 3] => sizes[1] = Some(number),
            // Of pages of values in both versions, and of dictionaries.
            [5 | 7 | 8, 1] => header.values = number,
            [5 | 7, 2] | [8, 4] => header.encoding = number,
            _ => {}
        })?;
        [header.unpacked, header.packed] = [sizes[0]?, sizes[1]?];
        header.header_bytes = (bytes.len() - rest.0.len()) as u64;
        Some(header)
    }

    pub(crate) fn is_dictionary(&self) -> bool {
        self.page_type == DICTIONARY_PAGE
    }
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// Reads a structure, handing over its numbers with the field of the structure around it (0: none) and their own. A
    /// negative one is handed over as a very large one.
    fn structure(&mut self, depth: u32, take: &mut dyn FnMut([u16; 2], u64)) -> Option<()> {
        self.fields(0, depth, take)
    }

    fn fields(&mut self, around: u16, depth: u32, take: &mut dyn FnMut([u16; 2], u64)) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut field = 0_u16;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(());
            }
            field = match head >> 4 {
                0 => u16::try_from(self.signed()?).ok()?,
                step => field.checked_add(u16::from(step))?,
            };
            match head & 15 {
                4..=6 => take([around, field], self.signed()?.cast_unsigned()),
                // Numbers in nested structures are ignored.
                12 if around == 0 => self.fields(field, depth + 1, take)?,
                12 => self.fields(u16::MAX, depth + 1, take)?,
                // Flags are in the head.
                1 | 2 => {}
                kind => self.skip(kind, depth)?,
            }
        }
    }

    fn skip(&mut self, kind: u8, depth: u32) -> Option<()> {
        match kind {
            1..=3 => self.byte().map(drop),
            4..=6 => self.number().map(drop),
            7 => self.bytes(8),
            8 => {
                let length = usize::try_from(self.number()?).ok()?;
                self.bytes(length)
            }
            9 | 10 => {
                let head = self.byte()?;
                let count = match head >> 4 {
                    15 => self.number()?,
                    count => u64::from(count),
                };
                (0..count).try_for_each(|_| self.skip(head & 15, depth + 1))
            }
            12 => self.fields(u16::MAX, depth + 1, &mut |_, _| {}),
            _ => None,
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn bytes(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.get(count..)?;
        Some(())
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// A number in the form in which small negative ones are short.
    fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_all_kinds_of_pages() {
        // type 2, 300 and 200 bytes, {7 values, PLAIN}
        let dictionary = [
            0x15, 4, 0x15, 0xd8, 4, 0x15, 0x90, 3, 0x4c, 0x15, 14, 0x15, 0, 0, 0, 9, 9,
        ];
        let header = PageHeader::parse(&dictionary).unwrap();
        assert!(header.is_dictionary());
        assert_eq!(
            (header.unpacked, header.packed, header.values, header.header_bytes),
            (300, 200, 7, 15)
        );
        // type 0, 10 and 20 bytes, {5 values, RLE_DICTIONARY, RLE, RLE, {statistics: a text of 2 bytes}}
        let values = [
            0x15, 0, 0x15, 20, 0x15, 40, 0x2c, 0x15, 10, 0x15, 16, 0x15, 6, 0x15, 6, 0x1c, 0x18, 2, b'a',
            b'b', 0, 0, 0,
        ];
        let header = PageHeader::parse(&values).unwrap();
        assert_eq!(
            (header.unpacked, header.packed, header.values, header.encoding),
            (10, 20, 5, 8)
        );
        assert_eq!(header.header_bytes, values.len() as u64);
        for cut in 0..values.len() {
            assert_eq!(PageHeader::parse(&values[..cut]), None, "{cut}");
        }
        // A negative size is a very large one.
        let header = PageHeader::parse(&[0x15, 0, 0x15, 1, 0x15, 2, 0]).unwrap();
        assert!(header.unpacked > u64::MAX / 2);
    }

    #[test]
    fn endless_headers_are_rejected() {
        assert_eq!(PageHeader::parse(&[0x1c; 1000]), None);
        assert_eq!(
            PageHeader::parse(&[0x19, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]),
            None
        );
    }
}
