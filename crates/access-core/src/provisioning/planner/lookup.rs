//! Lookups of the objects that a change names: which role, account or organization is meant, and whether the sources of
//! the tenant agree about it.

use crate::model::spelling::quoted;
use crate::model::{NativeId, Resource, ResourceId};
use crate::ports::Provisioner;
use crate::provisioning::{
    Account, AccountChanges, AccountValue, AccountValues, Certainty, EmailAddress, ProvisioningError, Role,
    Selector,
};
use crate::query::TextQuery;

/// Maximum number of similar names in an error.
const MAX_SIMILAR: usize = 5;

/// Looks up what selectors name.
pub(super) struct Lookup<'a> {
    pub(super) tenant: &'a dyn Provisioner,
}

impl Lookup<'_> {
    /// Resolves the organizations in the values.
    pub(super) async fn resolve_values(
        &self,
        values: &AccountValues<Selector>,
    ) -> Result<AccountValues<Box<Resource>>, ProvisioningError> {
        let mut found = Vec::new();
        for (field, value) in values.iter() {
            let value = match value {
                AccountValue::Text(text) => AccountValue::Text(text.clone()),
                AccountValue::Flag(flag) => AccountValue::Flag(*flag),
                AccountValue::Organization(requested) => {
                    AccountValue::Organization(self.organization(requested).await?)
                }
            };
            found.push((field, value));
        }
        Ok(found.into_iter().collect())
    }

    /// An account that a list has under this address: the lookup by its id must show the same account, because the change is
    /// sent for the id.
    async fn verify_identity(&self, email: &EmailAddress, listed: &Account) -> Result<(), ProvisioningError> {
        let found = self.tenant.account(&listed.id().id).await;
        let contradiction = |lookup: String| {
            Err(ProvisioningError::Contradiction {
                what: listed.label(),
                says: format!(
                    "a list of {} says that its e-mail is {email}, and the lookup by its id {lookup}",
                    self.tenant.tenant()
                ),
            })
        };
        let Some(found) = found.map_err(ProvisioningError::ReadFailed)? else {
            return contradiction("finds no account".to_owned());
        };
        match found.email() {
            _ if found.kind != listed.kind => contradiction(format!("finds {}", found.kind.with_article())),
            Some(other) if !email.is(other) => contradiction(format!("says {other}")),
            _ => Ok(()),
        }
    }

    /// Reports an account as existing only if the lookup by id confirms it.
    pub(super) async fn verify_exists(&self, listed: &Account) -> Result<(), ProvisioningError> {
        let found = self.tenant.account(&listed.id().id).await;
        match found.map_err(ProvisioningError::ReadFailed)? {
            Some(_) => Ok(()),
            None => Err(ProvisioningError::Contradiction {
                what: listed.label(),
                says: format!(
                    "a list of {} has it, and looking it up by its id finds none",
                    self.tenant.tenant()
                ),
            }),
        }
    }

    /// The account, reconciled from all sources; `None` if they agree that it does not exist.
    pub(super) async fn reconciled_account(
        &self,
        id: &NativeId,
    ) -> Result<Option<Account>, ProvisioningError> {
        let account_views = self
            .tenant
            .account_views(id)
            .await
            .map_err(ProvisioningError::ReadFailed)?;
        account_views.reconcile(&self.account_id(id))
    }

    /// Whether an account already has the requested values. Lists may be outdated, so the lookup by id must agree.
    pub(super) async fn is_up_to_date(
        &self,
        account: &Account,
        changes: &AccountChanges,
    ) -> Result<bool, ProvisioningError> {
        if changes.are_satisfied_by(account) != Certainty::Yes {
            return Ok(false);
        }
        let found = self.tenant.account(&account.id().id).await;
        let found = found.map_err(ProvisioningError::ReadFailed)?;
        Ok(found.is_some_and(|found| changes.are_satisfied_by(&found) == Certainty::Yes))
    }

    /// The selected role; an error if there is none.
    pub(super) async fn require_role(&self, requested: &Selector) -> Result<Role, ProvisioningError> {
        match self.role(requested).await? {
            Some(role) => Ok(role),
            None => Err(self.role_not_found(requested).await),
        }
    }

    /// The error for an unknown role, with similar names if they can be read.
    pub(super) async fn role_not_found(&self, requested: &Selector) -> ProvisioningError {
        if requested.is_called(self.tenant.terms().account_permissions.iter().copied()) {
            return ProvisioningError::NotARole {
                requested: requested.to_string(),
            };
        }
        let similar = match requested {
            Selector::Text(text) => self.tenant.similar_roles(&TextQuery::new(text)).await,
            Selector::Id(_) => Ok(Vec::new()),
        };
        not_found("role", requested, similar.unwrap_or_default())
    }

    /// The selected account; an error if there is none.
    pub(super) async fn require_account(&self, requested: &Selector) -> Result<Account, ProvisioningError> {
        if let Some(account) = self.account(requested).await? {
            return Ok(account);
        }
        let similar = match requested {
            Selector::Text(text) => self.tenant.similar_accounts(&TextQuery::new(text)).await,
            Selector::Id(_) => Ok(Vec::new()),
        };
        Err(not_found("account", requested, similar.unwrap_or_default()))
    }

    /// The selected role, if it exists.
    pub(super) async fn role(&self, requested: &Selector) -> Result<Option<Role>, ProvisioningError> {
        let found = self
            .tenant
            .roles(requested)
            .await
            .map_err(ProvisioningError::ReadFailed)?;
        at_most_one("role", requested, found, |role| {
            let kind = role
                .holders
                .map(|kind| format!(" for {kind}s"))
                .unwrap_or_default();
            format!("{}{kind}", role.label())
        })
    }

    /// The selected account, if it exists.
    pub(super) async fn account(&self, requested: &Selector) -> Result<Option<Account>, ProvisioningError> {
        let number = |text: &str| NativeId::new(text).ok().filter(|id| id.as_number().is_some());
        let id = match requested {
            Selector::Id(id) => Some(id.clone()),
            Selector::Text(text) => number(text),
        };
        if let Some(id) = id {
            let found = self.tenant.account(&id).await;
            return match found.map_err(ProvisioningError::ReadFailed)? {
                Some(account) => Ok(Some(account)),
                None => self.reconciled_account(&id).await,
            };
        }
        let Selector::Text(text) = requested else {
            return Ok(None);
        };
        let Ok(email) = EmailAddress::parse(text) else {
            return Ok(None);
        };
        let found = self
            .tenant
            .accounts_with_email(&email)
            .await
            .map_err(ProvisioningError::ReadFailed)?;
        let found = at_most_one("account", requested, found, |account| {
            format!("the {} {}", account.kind, account.label())
        })?;
        if let Some(listed) = &found {
            self.verify_identity(&email, listed).await?;
        }
        Ok(found)
    }

    pub(super) async fn organization(
        &self,
        requested: &Selector,
    ) -> Result<Box<Resource>, ProvisioningError> {
        let found = self
            .tenant
            .organizations(requested)
            .await
            .map_err(ProvisioningError::ReadFailed)?;
        let label = |organization: &Resource| format!("{} ({})", organization.display_name, organization.id);
        let found = at_most_one("organization", requested, found, label)?;
        found
            .map(Box::new)
            .ok_or_else(|| not_found("organization", requested, Vec::new()))
    }

    pub(super) fn account_id(&self, id: &NativeId) -> ResourceId {
        ResourceId::new(self.tenant.terms().account_type.clone(), id.clone())
    }
}

/// The only match; an error if there are several.
fn at_most_one<T>(
    what: &'static str,
    requested: &Selector,
    mut found: Vec<T>,
    label: impl Fn(&T) -> String,
) -> Result<Option<T>, ProvisioningError> {
    if found.len() > 1 {
        let mut candidates: Vec<String> = found.iter().map(label).collect();
        candidates.sort_unstable();
        return Err(ProvisioningError::Ambiguous {
            what,
            requested: requested.to_string(),
            candidates,
        });
    }
    Ok(found.pop())
}

/// The error for an unknown object, with some similar names.
pub(super) fn not_found(
    what: &'static str,
    requested: &Selector,
    mut similar: Vec<String>,
) -> ProvisioningError {
    similar.sort_unstable();
    similar.dedup();
    similar.truncate(MAX_SIMILAR);
    // A name that can be confused with another is spelled out.
    let requested = match requested {
        Selector::Text(text) if !text.is_ascii() && !similar.is_empty() => quoted(text),
        requested => requested.to_string(),
    };
    ProvisioningError::NotFound {
        what,
        requested,
        similar,
    }
}
