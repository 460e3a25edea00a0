//! The vocabulary: resource types, resources, entitlements, grants, syncs, and the ids that name them.

mod batch;
mod entitlement;
mod grant;
mod ids;
mod profile;
mod resource;
mod resource_type;
mod sync_id;
mod sync_run;
mod text;
#[cfg(test)]
mod words;

pub use batch::{AccessBatch, RowKind};
pub use entitlement::{Entitlement, Purpose};
pub use grant::{GrantGroup, GrantOrigin};
pub use ids::{EntitlementId, GrantId, IdError, MAX_ID_BYTES, NativeId, ResourceId, ResourceTypeId, Slug};
pub use profile::{Profile, ProfileValue};
pub use resource::{
    AccountType, DeviceTrait, DeviceType, Email, Resource, Status, StatusState, StructuredName, Trait,
    UserTrait,
};
pub use resource_type::{ResourceType, TraitKind, TypeImportance};
pub use sync_id::{SyncId, SyncIdError};
pub use sync_run::{AccessDepth, Baseline, Completeness, SyncRun, SyncScope, SyncType};
pub use text::{BoundedText, Description, DisplayName};
