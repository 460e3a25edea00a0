//! Accounts: create, update, delete (docs/reference/ninjaone-api.md §11.6).

use serde_json::{Value, json};

use super::reads::object;
use super::{Api, Request};
use crate::behavior::UnsupportedFields;
use crate::response::Answer;
use crate::tenant::{Row, Store, StoredUser, row_id};
use crate::user_kind::UserKind;

const MAX_NAME_CHARACTERS: usize = 150;

impl Api {
    pub(super) fn create(&self, store: &mut Store, request: &Request<'_>, kind: UserKind) -> Answer {
        let Some(Value::Object(requested)) = request.json() else {
            return self.invalid("expected an object");
        };
        let text = |key: &str| requested.get(key).and_then(Value::as_str).unwrap_or_default();
        if let Some(refusal) = self.bad_names(&requested, true) {
            return refusal;
        }
        if text("email").trim().is_empty() {
            return self.invalid("email is required");
        }
        if Self::unknown_organization(store, &requested) {
            return self.invalid("organization not found");
        }
        if store.email_taken(text("email")) {
            return Answer::result_code(409, "EMAIL_ALREADY_IN_USE", &self.incidents);
        }
        let id = store.next_user_id();
        let user = StoredUser {
            kind,
            in_users_list: true,
            in_own_list: true,
            row: new_row(id, kind, &requested),
        };
        let row = self.own_row(store, &user);
        store.users.push(user);
        let code = match kind {
            UserKind::Technician => "APP_USER_CREATED",
            UserKind::EndUser => "END_USER_CREATED_API",
        };
        store.record(code, Some(id), "User created");
        object(row)
    }

    pub(super) fn update(
        &self,
        store: &mut Store,
        request: &Request<'_>,
        id: &str,
        kind: UserKind,
    ) -> Answer {
        let id = match self.id_of_kind(store, id, kind) {
            Ok(id) => id,
            Err(refusal) => return refusal,
        };
        let Some(Value::Object(requested)) = request.json() else {
            return self.invalid("expected an object");
        };
        if let Some(refusal) = self.bad_names(&requested, false) {
            return refusal;
        }
        if Self::unknown_organization(store, &requested) {
            return self.invalid("organization not found");
        }
        let mut fields = match kind {
            UserKind::Technician => vec!["firstName", "lastName"],
            UserKind::EndUser => vec!["firstName", "lastName", "organizationId", "fullPortalAccess"],
        };
        let unsupported = ["enabled", "email", "phone"]
            .iter()
            .any(|key| requested.contains_key(*key));
        match self.behavior.writes.unsupported_fields {
            UnsupportedFields::Refused if unsupported => return self.invalid("field cannot be changed"),
            UnsupportedFields::EnabledActs => fields.push("enabled"),
            UnsupportedFields::Ignored | UnsupportedFields::Refused => {}
        }
        if let Some(user) = store.user_mut(id) {
            let changes = requested
                .into_iter()
                .filter(|(key, _)| fields.contains(&key.as_str()));
            user.row.extend(changes);
        }
        let code = match kind {
            UserKind::Technician => "APP_USER_UPDATED",
            UserKind::EndUser => "END_USER_UPDATED_API",
        };
        store.record(code, Some(id), "User updated");
        match (kind, store.user(id)) {
            (UserKind::EndUser, Some(user)) => object(self.own_row(store, user)),
            _ => Answer::empty(200),
        }
    }

    pub(super) fn delete(&self, store: &mut Store, id: &str, kind: UserKind) -> Answer {
        let id = match self.id_of_kind(store, id, kind) {
            Ok(id) => id,
            Err(refusal) => return refusal,
        };
        let flag = |key: &str| {
            store
                .user(id)
                .is_some_and(|user| user.row.get(key) == Some(&Value::Bool(true)))
        };
        if let Some(status) = self.behavior.writes.protected_delete_status
            && (flag("scimUser") || flag("administrator"))
        {
            return self.fail(status, "this user cannot be deleted");
        }
        if self.behavior.writes.deleted_email_stays_taken {
            let email = store
                .user(id)
                .and_then(|user| user.row.get("email").and_then(Value::as_str).map(str::to_owned));
            store.reserved_emails.extend(email);
        }
        store.users.retain(|user| user.id() != Some(id));
        if !self.behavior.writes.ghost_members {
            store.remove_from_roles(id);
        }
        let code = match kind {
            UserKind::Technician => "APP_USER_DELETED",
            UserKind::EndUser => "END_USER_DELETED_API",
        };
        store.record(code, Some(id), "User deleted");
        Answer::empty(204)
    }

