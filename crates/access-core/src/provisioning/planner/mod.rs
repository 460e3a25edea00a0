//! Plans a change: resolves the names in it, compares the request with the tenant, and refuses what is not allowed.

mod lookup;

use super::warnings::{
    account_name_warning, holder_warnings, managed_elsewhere_warning, missing_role_warnings,
    organization_name_warnings, request_warnings, role_name_warning, unknown_membership_warning,
};
use super::{
    Account, AccountChanges, AccountKind, AccountRequest, AccountUpdate, Certainty, Change, Membership,
    NewAccount, Plan, Principal, ProvisioningError, ReportedFlag, ResolvedChange, Role, Selector, Step,
};
use crate::model::ResourceId;
use crate::ports::{Provisioner, Warning};
use lookup::{Lookup, not_found};

/// Plans a change. Sends only reads.
pub(super) async fn plan(tenant: &dyn Provisioner, change: &Change) -> Result<Plan, ProvisioningError> {
    let planner = Planner {
        tenant,
        lookup: Lookup { tenant },
    };
    match change {
        Change::Grant { role, principal } => planner.grant(role, principal).await,
        Change::Revoke { role, principal } => planner.revoke(role, principal).await,
        Change::CreateAccount(requested) => planner.create(requested).await,
        Change::UpdateAccount { account, update } => planner.update(account, update).await,
        Change::DeleteAccount {
            account,
            allow_administrator,
        } => planner.delete(account, *allow_administrator).await,
    }
}

struct Planner<'a> {
    tenant: &'a dyn Provisioner,
    lookup: Lookup<'a>,
}

