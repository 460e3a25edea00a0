//! Two syncs side by side, wherever they come from.

mod cursor;
mod records;
mod snapshot;
mod sorted;

use access_core::compare::{Change, Subject, compare};

use crate::error::DatasetError;

pub(crate) use cursor::Cursor;
pub use records::TableRecords;
pub(crate) use records::{attributes, table_of};
pub use snapshot::{PublishedSnapshot, Snapshot};
pub(crate) use snapshot::{TableFiles, removals_of};
pub use sorted::{SortedSink, SortedSync};

/// Hands over everything that differs between two syncs: users, other resources, entitlements, grants, each in the order of keys.
///
/// # Errors
/// [`DatasetError`] if a side cannot be read, or what the taker says.
pub fn differences(
    old: &mut dyn Snapshot,
    new: &mut dyn Snapshot,
    take: &mut dyn FnMut(Change) -> Result<(), DatasetError>,
) -> Result<(), DatasetError> {
    let removals = new.removals();
    for subject in Subject::ALL {
        compare(
            subject,
            &mut old.records(subject)?,
            &mut new.records(subject)?,
            &removals,
            take,
        )?;
    }
    Ok(())
}
