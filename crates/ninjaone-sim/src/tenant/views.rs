use serde_json::Value;

use super::store::Row;
use super::store::StoredUser;
use crate::user_kind::UserKind;

/// The schema of a user object (NinjaOne OpenAPI: User, Technician, `EndUser`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `/v2/users` and `/v2/organization/{id}/end-users`.
    User,
    /// `/v2/user/technicians` or `/v2/user/end-users`, by the user's kind.
    Own,
}

const USER: &[&str] = &[
    "id",
    "uid",
    "firstName",
    "lastName",
    "email",
    "phone",
    "enabled",
    "administrator",
    "permitAllClients",
    "notifyAllClients",
    "mustChangePw",
    "mfaConfigured",
    "userType",
    "invitationStatus",
    "organizationId",
    "deviceIds",
    "assignedDeviceIds",
    "tags",
    "fields",
];
const TECHNICIAN: &[&str] = &[
    "id",
    "uid",
    "enabled",
    "firstName",
    "lastName",
    "email",
    "phone",
    "mustChangePw",
    "mfaConfigured",
    "scimUser",
    "authType",
    "userType",
    "invitationStatus",
    "notifyAllClients",
    "administrator",
    "assignedDeviceIds",
];
const END_USER: &[&str] = &[
    "id",
    "uid",
    "enabled",
    "firstName",
    "lastName",
    "email",
    "phone",
    "organizationId",
    "fullPortalAccess",
    "mustChangePw",
    "mfaConfigured",
    "scimUser",
    "authType",
    "invitationStatus",
    "assignedDeviceIds",
    "accessibleDeviceIds",
];

impl StoredUser {
    /// The user as an endpoint shows it: the keys of that schema, and every key that no schema knows.
    pub(crate) fn shown_as(&self, shape: Shape) -> Row {
        let keys = match (shape, self.kind) {
            (Shape::User, _) => USER,
            (Shape::Own, UserKind::Technician) => TECHNICIAN,
            (Shape::Own, UserKind::EndUser) => END_USER,
        };
        let known = |key: &str| {
            [USER, TECHNICIAN, END_USER]
                .iter()
                .any(|list| list.contains(&key))
        };
        let kept = self
            .row
            .iter()
            .filter(|(key, _)| keys.contains(&key.as_str()) || !known(key));
        let mut row: Row = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
        if shape == Shape::User {
            self.complete_user(&mut row);
        }
        row
    }

    /// The public sample of `/v2/users` shows every scalar of the schema and the undocumented `tags` and `fields`.
    fn complete_user(&self, row: &mut Row) {
        let mut default = |key: &str, value: Value| {
            row.entry(key).or_insert(value);
        };
        default("organizationId", Value::Null);
        default("tags", Value::Null);
        default("fields", Value::Null);
        if self.kind == UserKind::EndUser {
            default("userType", Value::from(self.kind.wire_name()));
            default("administrator", Value::Bool(false));
            default("permitAllClients", Value::Bool(false));
            default("notifyAllClients", Value::Bool(false));
            if let Some(devices) = self.row.get("accessibleDeviceIds") {
                default("deviceIds", devices.clone());
            }
        }
    }
}
