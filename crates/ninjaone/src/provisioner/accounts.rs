//! Looks up accounts by id and address, and administrators.

use access_core::model::{NativeId, ResourceId};
use access_core::provisioning::{
    Account, AccountKind, AccountViews, EmailAddress, ListEntry, ListView, NewAccount, ReportedFlag,
};
use access_core::query::{TextQuery, email, login};

use super::schema::{ACCOUNTS, END_USER, TECHNICIAN};
use crate::api::Flag;
use crate::api::OrganizationRow;
use crate::api::Row;
use crate::api::Stated;
use crate::api::UserRow;
use crate::client::{FirstElement, ListConsumer};
use crate::mapping::{self, user_type};
use crate::{NinjaOneClient, NinjaOneError};

const TECHNICIANS: &str = "/v2/user/technicians";
const END_USERS: &str = "/v2/user/end-users";
const USERS: &str = "/v2/users";

/// The lists of accounts with the kind of their accounts; the rows of the common list state their kind.
const LISTS: [(&str, Option<AccountKind>); 3] = [
    (TECHNICIANS, Some(TECHNICIAN)),
    (END_USERS, Some(END_USER)),
    (USERS, None),
];

/// The account with this id, of either kind. The server answers a wrong kind with 400 and an unknown id with 404
/// (docs/reference/ninjaone-api.md §3.1). An account counts as missing only on an instance that has both calls, and not
/// because a proxy answers 404: then the lists decide.
pub(super) async fn by_id(client: &NinjaOneClient, id: &NativeId) -> Result<Option<Account>, NinjaOneError> {
    let Some(number) = id.as_number() else {
        return Ok(None);
    };
    let mut is_certified = true;
    for kind in [TECHNICIAN, END_USER] {
        let path = path_of(kind, number);
        match client.object::<Row<UserRow>>(&path, &[]).await {
            Ok(Row::Object(row)) if row.id.get() == Some(number) => {
                let facts = Facts::of(&row);
                return account(client, number, kind, row, facts).await.map(Some);
            }
            // A change must not be decided on another user's account.
            Ok(_) => {
                return Err(NinjaOneError::Malformed {
                    request: client.display_request(&path),
                    reason: "it is not the account that was asked for".to_owned(),
                });
            }
            Err(
                error @ NinjaOneError::Refused {
                    status: 400 | 404, ..
                },
            ) => is_certified &= error.is_certified_absence(),
            Err(error) => return Err(error),
        }
    }
    if is_certified {
        offers_accounts(client).await?;
    } else {
        require_unlisted(client, number).await?;
    }
    Ok(None)
}

/// Fails if a list has the account, or may have it.
async fn require_unlisted(client: &NinjaOneClient, number: u64) -> Result<(), NinjaOneError> {
    for (path, _) in LISTS {
        let selected = select(client, path, has_id(Some(number))).await?;
        let reason = if !selected.found.is_empty() {
            "it has an account that the lookup by id does not find"
        } else if selected.unclear {
            "it has entries without a usable id, one of which may be an account that the lookup by id does not find"
        } else {
            continue;
        };
        return Err(NinjaOneError::Malformed {
            request: client.display_request(path),
            reason: reason.to_owned(),
        });
    }
    Ok(())
}

fn has_id(number: Option<u64>) -> impl Fn(&UserRow) -> Match + Send + 'static {
    move |row| match row.id.get() {
        Some(id) => Match::from(Some(id) == number),
        None => Match::Unclear,
    }
}

/// The address of one account.
pub(super) fn path_of(kind: AccountKind, id: impl std::fmt::Display) -> String {
    if kind == TECHNICIAN {
        format!("/v2/user/technician/{id}")
    } else {
        format!("/v2/user/end-user/{id}")
    }
}

