//! `inspect roles`, `inspect resources` and `inspect entitlements`.

use std::collections::BTreeMap;
use std::ops::ControlFlow::Continue;

use access_core::model::{ResourceId, TraitKind};
use access_core::ports::{EntitlementQuery, ResourceQuery};
use access_core::query;

use super::resource_types::types_with_trait;
use super::runner::QueryRunner;
use crate::commands::inspect::args::ResourceFilterArgs;
use crate::commands::inspect::columns;
use crate::failure::Failure;

/// The default types of a list of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ResourceList {
    /// Roles.
    Roles,
    /// Resources of every type.
    All,
}

impl QueryRunner<'_> {
    pub(super) fn roles(&mut self, filter: &ResourceFilterArgs) -> Result<(), Failure> {
        self.list_resources(filter, ResourceList::Roles)
    }

    pub(super) fn resources(&mut self, filter: &ResourceFilterArgs) -> Result<(), Failure> {
        self.list_resources(filter, ResourceList::All)
    }

    /// Resources with their numbers of entitlements and grants.
    fn list_resources(&mut self, filter: &ResourceFilterArgs, list: ResourceList) -> Result<(), Failure> {
        let mut totals: BTreeMap<ResourceId, (u64, u64)> = BTreeMap::new();
        let counts = self.snapshot.holder_counts()?;
        self.snapshot.entitlements(EntitlementQuery::All, &mut |row| {
            let grants = counts.get(&row.entitlement.id).copied().unwrap_or_default();
            let total = totals.entry(row.entitlement.resource).or_default();
            *total = (total.0 + 1, total.1 + grants);
            Continue(())
        })?;
        let names = match list {
            ResourceList::Roles if filter.types.is_empty() => ("role", "roles"),
            ResourceList::Roles => ("thing", "things"),
            ResourceList::All => ("resource", "resources"),
        };
        let mut total = 0;
        self.print_rows(
            (columns::ROLES, columns::RESOURCE_KEY),
            names,
            |snapshot, rows| {
                let types = match list {
                    ResourceList::All if filter.types.is_empty() => snapshot
                        .resource_types()?
                        .into_iter()
                        .map(|resource_type| resource_type.id)
                        .collect(),
                    ResourceList::Roles | ResourceList::All => {
                        types_with_trait(snapshot, TraitKind::Role, &filter.types)?
                    }
                };
                for resource_type in types {
                    snapshot.resources(ResourceQuery::OfType(&resource_type), &mut |row| {
                        total += 1;
                        let text = filter.text.as_ref();
                        if !text.is_none_or(|text| query::matches_text(&row, text)) {
                            return Continue(());
                        }
                        let (entitlements, grants) = totals.get(&row.id).copied().unwrap_or_default();
                        rows.push(columns::role(&row, entitlements, grants))
                    })?;
                }
                Ok(filter.text.is_some().then_some((total, names.1)))
            },
        )
    }

    pub(super) fn entitlements(&mut self, filter: &ResourceFilterArgs) -> Result<(), Failure> {
        let counts = self.snapshot.holder_counts()?;
        let names = ("entitlement", "entitlements");
        let mut total = 0;
        self.print_rows(
            (columns::ENTITLEMENTS, columns::ENTITLEMENT_KEY),
            names,
            |snapshot, rows| {
                snapshot.entitlements(EntitlementQuery::All, &mut |row| {
                    total += 1;
                    let held = &row.entitlement;
                    let resource_name = row.resource_name.as_ref().map_or("", |name| name.as_str());
                    let texts = [held.id.as_str(), held.display_name.as_str(), resource_name];
                    if !filter.includes(Some(&held.resource.resource_type), &texts) {
                        return Continue(());
                    }
                    let grants = counts.get(&held.id).copied().unwrap_or_default();
                    rows.push(columns::entitlement(&row, grants))
                })?;
                Ok(filter.is_filter().then_some((total, names.1)))
            },
        )
    }
}
