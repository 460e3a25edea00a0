//! Role membership (docs/reference/ninjaone-api.md §11.6).

use std::collections::BTreeSet;

use serde_json::Value;

use super::reads::object;
use super::{Api, Request};
use crate::behavior::Repeated;
use crate::response::Answer;
use crate::tenant::{Row, Store};
use crate::user_kind::UserKind;

impl Api {
    pub(super) fn change_members(
        &self,
        store: &mut Store,
        request: &Request<'_>,
        role: &str,
        add: bool,
    ) -> Answer {
        let Some(ids) = member_ids(request) else {
            return self.invalid("expected an array of distinct user ids");
        };
        let role_id = role.parse().unwrap_or(0);
        let Some(role) = store.role_mut(role_id).cloned() else {
            return self.not_found("Role");
        };
        if let Some(refusal) = self.refused(store, &role, &ids, add) {
            return refusal;
        }
        let newcomers: Vec<Value> = ids
            .iter()
            .filter(|id| add && !Store::is_member(&role, **id))
            .filter_map(|id| store.user(*id).map(|user| Store::member(user, "MANUAL")))
            .collect();
        let changed: Vec<i64> = ids
            .iter()
            .copied()
            .filter(|id| Store::is_member(&role, *id) != add)
            .collect();
        let Some(row) = store.role_mut(role_id) else {
            return self.not_found("Role");
        };
        let mut members = Store::members(row).to_vec();
        members.extend(newcomers);
        members.retain(|member| {
            add || !member
                .get("id")
                .and_then(Value::as_i64)
                .is_some_and(|id| ids.contains(&id))
        });
        row.insert("members".to_owned(), Value::Array(members));
        let row = row.clone();
        Self::record_changes(store, &row, &changed);
        if self.behavior.writes.empty_role_answer {
            Answer::empty(200)
        } else {
            object(row)
        }
    }

    fn refused(&self, store: &Store, role: &Row, ids: &BTreeSet<i64>, add: bool) -> Option<Answer> {
        let kind = role
            .get("type")
            .and_then(Value::as_str)
            .and_then(UserKind::from_wire);
        for id in ids {
            let present = Store::is_member(role, *id);
            let user = store.user(*id);
            // A member without a user can be removed.
            if user.is_none() && (add || !present) {
                return Some(self.not_found("Member"));
            }
            if add && kind.is_some_and(|kind| user.is_some_and(|user| user.kind != kind)) {
                return Some(self.fail(
                    self.behavior.writes.wrong_kind_status,
                    "member is of another user type",
                ));
            }
            if let Repeated::Refused(status) = self.behavior.writes.repeated_membership
                && present == add
            {
                let text = if add { "already a member" } else { "not a member" };
                return Some(self.fail(status, text));
            }
        }
        None
    }

    fn record_changes(store: &mut Store, role: &Row, users: &[i64]) {
        let technicians = role.get("type").and_then(Value::as_str) == Some("TECHNICIAN");
        let code = if technicians {
            "TECHNICIAN_ROLE_ASSIGNMENT_CHANGED"
        } else {
            "END_USER_ROLE_ASSIGNMENT_CHANGED"
        };
        for user in users {
            store.record(code, Some(*user), "Role assignment changed");
        }
    }

    /// Accepts any object and answers nothing: the real body is unknown.
    pub(super) fn role_organizations(&self, store: &mut Store, request: &Request<'_>, role: &str) -> Answer {
        match (store.role_mut(role.parse().unwrap_or(0)), request.json()) {
            (None, _) => self.not_found("Role"),
            (Some(_), Some(Value::Object(_))) => Answer::empty(200),
            _ => self.invalid("expected an object"),
        }
    }
}

/// A bare array of distinct int32 ids.
fn member_ids(request: &Request<'_>) -> Option<BTreeSet<i64>> {
    let Value::Array(values) = request.json()? else {
        return None;
    };
    let count = values.len();
    let ids: Option<BTreeSet<i64>> = values
        .iter()
        .map(|value| value.as_i64().filter(|id| i32::try_from(*id).is_ok()))
        .collect();
    ids.filter(|ids| ids.len() == count)
}
