//! The unit that flows through the pipeline.

use std::fmt;

use serde::Serialize;

use super::{Entitlement, GrantGroup, Resource, ResourceType};

/// Rows of one kind, at most a few thousand, shared by all sinks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "rows", rename_all = "snake_case")]
pub enum AccessBatch {
    /// Resource types.
    ResourceTypes(Vec<ResourceType>),
    /// Resources.
    Resources(Vec<Resource>),
    /// Entitlements.
    Entitlements(Vec<Entitlement>),
    /// Grants.
    Grants(Vec<GrantGroup>),
}

impl AccessBatch {
    /// The kind of the rows.
    #[must_use]
    pub fn kind(&self) -> RowKind {
        match self {
            Self::ResourceTypes(_) => RowKind::ResourceType,
            Self::Resources(_) => RowKind::Resource,
            Self::Entitlements(_) => RowKind::Entitlement,
            Self::Grants(_) => RowKind::Grant,
        }
    }

    /// Number of rows; a grant group counts once per principal.
    #[must_use]
    pub fn rows(&self) -> u64 {
        let rows = match self {
            Self::ResourceTypes(rows) => rows.len(),
            Self::Resources(rows) => rows.len(),
            Self::Entitlements(rows) => rows.len(),
            Self::Grants(groups) => groups.iter().map(|group| group.principals.len()).sum(),
        };
        rows as u64
    }
}

/// The kinds of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// A resource type.
    ResourceType,
    /// A resource.
    Resource,
    /// An entitlement.
    Entitlement,
    /// A grant.
    Grant,
}

impl RowKind {
    /// The plural for messages, e.g. `grants`.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::ResourceType => "resource types",
            Self::Resource => "resources",
            Self::Entitlement => "entitlements",
            Self::Grant => "grants",
        }
    }
}

impl fmt::Display for RowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ResourceType => "resource type",
            Self::Resource => "resource",
            Self::Entitlement => "entitlement",
            Self::Grant => "grant",
        })
    }
}
