//! Roles with their members, from the list of roles or from the response to a change.

use std::collections::{BTreeMap, HashSet};

use access_core::model::NativeId;
use access_core::model::spelling::quoted;
use access_core::provisioning::{Role, RoleMembers, Selector};
use access_core::query::TextQuery;

use super::schema::ACCOUNTS;
use crate::api::RoleRow;
use crate::api::Row;
use crate::client::ListConsumer;
use crate::mapping;
use crate::{NinjaOneClient, NinjaOneError};

const ROLES: &str = "/v2/user/roles";

/// The selected roles. The list has all members of all roles; only those of the selected roles are kept.
pub(super) async fn select(client: &NinjaOneClient, selector: &Selector) -> Result<Vec<Role>, NinjaOneError> {
    let selection = RoleSelection::new(selector.clone());
    let listed = client.list::<Row<RoleRow>, _>(ROLES, &[], selection).await;
    let (selected, _, _) = listed.map_err(NinjaOneError::into_older_instance)?;
    let request = client.display_request(ROLES);
    if selected.has_unusable_match || selected.found.is_empty() && selected.is_unclear {
        return Err(NinjaOneError::Malformed {
            request,
            reason: "it has entries without a usable id or name, one of which may be the role".to_owned(),
        });
    }
    let roles = selected.found.into_iter().map(|(id, rows)| {
        let others = selected.others.contains(&id);
        merge_rows(id, rows, others, &request)
    });
    roles.collect()
}

/// Roles with a similar name, for suggestions.
pub(super) async fn similar(
    client: &NinjaOneClient,
    words: &TextQuery,
) -> Result<Vec<String>, NinjaOneError> {
    let similar = Similar {
        words: words.clone(),
        labels: Vec::new(),
        has_usable_rows: false,
    };
    let (similar, _, _) = client.list::<Row<RoleRow>, _>(ROLES, &[], similar).await?;
    Ok(similar.labels)
}

/// Maximum number of names that are kept for suggestions.
const MAX_LABELS: usize = 1_000;

struct Similar {
    words: TextQuery,
    labels: Vec<String>,
    has_usable_rows: bool,
}

impl ListConsumer<Row<RoleRow>> for Similar {
    fn accept(&mut self, row: Row<RoleRow>) -> bool {
        let Row::Object(row) = row else { return true };
        let Some(id) = row.id.get() else { return true };
        self.has_usable_rows = true;
        let has_room = self.labels.len() < MAX_LABELS;
        if has_room && row.name.trimmed().is_some_and(|name| self.words.resembles(name)) {
            let role = mapping::role(NativeId::from_number(id), &row);
            let name = role.display_name.as_str();
            self.labels.push(if name.is_ascii() {
                format!("{} ({name})", role.id)
            } else {
                format!("{} ({})", role.id, quoted(name))
            });
        }
        true
    }

    fn restart(&mut self) {
        self.labels.clear();
        self.has_usable_rows = false;
    }

    fn has_usable_rows(&self) -> bool {
        self.has_usable_rows
    }
}

/// Merges the rows with one id, of which there should be one. Rows without members are ignored if another has them; the
/// members are unknown if rows contradict each other. Rows with different names or types are different roles, and nobody knows
/// which one a change would reach.
fn merge_rows(id: u64, rows: Vec<RoleRow>, has_others: bool, request: &str) -> Result<Role, NinjaOneError> {
    // A row that does not state a name or a type contradicts none.
    let differ = |text: fn(&RoleRow) -> Option<&str>| {
        let mut stated = rows.iter().filter_map(text);
        let first = stated.next();
        stated.any(|other| Some(other) != first)
    };
    if has_others || differ(|row| row.name.trimmed()) || differ(|row| row.kind.trimmed()) {
        return Err(NinjaOneError::Malformed {
            request: request.to_owned(),
            reason: format!("it lists role {id} more than once, with different names or types"),
        });
    }
    let mut roles = Vec::new();
    for row in rows {
        let members = members_of(&row, id, request)?;
        roles.push(role(id, &row, members)?);
    }
    let mut roles = roles.into_iter();
    let mut merged = roles.next().ok_or_else(|| NinjaOneError::Malformed {
        request: request.to_owned(),
        reason: format!("it does not list role {id}"),
    })?;
    let mut is_contradicted = false;
    for other in roles {
        if merged.holders != other.holders {
            merged.holders = None;
        }
        match (&merged.members, other.members) {
            (RoleMembers::Unknown(_), value) => merged.members = value,
            (RoleMembers::Known(own), RoleMembers::Known(other)) if *own != other => {
                is_contradicted = true;
            }
            (RoleMembers::Known(_), _) => {}
        }
    }
    if is_contradicted {
        let reason = format!("{request} lists it more than once, with different members");
        merged.members = RoleMembers::Unknown(reason);
    }
    Ok(merged)
}

