//! B-trees filled from left to right. Every page is written once, when it is full.

use std::io;
use std::mem::take;

use super::PAGE_BYTES;
use super::cells::POINTER_BYTES;
use super::cells::PageKind;
use super::cells::lay_out;
use super::cells::push_index_cell;
use super::cells::push_table_cell;
use super::page_file::PageFile;
use super::record::push_varint;

/// A table: rows in the order of their ids.
#[derive(Debug)]
pub(super) struct TableTree {
    leaf: Leaf,
    last_rowid: u64,
    interior: Interior,
}

/// An index: entries in key order.
#[derive(Debug)]
pub(super) struct IndexTree {
    leaf: Leaf,
    /// A full leaf and the entry after it, which will separate it from its right neighbour. It waits until the
    /// neighbour has an entry of its own, because a b-tree must not end in an empty page.
    pending: Option<(Leaf, Vec<u8>)>,
    interior: Interior,
}

/// The cells of a leaf in one buffer.
#[derive(Debug)]
struct Leaf {
    kind: PageKind,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Leaf {
    fn new(kind: PageKind) -> Self {
        Self {
            kind,
            bytes: Vec::with_capacity(PAGE_BYTES),
            ends: Vec::new(),
        }
    }

    fn fits(&self, cell: &[u8]) -> bool {
        let pointers = (self.ends.len() + 1) * POINTER_BYTES;
        self.kind.header_bytes() + pointers + self.bytes.len() + cell.len() <= PAGE_BYTES
    }

    fn push(&mut self, cell: &[u8]) {
        self.bytes.extend_from_slice(cell);
        self.ends.push(self.bytes.len());
    }

    fn pop(&mut self) -> Vec<u8> {
        self.ends.pop();
        self.bytes.split_off(self.ends.last().copied().unwrap_or(0))
    }

    fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn write(&self, pages: &PageFile) -> io::Result<u32> {
        let mut page = [0; PAGE_BYTES];
        let mut start = 0;
        let cells = self.ends.iter().map(|end| {
            let cell = &self.bytes[start..*end];
            start = *end;
            (None, cell)
        });
        lay_out(&mut page, 0, self.kind, 0, cells);
        pages.append(&page)
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

impl TableTree {
    pub(super) fn new() -> Self {
        Self {
            leaf: Leaf::new(PageKind::LeafTable),
            last_rowid: 0,
            interior: Interior::new(PageKind::InteriorTable),
        }
    }

    /// Adds a row; `scratch` is for the cell's bytes.
    pub(super) fn push(
        &mut self,
        rowid: u64,
        record: &[u8],
        scratch: &mut Vec<u8>,
        pages: &PageFile,
    ) -> io::Result<()> {
        scratch.clear();
        push_table_cell(scratch, rowid, record, pages)?;
        if !self.leaf.fits(scratch) {
            self.close_leaf(pages)?;
        }
        self.leaf.push(scratch);
        self.last_rowid = rowid;
        Ok(())
    }

    fn close_leaf(&mut self, pages: &PageFile) -> io::Result<()> {
        let page = self.leaf.write(pages)?;
        self.leaf.clear();
        let mut key = Vec::with_capacity(9);
        push_varint(&mut key, self.last_rowid);
        self.interior.push(0, page, key, pages)
    }

    /// Finishes the tree. Returns its root page.
    pub(super) fn finish(self, pages: &PageFile) -> io::Result<u32> {
        let last = self.leaf.write(pages)?;
        self.interior.finish(last, pages)
    }

    /// Finishes the current leaf. Returns all leaves with their last row ids instead of a root.
    pub(super) fn into_leaves(mut self, pages: &PageFile) -> io::Result<Vec<(u32, Vec<u8>)>> {
        self.close_leaf(pages)?;
        let level = self.interior.levels.into_iter().next();
        Ok(level.map(|level| level.cells).unwrap_or_default())
    }

    /// Finishes the current leaf, so that the next row begins a new one.
    pub(super) fn break_leaf(&mut self, pages: &PageFile) -> io::Result<()> {
        self.close_leaf(pages)
    }
}

impl IndexTree {
    pub(super) fn new() -> Self {
        let leaf = Leaf::new(PageKind::LeafIndex);
        Self {
            leaf,
            pending: None,
            interior: Interior::new(PageKind::InteriorIndex),
        }
    }

    /// Adds an entry; `scratch` is for the cell's bytes.
    pub(super) fn push(&mut self, record: &[u8], scratch: &mut Vec<u8>, pages: &PageFile) -> io::Result<()> {
        scratch.clear();
        push_index_cell(scratch, record, pages)?;
        if self.leaf.fits(scratch) {
            self.leaf.push(scratch);
            return Ok(());
        }
        self.write_pending(pages)?;
        let full = std::mem::replace(&mut self.leaf, Leaf::new(PageKind::LeafIndex));
        self.pending = Some((full, scratch.clone()));
        Ok(())
    }

    fn write_pending(&mut self, pages: &PageFile) -> io::Result<()> {
        if let Some((leaf, divider)) = self.pending.take() {
            let page = leaf.write(pages)?;
            self.interior.push(0, page, divider, pages)?;
        }
        Ok(())
    }

    /// Finishes the tree. Returns its root page.
    pub(super) fn finish(mut self, pages: &PageFile) -> io::Result<u32> {
        if let (true, Some((full, divider))) = (self.leaf.is_empty(), &mut self.pending) {
            self.leaf.push(divider);
            *divider = full.pop();
        }
        self.write_pending(pages)?;
        let last = self.leaf.write(pages)?;
        self.interior.finish(last, pages)
    }
}

/// The levels above the leaves. A cell separates two children: it has the page of the left one and the divider.
#[derive(Debug)]
struct Interior {
    kind: PageKind,
    levels: Vec<Level>,
}

#[derive(Debug, Default)]
struct Level {
    cells: Vec<(u32, Vec<u8>)>,
    bytes: usize,
    pending: Option<FullPage>,
}

/// A full interior page that waits until its right neighbour has a cell of its own.
#[derive(Debug)]
struct FullPage {
    cells: Vec<(u32, Vec<u8>)>,
    right_most: u32,
    divider: Vec<u8>,
}

impl Interior {
    fn new(kind: PageKind) -> Self {
        Self {
            kind,
            levels: Vec::new(),
        }
    }

    fn push(&mut self, depth: usize, child: u32, divider: Vec<u8>, pages: &PageFile) -> io::Result<()> {
        if self.levels.len() == depth {
            self.levels.push(Level::default());
        }
        let cost = 4 + divider.len() + POINTER_BYTES;
        let level = &mut self.levels[depth];
        if self.kind.header_bytes() + level.bytes + cost <= PAGE_BYTES {
            level.cells.push((child, divider));
            level.bytes += cost;
            return Ok(());
        }
        let full = FullPage {
            cells: take(&mut level.cells),
            right_most: child,
            divider,
        };
        level.bytes = 0;
        let before = level.pending.replace(full);
        before.map_or(Ok(()), |before| self.write_up(depth, before, pages))
    }

    fn write_up(&mut self, depth: usize, full: FullPage, pages: &PageFile) -> io::Result<()> {
        let page = self.write(&full.cells, full.right_most, pages)?;
        self.push(depth + 1, page, full.divider, pages)
    }

    fn write(&self, cells: &[(u32, Vec<u8>)], right_most: u32, pages: &PageFile) -> io::Result<u32> {
        let mut page = [0; PAGE_BYTES];
        let cells = cells
            .iter()
            .map(|(child, divider)| (Some(*child), divider.as_slice()));
        lay_out(&mut page, 0, self.kind, right_most, cells);
        pages.append(&page)
    }

    /// Finishes all levels above the last child. Returns the root page.
    fn finish(mut self, last: u32, pages: &PageFile) -> io::Result<u32> {
        let mut child = last;
        let mut depth = 0;
        while depth < self.levels.len() {
            let level = &mut self.levels[depth];
            let mut cells = take(&mut level.cells);
            if let Some(mut full) = level.pending.take() {
                if cells.is_empty()
                    && let Some((left, divider)) = full.cells.pop()
                {
                    let right_most = std::mem::replace(&mut full.right_most, left);
                    cells.push((right_most, std::mem::replace(&mut full.divider, divider)));
                }
                self.write_up(depth, full, pages)?;
            }
            child = self.write(&cells, child, pages)?;
            depth += 1;
        }
        Ok(child)
    }
}
