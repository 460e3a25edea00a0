use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::user_kind::UserKind;

/// A stored JSON object: nulls, absent keys and unknown keys are kept.
pub(crate) type Row = serde_json::Map<String, Value>;

/// The `id` of a row.
pub(crate) fn row_id(row: &Row) -> Option<i64> {
    row.get("id").and_then(Value::as_i64)
}

/// A tenant held in memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store {
    pub(crate) version: String,
    /// The simulated clock in epoch seconds; every write advances it by one.
    pub(crate) now: i64,
    pub(crate) users: Vec<StoredUser>,
    pub(crate) roles: Vec<Row>,
    pub(crate) organizations: Vec<Row>,
    pub(crate) locations: Vec<Row>,
    pub(crate) devices: Vec<Row>,
    pub(crate) contacts: Vec<Row>,
    pub(crate) device_groups: Vec<Row>,
    pub(crate) device_roles: Vec<Row>,
    /// Ascending by id.
    pub(crate) activities: Vec<Row>,
    /// Custom fields of end users.
    pub(crate) custom_fields: BTreeMap<i64, Row>,
    /// Emails that are in use although no visible user has them.
    pub(crate) reserved_emails: Vec<String>,
    /// Role members by role id in the identity provider.
    pub(super) scim_members: BTreeMap<i64, Value>,
    pub(super) steps: u32,
}

/// A technician or end user with the keys of all schemas together.
#[derive(Debug, Clone)]
pub(crate) struct StoredUser {
    pub(crate) kind: UserKind,
    /// Listed by `/v2/users`.
    pub(crate) in_users_list: bool,
    /// Listed by `/v2/user/technicians` or `/v2/user/end-users`.
    pub(crate) in_own_list: bool,
    pub(crate) row: Row,
}

impl StoredUser {
    pub(crate) fn is_technician(&self) -> bool {
        self.kind == UserKind::Technician
    }

    pub(crate) fn id(&self) -> Option<i64> {
        row_id(&self.row)
    }

    /// First and last name with a space between.
    pub(crate) fn full_name(&self) -> String {
        let part = |key: &str| self.row.get(key).and_then(Value::as_str).unwrap_or_default();
        format!("{} {}", part("firstName"), part("lastName"))
            .trim()
            .to_owned()
    }

    fn has_email(&self, other: &str) -> bool {
        let email = self.row.get("email").and_then(Value::as_str);
        email.is_some_and(|email| same_email(email, other))
    }
}

