//! How something is held, in words.

use std::collections::HashMap;
use std::ops::ControlFlow::Break;

use access_core::model::EntitlementId;
use access_core::ports::{AccessSnapshot, EffectiveGrant, EntitlementQuery, SourceError};

/// Tells how grants came about; remembers the names of what they came through.
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

    /// `direct`, or through what.
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

    /// The name of what a source is held on, with its id.
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
