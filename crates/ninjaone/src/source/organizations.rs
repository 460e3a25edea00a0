//! `/v2/organizations`: resources, and the names that users' profiles show.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use access_core::model::{Unstated, UnstatedScope, WithoutBaseline};
use access_core::ports::{SkipReason, SkippedRow};

use super::EventSender;
use super::batch_buffer::BatchBuffer;
use super::findings::{Findings, Found};
use super::pagination::HasId;
use super::pagination::PageReader;
use super::selection::Selection;
use super::user_access::AccessIndex;
use crate::NinjaOneError;
use crate::api::Id;
use crate::api::OrganizationRow;
use crate::client::NinjaOneClient;
use crate::mapping::{self, organization_type, user_type};

const PATH: &str = "/v2/organizations";

/// Names by id.
pub(super) type OrganizationNames = BTreeMap<u64, Box<str>>;

impl HasId for OrganizationRow {
    const MAX_ROWS: u64 = 100_000;

    fn id(&self) -> Id {
        self.id
    }

    fn bytes(&self) -> usize {
        self.bytes()
    }
}

/// What was found out about organizations.
#[derive(Debug, Default)]
pub(super) struct OrganizationsRead {
    pub(super) names: Arc<OrganizationNames>,
    /// The list may have been cut: its last page was as full as one can be.
    may_be_cut: bool,
}

/// Reads all organizations and emits the wanted ones with their entitlement.
pub(super) async fn read(
    client: &NinjaOneClient,
    selection: &Selection,
    outlet: &EventSender,
) -> Result<OrganizationsRead, NinjaOneError> {
    let mut names = OrganizationNames::new();
    let mut findings = Findings::default();
    let mut pages = PageReader::new(PATH);
    while let Some(page) = pages.next::<OrganizationRow>(client).await? {
        let mut gathered = BatchBuffer::default();
        for row in page {
            let words = |row: &OrganizationRow| row.name.trimmed().map(Into::into);
            let Some((id, row)) = findings.usable(row, |row| row.id, words) else {
                continue;
            };
            let organization = mapping::organization(id, &row);
            let Entry::Vacant(name) = names.entry(id) else {
                let skipped = SkippedRow {
                    resource: Some(organization.id),
                    words: row.name.trimmed().map(str::to_owned),
                    ..SkippedRow::default()
                };
                findings.skips.book(SkipReason::Duplicate, skipped);
                continue;
            };
            for field in row.unreadable() {
                let example = || format!("{} (organization {id})", organization.display_name);
                findings.unreadable.note(field, example);
            }
            findings
                .clipped
                .note(row.clipped(), || format!("organization {id}"));
            name.insert(organization.display_name.as_str().into());
            if selection.organization(id) {
                if selection.access {
                    gathered.entitlement(mapping::member(&organization)?);
                }
                gathered.resource(organization);
                gathered.flush_full(outlet).await?;
            }
        }
        gathered.flush(outlet).await?;
    }
    outlet
        .findings(
            PATH,
            &organization_type(),
            findings,
            |_| vec![organization_type()],
        )
        .await?;
    Ok(OrganizationsRead {
        names: Arc::new(names),
        may_be_cut: pages.may_be_cut(),
    })
}

/// End users belong to organizations; a tenant with end users and no organization is not plausible.
async fn no_organization(outlet: &EventSender) -> Result<(), NinjaOneError> {
    outlet
        .unstated(Unstated {
            // A sync with organizations to compare with has the guard for that: its scope covers no grant.
            scope: UnstatedScope::GrantsOn {
                resource_type: organization_type(),
                principal_type: user_type(),
                principals: Vec::new(),
            },
            field: "any organization, although there are end users".to_owned(),
            count: 1,
            examples: Vec::new(),
            without_baseline: WithoutBaseline::Implausible,
        })
        .await
}

/// Emits who is an end user of which organization.
pub(super) async fn grants(
    selection: &Selection,
    facts: &AccessIndex,
    read: &OrganizationsRead,
    outlet: &EventSender,
) -> Result<(), NinjaOneError> {
    let mut gathered = BatchBuffer::default();
    let mut beyond = Found::default();
    let highest = read.names.keys().next_back().copied().unwrap_or(0);
    for pairs in facts.organizations.chunk_by(|a, b| a.0 == b.0) {
        let organization = pairs[0].0;
        if !selection.organization(organization) {
            continue;
        }
        let entitlement = mapping::member_of(organization)?;
        let users: Vec<u64> = pairs.iter().map(|pair| pair.1).collect();
        gathered.grants_to(&entitlement, &users, outlet).await?;
        if read.names.is_empty() || read.names.contains_key(&organization) {
            continue;
        }
        if organization > highest {
            beyond.note(|| format!("organization {organization} of user {}", users[0]));
        }
        let scope = |principals| UnstatedScope::Grants {
            entitlement: entitlement.clone(),
            principal_type: user_type(),
            principals,
        };
        let field = "the organization of an end user, which is in no list";
        outlet
            .unstated_of_users(&users, field, WithoutBaseline::Complete, scope)
            .await?;
    }
    gathered.flush(outlet).await?;
    if read.names.is_empty() && !facts.organizations.is_empty() {
        no_organization(outlet).await?;
    }
    if read.may_be_cut && beyond.count > 0 {
        let reason = format!(
            "{PATH} ends with a full page, and users point to {} organizations beyond it{}",
            beyond.count,
            beyond.example()
        );
        outlet.incomplete(&organization_type(), &reason);
    }
    let scope = |principals| UnstatedScope::GrantsOn {
        resource_type: organization_type(),
        principal_type: user_type(),
        principals,
    };
    outlet
        .unstated_of_users(
            &facts.unplaced,
            "organizationId of end users",
            WithoutBaseline::Complete,
            scope,
        )
        .await
}
