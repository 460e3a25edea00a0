//! The previous contents of the file: whether they accept this sync, and the comparison with it.

use std::collections::BTreeSet;
use std::sync::Arc;

use access_core::location::{self, LocationConflict, LocationContents};
use access_core::model::{IdScheme, ResourceTypeId, SyncId, SyncOrigin, SyncRun, UserSample};
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

/// Where the syncs of a file came from.
pub(crate) fn origin(contents: &Contents) -> SyncOrigin {
    let users = contents.user_sample.iter();
    SyncOrigin {
        id_scheme: contents.id_scheme.as_deref().map(IdScheme::new),
        client_id: contents.client_id.clone(),
        users: UserSample::from_entries(users.map(|(id, hash)| (id.as_str(), hash.as_str()))),
    }
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
