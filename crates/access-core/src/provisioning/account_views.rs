//! An account as each source of the tenant reports it.

use super::{Account, AccountKind, ProvisioningError, ReportedFlag};
use crate::model::ResourceId;

/// What each source reports about one account. The adapter reports, and the domain reconciles: no source takes
/// precedence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountViews {
    /// Name of the lookup for messages.
    pub lookup: String,
    /// Result of the lookup; `None` only if it reports that the account does not exist.
    pub found: Option<Account>,
    /// Results of the lists.
    pub lists: Vec<ListView>,
}

/// What a list reports about an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListView {
    /// Name of the list for messages.
    pub list: String,
    /// The result.
    pub listed: ListEntry,
}

/// Whether a list contains an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListEntry {
    /// The list contains it.
    Present(Box<Account>),
    /// The list does not contain it, and every entry is readable.
    Absent,
    /// Unknown; the text is the reason, for messages.
    Unclear(String),
}

impl AccountViews {
    /// The account with contradictions recorded; `None` if all sources agree that it does not exist.
    ///
    /// # Errors
    /// [`ProvisioningError::Contradiction`] if the sources disagree, [`ProvisioningError::Undetermined`] if one of them
    /// may contain it.
    pub(super) fn reconcile(self, id: &ResourceId) -> Result<Option<Account>, ProvisioningError> {
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
            if account.kind != other.kind && !account.administrator.may_be_set() {
                account.administrator = another_kind(&lookup, account.kind, &list, other.kind);
            }
        }
        Ok(Some(account))
    }
}

/// The other kind can have different rights, so the account may be an administrator.
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
