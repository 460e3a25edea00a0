//! Queries of a finished sync.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::Serialize;
use time::OffsetDateTime;

use super::SourceError;
use crate::model::{
    Completeness, DisplayName, Entitlement, EntitlementId, GrantId, Resource, ResourceId, ResourceType,
    ResourceTypeId, Slug, SyncRun,
};

/// Receives rows; `Break` ends the query.
pub type RowVisitor<'a, T> = &'a mut dyn FnMut(T) -> ControlFlow<()>;

/// A finished sync. Calls block. Rows are sorted by key, so that results are reproducible, and grants are effective:
/// they include inherited ones.
pub trait AccessSnapshot: Send {
    /// The sync.
    fn sync(&self) -> &FinishedSync;

    /// All resource types, by id.
    ///
    /// # Errors
    /// [`SourceError`] if reading fails.
    fn resource_types(&self) -> Result<Vec<ResourceType>, SourceError>;

    /// All resource types with row counts.
    ///
    /// # Errors
    /// [`SourceError`] if reading fails.
    fn resource_type_stats(&self) -> Result<Vec<ResourceTypeStats>, SourceError>;

    /// Resources, by type and id.
    ///
    /// # Errors
    /// [`SourceError`] if reading fails.
    fn resources(&self, query: ResourceQuery<'_>, visit: RowVisitor<'_, Resource>)
    -> Result<(), SourceError>;

    /// Entitlements, by id.
    ///
    /// # Errors
    /// [`SourceError`] if reading fails.
    fn entitlements(
        &self,
        query: EntitlementQuery<'_>,
        visit: RowVisitor<'_, EntitlementInfo>,
    ) -> Result<(), SourceError>;

    /// Number of principals of each entitlement that has any.
    ///
    /// # Errors
    /// [`SourceError`] if reading fails.
    fn holder_counts(&self) -> Result<BTreeMap<EntitlementId, u64>, SourceError>;

    /// Effective grants, by entitlement, principal type and principal.
    ///
    /// # Errors
    /// [`SourceError`] if reading fails.
    fn grants(&self, query: GrantQuery<'_>, visit: RowVisitor<'_, EffectiveGrant>)
    -> Result<(), SourceError>;
}

/// A sync that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FinishedSync {
    /// The sync.
    #[serde(flatten)]
    pub run: SyncRun,
    /// Time at which the last row was read.
    #[serde(with = "time::serde::rfc3339")]
    pub ended_at: OffsetDateTime,
}

/// A resource type with row counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceTypeStats {
    /// The type.
    pub resource_type: ResourceType,
    /// Whether it was read completely; `None` if unknown.
    pub completeness: Option<Completeness>,
    /// Number of resources.
    pub resources: u64,
    /// Number of entitlements on them.
    pub entitlements: u64,
    /// Number of grants of these entitlements.
    pub grants: u64,
}

/// An entitlement with the name of its resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntitlementInfo {
    /// The entitlement.
    pub entitlement: Entitlement,
    /// Name of its resource; `None` if it is not listed.
    pub resource_name: Option<DisplayName>,
}

/// A grant, direct or inherited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveGrant {
    /// The grant id.
    pub id: GrantId,
    /// The entitlement.
    pub entitlement: EntitlementId,
    /// Details of the entitlement; `None` if it is not listed.
    pub held: Option<EntitlementSummary>,
    /// The principal.
    pub principal: ResourceId,
    /// Name of the principal; `None` if it is not listed.
    pub principal_name: Option<DisplayName>,
    /// Login of the principal, if it is a user with one.
    pub principal_login: Option<Box<str>>,
    /// Whether it is granted directly, not only inherited.
    pub direct: bool,
    /// The entitlements that it is inherited from, sorted; includes the granted one if it is also direct.
    pub sources: Vec<EntitlementId>,
}

/// Details of an entitlement that grants repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntitlementSummary {
    /// Name of the entitlement within its resource.
    pub slug: Slug,
    /// The display name.
    pub display_name: DisplayName,
    /// The resource.
    pub resource: ResourceId,
    /// Name of the resource; `None` if it is not listed.
    pub resource_name: Option<DisplayName>,
    /// Whether it is read-only.
    pub immutable: bool,
}

/// Selects resources.
#[derive(Debug, Clone, Copy)]
pub enum ResourceQuery<'a> {
    /// No filter.
    All,
    /// Resources of a type.
    OfType(&'a ResourceTypeId),
    /// Resources of a type that may contain this text, ignoring ASCII case, unordered; may include others.
    MatchingText(&'a ResourceTypeId, &'a str),
    /// By id.
    ById(&'a ResourceId),
}

/// Selects entitlements.
#[derive(Debug, Clone, Copy)]
pub enum EntitlementQuery<'a> {
    /// No filter.
    All,
    /// Entitlements of a resource.
    OnResource(&'a ResourceId),
    /// By id.
    ById(&'a EntitlementId),
}

/// Selects grants.
#[derive(Debug, Clone, Copy)]
pub enum GrantQuery<'a> {
    /// No filter.
    All,
    /// Grants of an entitlement.
    OfEntitlement(&'a EntitlementId),
    /// Grants of a principal.
    OfPrincipal(&'a ResourceId),
}