/// The members of a row; `None` if they are not stated. A partly unreadable list is an error, because a change that is
/// based on half of the members would be wrong.
fn members_of(row: &RoleRow, id: u64, request: &str) -> Result<RoleMembers, NinjaOneError> {
    if row.members.is_incomplete() {
        return Err(NinjaOneError::Malformed {
            request: request.to_owned(),
            reason: format!("it does not list every member of role {id} by id"),
        });
    }
    if row.members.value().is_none() {
        return Ok(RoleMembers::Unknown(format!(
            "{request} does not say who is in it"
        )));
    }
    let ids = row.members.ids().iter().copied();
    Ok(RoleMembers::Known(ids.map(NativeId::from_number).collect()))
}

/// The role in the response to add-members or remove-members; `None` if the body is empty or something else, or does not
/// state the members.
pub(super) fn from_response(body: &[u8]) -> Result<Option<Role>, NinjaOneError> {
    let Ok(Row::Object(row)) = serde_json::from_slice::<Row<RoleRow>>(body) else {
        return Ok(None);
    };
    let Some(id) = row.id.get() else { return Ok(None) };
    match members_of(&row, id, "the answer") {
        Ok(members @ RoleMembers::Known(_)) => role(id, &row, members).map(Some),
        _ => Ok(None),
    }
}

fn role(id: u64, row: &RoleRow, members: RoleMembers) -> Result<Role, NinjaOneError> {
    let resource = mapping::role(NativeId::from_number(id), row);
    let entitlement = mapping::assigned(&resource)?;
    Ok(Role {
        resource,
        entitlement,
        holders: row.kind.trimmed().and_then(|word| ACCOUNTS.kind(word)),
        members,
    })
}

/// Bytes of an id in a set, with its part of the empty space.
const OTHER_BYTES: u64 = 24;

struct RoleSelection {
    selector: Selector,
    /// The selected rows by id. There should be one for each id.
    found: BTreeMap<u64, Vec<RoleRow>>,
    /// Ids of rows that are not selected.
    others: HashSet<u64>,
    /// Bytes of the rows and ids.
    kept: u64,
    has_usable_rows: bool,
    /// There are entries that may be selected.
    is_unclear: bool,
    /// An entry is selected by its name, but has no usable id.
    has_unusable_match: bool,
}

impl RoleSelection {
    fn new(selector: Selector) -> Self {
        Self {
            selector,
            found: BTreeMap::new(),
            others: HashSet::new(),
            kept: 0,
            has_usable_rows: false,
            is_unclear: false,
            has_unusable_match: false,
        }
    }
}

impl ListConsumer<Row<RoleRow>> for RoleSelection {
    fn accept(&mut self, row: Row<RoleRow>) -> bool {
        let Row::Object(row) = row else {
            self.is_unclear = true;
            return true;
        };
        let name = row.name.trimmed();
        let Some(id) = row.id.get() else {
            self.is_unclear = true;
            self.has_unusable_match |= self.selector.is_called(name);
            return true;
        };
        self.has_usable_rows = true;
        if !self.selector.selects(&NativeId::from_number(id), name) {
            self.is_unclear |= name.is_none() && matches!(self.selector, Selector::Text(_));
            if name.is_some() {
                self.kept += u64::from(self.others.insert(id)) * OTHER_BYTES;
            }
            return true;
        }
        self.kept += row.bytes() as u64;
        self.found.entry(id).or_default().push(row);
        true
    }

    fn restart(&mut self) {
        *self = Self::new(self.selector.clone());
    }

    fn kept_bytes(&self) -> u64 {
        self.kept
    }

    fn has_usable_rows(&self) -> bool {
        self.has_usable_rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_with_members_shows_the_role() {
        let shown = |body: &str| {
            let role = from_response(body.as_bytes()).unwrap()?;
            match role.members {
                RoleMembers::Known(members) => Some(members.len()),
                RoleMembers::Unknown(reason) => panic!("{reason}"),
            }
        };
        assert_eq!(
            shown(r#"{"id":1,"name":"Desk","type":"TECHNICIAN","members":[{"id":7},{"id":8}]}"#),
            Some(2)
        );
        assert_eq!(shown(r#"{"id":1,"name":"Desk","members":[]}"#), Some(0));
        for body in [
            "",
            "{}",
            "null",
            r#"{"id":1}"#,
            r#"{"id":1,"members":null}"#,
            "[1]",
            "<html>",
            r#"{"members":[]}"#,
            r#"{"id":1,"members":{"id":7}}"#,
            r#"{"id":1,"members":[{"id":7},{"id":null}]}"#,
            r#"{"id":1,"members":[7]}"#,
        ] {
            assert_eq!(shown(body), None, "{body}");
        }
    }
}
