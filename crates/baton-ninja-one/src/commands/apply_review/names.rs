//! Checks that the ids of a review still have the reviewed names: reviewers decide by names, and an id may belong to
//! something else by now.

use std::collections::HashMap;

use access_core::StatusCode;
use access_core::model::NativeId;
use access_core::model::spelling::{fold, quoted_beside};
use access_core::ports::Provisioner;
use access_core::provisioning::{Account, Role, Selector};

use super::order::RevocationOrder;
use super::result::{RevocationResult, RevocationRow, fails_for_all_rows};
use crate::commands::provision::NOTHING_CHANGED;
use crate::failure::Failure;
use crate::runtime::cancellation::cancel_on_signal;

/// Current roles and accounts of the tenant, each looked up once.
#[derive(Default)]
struct TenantNames {
    roles: HashMap<NativeId, Option<Role>>,
    accounts: HashMap<NativeId, Option<Account>>,
}

/// Creates a row for each revocation with the tenant's names. A row with other names than the reviewed ones is refused.
pub(super) async fn look_up(tenant: &dyn Provisioner, orders: &[RevocationOrder<'_>]) -> Vec<RevocationRow> {
    let mut directory = TenantNames::default();
    let mut rows: Vec<RevocationRow> = Vec::with_capacity(orders.len());
    let mut fails_for_all = false;
    for order in orders {
        let mut row = RevocationRow::new(order);
        if !fails_for_all && let Err(failure) = directory.name(tenant, order, &mut row).await {
            fails_for_all = fails_for_all_rows(failure.status());
            row.fail(&failure);
        }
        rows.push(row);
    }
    rows
}

/// Fails if any row is refused. Then no row is carried out, because such a sheet was mixed up.
pub(super) fn require_matching_names(rows: &[RevocationRow]) -> Result<(), Failure> {
    let refused = rows
        .iter()
        .filter(|row| row.result == RevocationResult::Refused)
        .count();
    if refused == 0 {
        return Ok(());
    }
    Err(Failure::new(
        format!(
            "in {refused} of {} revocations the reviewed name no longer matches the id; nothing was changed",
            rows.len()
        ),
        Some("review the lines that are named above again, in a report of a new sync".to_owned()),
        StatusCode::FailedPrecondition,
    ))
}

impl TenantNames {
    async fn name(
        &mut self,
        tenant: &dyn Provisioner,
        order: &RevocationOrder<'_>,
        row: &mut RevocationRow,
    ) -> Result<(), Failure> {
        // The account is named even if nothing can be revoked.
        let line = order.line;
        let reviewed = &line.principal;
        let mut contradictions = Vec::new();
        if let Some(account) = self.account(tenant, order).await? {
            row.name = Some(account.resource.display_name.to_string());
            // A renamed account with the same address is the same person.
            let address = reviewed.login.as_ref().or(reviewed.email.as_ref());
            let same_address = account
                .email()
                .zip(address)
                .is_some_and(|(own, address)| normalize(own) == normalize(address));
            if !(order.is_sealed && same_address) {
                contradictions.push(contradiction(
                    &reviewed.name,
                    &names_of_account(account),
                    &row.principal,
                ));
            }
        }
        if let Some(role) = self.role(tenant, order).await? {
            row.access = Some(role.entitlement.display_name.to_string());
            contradictions.push(contradiction(
                &line.entitlement_name,
                &names_of_role(role),
                &row.entitlement_id,
            ));
        }
        let contradictions: Vec<String> = contradictions.into_iter().flatten().collect();
        if !contradictions.is_empty() {
            row.refuse(contradictions.join("; "));
        }
        Ok(())
    }

    async fn account(
        &mut self,
        tenant: &dyn Provisioner,
        order: &RevocationOrder<'_>,
    ) -> Result<Option<&Account>, Failure> {
        let terms = tenant.terms();
        let subject = &order.line.subject;
        let principal = Selector::parse_principal(&subject.principal_type, &subject.principal_id, terms)?;
        let Selector::Id(id) = principal else {
            return Ok(None);
        };
        if !self.accounts.contains_key(&id) {
            let found = cancel_on_signal(tenant.account(&id), NOTHING_CHANGED).await?;
            self.accounts.insert(id.clone(), found);
        }
        Ok(self.accounts.get(&id).and_then(Option::as_ref))
    }

    async fn role(
        &mut self,
        tenant: &dyn Provisioner,
        order: &RevocationOrder<'_>,
    ) -> Result<Option<&Role>, Failure> {
        let entitlement = &order.line.subject.entitlement_id;
        let Selector::Id(id) = Selector::parse_entitlement(entitlement, tenant.terms())? else {
            return Ok(None);
        };
        if !self.roles.contains_key(&id) {
            let found = cancel_on_signal(tenant.roles(&Selector::Id(id.clone())), NOTHING_CHANGED).await?;
            self.roles.insert(id.clone(), found.into_iter().next());
        }
        Ok(self.roles.get(&id).and_then(Option::as_ref))
    }
}

fn names_of_role(role: &Role) -> Vec<&str> {
    vec![
        role.entitlement.display_name.as_str(),
        role.resource.display_name.as_str(),
    ]
}

fn names_of_account(account: &Account) -> Vec<&str> {
    std::iter::once(account.resource.display_name.as_str())
        .chain(account.email())
        .collect()
}

fn normalize(name: &str) -> String {
    fold(&name.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A sentence about a reviewed name that differs from the tenant's; an empty name matches everything.
fn contradiction(reviewed: &str, own: &[&str], id: &str) -> Option<String> {
    let name = normalize(reviewed);
    let agrees = name.is_empty() || own.iter().any(|own| normalize(own) == name);
    (!agrees).then(|| {
        let own = own.first().copied().unwrap_or_default();
        let (reviewed, own) = quoted_beside(reviewed, own);
        format!("the review names {reviewed}, but {id} is {own}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_normalized() {
        let check = |sheet| contradiction(sheet, &["Service Desk role", "Service Desk"], "role:1:assigned");
        for same in ["Service Desk role", "service  desk", " Service Desk ", ""] {
            assert_eq!(check(same), None, "{same}");
        }
        assert_eq!(
            check("Backup role").unwrap(),
            "the review names `Backup role`, but role:1:assigned is `Service Desk role`"
        );
        assert!(check("Desk").is_some());
    }
}
