//! The previous contents of the file: whether they accept this sync, and the comparison with it.

use std::collections::BTreeSet;
use std::sync::Arc;

use access_core::location::{self, LocationConflict, LocationContents};
use access_core::model::{ResourceTypeId, SyncId, SyncRun};
use access_core::sync::{Comparer, Comparison, CurrentSync};
use c1z::{Contents, PreviousId, Writer};

use crate::error::C1zSinkError;

/// A file is continued in the format that it has, so that no format conflicts with it.
const FORMAT: &str = "c1z";

/// Checks whether a file with these contents accepts a sync of this run.
pub(crate) fn admit(contents: &Contents, run: &SyncRun) -> Result<(), LocationConflict> {
    let types: BTreeSet<ResourceTypeId> = contents
        .resource_types
        .iter()
        .filter_map(|id| ResourceTypeId::new(id).ok())
        .collect();
    let contents = LocationContents {
        tenant: contents.tenant.clone(),
        format: None,
        resource_types: Some(types),
        latest_ended_at: contents.latest_ended_at,
        checked_at: Some(time::OffsetDateTime::now_utc()),
    };
    location::check_location(&contents, run, FORMAT)
}

/// Compares the full sync in the file with the current data. `None` without a full sync.
pub(crate) fn compare(
    writer: &mut Writer,
    current: &Arc<CurrentSync>,
) -> Result<Option<Comparison>, C1zSinkError> {
    let Some((sync_id, _)) = writer.previous() else {
        return Ok(None);
    };
    let sync_id: Option<SyncId> = sync_id.parse().ok();
    let begin = || Comparer::new(Arc::clone(current), sync_id);
    let comparer = writer.fold_previous_ids(begin, |comparer, id| match id {
        PreviousId::Resource { resource_type, id } => comparer.add_resource(resource_type, id),
        PreviousId::Grant {
            entitlement,
            principal_type,
            principal,
        } => comparer.add_grant(entitlement, principal_type, principal),
    })?;
    Ok(Some(comparer.finish()))
}
