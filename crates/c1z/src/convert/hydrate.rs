//! Completes what v1 embeds and v3 only names: the resource and grantable types of an entitlement, the entitlement of a grant.

use std::collections::BTreeMap;

use baton_proto::connector_v2::{Entitlement, ResourceType};
use baton_proto::storage_v3::{EntitlementRef, GrantRecord};

use crate::error::C1zError;
use crate::reader::Reader;

/// Looks up named objects in the file that is converted.
pub(super) struct Hydrator<'r> {
    reader: &'r Reader,
    sync_id: &'r str,
    types: BTreeMap<String, ResourceType>,
    /// Grants of one entitlement come together.
    last: Option<(EntitlementRef, Option<Entitlement>)>,
}

impl<'r> Hydrator<'r> {
    pub(super) fn new(reader: &'r Reader, sync_id: &'r str) -> Self {
        Self {
            reader,
            sync_id,
            types: BTreeMap::new(),
            last: None,
        }
    }

    pub(super) fn add_type(&mut self, resource_type: ResourceType) {
        self.types.insert(resource_type.id.clone(), resource_type);
    }

    /// The entitlement with the objects that it names, as far as the file has them.
    pub(super) fn hydrate(&self, mut row: Entitlement) -> Result<Entitlement, C1zError> {
        for named in &mut row.grantable_to {
            if let Some(complete) = self.types.get(&named.id) {
                named.clone_from(complete);
            }
        }
        let id = row.resource.as_ref().and_then(|resource| resource.id.as_ref());
        if let Some(id) = id
            && let Some(complete) = self
                .reader
                .resource(self.sync_id, &id.resource_type, &id.resource)?
        {
            row.resource = Some(complete);
        }
        Ok(row)
    }

    /// The entitlement of a grant, if the file has it.
    pub(super) fn entitlement_of(&mut self, record: &GrantRecord) -> Result<Option<&Entitlement>, C1zError> {
        let named = record.entitlement.clone().unwrap_or_default();
        let known = self.last.as_ref().is_some_and(|(last, _)| *last == named);
        if !known {
            let found = self.reader.entitlement(self.sync_id, &named.entitlement_id)?;
            let complete = found.map(|row| self.hydrate(row)).transpose()?;
            self.last = Some((named, complete));
        }
        Ok(self.last.as_ref().and_then(|(_, complete)| complete.as_ref()))
    }
}
