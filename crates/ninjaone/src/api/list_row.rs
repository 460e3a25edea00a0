//! What the readers of lists require of a row.

use super::Id;

/// A row of a list.
pub(crate) trait ListRow {
    /// The id of the row.
    fn id(&self) -> Id;

    /// How messages name it: a name, with the address if there is one.
    fn label(&self) -> Option<Box<str>>;
}

/// A row of a paginated list.
pub(crate) trait PagedRow: ListRow {
    /// Maximum number of rows in such a list. Real tenants are smaller; a hostile one must not fill memory.
    const MAX_ROWS: u64;

    /// Memory of the row in bytes, including what is kept of it later.
    fn bytes(&self) -> usize;

    /// The unreadable fields, except the id.
    fn unreadable(&self) -> impl Iterator<Item = &'static str>;

    /// The clipped fields.
    fn clipped(&self) -> impl Iterator<Item = &'static str>;
}