/// The account with this id, from the lookups by id and every list.
pub(super) async fn account_views(
    client: &NinjaOneClient,
    id: &NativeId,
) -> Result<AccountViews, NinjaOneError> {
    let found = by_id(client, id).await?;
    let path = |kind| path_of(kind, id);
    let lookup = match &found {
        Some(account) => client.display_request(&path(account.kind)),
        None => format!(
            "{} and {}",
            client.display_request(&path(TECHNICIAN)),
            path(END_USER)
        ),
    };
    let number = id.as_number();
    let fallback = found.as_ref().map_or(TECHNICIAN, |account| account.kind);
    let mut lists = Vec::new();
    for (path, own) in LISTS {
        let selected = select(client, path, has_id(number)).await?;
        let rows = selected.found.iter();
        let listed = rows.map(|row| {
            let kind = own.or(said_kind(row)).unwrap_or(fallback);
            let id = row.id.get().unwrap_or_default();
            ListEntry::Present(Box::new(account_of(id, kind, row, None, Facts::of(row))))
        });
        let mut listed: Vec<ListEntry> = listed.collect();
        if listed.is_empty() {
            listed.push(if selected.unclear {
                ListEntry::Unclear(LOST.to_owned())
            } else {
                ListEntry::Absent
            });
        }
        lists.extend(listed.into_iter().map(|listed| ListView {
            list: client.display_request(path),
            listed,
        }));
    }
    Ok(AccountViews { lookup, found, lists })
}

/// An account in lists, with the flags that they state.
struct Found {
    kind: Option<AccountKind>,
    row: UserRow,
    facts: Facts,
    list: &'static str,
}

/// Accounts with this address, from the two lists by kind and the common one, which can have accounts that they lack.
pub(super) async fn by_email(
    client: &NinjaOneClient,
    email: &EmailAddress,
) -> Result<Vec<Account>, NinjaOneError> {
    let mut found: Vec<Found> = Vec::new();
    let mut unclear = None;
    for (list, kind) in LISTS {
        let email = email.clone();
        let selected = select(client, list, move |row| has_email(row, &email)).await?;
        if selected.unclear {
            unclear.get_or_insert(list);
        }
        if selected.found.len() > MAX_ROWS_OF_ADDRESS {
            return Err(NinjaOneError::Malformed {
                request: client.display_request(list),
                reason: format!("more than {MAX_ROWS_OF_ADDRESS} entries have one e-mail address"),
            });
        }
        for row in selected.found {
            let facts = Facts::of(&row);
            let known = found
                .iter_mut()
                .find(|known| known.row.id == row.id && (kind.is_none() || known.kind == kind));
            match known {
                Some(known) => {
                    let (own, other) = (client.display_request(known.list), client.display_request(list));
                    known.facts = std::mem::take(&mut known.facts).and(&own, &facts, &other);
                    known.row = row.or(std::mem::take(&mut known.row));
                }
                None => found.push(Found {
                    kind: kind.or(said_kind(&row)),
                    row,
                    facts,
                    list,
                }),
            }
        }
    }
    if let Some(list) = unclear.filter(|_| found.is_empty()) {
        return Err(NinjaOneError::Malformed {
            request: client.display_request(list),
            reason: format!("it {LOST}, one of which may have the e-mail address"),
        });
    }
    let mut accounts = Vec::new();
    for Found {
        kind,
        row,
        facts,
        list,
    } in found
    {
        let Some(id) = row.id.get() else { continue };
        let kind = match kind {
            Some(kind) => kind,
            None => looked_up_kind(client, id, list).await?,
        };
        accounts.push(account(client, id, kind, row, facts).await?);
    }
    Ok(accounts)
}

/// Accounts with a similar name or address, for suggestions.
pub(super) async fn similar(
    client: &NinjaOneClient,
    words: &TextQuery,
) -> Result<Vec<String>, NinjaOneError> {
    let mut labels = Vec::new();
    for (list, _) in &LISTS[..2] {
        let words = words.clone();
        let selected = select(client, list, move |row| match row.id.get() {
            Some(id) => {
                let user = mapping::user(id, row, None);
                let names = [login(&user), email(&user), Some(user.display_name.as_str())];
                Match::from(names.into_iter().flatten().any(|name| words.resembles(name)))
            }
            None => Match::No,
        })
        .await?;
        labels.extend(selected.found.iter().filter_map(|row| {
            let user = mapping::user(row.id.get()?, row, None);
            let name = &user.display_name;
            Some(match login(&user).or(email(&user)) {
                Some(who) if who != name.as_str() => format!("{} ({name}, {who})", user.id),
                _ => format!("{} ({name})", user.id),
            })
        }));
    }
    Ok(labels)
}

