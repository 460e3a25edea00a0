//! Roles with their members, as one list or as the answer to a change.

use std::collections::HashSet;

use access_core::model::NativeId;
use access_core::provisioning::{AccountKind, Role, Selector};

use crate::client::TakeElement;
use crate::mapping;
use crate::wire::{RoleRow, Row};
use crate::{NinjaOneClient, NinjaOneError};

const ROLES: &str = "/v2/user/roles";

/// The selected roles. The list comes with all members of all roles; only those of the selected ones are kept.
pub(super) async fn select(client: &NinjaOneClient, wanted: &Selector) -> Result<Vec<Role>, NinjaOneError> {
    let selecting = Selecting {
        wanted: wanted.clone(),
        found: Vec::new(),
        has_used: false,
        lost: false,
    };
    let listed = client.list::<Row<RoleRow>, _>(ROLES, &[], selecting).await;
    let (selected, _, _) = listed.map_err(NinjaOneError::of_older_instance)?;
    if selected.found.is_empty() && selected.lost {
        return Err(NinjaOneError::Malformed {
            request: client.shown(ROLES),
            reason: "it has entries without a usable id, one of which may be the role".to_owned(),
        });
    }
    let of_role = |(id, row): (u64, RoleRow)| {
        // A change that is decided on half the members would be a wrong one.
        if row.members.hide_some() {
            return Err(NinjaOneError::Malformed {
                request: client.shown(ROLES),
                reason: format!("it does not tell all members of role {id} by their ids"),
            });
        }
        role(id, &row)
    };
    selected.found.into_iter().map(of_role).collect()
}

/// The role of an answer to add-members or remove-members; none if the body is empty or something else.
pub(super) fn of_answer(body: &[u8]) -> Result<Option<Role>, NinjaOneError> {
    let Ok(Row::Object(row)) = serde_json::from_slice::<Row<RoleRow>>(body) else {
        return Ok(None);
    };
    // An answer without a list of members says nothing about who is in it.
    match row.id.get() {
        Some(id) if row.members.said().is_some() && !row.members.hide_some() => role(id, &row).map(Some),
        _ => Ok(None),
    }
}

fn role(id: u64, row: &RoleRow) -> Result<Role, NinjaOneError> {
    let resource = mapping::role(NativeId::from_number(id), row);
    let entitlement = mapping::assigned(&resource)?;
    let members: HashSet<NativeId> = row
        .members
        .ids()
        .iter()
        .copied()
        .map(NativeId::from_number)
        .collect();
    Ok(Role {
        resource,
        entitlement,
        holders: row.kind.trimmed().and_then(AccountKind::parse),
        members,
    })
}

struct Selecting {
    wanted: Selector,
    found: Vec<(u64, RoleRow)>,
    has_used: bool,
    /// There were entries without a usable id.
    lost: bool,
}

impl TakeElement<Row<RoleRow>> for Selecting {
    fn take(&mut self, row: Row<RoleRow>) -> bool {
        let (id, row) = match row {
            Row::Object(row) => (row.id.get(), row),
            Row::Null | Row::Other => (None, RoleRow::default()),
        };
        let Some(id) = id else {
            self.lost = true;
            return true;
        };
        self.has_used = true;
        let selected = self
            .wanted
            .selects(&NativeId::from_number(id), row.name.trimmed());
        if selected && !self.found.iter().any(|(known, _)| *known == id) {
            self.found.push((id, row));
        }
        true
    }

    fn again(&mut self) {
        self.found.clear();
        self.has_used = false;
        self.lost = false;
    }

    fn has_used(&self) -> bool {
        self.has_used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_with_members_shows_a_role() {
        let shown = |body: &str| of_answer(body.as_bytes()).unwrap().map(|role| role.members.len());
        assert_eq!(
            shown(r#"{"id":1,"name":"Desk","type":"TECHNICIAN","members":[{"id":7},{"id":8}]}"#),
            Some(2)
        );
        assert_eq!(shown(r#"{"id":1,"name":"Desk","members":[]}"#), Some(0));
        for silent in [
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
            assert_eq!(shown(silent), None, "{silent}");
        }
    }
}
