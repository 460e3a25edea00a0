//! Looks into a change before anything is written, and refuses what must not be.

use super::{
    Account, AccountChanges, AccountKind, AccountRequest, AccountUpdate, AccountValue, AccountValues,
    Certainty, Change, Membership, NewAccount, Plan, Principal, ProvisioningError, ReportedFlag,
    ResolvedChange, Role, Selector, Step,
};
use crate::model::spelling::{quoted, quoted_beside};
use crate::model::{NativeId, Resource, ResourceId, StatusState};
use crate::ports::{Provisioner, Warning};
use crate::query::TextQuery;

/// So many things with a similar name are named in an error.
const MAX_SIMILAR: usize = 5;

/// Looks into a change. Only reads.
pub(super) async fn plan(tenant: &dyn Provisioner, change: &Change) -> Result<Plan, ProvisioningError> {
    let planner = Planner { tenant };
    match change {
        Change::Grant { role, principal } => planner.grant(role, principal).await,
        Change::Revoke { role, principal } => planner.revoke(role, principal).await,
        Change::CreateAccount(wanted) => planner.create(wanted).await,
        Change::UpdateAccount { account, update } => planner.update(account, update).await,
        Change::DeleteAccount {
            account,
            allow_administrator,
        } => planner.delete(account, *allow_administrator).await,
    }
}

struct Planner<'a> {
    tenant: &'a dyn Provisioner,
}

