//! Describes how grants came about.

use std::collections::HashMap;
use std::ops::ControlFlow::Break;

use access_core::model::EntitlementId;
use access_core::ports::{AccessSnapshot, EffectiveGrant, EntitlementQuery, SourceError};

/// Describes how grants came about. Caches the names of intermediate entitlements.
pub(crate) struct ProvenanceFormatter<'a> {
    snapshot: &'a dyn AccessSnapshot,
    names: HashMap<EntitlementId, String>,
}

impl<'a> ProvenanceFormatter<'a> {
    pub(crate) fn new(snapshot: &'a dyn AccessSnapshot) -> Self {
        Self {
            snapshot,
            names: HashMap::new(),
        }
    }

    /// `direct`, or the entitlements that the grant came through.
    pub(crate) fn describe(&mut self, row: &EffectiveGrant) -> Result<String, SourceError> {
        let mut through = Vec::new();
        for source in row.sources.iter().filter(|source| **source != row.entitlement) {
            through.push(self.name(source)?);
        }
        Ok(match (row.direct, through.is_empty()) {
            (true, true) => "direct".to_owned(),
            (true, false) => format!("direct, and through {}", through.join(", ")),
            (false, false) => format!("through {}", through.join(", ")),
            (false, true) => "through another entitlement".to_owned(),
        })
    }

    /// The name of the resource of an intermediate entitlement, with the id.
    fn name(&mut self, id: &EntitlementId) -> Result<String, SourceError> {
        if let Some(known) = self.names.get(id) {
            return Ok(known.clone());
        }
        let mut name = id.to_string();
        self.snapshot
            .entitlements(EntitlementQuery::ById(id), &mut |row| {
                if let Some(resource) = row.resource_name {
                    name = format!("{resource} ({id})");
                }
                Break(())
            })?;
        self.names.insert(id.clone(), name.clone());
        Ok(name)
    }
}