/// Looks up the kind of an account whose row does not state it.
async fn looked_up_kind(client: &NinjaOneClient, id: u64, list: &str) -> Result<AccountKind, NinjaOneError> {
    let found = by_id(client, &NativeId::from_number(id)).await?;
    found
        .map(|account| account.kind)
        .ok_or_else(|| NinjaOneError::Malformed {
            request: client.display_request(list),
            reason: format!("it does not say of which type user {id} is, and looking it up finds none"),
        })
}

/// The account in the response to an update; `None` without a row with an id.
pub(super) async fn from_response(
    client: &NinjaOneClient,
    body: &[u8],
    kind: AccountKind,
) -> Result<Option<Account>, NinjaOneError> {
    let Some((id, row)) = row_in(body) else {
        return Ok(None);
    };
    let facts = Facts::of(&row);
    account(client, id, kind, row, facts).await.map(Some)
}

/// A new account. The id in the response to its creation is only believed if the account with this id has the requested kind and
/// address: roles would be given to another account.
pub(super) async fn created(
    client: &NinjaOneClient,
    body: &[u8],
    requested: &NewAccount,
) -> Result<Option<Account>, NinjaOneError> {
    let Some((id, _)) = row_in(body) else {
        return Ok(None);
    };
    let found = by_id(client, &NativeId::from_number(id)).await?;
    Ok(found.filter(|account| account.kind == requested.kind && account.has_email(&requested.person.email)))
}

fn row_in(body: &[u8]) -> Option<(u64, UserRow)> {
    match serde_json::from_slice::<Row<UserRow>>(body).ok()? {
        Row::Object(row) => Some((row.id.get()?, row)),
        _ => None,
    }
}

/// Technicians stated to be administrators and enabled.
pub(super) async fn administrators(client: &NinjaOneClient) -> Result<Vec<ResourceId>, NinjaOneError> {
    let selected = select(client, TECHNICIANS, |row| {
        Match::from(row.administrator.get() == Some(true) && row.enabled.get() == Some(true))
    })
    .await?;
    let mut ids: Vec<u64> = selected.found.iter().filter_map(|row| row.id.get()).collect();
    ids.sort_unstable();
    ids.dedup();
    let ids = ids.into_iter();
    Ok(ids
        .map(|id| ResourceId::new(user_type(), NativeId::from_number(id)))
        .collect())
}

/// Flags of an account, merged from one or more sources.
#[derive(Default)]
struct Facts {
    administrator: ReportedFlag,
    managed_elsewhere: ReportedFlag,
}

/// A flag as one source states it. An unreadable flag may be set, whatever another source states.
fn fact(field: &str, flag: Flag) -> ReportedFlag {
    match flag {
        Stated::Value(set) => Some(set).into(),
        Stated::Unstated => ReportedFlag::Unknown,
        Stated::Unreadable => ReportedFlag::Contradicted(format!("{field} cannot be read")),
    }
}

impl Facts {
    fn of(row: &UserRow) -> Self {
        Self {
            administrator: fact("administrator", row.administrator),
            managed_elsewhere: fact("scimUser", row.scim_user),
        }
    }

    fn and(self, source: &str, other: &Self, other_source: &str) -> Self {
        Self {
            administrator: self.administrator.and(source, &other.administrator, other_source),
            managed_elsewhere: self
                .managed_elsewhere
                .and(source, &other.managed_elsewhere, other_source),
        }
    }
}

/// An account as a sync emits it, without the privileges that only `/v2/users` has.
async fn account(
    client: &NinjaOneClient,
    id: u64,
    kind: AccountKind,
    mut row: UserRow,
    facts: Facts,
) -> Result<Account, NinjaOneError> {
    if row.user_type.value().is_none() {
        row.user_type = Stated::Value(kind.word.into());
    }
    let organization = match row.organization_id.ids() {
        [id] => organization_name(client, *id).await?,
        _ => None,
    };
    Ok(account_of(id, kind, &row, organization.as_deref(), facts))
}

