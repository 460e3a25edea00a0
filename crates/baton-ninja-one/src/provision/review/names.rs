//! Whether the ids of a sheet mean whom and what its names say: a sheet is sorted, edited and copied by people, who look
//! at the names.

use std::collections::HashMap;

use access_core::StatusCode;
use access_core::model::NativeId;
use access_core::model::spelling::{fold, quoted_beside};
use access_core::ports::Provisioner;
use access_core::provisioning::{Account, Role, Selector};

use super::sheet::Decision;
use super::{Row, RowResult, until_stopped, would_fail_again};
use crate::exit::Failure;

/// Roles and accounts as the tenant has them now, each looked up once.
#[derive(Default)]
struct Directory {
    roles: HashMap<NativeId, Option<Role>>,
    accounts: HashMap<NativeId, Option<Account>>,
}

/// Puts the tenant's names into a row for each decision. A row whose names are others' is refused.
pub(super) async fn look_up(tenant: &dyn Provisioner, decisions: &[&Decision]) -> Vec<Row> {
    let mut directory = Directory::default();
    let mut rows: Vec<Row> = Vec::with_capacity(decisions.len());
    let mut hopeless = false;
    for decision in decisions {
        let mut row = Row::of(decision);
        if !hopeless && let Err(failure) = directory.name(tenant, decision, &mut row).await {
            hopeless = would_fail_again(failure.status());
            row.fail(&failure);
        }
        rows.push(row);
    }
    rows
}

/// Fails if a row is refused: then no other is carried out either, because a sheet with one such row was mixed up.
pub(super) fn all_agree(rows: &[Row]) -> Result<(), Failure> {
    let refused = rows.iter().filter(|row| row.result == RowResult::Refused).count();
    if refused == 0 {
        return Ok(());
    }
    Err(Failure::found(
        format!(
            "in {refused} of {} revocations the names of the sheet are not those of its ids; nothing was changed",
            rows.len()
        ),
        Some("correct the rows that are named above, or export the sheet again; a spreadsheet must be sorted by whole rows".to_owned()),
        StatusCode::FailedPrecondition,
    ))
}

impl Directory {
    async fn name(
        &mut self,
        tenant: &dyn Provisioner,
        decision: &Decision,
        row: &mut Row,
    ) -> Result<(), Failure> {
        // Whose access it is is told even where nothing can be revoked.
        let [who, what] = &decision.names;
        let mut contradictions = Vec::new();
        if let Some(account) = self.account(tenant, decision).await? {
            row.name = Some(account.resource.display_name.to_string());
            contradictions.push(contradiction(who, &names_of_account(account), &row.principal));
        }
        if let Some(role) = self.role(tenant, decision).await? {
            row.access = Some(role.entitlement.display_name.to_string());
            contradictions.push(contradiction(what, &names_of_role(role), &decision.entitlement));
        }
        let contradictions: Vec<String> = contradictions.into_iter().flatten().collect();
        if !contradictions.is_empty() {
            row.result = RowResult::Refused;
            row.error = Some(contradictions.join("; "));
        }
        Ok(())
    }

    async fn account(
        &mut self,
        tenant: &dyn Provisioner,
        decision: &Decision,
    ) -> Result<Option<&Account>, Failure> {
        let vocabulary = tenant.vocabulary();
        let principal = Selector::principal(&decision.principal_type, &decision.principal, vocabulary)?;
        let Selector::Id(id) = principal else {
            return Ok(None);
        };
        if !self.accounts.contains_key(&id) {
            let found = until_stopped(tenant.account(&id)).await?;
            self.accounts.insert(id.clone(), found);
        }
        Ok(self.accounts.get(&id).and_then(Option::as_ref))
    }

    async fn role(
        &mut self,
        tenant: &dyn Provisioner,
        decision: &Decision,
    ) -> Result<Option<&Role>, Failure> {
        let Selector::Id(id) = Selector::entitlement(&decision.entitlement, tenant.vocabulary())? else {
            return Ok(None);
        };
        if !self.roles.contains_key(&id) {
            let found = until_stopped(tenant.roles(&Selector::Id(id.clone()))).await?;
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

/// What a sheet calls otherwise than the tenant does; an empty cell says nothing.
fn contradiction(in_sheet: &str, own: &[&str], id: &str) -> Option<String> {
    let plain = |name: &str| fold(&name.split_whitespace().collect::<Vec<_>>().join(" "));
    let sheet = plain(in_sheet);
    let agrees = sheet.is_empty() || own.iter().any(|name| plain(name) == sheet);
    (!agrees).then(|| {
        let own = own.first().copied().unwrap_or_default();
        let (sheet, own) = quoted_beside(in_sheet, own);
        format!("the sheet says {sheet}, and {id} is {own}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_people_read_them() {
        let told = |sheet| contradiction(sheet, &["Service Desk role", "Service Desk"], "role:1:assigned");
        for same in ["Service Desk role", "service  desk", " Service Desk ", ""] {
            assert_eq!(told(same), None, "{same}");
        }
        assert_eq!(
            told("Backup role").unwrap(),
            "the sheet says `Backup role`, and role:1:assigned is `Service Desk role`"
        );
        assert!(told("Desk").is_some());
    }
}
