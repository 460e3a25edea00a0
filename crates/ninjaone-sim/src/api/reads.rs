//! Reads (docs/reference/ninjaone-api.md §11.4).

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Api, Request};
use crate::behavior::RolesKey;
use crate::generated::{Collection, Generated, Listing, Rows};
use crate::response::Answer;
use crate::tenant::{Row, Shape, Store, StoredUser, row_id};
use crate::user_kind::UserKind;

impl Api {
    /// A GET on a tenant held in memory; `None` for an unknown path.
    pub(super) fn read(&self, store: &Store, request: &Request<'_>, segments: &[&str]) -> Option<Answer> {
        Some(match segments {
            ["users"] => self.users(store, request, None),
            ["organization", id, "end-users"] => self.users(store, request, Some(id.parse().ok()?)),
            ["user", "technicians"] => self.own_list(store, request, UserKind::Technician),
            ["user", "end-users"] => self.own_list(store, request, UserKind::EndUser),
            ["user", "technician", id] => self.one_user(store, id, UserKind::Technician),
            ["user", "end-user", id] => self.one_user(store, id, UserKind::EndUser),
            ["user", "end-user", id, "custom-fields"] => self.custom_fields(store, id),
            ["user", "roles"] => self.user_roles(store, request),
            ["organizations"] => self.page(request, &store.organizations),
            ["organization", id] => {
                let found = store
                    .organizations
                    .iter()
                    .find(|row| row_id(row) == id.parse().ok());
                found.map_or_else(|| self.not_found("Organization"), |row| object(row.clone()))
            }
            ["organizations-detailed"] => self.page(request, &detailed(store)),
            ["locations"] => self.page(request, &store.locations),
            ["devices" | "devices-detailed"] => self.page(request, &store.devices),
            ["contacts"] => list(store.contacts.iter().cloned()),
            ["contact", id] => {
                let found = store.contacts.iter().find(|row| row_id(row) == id.parse().ok());
                found.map_or_else(|| self.not_found("Contact"), |row| object(row.clone()))
            }
            ["groups"] => list(store.device_groups.iter().cloned()),
            ["roles"] => list(store.device_roles.iter().cloned()),
            ["ticketing", "app-user-contact"] => app_user_contacts(store, request),
            ["activities"] => self.activities(store, request),
            _ => return None,
        })
    }

    /// A request to a tenant that is computed on the fly.
    pub(super) fn generated(
        &self,
        tenant: &Arc<Generated>,
        request: &Request<'_>,
        segments: &[&str],
    ) -> Option<Answer> {
        if request.method != "GET" {
            return Some(self.fail(501, "a generated tenant of this size cannot be written to"));
        }
        let kind = |name| request.parameter(name).and_then(UserKind::from_wire);
        let roles = request.flag("includeRoles");
        let list_rows = |listing| Answer::rows(Rows::new(Arc::clone(tenant), listing));
        Some(match segments {
            ["users"] => list_rows(Listing::Users {
                kind: kind("userType"),
                organization: None,
                roles,
            }),
            ["organization", id, "end-users"] => {
                let organization = Some(id.parse().ok()?);
                list_rows(Listing::Users {
                    kind: Some(UserKind::EndUser),
                    organization,
                    roles,
                })
            }
            ["user", "technicians"] => list_rows(Listing::Technicians),
            ["user", "end-users"] => list_rows(Listing::EndUsers),
            ["user", "roles"] => list_rows(Listing::Roles {
                kind: kind("roleType"),
            }),
            ["user", "technician", id] => self.one_generated(tenant, id, UserKind::Technician),
            ["user", "end-user", id] => self.one_generated(tenant, id, UserKind::EndUser),
            ["organizations" | "organizations-detailed"] => {
                self.generated_page(tenant, request, Collection::Organizations)
            }
            ["locations"] => self.generated_page(tenant, request, Collection::Locations),
            ["devices" | "devices-detailed"] => self.generated_page(tenant, request, Collection::Devices),
            ["contacts" | "groups" | "roles"] => list(std::iter::empty()),
            ["activities"] => Answer::json(200, &json!({ "lastActivityId": 0, "activities": [] })),
            _ => return None,
        })
    }

    fn one_generated(&self, tenant: &Generated, id: &str, kind: UserKind) -> Answer {
        let id = id.parse().unwrap_or(0);
        match (tenant.user_kind(id), tenant.user(id)) {
            (Some(found), Some(body)) if found == kind => Answer::raw_json(body),
            (Some(_), _) => self.invalid("wrong user type"),
            _ => self.not_found("User"),
        }
    }

    fn generated_page(&self, tenant: &Generated, request: &Request<'_>, collection: Collection) -> Answer {
        let rows = tenant.page(
            collection,
            request.number("after").unwrap_or(0),
            self.page_size(request),
        );
        Answer::json(200, &Value::Array(rows))
    }

    fn users(&self, store: &Store, request: &Request<'_>, organization: Option<i64>) -> Answer {
        let kind = request.parameter("userType").and_then(UserKind::from_wire);
        let rows = store
            .users
            .iter()
            .filter(|user| user.in_users_list)
            .filter(|user| match organization {
                Some(id) => {
                    !user.is_technician()
                        && user.row.get("organizationId").and_then(Value::as_i64) == Some(id)
                }
                None => kind.is_none_or(|kind| kind == user.kind),
            });
        let rows = rows.map(|user| {
            let mut row = user.shown_as(Shape::User);
            if request.flag("includeRoles") {
                let names = user.id().map(|id| store.role_names(id)).unwrap_or_default();
                row.insert("roles".to_owned(), Value::Array(names));
            }
            row
        });
        self.user_list(request, rows.collect())
    }