impl Planner<'_> {
    async fn grant(&self, role: &Selector, principal: &Selector) -> Result<Plan, ProvisioningError> {
        let selector = role;
        let role = self.known_role(selector).await?;
        let account = self.known_account(principal).await?;
        fits(&role, account.kind, || account.label())?;
        let id = account.id().id.clone();
        let held = role.members.contain(&id);
        let step = (held != Certainty::Yes).then(|| Step::AddMember(Membership::of(&role, &id)));
        let mut warnings: Vec<Warning> = membership_unknown(&role, held).into_iter().collect();
        if step.is_some() {
            warnings.extend(of_holder(&account));
        }
        warnings.extend(role_spelling(selector, &role));
        warnings.extend(account_spelling(principal, &account));
        let account = Principal {
            id: account.id().clone(),
            account: Some(Box::new(account)),
        };
        Ok(Plan {
            goal: ResolvedChange::Grant {
                role: Box::new(role),
                account,
            },
            step,
            warnings,
        })
    }

    /// A role's member list is all it takes: whoever is in it can be taken out, whatever has become of the account.
    /// Only a list that is there and does not have the account shows that nothing is left to do: otherwise the request
    /// is sent, which takes nobody out who is not in the role, and the answer judged.
    async fn revoke(&self, role: &Selector, principal: &Selector) -> Result<Plan, ProvisioningError> {
        let found = self.role(role).await?;
        let account = match principal {
            Selector::Id(id) => Principal {
                id: self.account_id(id),
                account: None,
            },
            Selector::Text(_) => {
                let account = self.known_account(principal).await?;
                Principal {
                    id: account.id().clone(),
                    account: Some(Box::new(account)),
                }
            }
        };
        let id = &account.id.id;
        let (wanted, step, warnings) = match (&found, role) {
            (Some(found), _) => {
                let held = found.members.contain(id);
                let step = (held != Certainty::No).then(|| Step::RemoveMember(Membership::of(found, id)));
                let warnings = membership_unknown(found, held).into_iter();
                let warnings = warnings.chain(role_spelling(role, found)).collect();
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
            (None, Selector::Text(_)) => return Err(self.no_role(role).await),
        };
        let mut warnings: Vec<Warning> = warnings;
        if let Some(account) = &account.account {
            warnings.extend(account_spelling(principal, account));
        }
        Ok(Plan {
            goal: ResolvedChange::Revoke {
                role: found.map(Box::new),
                wanted,
                account,
            },
            step,
            warnings,
        })
    }

    async fn create(&self, wanted: &AccountRequest) -> Result<Plan, ProvisioningError> {
        let mut roles: Vec<Role> = Vec::new();
        let mut spellings = Vec::new();
        for selector in &wanted.roles {
            let role = self.known_role(selector).await?;
            spellings.extend(role_spelling(selector, &role));
            fits(&role, wanted.kind, || {
                format!("the new account {}", wanted.person.email)
            })?;
            if !roles.iter().any(|known| known.id() == role.id()) {
                roles.push(role);
            }
        }
        let account = self.new_account(wanted).await?;
        let mut warnings = of_request(wanted);
        warnings.extend(spellings);
        warnings.extend(organization_spellings(&wanted.values, &account.values));
        let holders = self.tenant.accounts_with_email(&wanted.person.email).await;
        let holders = holders.map_err(ProvisioningError::ReadFailed)?;
        let existing = holders.iter().find(|account| account.kind == wanted.kind);
        if existing.is_none()
            && let Some(other) = holders.first()
        {
            return Err(ProvisioningError::EmailTaken {
                email: wanted.person.email.to_string(),
                by: Some(format!("the {} {}", other.kind, other.label())),
            });
        }
        if let Some(existing) = existing {
            self.confirm(existing).await?;
            let selector = Selector::Text(wanted.person.email.to_string());
            warnings.extend(account_spelling(&selector, existing));
            warnings.extend(lacking(existing, &roles));
        }
        let step = existing.is_none().then(|| Step::CreateAccount(account.clone()));
        let existing = existing.cloned().map(Box::new);
        Ok(Plan {
            goal: ResolvedChange::Create {
                wanted: Box::new(account),
                existing,
                roles,
            },
            step,
            warnings,
        })
    }

    async fn new_account(&self, wanted: &AccountRequest) -> Result<NewAccount, ProvisioningError> {
        Ok(NewAccount {
            kind: wanted.kind,
            person: wanted.person.clone(),
            values: self.look_up(&wanted.values).await?,
        })
    }

    /// The values with the organizations that they name.
    async fn look_up(
        &self,
        values: &AccountValues<Selector>,
    ) -> Result<AccountValues<Box<Resource>>, ProvisioningError> {
        let mut found = Vec::new();
        for (field, value) in values.iter() {
            let value = match value {
                AccountValue::Text(text) => AccountValue::Text(text.clone()),
                AccountValue::Flag(flag) => AccountValue::Flag(*flag),
                AccountValue::Organization(wanted) => {
                    AccountValue::Organization(self.organization(wanted).await?)
                }
            };
            found.push((field, value));
        }
        Ok(found.into_iter().collect())
    }

    async fn update(&self, selector: &Selector, update: &AccountUpdate) -> Result<Plan, ProvisioningError> {
        let account = self.known_account(selector).await?;
        if let Some((holders, attributes)) = update.not_of(account.kind) {
            return Err(ProvisioningError::UnsupportedForAccountKind {
                account: account.label(),
                kind: account.kind,
                holders,
                attributes,
            });
        }
        let changes = AccountChanges(self.look_up(&update.0).await?);
        let step = (!self.is_like(&account, &changes).await?).then(|| Step::UpdateAccount {
            account: account.id().clone(),
            kind: account.kind,
            changes: changes.clone(),
        });
        let mut warnings: Vec<Warning> = managed(&account, "may change it back")
            .filter(|_| step.is_some())
            .into_iter()
            .collect();
        warnings.extend(account_spelling(selector, &account));
        warnings.extend(organization_spellings(&update.0, &changes.0));
        Ok(Plan {
            goal: ResolvedChange::Update {
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
                let account = self.account(selector).await?;
                let account = account.ok_or_else(|| not_found("account", selector, Vec::new()))?;
                self.same_address(selector, &account).await?;
                account.resource.id.id
            }
        };
        let Some(account) = self.seen_everywhere(&id).await? else {
            let goal = ResolvedChange::Delete {
                id: self.account_id(&id),
                account: None,
            };
            return Ok(Plan {
                goal,
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
        let warnings = managed(&account, "may create it again").into_iter();
        let warnings = warnings.chain(account_spelling(selector, &account)).collect();
        let goal = ResolvedChange::Delete {
            id: account.id().clone(),
            account: Some(Box::new(account)),
        };
        Ok(Plan {
            goal,
            step: Some(step),
            warnings,
        })
    }

    /// Whom a login names is deleted only if the lookup by id does not say that the account has another one.
    async fn same_address(&self, selector: &Selector, listed: &Account) -> Result<(), ProvisioningError> {
        let Selector::Text(text) = selector else {
            return Ok(());
        };
        let Ok(email) = super::EmailAddress::parse(text) else {
            return Ok(());
        };
        let found = self.tenant.account(&listed.id().id).await;
        let found = found.map_err(ProvisioningError::ReadFailed)?;
        match found.as_ref().and_then(Account::email) {
            Some(other) if !email.is(other) => Err(ProvisioningError::Contradiction {
                what: listed.label(),
                says: format!(
                    "a list of {} says that its e-mail is {email}, and the lookup by its id says {other}",
                    self.tenant.tenant()
                ),
            }),
            _ => Ok(()),
        }
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

    /// That an account exists already is said only if the lookup by its id says so too.
    async fn confirm(&self, listed: &Account) -> Result<(), ProvisioningError> {
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

    /// The account as all sources say it is; `None` if they agree that there is none.
    async fn seen_everywhere(&self, id: &NativeId) -> Result<Option<Account>, ProvisioningError> {
        let account_views = self
            .tenant
            .account_views(id)
            .await
            .map_err(ProvisioningError::ReadFailed)?;
        account_views.judge(&self.account_id(id))
    }

    /// Whether an account is as wanted already. What lists say is looked up by id too: they may be of yesterday.
    async fn is_like(&self, account: &Account, changes: &AccountChanges) -> Result<bool, ProvisioningError> {
        if changes.hold_for(account) != Certainty::Yes {
            return Ok(false);
        }
        let found = self.tenant.account(&account.id().id).await;
        let found = found.map_err(ProvisioningError::ReadFailed)?;
        Ok(found.is_some_and(|found| changes.hold_for(&found) == Certainty::Yes))
    }

    /// The one role that is meant, which must be there.
    async fn known_role(&self, wanted: &Selector) -> Result<Role, ProvisioningError> {
        match self.role(wanted).await? {
            Some(role) => Ok(role),
            None => Err(self.no_role(wanted).await),
        }
    }

    /// Why there is no such role. Names that are close to it help; that they cannot be found is not worth an error of its own.
    async fn no_role(&self, wanted: &Selector) -> ProvisioningError {
        if wanted.is_called(self.tenant.terms().account_permissions.iter().copied()) {
            return ProvisioningError::NotARole {
                wanted: wanted.to_string(),
            };
        }
        let similar = match wanted {
            Selector::Text(text) => self.tenant.similar_roles(&TextQuery::new(text)).await,
            Selector::Id(_) => Ok(Vec::new()),
        };
        not_found("role", wanted, similar.unwrap_or_default())
    }

    /// The one account that is meant, which must be there.
    async fn known_account(&self, wanted: &Selector) -> Result<Account, ProvisioningError> {
        if let Some(account) = self.account(wanted).await? {
            return Ok(account);
        }
        let similar = match wanted {
            Selector::Text(text) => self.tenant.similar_accounts(&TextQuery::new(text)).await,
            Selector::Id(_) => Ok(Vec::new()),
        };
        Err(not_found("account", wanted, similar.unwrap_or_default()))
    }

    /// The one role that is meant.
    async fn role(&self, wanted: &Selector) -> Result<Option<Role>, ProvisioningError> {
        let found = self
            .tenant
            .roles(wanted)
            .await
            .map_err(ProvisioningError::ReadFailed)?;
        one("role", wanted, found, |role| {
            let kind = role
                .holders
                .map(|kind| format!(" for {kind}s"))
                .unwrap_or_default();
            format!("{}{kind}", role.label())
        })
    }

    /// The one account that is meant.
    async fn account(&self, wanted: &Selector) -> Result<Option<Account>, ProvisioningError> {
        let number = |text: &str| NativeId::new(text).ok().filter(|id| id.as_number().is_some());
        let id = match wanted {
            Selector::Id(id) => Some(id.clone()),
            Selector::Text(text) => number(text),
        };
        if let Some(id) = id {
            let found = self.tenant.account(&id).await;
            return match found.map_err(ProvisioningError::ReadFailed)? {
                Some(account) => Ok(Some(account)),
                None => self.seen_everywhere(&id).await,
            };
        }
        let Selector::Text(text) = wanted else {
            return Ok(None);
        };
        let Ok(email) = super::EmailAddress::parse(text) else {
            return Ok(None);
        };
        let found = self
            .tenant
            .accounts_with_email(&email)
            .await
            .map_err(ProvisioningError::ReadFailed)?;
        one("account", wanted, found, |account| {
            format!("the {} {}", account.kind, account.label())
        })
    }

    async fn organization(&self, wanted: &Selector) -> Result<Box<Resource>, ProvisioningError> {
        let found = self
            .tenant
            .organizations(wanted)
            .await
            .map_err(ProvisioningError::ReadFailed)?;
        let label = |organization: &Resource| format!("{} ({})", organization.display_name, organization.id);
        let found = one("organization", wanted, found, label)?;
        found
            .map(Box::new)
            .ok_or_else(|| not_found("organization", wanted, Vec::new()))
    }

    fn account_id(&self, id: &NativeId) -> ResourceId {
        ResourceId::new(self.tenant.terms().account_type.clone(), id.clone())
    }
}

/// The only one, or none.
fn one<T>(
    what: &'static str,
    wanted: &Selector,
    mut found: Vec<T>,
    label: impl Fn(&T) -> String,
) -> Result<Option<T>, ProvisioningError> {
    if found.len() > 1 {
        let mut candidates: Vec<String> = found.iter().map(label).collect();
        candidates.sort_unstable();
        return Err(ProvisioningError::Ambiguous {
            what,
            wanted: wanted.to_string(),
            candidates,
        });
    }
    Ok(found.pop())
}

fn fits(role: &Role, kind: AccountKind, account: impl FnOnce() -> String) -> Result<(), ProvisioningError> {
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

/// A few of the things with a similar name are named.
fn not_found(what: &'static str, wanted: &Selector, mut similar: Vec<String>) -> ProvisioningError {
    similar.sort_unstable();
    similar.dedup();
    similar.truncate(MAX_SIMILAR);
    // A name that another one looks like is shown letter by letter.
    let wanted = match wanted {
        Selector::Text(text) if !text.is_ascii() && !similar.is_empty() => quoted(text),
        wanted => wanted.to_string(),
    };
    ProvisioningError::NotFound {
        what,
        wanted,
        similar,
    }
}

/// What was found and what was typed, where they differ.
fn spelling(wanted: &Selector, id: &ResourceId, found: &str) -> Option<Warning> {
    let Selector::Text(text) = wanted else { return None };
    (text != found && text != id.id.as_str()).then(|| {
        let (found, text) = quoted_beside(found, text);
        Warning {
            code: "name_differs",
            message: format!("{found} was found for {text}: {id}"),
        }
    })
}

fn role_spelling(wanted: &Selector, role: &Role) -> Option<Warning> {
    spelling(wanted, role.id(), role.resource.display_name.as_str())
}

/// Organizations that were found by another spelling than the one that was typed.
fn organization_spellings(
    wanted: &AccountValues<Selector>,
    found: &AccountValues<Box<Resource>>,
) -> Vec<Warning> {
    let pairs = wanted.iter().filter_map(|(field, value)| match value {
        AccountValue::Organization(selector) => Some((selector, found.organization(field.name)?)),
        AccountValue::Text(_) | AccountValue::Flag(_) => None,
    });
    pairs
        .filter_map(|(selector, organization)| organization_spelling(selector, organization))
        .collect()
}

fn organization_spelling(wanted: &Selector, organization: &Resource) -> Option<Warning> {
    spelling(wanted, &organization.id, organization.display_name.as_str())
}

/// Addresses are written in any case, so that this alone is no difference.
fn account_spelling(wanted: &Selector, account: &Account) -> Option<Warning> {
    let email = account.email()?;
    match wanted {
        Selector::Text(text) if text.eq_ignore_ascii_case(email) => None,
        _ => spelling(wanted, account.id(), email),
    }
}

fn managed(account: &Account, what_it_may_do: &str) -> Option<Warning> {
    let is = match &account.managed_elsewhere {
        ReportedFlag::Yes => "is",
        ReportedFlag::Contradicted(_) => "may be",
        ReportedFlag::No | ReportedFlag::Unknown => return None,
    };
    Some(Warning {
        code: "managed_by_identity_provider",
        message: format!(
            "{} {is} managed by an identity provider (SCIM), which {what_it_may_do}",
            account.label()
        ),
    })
}

fn membership_unknown(role: &Role, held: Certainty) -> Option<Warning> {
    let Certainty::Unknown(reason) = held else {
        return None;
    };
    Some(Warning {
        code: "membership_unknown",
        message: format!(
            "{}: {reason}; the request is sent, and its answer decides",
            role.label()
        ),
    })
}

fn of_holder(account: &Account) -> Vec<Warning> {
    let disabled = account
        .resource
        .status
        .as_ref()
        .is_some_and(|status| status.state == StatusState::Disabled);
    let disabled = disabled.then(|| Warning {
        code: "account_disabled",
        message: format!(
            "{} is disabled: the role has no effect until it is enabled",
            account.label()
        ),
    });
    managed(account, "may take the role away again")
        .into_iter()
        .chain(disabled)
        .collect()
}

fn of_request(wanted: &AccountRequest) -> Vec<Warning> {
    let warning = |code, message| Warning { code, message };
    let ignored = (!wanted.ignored.is_empty()).then(|| {
        warning(
            "attributes_ignored",
            format!(
                "these attributes mean nothing here: {}",
                wanted.ignored.join(", ")
            ),
        )
    });
    let lacks = |field: &str| match field {
        "roles" => wanted.roles.is_empty(),
        field => wanted.values.get(field).is_none(),
    };
    let advice = wanted.kind.advice.iter();
    let advice = advice
        .filter(|advice| lacks(advice.without))
        .map(|advice| warning(advice.code, advice.message.to_owned()));
    ignored.into_iter().chain(advice).collect()
}

/// An account that is there already is left as it is, so what it lacks, or may lack, is said.
pub(super) fn lacking(existing: &Account, roles: &[Role]) -> Vec<Warning> {
    let (mut lacking, mut unknown) = (Vec::new(), Vec::new());
    for role in roles {
        match role.members.contain(&existing.id().id) {
            Certainty::Yes => {}
            Certainty::No => lacking.push(role.label()),
            Certainty::Unknown(_) => unknown.push(role.label()),
        }
    }
    let warning = |code, labels: Vec<String>, how: &str| {
        (!labels.is_empty()).then(|| Warning {
            code,
            message: format!(
                "{} exists already and is left as it is, {how} {}",
                existing.label(),
                labels.join(", ")
            ),
        })
    };
    let lacking = warning("roles_not_assigned", lacking, "without");
    let unknown = warning("roles_unknown", unknown, "and it is not known whether it has");
    lacking.into_iter().chain(unknown).collect()
}