    /// Adds to and removes from the devices an end user may access.
    pub(super) fn device_access(&self, store: &mut Store, request: &Request<'_>, id: &str) -> Answer {
        let id = match self.id_of_kind(store, id, UserKind::EndUser) {
            Ok(id) => id,
            Err(refusal) => return refusal,
        };
        let Some(Value::Object(requested)) = request.json() else {
            return self.invalid("expected an object");
        };
        let ids = |key: &str| -> Vec<i64> {
            requested
                .get(key)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_i64)
                .collect()
        };
        let (added, removed) = (ids("addDeviceIds"), ids("removeDeviceIds"));
        if let Some(user) = store.user_mut(id) {
            let held = user
                .row
                .get("accessibleDeviceIds")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            let mut held: Vec<i64> = held.filter_map(Value::as_i64).chain(added).collect();
            held.sort_unstable();
            held.dedup();
            held.retain(|device| !removed.contains(device));
            user.row
                .insert("accessibleDeviceIds".to_owned(), Value::from(held));
        }
        Answer::empty(200)
    }

    pub(super) fn set_custom_fields(&self, store: &mut Store, request: &Request<'_>, id: &str) -> Answer {
        match (self.id_of_kind(store, id, UserKind::EndUser), request.json()) {
            (Err(refusal), _) => refusal,
            (Ok(id), Some(Value::Object(fields))) => {
                store.custom_fields.entry(id).or_default().extend(fields);
                Answer::empty(204)
            }
            _ => self.invalid("expected an object"),
        }
    }

    pub(super) fn set_owner(&self, store: &mut Store, device: &str, owner: Option<&str>) -> Answer {
        let known = owner.is_none_or(|uid| {
            store
                .users
                .iter()
                .any(|user| user.row.get("uid") == Some(&uid.into()))
        });
        let device = device.parse().ok();
        let Some(row) = store.devices.iter_mut().find(|row| row_id(row) == device) else {
            return self.not_found("Device");
        };
        if !known {
            return self.not_found("User");
        }
        row.insert(
            "assignedOwnerUid".to_owned(),
            owner.map_or(Value::Null, Value::from),
        );
        Answer::empty(204)
    }

    fn id_of_kind(&self, store: &Store, id: &str, kind: UserKind) -> Result<i64, Answer> {
        match id.parse().ok().and_then(|id| store.user(id)) {
            Some(user) if user.kind != kind => Err(self.invalid("wrong user type")),
            Some(user) => user.id().ok_or_else(|| self.not_found("User")),
            None => Err(self.not_found("User")),
        }
    }

    fn bad_names(&self, requested: &Row, required: bool) -> Option<Answer> {
        for key in ["firstName", "lastName"] {
            match requested.get(key) {
                None if !required => {}
                Some(Value::String(name)) if (1..=MAX_NAME_CHARACTERS).contains(&name.chars().count()) => {}
                _ => {
                    return Some(
                        self.invalid(&format!("{key} must have 1 to {MAX_NAME_CHARACTERS} characters")),
                    );
                }
            }
        }
        None
    }

    fn unknown_organization(store: &Store, requested: &Row) -> bool {
        let requested_id = requested.get("organizationId").and_then(Value::as_i64);
        requested_id.is_some_and(|requested_id| {
            !store
                .organizations
                .iter()
                .any(|row| row_id(row) == Some(requested_id))
        })
    }
}

/// A new account; fields that a request must not set (`administrator`, `roles`, …) are ignored.
fn new_row(id: i64, kind: UserKind, requested: &Row) -> Row {
    let given = |key: &str| requested.get(key).cloned().unwrap_or(Value::Null);
    let mut row = json!({
        "id": id, "uid": format!("3c9e7d52-0000-4000-8000-{id:012}"), "enabled": true,
        "firstName": given("firstName"), "lastName": given("lastName"), "email": given("email"),
        "phone": given("phone"), "mustChangePw": false, "mfaConfigured": false, "scimUser": false,
        "authType": "NATIVE", "userType": kind.wire_name(), "invitationStatus": "PENDING", "assignedDeviceIds": [],
    });
    let own = match kind {
        UserKind::Technician => {
            json!({ "administrator": false, "permitAllClients": false, "notifyAllClients": false })
        }
        UserKind::EndUser => {
            let portal = requested
                .get("fullPortalAccess")
                .cloned()
                .unwrap_or(Value::Bool(false));
            json!({
                "organizationId": given("organizationId"), "fullPortalAccess": portal, "accessibleDeviceIds": [],
            })
        }
    };
    if let (Value::Object(row), Value::Object(own)) = (&mut row, own) {
        row.extend(own);
    }
    if let Value::Object(row) = row {
        row
    } else {
        Row::new()
    }
}