/// Compares emails without surrounding spaces and without regard to case.
pub(crate) fn same_email(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

impl Store {
    pub(crate) fn user(&self, id: i64) -> Option<&StoredUser> {
        self.users.iter().find(|user| user.id() == Some(id))
    }

    pub(crate) fn user_mut(&mut self, id: i64) -> Option<&mut StoredUser> {
        self.users.iter_mut().find(|user| user.id() == Some(id))
    }

    pub(crate) fn role_mut(&mut self, id: i64) -> Option<&mut Row> {
        self.roles.iter_mut().find(|role| row_id(role) == Some(id))
    }

    /// Users and roles by id.
    pub(crate) fn state(&self) -> Value {
        let users = self.users.iter().filter_map(|user| {
            let mut row = user.row.clone();
            row.insert("kind".to_owned(), user.kind.wire_name().into());
            Some((user.id()?.to_string(), Value::Object(row)))
        });
        let roles = self.roles.iter().filter_map(|role| {
            let mut members: Vec<i64> = Self::members(role)
                .iter()
                .filter_map(|member| member.get("id").and_then(Value::as_i64))
                .collect();
            members.sort_unstable();
            Some((
                row_id(role)?.to_string(),
                json!({ "name": role.get("name"), "type": role.get("type"), "members": members }),
            ))
        });
        json!({ "users": users.collect::<Row>(), "roles": roles.collect::<Row>() })
    }

    /// The member objects of a role; none when `members` is null or absent.
    pub(crate) fn members(role: &Row) -> &[Value] {
        role.get("members")
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    pub(crate) fn is_member(role: &Row, user: i64) -> bool {
        Self::members(role)
            .iter()
            .any(|member| member.get("id").and_then(Value::as_i64) == Some(user))
    }

    /// Names of the roles a user holds.
    pub(crate) fn role_names(&self, user: i64) -> Vec<Value> {
        let held = self.roles.iter().filter(|role| Self::is_member(role, user));
        held.filter_map(|role| role.get("name").cloned()).collect()
    }

    /// The member object of a user.
    pub(crate) fn member(user: &StoredUser, source: &str) -> Value {
        json!({ "id": user.id(), "email": user.row.get("email"), "name": user.full_name(), "source": source })
    }

    /// Removes a user from every role.
    pub(crate) fn remove_from_roles(&mut self, user: i64) {
        for role in &mut self.roles {
            if let Some(Value::Array(members)) = role.get_mut("members") {
                members.retain(|member| member.get("id").and_then(Value::as_i64) != Some(user));
            }
        }
    }

    pub(crate) fn email_taken(&self, email: &str) -> bool {
        self.users.iter().any(|user| user.has_email(email))
            || self
                .reserved_emails
                .iter()
                .any(|reserved| same_email(reserved, email))
    }

    /// The next id above all of these rows.
    pub(crate) fn next_id<'rows>(rows: impl Iterator<Item = &'rows Row>) -> i64 {
        rows.filter_map(row_id).max().unwrap_or(0) + 1
    }

    pub(crate) fn next_user_id(&self) -> i64 {
        let unknown_members = self
            .roles
            .iter()
            .flat_map(Self::members)
            .filter_map(Value::as_object);
        Self::next_id(self.users.iter().map(|user| &user.row).chain(unknown_members))
    }

    /// Appends an activity at the current time and advances the clock.
    pub(crate) fn record(&mut self, status_code: &str, user: Option<i64>, message: &str) {
        let id = Self::next_id(self.activities.iter());
        let activity = json!({
            "id": id, "activityTime": self.now, "deviceId": null, "severity": "NONE", "priority": "NONE",
            "activityType": "SYSTEM", "statusCode": status_code, "status": message, "activityResult": "SUCCESS",
            "userId": user, "message": message, "subject": message, "type": "System",
        });
        if let Value::Object(row) = activity {
            self.activities.push(row);
        }
        self.now += 1;
    }

    /// Makes every user one of the identity provider; see [`Self::scim_push`].
    pub(crate) fn make_scim_managed(&mut self) {
        for user in &mut self.users {
            user.row.insert("scimUser".to_owned(), Value::Bool(true));
            user.row.insert("authType".to_owned(), Value::from("SSO"));
        }
        self.save_scim_members();
    }

    /// Saves the current role members as those of the identity provider.
    pub(crate) fn save_scim_members(&mut self) {
        let members = self
            .roles
            .iter()
            .filter_map(|role| Some((row_id(role)?, role.get("members")?.clone())));
        self.scim_members = members.collect();
    }

    /// Pushes the groups of the identity provider, which undoes other role changes.
    pub(crate) fn scim_push(&mut self) {
        for role in &mut self.roles {
            if let Some(members) = row_id(role).and_then(|id| self.scim_members.get(&id)) {
                role.insert("members".to_owned(), members.clone());
            }
        }
    }

    /// One step of a tenant that changes while it is read: it adds or removes an end user, removes the first member of a
    /// role, or renames an organization.
    pub(crate) fn change_one_thing(&mut self) {
        self.steps += 1;
        match self.steps % 4 {
            1 => self.add_end_user(),
            2 => self.remove_end_user(),
            3 => {
                let steps = self.steps;
                if let Some(name) = self.organizations.first_mut().and_then(|row| row.get_mut("name")) {
                    *name = Value::from(format!("Renamed {steps}"));
                }
            }
            _ => {
                let members = self
                    .roles
                    .iter_mut()
                    .filter_map(|role| role.get_mut("members")?.as_array_mut());
                if let Some(members) = members.into_iter().find(|members| members.len() > 1) {
                    members.remove(0);
                }
            }
        }
    }

    fn add_end_user(&mut self) {
        let id = self.next_user_id();
        let row = json!({
            "id": id, "uid": format!("2b9a51d3-0000-4000-8000-{id:012}"), "firstName": "New", "lastName": "Comer",
            "email": format!("new.comer{id}@example.net"), "enabled": true, "invitationStatus": "PENDING",
            "organizationId": self.organizations.first().and_then(row_id),
        });
        if let Value::Object(row) = row {
            self.users.push(StoredUser {
                kind: UserKind::EndUser,
                in_users_list: true,
                in_own_list: true,
                row,
            });
        }
    }

    fn remove_end_user(&mut self) {
        let Some(position) = self.users.iter().rposition(|user| !user.is_technician()) else {
            return;
        };
        if let Some(id) = self.users.remove(position).id() {
            self.remove_from_roles(id);
        }
    }
}
