//! One account as every source of the tenant says it is.

use super::{Account, AccountKind, ProvisioningError, ReportedFlag};
use crate::model::ResourceId;

/// What the tenant says of one account, source by source. An adapter reports, and the domain judges: no source is
/// believed against another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountViews {
    /// What the lookup by id is called, for people.
    pub lookup: String,
    /// The account that the lookup gave; `None` only if it says that there is none.
    pub found: Option<Account>,
    /// What each list says.
    pub lists: Vec<ListView>,
}

/// What one list says of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListView {
    /// What the list is called, for people.
    pub list: String,
    /// What it says.
    pub listed: ListEntry,
}

/// Whether an account is in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListEntry {
    /// It is, as this account.
    Present(Box<Account>),
    /// It is not, and every entry of the list can be told from it.
    Absent,
    /// That cannot be told; the text is the reason, for people.
    Unclear(String),
}

impl AccountViews {
    /// The account, with what the sources contradict each other about; `None` if they agree that there is none.
    ///
    /// # Errors
    /// [`ProvisioningError::Contradiction`] if they do not agree, [`ProvisioningError::Undetermined`] if one of them may
    /// have it.
    pub(super) fn judge(self, id: &ResourceId) -> Result<Option<Account>, ProvisioningError> {
        let Self { lookup, found, lists } = self;
        let Some(mut account) = found else {
            return absent(id, &lookup, lists).map(|()| None);
        };
        for ListView { list, listed } in lists {
            let ListEntry::Present(other) = listed else {
                continue;
            };
            account.administrator = account.administrator.and(&lookup, &other.administrator, &list);
            account.managed_elsewhere =
                account
                    .managed_elsewhere
                    .and(&lookup, &other.managed_elsewhere, &list);
            if account.kind != other.kind && !account.administrator.may_be() {
                account.administrator = another_kind(&lookup, account.kind, &list, other.kind);
            }
        }
        Ok(Some(account))
    }
}

/// Somebody may be another person, with other rights, who cannot be told from this one.
fn another_kind(lookup: &str, own: AccountKind, list: &str, other: AccountKind) -> ReportedFlag {
    ReportedFlag::Contradicted(format!(
        "{lookup} says {}, {list} says {}",
        own.with_article(),
        other.with_article()
    ))
}

fn absent(id: &ResourceId, lookup: &str, lists: Vec<ListView>) -> Result<(), ProvisioningError> {
    let mut unclear = None;
    for ListView { list, listed } in lists {
        match listed {
            ListEntry::Present(_) => {
                return Err(ProvisioningError::Contradiction {
                    what: id.to_string(),
                    says: format!("no such account at {lookup}, and {list} lists it"),
                });
            }
            ListEntry::Absent => {}
            ListEntry::Unclear(reason) => {
                unclear.get_or_insert(format!("{list} {reason}"));
            }
        }
    }
    match unclear {
        None => Ok(()),
        Some(reason) => Err(ProvisioningError::Undetermined {
            what: format!("there is an account {id}"),
            reason,
        }),
    }
}
