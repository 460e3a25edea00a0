//! `/v2/organizations`: resources, and the names in the profiles of users.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use access_core::model::{Unstated, UnstatedScope, WithoutBaseline};

use super::batch_buffer::BatchBuffer;
use super::event_sender::EventSender;
use super::findings::{Findings, Found};
use super::pagination::{PageReader, for_each_row};
use super::selection::Selection;
use super::user_access::AccessIndex;
use crate::NinjaOneError;
use crate::api::OrganizationRow;
use crate::client::NinjaOneClient;
use crate::mapping::{self, organization_type, user_type};

pub(crate) const ORGANIZATIONS: &str = "/v2/organizations";

/// Names by id.
pub(super) type OrganizationNames = BTreeMap<u64, Box<str>>;

/// The result of reading organizations.
#[derive(Debug, Default)]
pub(super) struct OrganizationsRead {
    pub(super) names: Arc<OrganizationNames>,
    /// The list may be truncated: its last page was as long as a page can be.
    may_be_truncated: bool,
}

/// Reads all organizations and emits the selected ones with their entitlement.
pub(super) async fn read(
    client: &NinjaOneClient,
    selection: &Selection,
    sender: &EventSender,
) -> Result<OrganizationsRead, NinjaOneError> {
    let mut names = OrganizationNames::new();
    let mut pages = PageReader::new(ORGANIZATIONS, organization_type);
    let visit = |findings: &mut Findings, batch: &mut BatchBuffer, id, row: OrganizationRow| {
        let organization = mapping::organization(id, &row);
        let Entry::Vacant(name) = names.entry(id) else {
            findings.duplicate(organization.id, &row);
            return Ok(());
        };
        findings.fields(
            &row,
            || format!("{} (organization {id})", organization.display_name),
            || format!("organization {id}"),
        );
        name.insert(organization.display_name.as_str().into());
        if selection.includes_organization(id) {
            if selection.access {
                batch.entitlement(mapping::member(&organization)?);
            }
            batch.resource(organization);
        }
        Ok(())
    };
    let findings = for_each_row(&mut pages, client, sender, visit).await?;
    sender
        .findings(ORGANIZATIONS, &organization_type(), findings, |_| {
            vec![organization_type()]
        })
        .await?;
    Ok(OrganizationsRead {
        names: Arc::new(names),
        may_be_truncated: pages.may_be_truncated(),
    })
}

/// End users belong to organizations; a tenant with end users and no organization is not plausible.
async fn no_organization(sender: &EventSender) -> Result<(), NinjaOneError> {
    sender
        .unstated(Unstated {
            // The guard protects syncs that are compared with an earlier one: its scope covers no grant.
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

/// Emits the memberships of organizations.
pub(super) async fn grants(
    selection: &Selection,
    access_index: &AccessIndex,
    read: &OrganizationsRead,
    sender: &EventSender,
) -> Result<(), NinjaOneError> {
    let mut batch = BatchBuffer::default();
    let mut exceeded_budget = Found::default();
    let highest = read.names.keys().next_back().copied().unwrap_or(0);
    for pairs in access_index.organizations.chunk_by(|a, b| a.0 == b.0) {
        let organization = pairs[0].0;
        if !selection.includes_organization(organization) {
            continue;
        }
        let entitlement = mapping::member_of(organization)?;
        let users: Vec<u64> = pairs.iter().map(|pair| pair.1).collect();
        batch.grants_to(&entitlement, &users, sender).await?;
        if read.names.is_empty() || read.names.contains_key(&organization) {
            continue;
        }
        if organization > highest {
            exceeded_budget.note(|| format!("organization {organization} of user {}", users[0]));
        }
        let scope = |principals| UnstatedScope::Grants {
            entitlement: entitlement.clone(),
            principal_type: user_type(),
            principals,
        };
        let field = "the organization of an end user, which is in no list";
        sender
            .unstated_of_users(&users, field, WithoutBaseline::Complete, scope)
            .await?;
    }
    batch.flush(sender).await?;
    if read.names.is_empty() && !access_index.organizations.is_empty() {
        no_organization(sender).await?;
    }
    if read.may_be_truncated && exceeded_budget.count > 0 {
        let reason = format!(
            "{ORGANIZATIONS} ends with a full page, and users point to organizations beyond it ({}{})",
            exceeded_budget.count,
            exceeded_budget.example()
        );
        sender.incomplete(&organization_type(), &reason);
    }
    let scope = |principals| UnstatedScope::GrantsOn {
        resource_type: organization_type(),
        principal_type: user_type(),
        principals,
    };
    sender
        .unstated_of_users(
            &access_index.unplaced,
            "organizationId of end users",
            WithoutBaseline::Complete,
            scope,
        )
        .await
}

#[cfg(test)]
mod tests {
    use access_core::model::{Completeness, SyncScope};
    use access_core::ports::SourceEvent;

    use super::*;
    use crate::source::SourceOptions;
    use crate::source::tests::{queue, queued};

    /// The events besides grants for these listed organizations and these (organization, user) pairs.
    async fn findings(
        listed: &[u64],
        may_be_truncated: bool,
        memberships: &[(u64, u64)],
    ) -> Vec<SourceEvent> {
        let selection = Selection::new(SourceOptions { devices: false }, &SyncScope::default());
        let access_index = AccessIndex {
            organizations: memberships.to_vec(),
            ..AccessIndex::default()
        };
        let read = OrganizationsRead {
            names: Arc::new(listed.iter().map(|id| (*id, "Alder".into())).collect()),
            may_be_truncated,
        };
        let (sender, mut events) = queue();
        grants(&selection, &access_index, &read, &sender).await.unwrap();
        sender.report_incomplete().await.unwrap();
        let mut events = queued(&mut events);
        events.retain(|event| !matches!(event, SourceEvent::Batch(_)));
        events
    }

    #[tokio::test]
    async fn end_users_without_any_organization_are_implausible() {
        let events = findings(&[], false, &[(3, 7)]).await;
        let [SourceEvent::Unstated(unstated)] = events.as_slice() else {
            panic!("{events:?}");
        };
        assert_eq!(unstated.field, "any organization, although there are end users");
        assert_eq!(unstated.without_baseline, WithoutBaseline::Implausible);
        assert_eq!(findings(&[], false, &[]).await, []);
        assert_eq!(findings(&[3], false, &[(3, 7)]).await, []);
    }

    /// Only an id beyond the end of the list shows that the list is truncated; one between listed ids was deleted.
    #[tokio::test]
    async fn ids_beyond_a_full_last_page_make_it_incomplete() {
        let incomplete = async |may_be_truncated, memberships: &[(u64, u64)]| {
            let events = findings(&[1, 5], may_be_truncated, memberships).await;
            let mut reasons = events.into_iter().filter_map(|event| match event {
                SourceEvent::Completeness(of, Completeness::Incomplete { reason }) => {
                    Some((of.to_string(), reason))
                }
                _ => None,
            });
            reasons.next()
        };
        let unlisted = [(2, 7), (5, 7), (6, 8), (9, 7)];
        let reason = "/v2/organizations ends with a full page, and users point to organizations beyond it (2, e.g. organization 6 of user 8)";
        assert_eq!(
            incomplete(true, &unlisted).await,
            Some(("organization".to_owned(), reason.to_owned()))
        );
        assert_eq!(incomplete(true, &unlisted[..2]).await, None);
        assert_eq!(incomplete(false, &unlisted).await, None);
    }
}
