//! Two syncs side by side, wherever they come from.

mod cursor;
mod published_snapshot;
mod sorted_sync;
mod table_records;

use access_core::diff::{RecordChange, RecordKind, compare};

use crate::error::DatasetError;

pub(crate) use cursor::Cursor;
pub use published_snapshot::PublishedSnapshot;
pub use published_snapshot::Snapshot;
pub(crate) use published_snapshot::TableFiles;
pub(crate) use published_snapshot::removals_of;
pub use sorted_sync::SortedSink;
pub use sorted_sync::SortedSync;
pub use table_records::TableRecords;
pub(crate) use table_records::attributes;
pub(crate) use table_records::table_of;

/// Calls `take` with every difference between two syncs: users, other resources, entitlements, grants, each in the order of keys.
///
/// # Errors
/// [`DatasetError`] if a side cannot be read, or the error of `take`.
pub fn differences(
    old: &mut dyn Snapshot,
    new: &mut dyn Snapshot,
    take: &mut dyn FnMut(RecordChange) -> Result<(), DatasetError>,
) -> Result<(), DatasetError> {
    let removals = new.removals();
    for subject in RecordKind::ALL {
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
