//! The headers of pages, in Thrift's compact form (<https://github.com/apache/parquet-format>): the sizes that a page claims,
//! before memory is allocated for it.

use crate::layout;
use crate::thrift;

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
        let mut sizes = [None; 2];
        let rest = thrift::walk(
            bytes,
            layout::PAGE_HEADER,
            MAX_DEPTH,
            &mut |path, number| match path {
                [0, 1] => header.page_type = number,
                [0, 2] => sizes[0] = Some(number),
                [0, 3] => sizes[1] = Some(number),
                // Of pages of values in both versions, and of dictionaries.
                [5 | 7 | 8, 1] => header.values = number,
                [5 | 7, 2] | [8, 4] => header.encoding = number,
                _ => {}
            },
        )?;
        [header.unpacked, header.packed] = [sizes[0]?, sizes[1]?];
        header.header_bytes = (bytes.len() - rest.len()) as u64;
        Some(header)
    }

    pub(crate) fn is_dictionary(&self) -> bool {
        self.page_type == DICTIONARY_PAGE
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
        // The same page as above, with a list of flags in front.
        let flags = [0x15, 4, 0x15, 2, 0x15, 2, 0x69, 0x31, 1, 1, 1, 0];
        assert_eq!(PageHeader::parse(&flags), None);
    }
}
