//! What the readers of lists need to know of a row.

use super::Id;

/// A row of a list.
pub(crate) trait ListRow {
    /// The id that tells the row from others.
    fn id(&self) -> Id;

    /// What people know it by: a name, with the address where there is one.
    fn label(&self) -> Option<Box<str>>;
}

/// A row of a list that comes in pages.
pub(crate) trait PagedRow: ListRow {
    /// The most rows of such a list. No tenant is that large; a hostile one must not fill memory.
    const MAX_ROWS: u64;

    /// What the row takes in memory, in bytes, with what is kept of it later.
    fn bytes(&self) -> usize;

    /// The fields that are not readable, except the id.
    fn unreadable(&self) -> impl Iterator<Item = &'static str>;

    /// The fields that are clipped.
    fn clipped(&self) -> impl Iterator<Item = &'static str>;
}