fn account_of(
    id: u64,
    kind: AccountKind,
    row: &UserRow,
    organization: Option<&str>,
    facts: Facts,
) -> Account {
    let Facts {
        administrator,
        managed_elsewhere,
    } = facts;
    Account {
        resource: mapping::user(id, row, organization),
        kind,
        administrator,
        managed_elsewhere,
    }
}

/// The name of an organization, if it is known.
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

/// The kind that a row of the common list states.
fn said_kind(row: &UserRow) -> Option<AccountKind> {
    row.user_type.trimmed().and_then(|word| ACCOUNTS.kind(word))
}

/// Fails on an older instance, which lacks the lists by kind.
async fn offers_accounts(client: &NinjaOneClient) -> Result<(), NinjaOneError> {
    match client
        .list::<serde::de::IgnoredAny, _>(TECHNICIANS, &[], FirstElement)
        .await
    {
        Ok(_) => Ok(()),
        Err(error) => Err(error.into_older_instance()),
    }
}

/// Whether rows without an id may match.
const LOST: &str = "has entries without a usable id";

/// Whether a row matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Match {
    Yes,
    No,
    /// It may match.
    Unclear,
}

impl From<bool> for Match {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// A row with an id but without an address does not match.
fn has_email(row: &UserRow, email: &EmailAddress) -> Match {
    match (row.email.text(), row.id.get()) {
        (Some(own), Some(_)) => Match::from(email.is(own)),
        (Some(own), None) if !email.is(own) => Match::No,
        (_, None) => Match::Unclear,
        (None, Some(_)) if row.email.is_unreadable() => Match::Unclear,
        (None, Some(_)) => Match::No,
    }
}

/// Collects the matching rows of a list.
async fn select(
    client: &NinjaOneClient,
    path: &str,
    matches: impl Fn(&UserRow) -> Match + Send + 'static,
) -> Result<Selecting<impl Fn(&UserRow) -> Match>, NinjaOneError> {
    let selecting = Selecting {
        matches,
        found: Vec::new(),
        kept: 0,
        unclear: false,
        has_usable_rows: false,
    };
    let (selected, _, _) = client
        .list::<Row<UserRow>, _>(path, &[], selecting)
        .await
        .map_err(NinjaOneError::into_older_instance)?;
    Ok(selected)
}

struct Selecting<F> {
    matches: F,
    /// Matching rows, each with an id; a user can have several.
    found: Vec<UserRow>,
    /// Bytes of the matching rows.
    kept: u64,
    /// There are rows that may match.
    unclear: bool,
    has_usable_rows: bool,
}

/// Number of rows that a row is compared with. All of a person's rows are fewer.
const MAX_COMPARED: usize = 64;
/// Maximum number of rows with one address.
const MAX_ROWS_OF_ADDRESS: usize = 1_000;

impl<F> Selecting<F> {
    fn is_known(&self, row: &UserRow) -> bool {
        let last = self.found.iter().rev().take(MAX_COMPARED);
        last.into_iter().any(|known| known == row)
    }
}

impl<F: Fn(&UserRow) -> Match> ListConsumer<Row<UserRow>> for Selecting<F> {
    fn accept(&mut self, row: Row<UserRow>) -> bool {
        let Row::Object(row) = row else {
            self.unclear = true;
            return true;
        };
        self.has_usable_rows |= row.id.get().is_some();
        match (self.matches)(&row) {
            Match::Yes if row.id.get().is_some() && !self.is_known(&row) => {
                self.kept += row.bytes() as u64;
                self.found.push(row);
            }
            Match::Yes | Match::No => {}
            Match::Unclear => self.unclear = true,
        }
        true
    }

    fn restart(&mut self) {
        self.found.clear();
        self.kept = 0;
        self.unclear = false;
        self.has_usable_rows = false;
    }

    fn kept_bytes(&self) -> u64 {
        self.kept
    }

    fn has_usable_rows(&self) -> bool {
        self.has_usable_rows
    }
}