impl Planner<'_> {
    async fn grant(&self, role: &Selector, principal: &Selector) -> Result<Plan, ProvisioningError> {
        let selector = role;
        let role = self.lookup.require_role(selector).await?;
        let account = self.lookup.require_account(principal).await?;
        check_role_kind(&role, account.kind, || account.label())?;
        let id = account.id().id.clone();
        let membership = role.members.contains(&id);
        let step = (membership != Certainty::Yes).then(|| Step::AddMember(Membership::new(&role, &id)));
        let mut warnings: Vec<Warning> = unknown_membership_warning(&role, membership)
            .into_iter()
            .collect();
        if step.is_some() {
            warnings.extend(holder_warnings(&account));
        }
        warnings.extend(role_name_warning(selector, &role));
        warnings.extend(account_name_warning(principal, &account));
        let account = Principal {
            id: account.id().clone(),
            account: Some(Box::new(account)),
        };
        Ok(Plan {
            change: ResolvedChange::Grant {
                role: Box::new(role),
                account,
            },
            step,
            warnings,
        })
    }

    /// Only the member list of the role is needed: a member can be removed even if the account no longer exists.
    /// Nothing is left to do only if the list is known and does not contain the account: otherwise the request is sent,
    /// which is harmless, and its response decides.
    async fn revoke(&self, role: &Selector, principal: &Selector) -> Result<Plan, ProvisioningError> {
        let found = self.lookup.role(role).await?;
        let account = match principal {
            Selector::Id(id) => Principal {
                id: self.lookup.account_id(id),
                account: None,
            },
            Selector::Text(_) => {
                let account = self.lookup.require_account(principal).await?;
                Principal {
                    id: account.id().clone(),
                    account: Some(Box::new(account)),
                }
            }
        };
        let id = &account.id.id;
        let (requested, step, warnings) = match (&found, role) {
            (Some(found), _) => {
                let membership = found.members.contains(id);
                let step =
                    (membership != Certainty::No).then(|| Step::RemoveMember(Membership::new(found, id)));
                let warnings = unknown_membership_warning(found, membership).into_iter();
                let warnings = warnings.chain(role_name_warning(role, found)).collect();
                (found.id().clone(), step, warnings)
            }
            (None, Selector::Id(role)) => {
                let role = ResourceId::new(self.tenant.terms().role_type.clone(), role.clone());
                let step = Step::RemoveMember(Membership {
                    role: role.clone(),
                    role_name: None,
                    account: id.clone(),
                });
                let warning = Warning {
                    code: "role_not_listed",
                    message: format!("no {role} is listed: the request is sent, and its answer decides"),
                };
                (role, Some(step), vec![warning])
            }
            (None, Selector::Text(_)) => return Err(self.lookup.role_not_found(role).await),
        };
        let mut warnings: Vec<Warning> = warnings;
        if let Some(account) = &account.account {
            warnings.extend(account_name_warning(principal, account));
        }
        Ok(Plan {
            change: ResolvedChange::Revoke {
                role: found.map(Box::new),
                requested,
                account,
            },
            step,
            warnings,
        })
    }

    async fn create(&self, requested: &AccountRequest) -> Result<Plan, ProvisioningError> {
        let mut roles: Vec<Role> = Vec::new();
        let mut name_warnings = Vec::new();
        for selector in &requested.roles {
            let role = self.lookup.require_role(selector).await?;
            name_warnings.extend(role_name_warning(selector, &role));
            check_role_kind(&role, requested.kind, || {
                format!("the new account {}", requested.person.email)
            })?;
            if !roles.iter().any(|known| known.id() == role.id()) {
                roles.push(role);
            }
        }
        let account = self.new_account(requested).await?;
        let mut warnings = request_warnings(requested);
        warnings.extend(name_warnings);
        warnings.extend(organization_name_warnings(&requested.values, &account.values));
        let holders = self.tenant.accounts_with_email(&requested.person.email).await;
        let holders = holders.map_err(ProvisioningError::ReadFailed)?;
        let existing = holders.iter().find(|account| account.kind == requested.kind);
        if existing.is_none()
            && let Some(other) = holders.first()
        {
            return Err(ProvisioningError::EmailTaken {
                email: requested.person.email.to_string(),
                by: Some(format!("the {} {}", other.kind, other.label())),
            });
        }
        if let Some(existing) = existing {
            self.lookup.verify_exists(existing).await?;
            let selector = Selector::Text(requested.person.email.to_string());
            warnings.extend(account_name_warning(&selector, existing));
            warnings.extend(missing_role_warnings(existing, &roles));
        }
        let step = existing.is_none().then(|| Step::CreateAccount(account.clone()));
        let existing = existing.cloned().map(Box::new);
        Ok(Plan {
            change: ResolvedChange::CreateAccount {
                requested: Box::new(account),
                existing,
                roles,
            },
            step,
            warnings,
        })
    }

    async fn new_account(&self, requested: &AccountRequest) -> Result<NewAccount, ProvisioningError> {
        Ok(NewAccount {
            kind: requested.kind,
            person: requested.person.clone(),
            values: self.lookup.resolve_values(&requested.values).await?,
        })
    }

    async fn update(&self, selector: &Selector, update: &AccountUpdate) -> Result<Plan, ProvisioningError> {
        let account = self.lookup.require_account(selector).await?;
        if let Some((holders, attributes)) = update.unsupported_by(account.kind) {
            return Err(ProvisioningError::UnsupportedForAccountKind {
                account: account.label(),
                kind: account.kind,
                holders,
                attributes,
            });
        }
        let changes = AccountChanges(self.lookup.resolve_values(&update.0).await?);
        let step = (!self.lookup.is_up_to_date(&account, &changes).await?).then(|| Step::UpdateAccount {
            account: account.id().clone(),
            kind: account.kind,
            changes: changes.clone(),
        });
        let mut warnings: Vec<Warning> = managed_elsewhere_warning(&account, "may change it back")
            .filter(|_| step.is_some())
            .into_iter()
            .collect();
        warnings.extend(account_name_warning(selector, &account));
        warnings.extend(organization_name_warnings(&update.0, &changes.0));
        Ok(Plan {
            change: ResolvedChange::UpdateAccount {
                account: Box::new(account),
                changes,
            },
            step,
            warnings,
        })
    }

    async fn delete(
        &self,
        selector: &Selector,
        allow_administrator: bool,
    ) -> Result<Plan, ProvisioningError> {
        let id = match selector {
            Selector::Id(id) => id.clone(),
            Selector::Text(_) => {
                let account = self.lookup.account(selector).await?;
                let account = account.ok_or_else(|| not_found("account", selector, Vec::new()))?;
                account.resource.id.id
            }
        };
        let Some(account) = self.lookup.reconciled_account(&id).await? else {
            let change = ResolvedChange::DeleteAccount {
                id: self.lookup.account_id(&id),
                account: None,
            };
            return Ok(Plan {
                change,
                step: None,
                warnings: Vec::new(),
            });
        };
        if !allow_administrator {
            self.refuse_administrator(&account).await?;
        }
        let step = Step::DeleteAccount {
            account: account.id().clone(),
            kind: account.kind,
        };
        let warnings = managed_elsewhere_warning(&account, "may create it again").into_iter();
        let warnings = warnings.chain(account_name_warning(selector, &account)).collect();
        let change = ResolvedChange::DeleteAccount {
            id: account.id().clone(),
            account: Some(Box::new(account)),
        };
        Ok(Plan {
            change,
            step: Some(step),
            warnings,
        })
    }

    async fn refuse_administrator(&self, account: &Account) -> Result<(), ProvisioningError> {
        match &account.administrator {
            ReportedFlag::No => return Ok(()),
            ReportedFlag::Unknown if !account.kind.may_administer => return Ok(()),
            _ => {}
        }
        let others = self
            .tenant
            .administrators()
            .await
            .map_err(ProvisioningError::ReadFailed)?;
        let last =
            account.administrator == ReportedFlag::Yes && !others.iter().any(|other| other != account.id());
        Err(ProvisioningError::AdministratorProtected {
            account: account.label(),
            kind: account.kind,
            title: self.tenant.terms().accounts.administrator_title,
            last,
            claim: account.administrator.clone(),
        })
    }
}

fn check_role_kind(
    role: &Role,
    kind: AccountKind,
    account: impl FnOnce() -> String,
) -> Result<(), ProvisioningError> {
    match role.holders {
        Some(holders) if holders != kind => Err(ProvisioningError::RoleKindMismatch {
            role: role.label(),
            holders,
            account: account(),
            kind,
        }),
        _ => Ok(()),
    }
}
