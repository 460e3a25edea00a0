//! Accounts by id, by address, and those with full rights.

use access_core::model::{NativeId, ResourceId};
use access_core::provisioning::{Account, AccountKind, EmailAddress};

use crate::client::{First, TakeElement};
use crate::mapping::{self, END_USER, TECHNICIAN, user_type};
use crate::wire::{OrganizationRow, Row, Said, UserRow};
use crate::{NinjaOneClient, NinjaOneError};

const TECHNICIANS: &str = "/v2/user/technicians";
const END_USERS: &str = "/v2/user/end-users";

/// The account of this id, whichever kind it is. A wrong kind is answered with 400, an unknown id with 404 (NinjaOne
/// facts §3.1). That both calls know nothing of it is believed only of an instance that has these calls.
pub(super) async fn by_id(client: &NinjaOneClient, id: &NativeId) -> Result<Option<Account>, NinjaOneError> {
    let Some(number) = id.as_number() else {
        return Ok(None);
    };
    for kind in [AccountKind::Technician, AccountKind::EndUser] {
        let path = path_of(kind, number);
        match client.object::<Row<UserRow>>(&path, &[]).await {
            Ok(Row::Object(row)) if row.id.get() == Some(number) => {
                return account(client, number, kind, row).await.map(Some);
            }
            // A change that is decided on somebody else's account would be a wrong one.
            Ok(_) => {
                return Err(NinjaOneError::Malformed {
                    request: client.shown(&path),
                    reason: "it is not the account that was asked for".to_owned(),
                });
            }
            Err(NinjaOneError::Refused {
                status: 400 | 404, ..
            }) => {}
            Err(error) => return Err(error),
        }
    }
    offers_accounts(client).await?;
    Ok(None)
}

/// The address of one account.
pub(super) fn path_of(kind: AccountKind, id: impl std::fmt::Display) -> String {
    match kind {
        AccountKind::Technician => format!("/v2/user/technician/{id}"),
        AccountKind::EndUser => format!("/v2/user/end-user/{id}"),
    }
}

/// Accounts with this address: the two lists of the kinds, and the common one, which can have accounts that they lack.
pub(super) async fn by_email(
    client: &NinjaOneClient,
    email: &EmailAddress,
) -> Result<Vec<Account>, NinjaOneError> {
    let technicians = matching(client, TECHNICIANS, email).await?;
    let end_users = matching(client, END_USERS, email).await?;
    let both = matching(client, "/v2/users", email).await?;
    let own = technicians.into_iter().map(|row| (AccountKind::Technician, row));
    let mut found: Vec<(AccountKind, UserRow)> = own
        .chain(end_users.into_iter().map(|row| (AccountKind::EndUser, row)))
        .collect();
    for row in both {
        match found.iter_mut().find(|(_, known)| known.id == row.id) {
            Some((_, known)) => *known = row.or(std::mem::take(known)),
            None => found.push((told_kind(&row), row)),
        }
    }
    let mut accounts = Vec::new();
    for (kind, row) in found {
        if let Some(id) = row.id.get() {
            accounts.push(account(client, id, kind, row).await?);
        }
    }
    Ok(accounts)
}

/// The account of an answer to a create or update; none if there is no row with an id in it.
pub(super) async fn of_answer(
    client: &NinjaOneClient,
    body: &[u8],
    kind: AccountKind,
) -> Result<Option<Account>, NinjaOneError> {
    let Ok(Row::Object(row)) = serde_json::from_slice::<Row<UserRow>>(body) else {
        return Ok(None);
    };
    match row.id.get() {
        Some(id) => account(client, id, kind, row).await.map(Some),
        None => Ok(None),
    }
}

/// Technicians with full rights who are not disabled.
pub(super) async fn administrators(client: &NinjaOneClient) -> Result<Vec<ResourceId>, NinjaOneError> {
    let rows = select(client, TECHNICIANS, |row| {
        row.administrator.get() == Some(true) && row.enabled.get() != Some(false)
    })
    .await?;
    let ids = rows.iter().filter_map(|row| row.id.get());
    Ok(ids
        .map(|id| ResourceId::new(user_type(), NativeId::from_number(id)))
        .collect())
}

/// An account as a sync emits it, but for the privileges that only `/v2/users` tells.
async fn account(
    client: &NinjaOneClient,
    id: u64,
    kind: AccountKind,
    mut row: UserRow,
) -> Result<Account, NinjaOneError> {
    if row.user_type.said().is_none() {
        let word = match kind {
            AccountKind::Technician => TECHNICIAN,
            AccountKind::EndUser => END_USER,
        };
        row.user_type = Said::Said(word.into());
    }
    let organization = match row.organization_id.ids() {
        [id] => organization_name(client, *id).await?,
        _ => None,
    };
    Ok(Account {
        resource: mapping::user(id, &row, organization.as_deref()),
        kind,
        administrator: row.administrator.get(),
        managed_elsewhere: row.scim_user.get() == Some(true),
    })
}

/// The name of an organization, if it can be told.
async fn organization_name(client: &NinjaOneClient, id: u64) -> Result<Option<String>, NinjaOneError> {
    match client
        .object::<Row<OrganizationRow>>(&format!("/v2/organization/{id}"), &[])
        .await
    {
        Ok(Row::Object(row)) if row.id.get() == Some(id) => Ok(row.name.trimmed().map(str::to_owned)),
        Ok(_)
        | Err(NinjaOneError::Refused {
            status: 400 | 403 | 404,
            ..
        }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn told_kind(row: &UserRow) -> AccountKind {
    row.user_type
        .trimmed()
        .and_then(AccountKind::parse)
        .unwrap_or(AccountKind::Technician)
}

/// Fails on an instance that has no accounts of its own kinds.
async fn offers_accounts(client: &NinjaOneClient) -> Result<(), NinjaOneError> {
    match client
        .list::<serde::de::IgnoredAny, _>(TECHNICIANS, &[], First)
        .await
    {
        Ok(_) => Ok(()),
        Err(error) => Err(error.of_older_instance()),
    }
}

async fn matching(
    client: &NinjaOneClient,
    path: &str,
    email: &EmailAddress,
) -> Result<Vec<UserRow>, NinjaOneError> {
    let email = email.clone();
    select(client, path, move |row| {
        row.email.text().is_some_and(|own| email.is(own))
    })
    .await
}

/// Rows of a list that are wanted; the others are not kept.
async fn select(
    client: &NinjaOneClient,
    path: &str,
    wanted: impl Fn(&UserRow) -> bool + Send + 'static,
) -> Result<Vec<UserRow>, NinjaOneError> {
    let selecting = Selecting {
        wanted,
        found: Vec::new(),
        has_used: false,
    };
    let (selected, _, _) = client
        .list::<Row<UserRow>, _>(path, &[], selecting)
        .await
        .map_err(NinjaOneError::of_older_instance)?;
    Ok(selected.found)
}

struct Selecting<F> {
    wanted: F,
    found: Vec<UserRow>,
    has_used: bool,
}

impl<F: Fn(&UserRow) -> bool> TakeElement<Row<UserRow>> for Selecting<F> {
    fn take(&mut self, row: Row<UserRow>) -> bool {
        if let Row::Object(row) = row
            && row.id.get().is_some()
        {
            self.has_used = true;
            if (self.wanted)(&row) && !self.found.iter().any(|known| known.id == row.id) {
                self.found.push(row);
            }
        }
        true
    }

    fn again(&mut self) {
        self.found.clear();
        self.has_used = false;
    }

    fn has_used(&self) -> bool {
        self.has_used
    }
}
