//! Columns of rows that others wrote, which may hold values of any type.

use std::borrow::Cow;

use rusqlite::Row;
use rusqlite::types::ValueRef;
use time::OffsetDateTime;

use crate::v1::timestamp;

/// A column's text; empty where it holds something else. Bytes that are not UTF-8 are replaced.
pub(crate) fn text<'r>(row: &'r Row<'_>, column: usize) -> Cow<'r, str> {
    match row.get_ref(column) {
        Ok(ValueRef::Text(bytes)) => String::from_utf8_lossy(bytes),
        _ => Cow::Borrowed(""),
    }
}

/// A column's bytes; empty where it holds something else.
pub(crate) fn bytes<'r>(row: &'r Row<'_>, column: usize) -> &'r [u8] {
    match row.get_ref(column) {
        Ok(ValueRef::Blob(bytes)) => bytes,
        _ => &[],
    }
}

/// A column's time, if it holds one.
pub(crate) fn time(row: &Row<'_>, column: usize) -> Option<OffsetDateTime> {
    match row.get_ref(column) {
        Ok(ValueRef::Text(bytes)) => timestamp::parse(std::str::from_utf8(bytes).ok()?),
        _ => None,
    }
}
