//! NinjaOne as a [`Provisioner`].
//!
//! Calls: 1 for a role (`/v2/user/roles`), 1 or 2 for an account by id, 3 for an account by address, 1 more for the name of
//! an end user's organization, and 1 for every write. The 3 lists of users are read before a deletion, and before an
//! account is reported as missing. Nothing is cached: every decision uses the current state.

mod accounts;
mod requests;
mod roles;
mod schema;

use std::collections::HashSet;

use access_core::model::{NativeId, Resource, ResourceId, Slug};
use access_core::ports::{ApiUsage, ApplyError, ApplyOutcome, Provisioner, ProvisionerError, WriteEffect};
use access_core::provisioning::{
    Account, AccountViews, EmailAddress, Observation, ProvisioningTerms, RequestPreview, Role, Selector, Step,
};
use access_core::query::TextQuery;
use async_trait::async_trait;

pub use schema::{ACCOUNTS, END_USER, TECHNICIAN};

use crate::api::OrganizationRow;
use crate::api::Row;
use crate::client::WriteError;
use crate::mapping::{self, organization_type, role_type, tenant_type, user_type};
use crate::source::organizations::ORGANIZATIONS;
use crate::source::pagination::PageReader;
use crate::{NinjaOneClient, NinjaOneError};

/// The types that can be changed in NinjaOne, and those that cannot.
#[must_use]
pub fn provisioning_terms() -> ProvisioningTerms {
    ProvisioningTerms {
        account_type: user_type(),
        role_type: role_type(),
        role_slug: Slug::from_static("assigned"),
        immutable_types: vec![organization_type(), tenant_type(), mapping::device_type()],
        account_permissions: mapping::TENANT_PRIVILEGES
            .iter()
            .map(|privilege| privilege.display_name)
            .collect(),
        accounts: &ACCOUNTS,
    }
}

/// The role in the response to a write.
#[cfg(any(test, fuzzing))]
pub(crate) fn role_from_response(body: &[u8]) -> Result<Option<Role>, NinjaOneError> {
    roles::from_response(body)
}

/// A NinjaOne tenant as a [`Provisioner`]. Whether writes may leave the process is the client's setting.
#[derive(Debug)]
pub struct NinjaOneProvisioner {
    client: NinjaOneClient,
    terms: ProvisioningTerms,
}

impl NinjaOneProvisioner {
    /// A provisioner over a client.
    #[must_use]
    pub fn new(client: NinjaOneClient) -> Self {
        Self {
            client,
            terms: provisioning_terms(),
        }
    }

    /// Requests so far, and their cost.
    #[must_use]
    pub fn usage(&self) -> ApiUsage {
        self.client.usage()
    }

    /// The account in the response to a write, if it has one.
    async fn seen(&self, step: &Step, body: &[u8]) -> Result<Option<Observation>, NinjaOneError> {
        Ok(match step {
            Step::AddMember(membership) | Step::RemoveMember(membership) => roles::from_response(body)?
                .filter(|role| *role.id() == membership.role)
                .map(|role| Observation::Role(Some(Box::new(role)))),
            Step::CreateAccount(requested) => accounts::created(&self.client, body, requested)
                .await?
                .map(|account| Observation::Account(Some(Box::new(account)))),
            Step::UpdateAccount { account, kind, .. } => accounts::from_response(&self.client, body, *kind)
                .await?
                .filter(|seen| seen.id() == account)
                .map(|account| Observation::Account(Some(Box::new(account)))),
            Step::DeleteAccount { .. } => None,
        })
    }
}

#[async_trait]
impl Provisioner for NinjaOneProvisioner {
    fn tenant(&self) -> String {
        self.client.tenant()
    }

    fn terms(&self) -> &ProvisioningTerms {
        &self.terms
    }

    async fn roles(&self, selector: &Selector) -> Result<Vec<Role>, ProvisionerError> {
        roles::select(&self.client, selector)
            .await
            .map_err(ProvisionerError::new)
    }

    async fn account(&self, id: &NativeId) -> Result<Option<Account>, ProvisionerError> {
        accounts::by_id(&self.client, id)
            .await
            .map_err(ProvisionerError::new)
    }

