//! Collects the rows of a sync in the order of their arrival.

use std::collections::{BTreeMap, HashMap};

use access_core::model::{
    AccessBatch, Completeness, Entitlement as EntitlementRow, EntitlementId, GrantGroup, GrantOrigin,
    NativeId, Resource, ResourceTypeId, UserAttributes,
};
use access_core::sync::SyncSummary;

use crate::entitlements::Entitlement;
use crate::entitlements::Holders;
use crate::entitlements::ListedType;
use crate::entitlements::Origin;
use crate::entitlements::OtherPrincipal;
use crate::error::ReportError;
use crate::model::Model;
use crate::users::{AttributeKeys, Person};

/// Builds a [`Model`].
#[derive(Debug, Default)]
pub(crate) struct Collector {
    model: Model,
    attributes: UserAttributes,
    kinds: HashMap<ResourceTypeId, u32>,
    /// Indices of people.
    people: HashMap<ResourceTypeId, HashMap<NativeId, u32>>,
    /// Names of everything else.
    names: HashMap<ResourceTypeId, HashMap<NativeId, Box<str>>>,
    /// Descriptions of everything that has one.
    descriptions: HashMap<ResourceTypeId, HashMap<NativeId, Box<str>>>,
    /// Indices of other principals with grants.
    others: HashMap<ResourceTypeId, HashMap<NativeId, u32>>,
    entitlements: HashMap<EntitlementId, usize>,
    origins: HashMap<Origin, u32>,
}

/// Marks the index of another principal until the number of people is known.
const OTHER: u32 = 1 << 31;

impl Collector {
    /// A collector of users with these attributes, as far as reports have them.
    pub(crate) fn new(attributes: UserAttributes) -> Self {
        let mut collector = Self {
            attributes,
            ..Self::default()
        };
        collector.model.attributes = AttributeKeys::new(attributes);
        collector
    }

    /// Adds rows.
    pub(crate) fn take(&mut self, batch: &AccessBatch) -> Result<(), ReportError> {
        match batch {
            AccessBatch::ResourceTypes(rows) => {
                for row in rows {
                    let index = indices(self.model.kinds.len())?;
                    self.kinds.insert(row.id.clone(), index);
                    self.model.kinds.push(ListedType {
                        id: row.id.as_str().into(),
                        name: row.display_name.as_str().into(),
                        trait_kind: row.trait_kind.as_str().into(),
                        complete: true,
                        incomplete_reason: None,
                        resources: 0,
                    });
                }
                Ok(())
            }
            AccessBatch::Resources(rows) => rows.iter().try_for_each(|row| self.resource(row)),
            AccessBatch::Entitlements(rows) => rows.iter().try_for_each(|row| self.entitlement(row)),
            AccessBatch::Grants(groups) => groups.iter().try_for_each(|group| self.grants(group)),
        }
    }

    fn resource(&mut self, row: &Resource) -> Result<(), ReportError> {
        let kind = self.kind(&row.id.resource_type)?;
        self.model.kinds[kind as usize].resources += 1;
        let (resource_type, id) = (&row.id.resource_type, &row.id.id);
        if let Some(description) = &row.description {
            within(&mut self.descriptions, resource_type).insert(id.clone(), description.as_str().into());
        }
        if let Some(person) = Person::from_resource(row, self.attributes, &mut self.model.words) {
            let index = indices(self.model.people.len())?;
            self.model.people.push(person);
            within(&mut self.people, resource_type).insert(id.clone(), index);
        } else {
            within(&mut self.names, resource_type).insert(id.clone(), row.display_name.as_str().into());
        }
        Ok(())
    }

    fn entitlement(&mut self, row: &EntitlementRow) -> Result<(), ReportError> {
        let resource_name = self.name(&row.resource.resource_type, &row.resource.id)?;
        self.entitlements
            .insert(row.id.clone(), self.model.entitlements.len());
        self.model.holders.push(Holders::default());
        self.model.entitlements.push(Entitlement {
            id: row.id.as_str().into(),
            kind: self.kind(&row.resource.resource_type)?,
            resource: row.resource.id.as_str().into(),
            resource_name,
            resource_description: self
                .descriptions
                .get(&row.resource.resource_type)
                .and_then(|descriptions| descriptions.get(&row.resource.id))
                .cloned(),
            slug: row.slug.as_str().into(),
            name: row.display_name.as_str().into(),
            description: row.description.as_ref().map(|text| text.as_str().into()),
            purpose: row.purpose.as_str().into(),
            immutable: row.immutable,
        });
        Ok(())
    }

