//! Checks a file before it is read: a few kilobytes of Parquet can expand to gigabytes. Footer and pages have a size limit, and a
//! batch has as many rows as fit, because a long text that is stored once in a dictionary can be that of every row.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use access_dataset::{FormatError, FormatTooLarge};
use parquet::basic::{Compression, Encoding, Type};
use parquet::column::page::Page;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::layout;
use crate::page_header::PageHeader;
use crate::thrift;

/// The longest footer, in bytes. One of ours has some hundred kilobytes at the most.
const MAX_FOOTER_BYTES: u64 = 4 << 20;
/// The largest page, unpacked, in bytes. Ours have a megabyte, or more for a single long value.
const MAX_PAGE_BYTES: u64 = 8 << 20;
/// An upper bound of the bytes that compression adds to incompressible data.
const MAX_PACKING_OVERHEAD: u64 = 1 << 16;
/// The longest header of a page.
const MAX_HEADER_BYTES: usize = 64 << 10;
/// The most bytes of texts in a batch.
const BATCH_BYTES: u64 = 32 << 20;
/// Rows of a batch, where texts are short.
const BATCH_ROWS: usize = 8_192;

/// Structures within each other in a footer. Those of Parquet are nine deep.
const MAX_FOOTER_DEPTH: u32 = 16;

/// Sees that the footer is not too long to be read, and that none of its lists says that it is longer.
pub(crate) fn check_footer(file: &File) -> Result<(), FormatError> {
    let mut file = file;
    let mut end = [0; 8];
    let bytes = file.seek(SeekFrom::End(0))?;
    // The reader reports files that are not Parquet.
    if bytes >= 8 {
        file.seek(SeekFrom::End(-8))?;
        file.read_exact(&mut end)?;
        let [a, b, c, d, ..] = end;
        let footer = u64::from(u32::from_le_bytes([a, b, c, d]));
        if end.ends_with(b"PAR1") {
            if footer > MAX_FOOTER_BYTES {
                return Err(too_large(format!("its footer has {footer} bytes")));
            }
            check_structure(file, footer, bytes)?;
        }
    }
    file.rewind()?;
    Ok(())
}

fn check_structure(mut file: &File, footer: u64, file_bytes: u64) -> Result<(), FormatError> {
    // The reader reports a footer that is longer than its file.
    let Some(begin) = file_bytes.checked_sub(8 + footer) else {
        return Ok(());
    };
    let mut structure = vec![0; usize::try_from(footer)?];
    file.seek(SeekFrom::Start(begin))?;
    file.read_exact(&mut structure)?;
    match thrift::walk(&structure, layout::FILE, MAX_FOOTER_DEPTH, &mut |_, _| {}) {
        Some(_) => Ok(()),
        None => Err("its footer cannot be read".into()),
    }
}

/// Looks at the pages of these columns; how many rows a batch may have.
pub(crate) fn batch_rows(file: &File, leaves: &[usize]) -> Result<usize, FormatError> {
    let reader = SerializedFileReader::new(file.try_clone()?)?;
    let mut most = BATCH_ROWS;
    let groups = reader.metadata().num_row_groups();
    let mut row_bytes = 0_u64;
    for leaf in leaves {
        let mut longest = 0;
        for group in 0..groups {
            let chunk = reader.metadata().row_group(group).column(*leaf);
            let rows = reader.metadata().row_group(group).num_rows();
            let pages = Pages::look_at(file, chunk)?;
            if chunk.column_type() != Type::BYTE_ARRAY {
                continue;
            }
            if pages.has_dictionary {
                let mut pages = reader.get_row_group(group)?.get_column_page_reader(*leaf)?;
                if let Some(Page::DictionaryPage { buf, .. }) = pages.get_next_page()? {
                    // A list has several values a row.
                    let values = u64::try_from(chunk.num_values()).unwrap_or(u64::MAX);
                    let a_row = values.div_ceil(u64::try_from(rows).unwrap_or(1).max(1)).max(1);
                    longest = longest.max(longest_value(&buf).saturating_mul(a_row));
                }
            }
            // Rows that lie in pages of their own come with at most one page more than they fill.
            let in_pages = pages.rows_within(BATCH_BYTES / 2);
            most = most.min(in_pages.max(1));
        }
        row_bytes = row_bytes.saturating_add(longest);
    }
    let fit = BATCH_BYTES.checked_div(row_bytes).unwrap_or(u64::MAX);
    if fit == 0 {
        return Err(too_large(format!("a row of it can have {row_bytes} bytes")));
    }
    Ok(most.min(usize::try_from(fit).unwrap_or(usize::MAX)))
}

