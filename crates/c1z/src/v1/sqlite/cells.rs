//! Cells and pages of b-trees (SQLite file format §1.6).

use std::io;

use super::PAGE_BYTES;
use super::page_file::PageFile;
use super::record::push_varint;

/// The four kinds of b-tree pages, by the byte that marks them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageKind {
    InteriorIndex = 2,
    InteriorTable = 5,
    LeafIndex = 10,
    LeafTable = 13,
}

impl PageKind {
    pub(super) fn header_bytes(self) -> usize {
        match self {
            Self::InteriorIndex | Self::InteriorTable => 12,
            Self::LeafIndex | Self::LeafTable => 8,
        }
    }
}

/// Bytes of a cell's entry in the page's cell pointer array.
pub(super) const POINTER_BYTES: usize = 2;

/// Maximum payload of a table leaf cell, in bytes.
const TABLE_MAX_LOCAL: usize = PAGE_BYTES - 35;
/// Maximum payload of an index cell, in bytes.
const INDEX_MAX_LOCAL: usize = (PAGE_BYTES - 12) * 64 / 255 - 23;
/// Minimum payload of a cell whose rest overflows, in bytes.
const MIN_LOCAL: usize = (PAGE_BYTES - 12) * 32 / 255 - 23;
/// Payload bytes of an overflow page.
const OVERFLOW_BYTES: usize = PAGE_BYTES - 4;

/// Appends a table leaf cell for a row.
pub(super) fn push_table_cell(
    out: &mut Vec<u8>,
    rowid: u64,
    payload: &[u8],
    pages: &PageFile,
) -> io::Result<()> {
    push_varint(out, payload.len() as u64);
    push_varint(out, rowid);
    push_payload(out, payload, PageKind::LeafTable, pages)
}

/// Appends an index cell for an entry; an interior page puts the child's number before it.
pub(super) fn push_index_cell(out: &mut Vec<u8>, payload: &[u8], pages: &PageFile) -> io::Result<()> {
    push_varint(out, payload.len() as u64);
    push_payload(out, payload, PageKind::LeafIndex, pages)
}

fn push_payload(out: &mut Vec<u8>, payload: &[u8], kind: PageKind, pages: &PageFile) -> io::Result<()> {
    let local = local_bytes(payload.len(), kind);
    out.extend_from_slice(&payload[..local]);
    if local < payload.len() {
        out.extend_from_slice(&write_overflow(&payload[local..], pages)?.to_be_bytes());
    }
    Ok(())
}

/// Bytes of a payload that stay in its cell.
pub(super) fn local_bytes(payload: usize, kind: PageKind) -> usize {
    let most = match kind {
        PageKind::LeafTable | PageKind::InteriorTable => TABLE_MAX_LOCAL,
        PageKind::LeafIndex | PageKind::InteriorIndex => INDEX_MAX_LOCAL,
    };
    if payload <= most {
        return payload;
    }
    let surplus = MIN_LOCAL + (payload - MIN_LOCAL) % OVERFLOW_BYTES;
    if surplus <= most { surplus } else { MIN_LOCAL }
}

/// Writes the chain of overflow pages. Returns its first page.
fn write_overflow(rest: &[u8], pages: &PageFile) -> io::Result<u32> {
    let count = u32::try_from(rest.len().div_ceil(OVERFLOW_BYTES))
        .map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    let mut numbers = pages.reserve(count)?.peekable();
    let first = numbers.peek().copied().unwrap_or_default();
    for chunk in rest.chunks(OVERFLOW_BYTES) {
        let Some(number) = numbers.next() else { break };
        let next = numbers.peek().copied().unwrap_or_default();
        let mut page = [0; PAGE_BYTES];
        page[..4].copy_from_slice(&next.to_be_bytes());
        page[4..4 + chunk.len()].copy_from_slice(chunk);
        pages.write(number, &page)?;
    }
    Ok(first)
}

/// Lays cells out on a page: pointers from the front, cells from the back. `at` is 100 on page 1, else 0.
pub(super) fn lay_out<'a>(
    page: &mut [u8; PAGE_BYTES],
    at: usize,
    kind: PageKind,
    right_most: u32,
    cells: impl Iterator<Item = (Option<u32>, &'a [u8])>,
) {
    let header = at + kind.header_bytes();
    let mut pointer = header;
    let mut content = PAGE_BYTES;
    let mut count = 0_u16;
    for (child, cell) in cells {
        content -= cell.len() + child.map_or(0, |_| 4);
        page[pointer..pointer + 2].copy_from_slice(&low_u16(content).to_be_bytes());
        pointer += POINTER_BYTES;
        let mut start = content;
        if let Some(child) = child {
            page[start..start + 4].copy_from_slice(&child.to_be_bytes());
            start += 4;
        }
        page[start..start + cell.len()].copy_from_slice(cell);
        count += 1;
    }
    debug_assert!(pointer <= content, "cells must fit on their page");
    page[at] = kind as u8;
    page[at + 3..at + 5].copy_from_slice(&count.to_be_bytes());
    page[at + 5..at + 7].copy_from_slice(&low_u16(content).to_be_bytes());
    if kind.header_bytes() == 12 {
        page[at + 8..at + 12].copy_from_slice(&right_most.to_be_bytes());
    }
}

/// Offsets within a page fit 16 bits, as a page has 4096 bytes.
fn low_u16(number: usize) -> u16 {
    let bytes = number.to_le_bytes();
    u16::from_le_bytes([bytes[0], bytes[1]])
}