    fn grants(&mut self, group: &GrantGroup) -> Result<(), ReportError> {
        let index = self.entitlements.get(&group.entitlement).copied();
        let index = index.ok_or_else(|| dangling(&group.entitlement))?;
        for (n, principal) in group.principals.iter().enumerate() {
            let who = self.principal(&group.principal_type, principal)?;
            let origin = group.origins.as_ref().and_then(|origins| origins.get(n));
            let origin = origin.map_or(0, |origin| self.origin(origin));
            self.model.holders[index].push(who, origin);
        }
        Ok(())
    }

    /// The index of a principal. A principal that is not a person gets one at its first grant.
    fn principal(&mut self, resource_type: &ResourceTypeId, id: &NativeId) -> Result<u32, ReportError> {
        if let Some(index) = self.people.get(resource_type).and_then(|people| people.get(id)) {
            return Ok(*index);
        }
        if let Some(index) = self.others.get(resource_type).and_then(|others| others.get(id)) {
            return Ok(*index);
        }
        let name = self.name(resource_type, id)?;
        let index = indices(self.model.others.len())? | OTHER;
        self.model.others.push(OtherPrincipal {
            name,
            resource_type: resource_type.as_str().into(),
            id: id.as_str().into(),
        });
        within(&mut self.others, resource_type).insert(id.clone(), index);
        Ok(index)
    }

    fn origin(&mut self, row: &GrantOrigin) -> u32 {
        if row.direct && row.sources.is_empty() {
            return 0;
        }
        let mut sources: Vec<Box<str>> = row.sources.iter().map(|id| id.as_str().into()).collect();
        sources.sort_unstable();
        let origin = Origin {
            direct: row.direct,
            sources,
        };
        let next = u32::try_from(self.origins.len() + 1).unwrap_or(u32::MAX);
        *self.origins.entry(origin.clone()).or_insert_with(|| {
            self.model.origins.push(origin);
            next
        })
    }

    fn kind(&self, id: &ResourceTypeId) -> Result<u32, ReportError> {
        self.kinds.get(id).copied().ok_or_else(|| dangling(id))
    }

    fn name(&self, resource_type: &ResourceTypeId, id: &NativeId) -> Result<Box<str>, ReportError> {
        if let Some(name) = self.names.get(resource_type).and_then(|names| names.get(id)) {
            return Ok(name.clone());
        }
        let person = self.people.get(resource_type).and_then(|people| people.get(id));
        person
            .map(|index| self.model.people[*index as usize].name.clone())
            .ok_or_else(|| dangling(id))
    }

    /// Completes the model.
    pub(crate) fn finish(mut self, summary: &SyncSummary) -> Result<Model, ReportError> {
        let completeness: BTreeMap<&str, &Completeness> = summary
            .completeness
            .iter()
            .map(|(id, state)| (id.as_str(), state))
            .collect();
        for kind in &mut self.model.kinds {
            if let Some(Completeness::Incomplete { reason }) = completeness.get(&*kind.id) {
                kind.complete = false;
                kind.incomplete_reason = Some(reason.as_str().into());
            }
        }
        let people = indices(self.model.people.len())?;
        for principal in self
            .model
            .holders
            .iter_mut()
            .flat_map(|holders| &mut holders.principals)
        {
            if *principal & OTHER != 0 {
                *principal = (*principal & !OTHER) + people;
            }
        }
        self.model.sort();
        Ok(self.model)
    }
}

fn within<'a, V>(
    map: &'a mut HashMap<ResourceTypeId, HashMap<NativeId, V>>,
    resource_type: &ResourceTypeId,
) -> &'a mut HashMap<NativeId, V> {
    map.entry(resource_type.clone()).or_default()
}

/// The next index after this many items.
fn indices(before: usize) -> Result<u32, ReportError> {
    u32::try_from(before)
        .ok()
        .filter(|index| index & OTHER == 0)
        .ok_or(ReportError::TooMany)
}

/// The pipeline's checks rule it out.
fn dangling(id: &impl ToString) -> ReportError {
    ReportError::Dangling { id: id.to_string() }
}