    async fn account_views(&self, id: &NativeId) -> Result<AccountViews, ProvisionerError> {
        accounts::account_views(&self.client, id)
            .await
            .map_err(ProvisionerError::new)
    }

    async fn accounts_with_email(&self, email: &EmailAddress) -> Result<Vec<Account>, ProvisionerError> {
        accounts::by_email(&self.client, email)
            .await
            .map_err(ProvisionerError::new)
    }

    async fn administrators(&self) -> Result<Vec<ResourceId>, ProvisionerError> {
        accounts::administrators(&self.client)
            .await
            .map_err(ProvisionerError::new)
    }

    async fn organizations(&self, selector: &Selector) -> Result<Vec<Resource>, ProvisionerError> {
        organizations(&self.client, selector)
            .await
            .map_err(ProvisionerError::new)
    }

    async fn similar_roles(&self, words: &TextQuery) -> Result<Vec<String>, ProvisionerError> {
        roles::similar(&self.client, words)
            .await
            .map_err(ProvisionerError::new)
    }

    async fn similar_accounts(&self, words: &TextQuery) -> Result<Vec<String>, ProvisionerError> {
        accounts::similar(&self.client, words)
            .await
            .map_err(ProvisionerError::new)
    }

    fn preview(&self, step: &Step) -> RequestPreview {
        requests::preview(&self.client, step)
    }

    async fn apply(&self, step: &Step) -> Result<ApplyOutcome, ApplyError> {
        match self.client.write(&requests::of(step)).await {
            Ok(written) => {
                let body = written.body.unwrap_or_default();
                // An unreadable response shows nothing, so the state is read back.
                let seen = self.seen(step, &body).await.unwrap_or_default();
                Ok(ApplyOutcome {
                    request_id: written.request_id,
                    seen,
                })
            }
            Err(failure) => {
                let (effect, error) = match failure {
                    WriteError::NotApplied(error) => (WriteEffect::None, error),
                    WriteError::Rejected(error) => (WriteEffect::Rejected, error),
                    WriteError::OutcomeUnknown(error) => (WriteEffect::Unknown, error),
                };
                let request_id = error.request_id().map(str::to_owned);
                Err(ApplyError {
                    effect,
                    request_id,
                    error: ProvisionerError::new(error),
                })
            }
        }
    }

    async fn wait_before_retry(&self, next: u32) {
        self.client.back_off(next).await;
    }
}

async fn organizations(client: &NinjaOneClient, selector: &Selector) -> Result<Vec<Resource>, NinjaOneError> {
    let mut found: Vec<Resource> = Vec::new();
    // Ids of organizations under other names.
    let mut others = HashSet::new();
    let mut is_unclear = false;
    let mut pages = PageReader::new(ORGANIZATIONS, organization_type);
    while let Some(page) = pages.next::<OrganizationRow>(client).await? {
        for row in page {
            let Row::Object(row) = row else {
                is_unclear = true;
                continue;
            };
            let Some(id) = row.id.get() else {
                is_unclear = true;
                continue;
            };
            let organization = mapping::organization(id, &row);
            if !selector.selects(&organization.id.id, [organization.display_name.as_str()]) {
                is_unclear |= row.name.trimmed().is_none() && matches!(selector, Selector::Text(_));
                others.insert(organization.id);
                continue;
            }
            match found.iter().find(|known| known.id == organization.id) {
                None => found.push(organization),
                Some(known) if known.display_name == organization.display_name => {}
                Some(_) => {
                    others.insert(organization.id);
                }
            }
        }
    }
    if let Some(ambiguous) = found.iter().find(|known| others.contains(&known.id)) {
        return Err(NinjaOneError::Malformed {
            request: client.display_request(ORGANIZATIONS),
            reason: format!("it lists {} more than once, with different names", ambiguous.id),
        });
    }
    if found.is_empty() && is_unclear {
        return Err(NinjaOneError::Malformed {
            request: client.display_request(ORGANIZATIONS),
            reason: "it has entries without a usable id or name, one of which may be the organization"
                .to_owned(),
        });
    }
    Ok(found)
}