    fn own_list(&self, store: &Store, request: &Request<'_>, kind: UserKind) -> Answer {
        let users = store
            .users
            .iter()
            .filter(|user| user.in_own_list && user.kind == kind);
        self.user_list(request, users.map(|user| self.own_row(store, user)).collect())
    }

    pub(super) fn own_row(&self, store: &Store, user: &StoredUser) -> Row {
        let mut row = user.shown_as(Shape::Own);
        let roles = match self.behavior.reads.roles_key {
            RolesKey::Absent => return row,
            RolesKey::Filled => Value::Array(user.id().map(|id| store.role_names(id)).unwrap_or_default()),
            RolesKey::Null => Value::Null,
            RolesKey::Empty => Value::Array(Vec::new()),
        };
        row.insert("roles".to_owned(), roles);
        row
    }

    /// User lists have no paging unless configured.
    fn user_list(&self, request: &Request<'_>, rows: Vec<Row>) -> Answer {
        if self.behavior.reads.paged_user_lists {
            self.page(request, &rows)
        } else {
            list(rows.into_iter())
        }
    }

    fn one_user(&self, store: &Store, id: &str, kind: UserKind) -> Answer {
        match id.parse().ok().and_then(|id| store.user(id)) {
            Some(user) if user.kind == kind => object(self.own_row(store, user)),
            Some(_) => self.invalid("wrong user type"),
            None => self.not_found("User"),
        }
    }

    fn custom_fields(&self, store: &Store, id: &str) -> Answer {
        match id.parse().ok().filter(|id| store.user(*id).is_some()) {
            Some(id) => object(store.custom_fields.get(&id).cloned().unwrap_or_default()),
            None => self.not_found("User"),
        }
    }

    fn user_roles(&self, store: &Store, request: &Request<'_>) -> Answer {
        let kind = request.parameter("roleType");
        let mut rows = store.roles.clone();
        if self.behavior.reads.system_administrator_role {
            let administrators = store
                .users
                .iter()
                .filter(|user| user.row.get("administrator") == Some(&true.into()));
            let members: Vec<Value> = administrators.map(|user| Store::member(user, "MANUAL")).collect();
            let role = json!({
                "id": Store::next_id(rows.iter()), "name": "System Administrator", "type": "TECHNICIAN",
                "description": null, "members": members,
            });
            rows.extend(role.as_object().cloned());
        }
        list(
            rows.into_iter()
                .filter(|row| kind.is_none_or(|kind| row.get("type") == Some(&kind.into()))),
        )
    }

    fn page_size(&self, request: &Request<'_>) -> usize {
        let requested = request.parameter("pageSize").and_then(|size| size.parse().ok());
        let size = requested.unwrap_or(self.behavior.reads.default_page_size);
        size.min(self.behavior.reads.page_size_cap.unwrap_or(usize::MAX))
    }

    /// Rows with ids above `after`, ascending. Rows without a usable id come with the first page.
    fn page(&self, request: &Request<'_>, rows: &[Row]) -> Answer {
        let after = request.number("after").unwrap_or(0);
        let mut rows: Vec<Row> = rows
            .iter()
            .filter(|row| row_id(row).unwrap_or(1) > after)
            .cloned()
            .collect();
        rows.sort_by_key(|row| row_id(row).unwrap_or(0));
        list(rows.into_iter().take(self.page_size(request)))
    }
}

fn detailed(store: &Store) -> Vec<Row> {
    let mut rows = store.organizations.clone();
    for row in &mut rows {
        let own = |location: &&Row| location.get("organizationId") == row.get("id");
        let locations: Vec<Value> = store
            .locations
            .iter()
            .filter(own)
            .cloned()
            .map(Value::Object)
            .collect();
        row.insert("locations".to_owned(), Value::Array(locations));
    }
    rows
}

/// The only paged and searchable list of people.
fn app_user_contacts(store: &Store, request: &Request<'_>) -> Answer {
    let size = request
        .parameter("pageSize")
        .and_then(|size| size.parse().ok())
        .unwrap_or(50);
    let anchor = request.number("anchorNaturalId").unwrap_or(0);
    let expected = request
        .parameter("searchCriteria")
        .unwrap_or_default()
        .to_lowercase();
    let users = store.users.iter().map(|user| (&user.row, user.kind.wire_name()));
    let people = users.chain(store.contacts.iter().map(|row| (row, "CONTACT")));
    let rows = people.zip(1_i64..).filter(|((row, kind), natural)| {
        let text = |key: &str| {
            row.get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_lowercase()
        };
        let organization = row.get("organizationId").and_then(Value::as_i64);
        *natural > anchor
            && ["firstName", "lastName", "email"]
                .iter()
                .any(|key| text(key).contains(&expected))
            && request
                .parameter("userType")
                .is_none_or(|expected| expected == *kind)
            && request
                .number("clientId")
                .is_none_or(|expected| organization == Some(expected))
    });
    let rows = rows.take(size).map(|((row, kind), natural)| {
        json!({
            "uid": row.get("uid"), "id": row.get("id"), "clientId": row.get("organizationId"),
            "firstName": row.get("firstName"), "lastName": row.get("lastName"), "email": row.get("email"),
            "userType": kind, "naturalId": natural.to_string(),
        })
    });
    Answer::json(200, &Value::Array(rows.collect()))
}

pub(super) fn list(rows: impl Iterator<Item = Row>) -> Answer {
    Answer::json(200, &Value::Array(rows.map(Value::Object).collect()))
}

pub(super) fn object(row: Row) -> Answer {
    Answer::json(200, &Value::Object(row))
}
