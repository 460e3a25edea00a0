//! `/v2/organizations`: resources, and the names that users' profiles show.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use access_core::model::RowKind;

use super::Outlet;
use super::emitter::Gathered;
use super::facts::Facts;
use super::outlet::Skips;
use super::pages::{Keyed, Pages};
use super::selection::Selection;
use crate::NinjaOneError;
use crate::client::NinjaOneClient;
use crate::mapping::{self, organization_type};
use crate::wire::{Id, OrganizationRow, Row};

/// Names by id.
pub(super) type OrganizationNames = BTreeMap<u64, Box<str>>;

impl Keyed for OrganizationRow {
    fn id(&self) -> Id {
        self.id
    }
}

/// Reads all organizations, emits the wanted ones with their entitlement, and returns all names.
pub(super) async fn read(
    client: &NinjaOneClient,
    selection: &Selection,
    outlet: &Outlet,
) -> Result<OrganizationNames, NinjaOneError> {
    let mut names = OrganizationNames::new();
    let mut skips = Skips::default();
    let mut pages = Pages::new("/v2/organizations");
    while let Some(page) = pages.next::<OrganizationRow>(client).await? {
        let mut gathered = Gathered::default();
        for row in page {
            let Row::Object(row) = row else {
                skips.wrong_shape += 1;
                continue;
            };
            let Some(id) = row.id.get() else {
                skips.unusable += 1;
                continue;
            };
            let Entry::Vacant(name) = names.entry(id) else {
                skips.duplicate += 1;
                continue;
            };
            let organization = mapping::organization(id, &row);
            name.insert(organization.display_name.as_str().into());
            if selection.organization(id) {
                if selection.access {
                    gathered.entitlement(mapping::member(&organization)?);
                }
                gathered.resource(organization);
            }
        }
        gathered.flush(outlet).await?;
    }
    if selection.organizations() {
        outlet
            .skipped(RowKind::Resource, &organization_type(), skips)
            .await?;
    }
    Ok(names)
}

/// Emits who is an end user of which organization.
pub(super) async fn grants(
    selection: &Selection,
    facts: &Facts,
    outlet: &Outlet,
) -> Result<(), NinjaOneError> {
    let mut gathered = Gathered::default();
    for pairs in facts.organizations.chunk_by(|a, b| a.0 == b.0) {
        let organization = pairs[0].0;
        if selection.organization(organization) {
            let entitlement = mapping::member_of(organization)?;
            let users: Vec<u64> = pairs.iter().map(|pair| pair.1).collect();
            gathered.grants_to(&entitlement, &users, outlet).await?;
        }
    }
    gathered.flush(outlet).await
}
