//! The data model: resource types, resources, entitlements, grants, syncs, and their ids.

mod attribute;
mod batch;
mod bounded_text;
mod entitlement;
mod grant;
mod ids;
mod left_out;
mod profile;
mod provenance;
mod report_schema;
mod resource;
mod resource_type;
pub mod spelling;
mod sync_id;
mod sync_run;
#[cfg(test)]
mod tests;
mod unstated;
mod user_sample;

pub use attribute::{
    AttributeFigure, AttributeRole, AttributeType, AttributeValue, IdentityClass, UserAttribute,
    UserAttributes,
};
pub use batch::{AccessBatch, RowKind};
pub use bounded_text::BoundedText;
pub use bounded_text::Description;
pub use bounded_text::DisplayName;
pub use entitlement::{Entitlement, Purpose};
pub use grant::{GrantGroup, GrantOrigin};
pub use ids::{EntitlementId, GrantId, IdError, MAX_ID_BYTES, NativeId, ResourceId, ResourceTypeId, Slug};
pub(crate) use ids::{canonical_number, resource_type_of};
pub use left_out::{LeftOut, LeftOutRow, MAX_LEFT_OUT_ROWS, MAX_SOURCE_TEXT_BYTES, clip_source_text};
pub use profile::{Profile, ProfileValue};
pub use provenance::{IdScheme, Provenance, SyncOrigin};
pub use report_schema::ReportSchema;
pub use resource::{
    AccountType, DeviceTrait, DeviceType, Email, Resource, ResourceTrait, Status, StatusState,
    StructuredName, UserTrait,
};
pub use resource_type::{ResourceType, TraitKind, TypeImportance};
pub use sync_id::{SyncId, SyncIdError};
pub use sync_run::{AccessDepth, Baseline, Completeness, SyncRun, SyncScope, SyncType};
pub use unstated::{Unstated, UnstatedNote, UnstatedScope, WithoutBaseline};
pub use user_sample::UserSample;
