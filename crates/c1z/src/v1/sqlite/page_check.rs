//! Checks that the pages of a written database are consistent: their number is that of the header, each is referred to exactly
//! once, and none of them is SQLite's lock page. The check sees pages once and in order, so it costs next to nothing while a file
//! is read back. SQLite's own checks need an unpacked copy, and the thorough one takes longer than writing.

use std::io;

use super::PAGE_BYTES;
use super::cells::POINTER_BYTES;
use super::cells::PageKind;
use super::cells::local_bytes;
use super::database::HEADER_BYTES;
use super::page_file::LOCK_PAGE;
use super::record::read_varint;

/// Checks one page after the other.
#[derive(Debug)]
pub(crate) struct PageCheck {
    /// Number of pages by the size of the file.
    pages: u32,
    /// Pages seen so far.
    seen: u32,
    /// A bit for each page that another page refers to.
    referred: Vec<u64>,
    references: u32,
    lock_page: u32,
}

impl PageCheck {
    /// A check for a file of `bytes`.
    pub(crate) fn new(bytes: u64) -> io::Result<Self> {
        let pages = u32::try_from(bytes / PAGE_BYTES as u64).map_err(|_| io::ErrorKind::FileTooLarge)?;
        Ok(Self {
            pages,
            seen: 0,
            referred: vec![0; pages as usize / 64 + 1],
            references: 0,
            lock_page: LOCK_PAGE,
        })
    }

    /// Moves the lock page.
    #[cfg(test)]
    pub(super) fn with_locks_on(self, lock_page: u32) -> Self {
        Self { lock_page, ..self }
    }

    /// Checks the next pages, which must be complete.
    pub(crate) fn check(&mut self, pages: &[u8]) -> io::Result<()> {
        let (pages, rest) = pages.as_chunks::<PAGE_BYTES>();
        for page in pages {
            self.seen += 1;
            self.one(page)
                .ok_or_else(|| broken(&format!("page {} is not sound", self.seen)))?;
        }
        if rest.is_empty() {
            Ok(())
        } else {
            Err(broken("it ends within a page"))
        }
    }

    /// Checks the totals after the last page. Only the first page and the roots, which the schema names, have no reference.
    pub(crate) fn finish(self, roots: usize) -> io::Result<()> {
        if self.seen != self.pages {
            return Err(broken(&format!("it has {} pages of {}", self.seen, self.pages)));
        }
        let without_retained = 1 + u32::from(self.seen >= self.lock_page);
        let standing = self.seen.checked_sub(self.references + without_retained);
        if standing.map(|standing| standing as usize) == Some(roots) {
            Ok(())
        } else {
            Err(broken(&format!("{roots} trees have lost pages, or share some")))
        }
    }

    fn one(&mut self, page: &[u8; PAGE_BYTES]) -> Option<()> {
        if self.seen == 1 && number(page, 28)? != self.pages {
            return None;
        }
        if self.seen == self.lock_page {
            return page.iter().all(|byte| *byte == 0).then_some(());
        }
        let at = if self.seen == 1 { HEADER_BYTES } else { 0 };
        let kind = match *page.get(at)? {
            2 => PageKind::InteriorIndex,
            5 => PageKind::InteriorTable,
            10 => PageKind::LeafIndex,
            13 => PageKind::LeafTable,
            // An overflow page begins with the next one's number, which is below 2^24 in a file that anybody can read.
            0 if at == 0 => {
                let next = number(page, 0)?;
                return if next == 0 { Some(()) } else { self.refer(next) };
            }
            _ => return None,
        };
        self.tree_page(page, at, kind)
    }

    fn tree_page(&mut self, page: &[u8; PAGE_BYTES], at: usize, kind: PageKind) -> Option<()> {
        let is_interior = matches!(kind, PageKind::InteriorIndex | PageKind::InteriorTable);
        if is_interior {
            self.refer(number(page, at + 8)?)?;
        }
        let count = usize::from(u16::from_be_bytes(*page.get(at + 3..)?.first_chunk()?));
        let begin = at + kind.header_bytes();
        let end = begin + count * POINTER_BYTES;
        for pointer in page.get(begin..end)?.as_chunks::<POINTER_BYTES>().0 {
            let offset = usize::from(u16::from_be_bytes(*pointer));
            let mut cell = page.get(offset..).filter(|_| offset >= end)?;
            if is_interior {
                self.refer(number(cell, 0)?)?;
                cell = &cell[4..];
            }
            if kind == PageKind::InteriorTable {
                continue;
            }
            let (payload, mut rest) = read_varint(cell)?;
            if kind == PageKind::LeafTable {
                rest = read_varint(rest)?.1;
            }
            let payload = usize::try_from(payload).ok()?;
            let local = local_bytes(payload, kind);
            if local < payload {
                self.refer(number(rest, local)?)?;
            } else if local > rest.len() {
                return None;
            }
        }
        Some(())
    }

    /// Records a reference to a page, which must be the first one to it.
    fn refer(&mut self, page: u32) -> Option<()> {
        let word = self.referred.get_mut(page as usize / 64)?;
        let bit = 1 << (page % 64);
        let is_new = *word & bit == 0 && page > 1 && page <= self.pages && page != self.lock_page;
        *word |= bit;
        self.references += 1;
        is_new.then_some(())
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn broken(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the database that was written is not whole: {what}"),
    )
}
