//! Entitlements in memory.

use access_core::model::{EntitlementId, Slug};

use super::resource_directory::Ordinal;

/// An entitlement as grants need it.
pub(super) struct ListedEntitlement {
    pub(super) id: EntitlementId,
    pub(super) slug: Slug,
    pub(super) name: Box<str>,
    pub(super) resource: Ordinal,
    pub(super) immutable: bool,
}
