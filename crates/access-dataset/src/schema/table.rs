//! The tables by name.

use std::fmt;

use serde::Serialize;

/// The tables of the dataset (docs/reference/design.md §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// Resource types.
    ResourceTypes,
    /// Resources, users included.
    Resources,
    /// People and accounts, one wide row each.
    Users,
    /// Entitlements.
    Entitlements,
    /// Grants, with names.
    Grants,
    /// The sync itself, one row.
    Syncs,
    /// Rows that the tenant gave and that are in no other table.
    LeftOut,
    /// Differences from the previous sync.
    Changes,
    /// Grants with the times of their validity.
    GrantsHistory,
    /// Users with the times of their validity.
    UsersHistory,
}

impl Table {
    /// The tables that are kept from sync to sync.
    pub const HISTORY: [Self; 3] = [Self::Changes, Self::GrantsHistory, Self::UsersHistory];

    /// The tables of every sync.
    pub const ALL: [Self; 7] = [
        Self::ResourceTypes,
        Self::Resources,
        Self::Users,
        Self::Entitlements,
        Self::Grants,
        Self::Syncs,
        Self::LeftOut,
    ];

    /// The name, which is also the folder's.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ResourceTypes => "resource_types",
            Self::Resources => "resources",
            Self::Users => "users",
            Self::Entitlements => "entitlements",
            Self::Grants => "grants",
            Self::Syncs => "syncs",
            Self::LeftOut => "left_out",
            Self::Changes => "changes",
            Self::GrantsHistory => "grants_history",
            Self::UsersHistory => "users_history",
        }
    }

    /// What a row is, for people.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::ResourceTypes => "One row for each resource type.",
            Self::Resources => {
                "One row for each resource: people, roles, organizations, the tenant, devices."
            }
            Self::Users => "One wide row for each person or account.",
            Self::Entitlements => "One row for each entitlement: what can be held on a resource.",
            Self::Grants => {
                "One row for each principal that holds an entitlement, with the names for people and the ids for joins."
            }
            Self::Syncs => "One row: the sync itself.",
            Self::LeftOut => {
                "One row for each row that the tenant returned and that is in no other table; the first 1,000, and one row that counts the rest."
            }
            Self::Changes => "One row for each record that differs from the previous latest sync.",
            Self::GrantsHistory => "One row for each validity interval of a grant.",
            Self::UsersHistory => "One row for each validity interval of a user.",
        }
    }

    /// The key: the columns by which rows are sorted and that identify a row within a sync.
    #[must_use]
    pub const fn key(self) -> &'static [&'static str] {
        match self {
            Self::ResourceTypes => &["resource_type_id"],
            Self::Resources => &["resource_type_id", "resource_id"],
            Self::Users => &["resource_type_id", "user_id"],
            Self::Entitlements => &["entitlement_id"],
            Self::Grants => &["entitlement_id", "principal_type_id", "principal_id"],
            Self::Syncs => &["sync_id"],
            Self::LeftOut | Self::Changes => &["number"],
            Self::GrantsHistory => &[
                "entitlement_id",
                "principal_type_id",
                "principal_id",
                "valid_from",
            ],
            Self::UsersHistory => &["resource_type_id", "user_id", "valid_from"],
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
