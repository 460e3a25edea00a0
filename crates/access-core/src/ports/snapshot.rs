//! A finished sync that answers questions, without being read as a whole where that can be avoided.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::Serialize;
use time::OffsetDateTime;

use super::SourceError;
use crate::model::{
    Completeness, DisplayName, Entitlement, EntitlementId, GrantId, Resource, ResourceId, ResourceType,
    ResourceTypeId, Slug, SyncRun,
};

/// Takes rows until it has enough.
pub type RowVisitor<'a, T> = &'a mut dyn FnMut(T) -> ControlFlow<()>;

/// One finished sync. Calls block. Rows come in the order of their keys, so that the same sync always gives the same
/// answer, and grants are effective ones: what is held through something else is held.
pub trait AccessSnapshot: Send {
    /// Which sync it is.
    fn sync(&self) -> &FinishedSync;

    /// The kinds of things, by id.
    ///
    /// # Errors
    /// [`SourceError`] if they cannot be read.
    fn resource_types(&self) -> Result<Vec<ResourceType>, SourceError>;

    /// The same, with how many there are.
    ///
    /// # Errors
    /// [`SourceError`] if they cannot be read.
    fn resource_type_stats(&self) -> Result<Vec<ResourceTypeStats>, SourceError>;

    /// Things, by type and id.
    ///
    /// # Errors
    /// [`SourceError`] if they cannot be read.
    fn resources(&self, query: ResourceQuery<'_>, visit: RowVisitor<'_, Resource>)
    -> Result<(), SourceError>;

    /// What can be held, by id.
    ///
    /// # Errors
    /// [`SourceError`] if they cannot be read.
    fn entitlements(
        &self,
        query: EntitlementQuery<'_>,
        visit: RowVisitor<'_, EntitlementInfo>,
    ) -> Result<(), SourceError>;

    /// How many hold each entitlement that anybody holds.
    ///
    /// # Errors
    /// [`SourceError`] if they cannot be read.
    fn holder_counts(&self) -> Result<BTreeMap<EntitlementId, u64>, SourceError>;

    /// Who holds what, by entitlement, type of principal and principal.
    ///
    /// # Errors
    /// [`SourceError`] if they cannot be read.
    fn grants(&self, query: GrantQuery<'_>, visit: RowVisitor<'_, EffectiveGrant>)
    -> Result<(), SourceError>;
}

/// A sync that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FinishedSync {
    /// The sync.
    #[serde(flatten)]
    pub run: SyncRun,
    /// When the last row was read.
    #[serde(with = "time::serde::rfc3339")]
    pub ended_at: OffsetDateTime,
}

/// A kind of thing, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceTypeStats {
    /// The kind.
    pub resource_type: ResourceType,
    /// Whether all of its data was read; `None` if nothing says so.
    pub completeness: Option<Completeness>,
    /// How many there are.
    pub resources: u64,
    /// How many entitlements there are on them.
    pub entitlements: u64,
    /// How many grants there are of those.
    pub grants: u64,
}

/// What can be held, with what is worth knowing beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntitlementInfo {
    /// The entitlement.
    pub entitlement: Entitlement,
    /// The name of what it is held on; `None` if that is not listed.
    pub resource_name: Option<DisplayName>,
}

/// That somebody holds something, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveGrant {
    /// The grant's id.
    pub id: GrantId,
    /// What is held.
    pub entitlement: EntitlementId,
    /// The entitlement's last part and name, and what it is held on; `None` if it is not listed.
    pub held: Option<EntitlementSummary>,
    /// Who holds it.
    pub principal: ResourceId,
    /// The holder's name; `None` if it is not listed.
    pub principal_name: Option<DisplayName>,
    /// The holder's login, if it is a user that has one.
    pub principal_login: Option<Box<str>>,
    /// Whether it was given to the principal itself, not only through something else.
    pub direct: bool,
    /// The entitlements through which it is held, in order, the direct way included where there are others.
    pub sources: Vec<EntitlementId>,
}

/// What a listed entitlement says of itself, as grants repeat it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntitlementSummary {
    /// Which of the resource's entitlements it is.
    pub slug: Slug,
    /// Its name.
    pub display_name: DisplayName,
    /// What it is held on.
    pub resource: ResourceId,
    /// The name of that; `None` if it is not listed.
    pub resource_name: Option<DisplayName>,
    /// Whether no connector can revoke it.
    pub immutable: bool,
}

/// Some of the resources.
#[derive(Debug, Clone, Copy)]
pub enum ResourceQuery<'a> {
    /// All.
    All,
    /// Those of a type.
    OfType(&'a ResourceTypeId),
    /// Those of a type that may have this text somewhere, in either case, in no order; others may come too.
    MatchingText(&'a ResourceTypeId, &'a str),
    /// The one with this id, if there is one.
    ById(&'a ResourceId),
}

/// Some of the entitlements.
#[derive(Debug, Clone, Copy)]
pub enum EntitlementQuery<'a> {
    /// All.
    All,
    /// Those on a resource.
    OnResource(&'a ResourceId),
    /// The one with this id, if there is one.
    ById(&'a EntitlementId),
}

/// Some of the grants.
#[derive(Debug, Clone, Copy)]
pub enum GrantQuery<'a> {
    /// All.
    All,
    /// Those of an entitlement.
    OfEntitlement(&'a EntitlementId),
    /// Those that a principal has.
    OfPrincipal(&'a ResourceId),
}