/// Sizes of the pages of a column.
#[derive(Debug, Default)]
struct Pages {
    has_dictionary: bool,
    /// The largest page of values, and the fewest values of such a page; the last page may have fewer.
    largest: u64,
    fewest: u64,
}

impl Pages {
    fn look_at(file: &File, chunk: &ColumnChunkMetaData) -> Result<Self, FormatError> {
        // The reader's own look at these panics if they are negative.
        let begin = chunk
            .dictionary_page_offset()
            .unwrap_or_else(|| chunk.data_page_offset());
        let (begin, bytes) = (u64::try_from(begin)?, u64::try_from(chunk.compressed_size())?);
        let (mut at, end) = (begin, begin.saturating_add(bytes));
        let mut pages = Self {
            fewest: u64::MAX,
            ..Self::default()
        };
        let mut last = None;
        while at < end {
            let header = read_header(file, at, end - at)?;
            if header.unpacked > MAX_PAGE_BYTES || header.packed > MAX_PAGE_BYTES + MAX_PACKING_OVERHEAD {
                return Err(too_large(format!(
                    "a page of the column {} has {} bytes",
                    chunk.column_path(),
                    header.unpacked.max(header.packed)
                )));
            }
            at += header.header_bytes;
            if matches!(chunk.compression(), Compression::GZIP(_)) {
                check_gzip(file, at, &header)?;
            }
            at += header.packed;
            if header.is_dictionary() {
                pages.has_dictionary = true;
                continue;
            }
            if header.encoding == Encoding::DELTA_BYTE_ARRAY as u64 {
                return Err("texts that share their beginnings are not how tables are written".into());
            }
            pages.largest = pages.largest.max(header.unpacked);
            if let Some(values) = last.replace(header.values) {
                pages.fewest = pages.fewest.min(values);
            }
        }
        Ok(pages)
    }

    /// How many rows surely have no more bytes, beyond one page.
    fn rows_within(&self, bytes: u64) -> usize {
        if self.fewest == u64::MAX {
            return BATCH_ROWS;
        }
        let pages = (bytes / self.largest.max(1)).max(1);
        usize::try_from(pages.saturating_mul(self.fewest.max(1))).unwrap_or(BATCH_ROWS)
    }
}

fn read_header(file: &File, at: u64, left: u64) -> Result<PageHeader, FormatError> {
    // Nearly all headers are short.
    for most in [256, MAX_HEADER_BYTES] {
        let mut bytes = vec![0; most.min(usize::try_from(left).unwrap_or(most))];
        let mut filled = 0;
        while filled < bytes.len() {
            match read_at(file, &mut bytes[filled..], at + filled as u64)? {
                0 => break,
                count => filled += count,
            }
        }
        if let Some(header) = PageHeader::parse(&bytes[..filled]) {
            return Ok(header);
        }
    }
    Err("the header of a page cannot be read".into())
}

fn read_at(mut file: &File, bytes: &mut [u8], at: u64) -> std::io::Result<usize> {
    file.seek(SeekFrom::Start(at))?;
    loop {
        match file.read(bytes) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// Unpacks a page without storing it: the reader would store all output of gzip before it compares sizes.
fn check_gzip(file: &File, at: u64, header: &PageHeader) -> Result<(), FormatError> {
    let mut packed = vec![0; usize::try_from(header.packed).unwrap_or_default()];
    let mut file = file;
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut packed)?;
    let mut unpacked = flate2::read::MultiGzDecoder::new(packed.as_slice()).take(header.unpacked + 1);
    // The reader reports data that cannot be unpacked.
    let bytes = std::io::copy(&mut unpacked, &mut std::io::sink()).unwrap_or_default();
    if bytes > header.unpacked {
        return Err(too_large(format!(
            "a page has more than the {} bytes that its header says",
            header.unpacked
        )));
    }
    Ok(())
}

/// The longest value of a dictionary: each has its length before it.
fn longest_value(mut dictionary: &[u8]) -> u64 {
    let mut longest = 0;
    while let Some((length, rest)) = dictionary.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length);
        longest = longest.max(u64::from(length));
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        dictionary = rest.get(length..).unwrap_or_default();
    }
    longest
}

fn too_large(reason: String) -> FormatError {
    FormatTooLarge(reason).into()
}
