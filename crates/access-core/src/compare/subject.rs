//! What is compared.

use std::fmt;

use serde::Serialize;

/// The kinds of records that are compared, each with its key and the fields that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// People and accounts.
    User,
    /// All other things.
    Resource,
    /// What can be held.
    Entitlement,
    /// Who holds what.
    Grant,
}

impl Subject {
    /// All kinds, in the order in which changes are told.
    pub const ALL: [Self; 4] = [Self::User, Self::Resource, Self::Entitlement, Self::Grant];

    /// The word for one of them.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Resource => "resource",
            Self::Entitlement => "entitlement",
            Self::Grant => "grant",
        }
    }

    /// The parts of a key; records come sorted by them.
    #[must_use]
    pub const fn key(self) -> &'static [&'static str] {
        match self {
            Self::User => &["resource_type_id", "user_id"],
            Self::Resource => &["resource_type_id", "resource_id"],
            Self::Entitlement => &["entitlement_id"],
            Self::Grant => &["entitlement_id", "principal_type_id", "principal_id"],
        }
    }

    /// The fields that are compared, beside the attributes of a profile. Names that only repeat what another record says,
    /// counts, ids of grants and everything about the sync itself are not among them.
    #[must_use]
    pub const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::User => &[
                "login",
                "email",
                "display_name",
                "first_name",
                "last_name",
                "phone",
                "status",
                "status_detail",
                "account_type",
                "user_type",
                "enabled",
                "invitation_status",
                "mfa_enabled",
                "sso_enabled",
                "auth_type",
                "scim_user",
                "administrator",
                "must_change_password",
                "permit_all_clients",
                "full_portal_access",
                "organization_id",
                "uid",
            ],
            Self::Resource => &[
                "display_name",
                "description",
                "parent_type_id",
                "parent_id",
                "status",
                "status_detail",
            ],
            Self::Entitlement => &[
                "resource_type_id",
                "resource_id",
                "slug",
                "display_name",
                "description",
                "purpose",
                "grantable_to",
                "immutable",
            ],
            Self::Grant => &["is_direct", "sources"],
        }
    }

    /// Names for people that come with a record and are not compared.
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

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
