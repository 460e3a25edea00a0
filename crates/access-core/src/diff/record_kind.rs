//! The record kinds of a comparison, their keys and fields.

use std::fmt;

use serde::Serialize;

use crate::model::UserAttributes;

/// Compared fields of users with the field ids of their columns in `users`. Declared attributes are merged in by id.
const USER_FIELDS: [(i32, &str); 10] = [
    (6, "login"),
    (7, "email"),
    (8, "display_name"),
    (9, "first_name"),
    (10, "last_name"),
    (12, "status"),
    (13, "status_detail"),
    (14, "account_type"),
    (18, "mfa_enabled"),
    (19, "sso_enabled"),
];

/// The kinds of compared records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// Users: people and accounts.
    User,
    /// All other resources.
    Resource,
    /// Entitlements.
    Entitlement,
    /// Grants.
    Grant,
}

impl RecordKind {
    /// All kinds, in reporting order.
    pub const ALL: [Self; 4] = [Self::User, Self::Resource, Self::Entitlement, Self::Grant];

    /// The serialized name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Resource => "resource",
            Self::Entitlement => "entitlement",
            Self::Grant => "grant",
        }
    }

    /// The parts of the key; records are sorted by them.
    #[must_use]
    pub const fn key(self) -> &'static [&'static str] {
        match self {
            Self::User => &["resource_type_id", "user_id"],
            Self::Resource => &["resource_type_id", "resource_id"],
            Self::Entitlement => &["entitlement_id"],
            Self::Grant => &["entitlement_id", "principal_type_id", "principal_id"],
        }
    }

    /// The compared fields, besides profile attributes. For users they include the declared attributes, in the column
    /// order of `users`. Names copied from other records, counts, grant ids and sync metadata are not compared.
    #[must_use]
    pub fn fields(self, attributes: UserAttributes) -> Vec<&'static str> {
        match self {
            Self::User => {
                let declared = attributes.columns();
                let declared = declared.filter(|(attribute, _)| attribute.history_column.is_some());
                let declared = declared.map(|(attribute, column)| (column, attribute.key));
                let mut fields: Vec<(i32, &str)> = USER_FIELDS.into_iter().chain(declared).collect();
                fields.sort_unstable();
                fields.into_iter().map(|(_, name)| name).collect()
            }
            Self::Resource => vec![
                "display_name",
                "description",
                "parent_type_id",
                "parent_id",
                "status",
                "status_detail",
            ],
            Self::Entitlement => vec![
                "resource_type_id",
                "resource_id",
                "slug",
                "display_name",
                "description",
                "purpose",
                "grantable_to",
                "immutable",
            ],
            Self::Grant => vec!["is_direct", "sources"],
        }
    }

    /// Display names that accompany a record and are not compared.
    #[must_use]
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::User => &["display_name", "login"],
            Self::Resource => &["display_name"],
            Self::Entitlement => &["display_name", "resource_display_name"],
            Self::Grant => &[
                "entitlement_display_name",
                "resource_display_name",
                "principal_display_name",
                "principal_login",
            ],
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
