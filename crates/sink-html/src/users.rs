//! Who is in the report, and what it tells of each.

use access_core::model::{Profile, ProfileValue, Resource, ResourceTrait, UserTrait};

use crate::string_table::StringId;
use crate::string_table::StringTable;

/// What is told of a person that many others share. The names are the dataset's (docs/reference/dataset.md).
pub(crate) const SHARED: [&str; 9] = [
    "resource_type_id",
    "status",
    "status_detail",
    "account_type",
    "user_type",
    "invitation_status",
    "auth_type",
    "organization_id",
    "organization_name",
];

/// What is told of a person that is so, is not so, or is not said.
pub(crate) const FLAGS: [&str; 7] = [
    "mfa_enabled",
    "sso_enabled",
    "scim_user",
    "administrator",
    "must_change_password",
    "permit_all_clients",
    "full_portal_access",
];

/// What is compared of a person, in the order in which changes are told.
pub(crate) const COMPARED: [&str; 17] = [
    "login",
    "email",
    "display_name",
    "status",
    "status_detail",
    "account_type",
    "user_type",
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
];

/// A place in [`SHARED`].
#[derive(Debug, Clone, Copy)]
#[repr(usize)]
pub(crate) enum Shared {
    ResourceType = 0,
    Status = 1,
    UserType = 4,
    Invitation = 5,
    OrganizationId = 7,
    OrganizationName = 8,
}

/// A place in [`FLAGS`].
#[derive(Debug, Clone, Copy)]
#[repr(usize)]
pub(crate) enum Flag {
    Mfa = 0,
    Sso = 1,
    Scim = 2,
    Administrator = 3,
    AllOrganizations = 5,
    FullPortal = 6,
}

/// A person or account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) id: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) login: Option<Box<str>>,
    pub(crate) email: Option<Box<str>>,
    /// In the order of [`SHARED`].
    pub(crate) shared: [Option<StringId>; SHARED.len()],
    /// In the order of [`FLAGS`].
    pub(crate) flags: [Option<bool>; FLAGS.len()],
}

impl Person {
    /// The person that a resource is, if it is one.
    pub(crate) fn of(row: &Resource, words: &mut StringTable) -> Option<Self> {
        let ResourceTrait::User(user) = &row.resource_trait else {
            return None;
        };
        let profile = &row.profile;
        let status = row.status.as_ref();
        let shared = [
            Some(row.id.resource_type.as_str()),
            status.map(|status| status.state.as_str()),
            status.and_then(|status| status.detail.as_deref()),
            Some(user.account_type.as_str()),
            text(profile, "user_type"),
            text(profile, "invitation_status"),
            text(profile, "auth_type"),
            text(profile, "organization_id"),
            text(profile, "organization_name"),
        ];
        Some(Self {
            id: row.id.id.as_str().into(),
            name: row.display_name.as_str().into(),
            login: user.login.clone(),
            email: email(user, profile).map(Into::into),
            shared: shared.map(|text| text.map(|text| words.place(text))),
            flags: [
                user.mfa_enabled,
                user.sso_enabled,
                flag(profile, "scim_user"),
                flag(profile, "administrator"),
                flag(profile, "must_change_password"),
                flag(profile, "permit_all_clients"),
                flag(profile, "full_portal_access"),
            ],
        })
    }

    pub(crate) fn shared(&self, which: Shared) -> Option<StringId> {
        self.shared[which as usize]
    }

    pub(crate) fn flag(&self, which: Flag) -> Option<bool> {
        self.flags[which as usize]
    }

    /// Her kind of principal.
    pub(crate) fn resource_type(&self) -> StringId {
        self.shared(Shared::ResourceType).unwrap_or_default()
    }
}

fn email<'a>(user: &'a UserTrait, profile: &'a Profile) -> Option<&'a str> {
    let primary = user.emails.iter().find(|email| email.primary);
    primary
        .or(user.emails.first())
        .map(|email| &*email.address)
        .or_else(|| text(profile, "email"))
}

fn text<'a>(profile: &'a Profile, key: &str) -> Option<&'a str> {
    match profile.get(key) {
        Some(ProfileValue::Text(text)) => Some(text),
        _ => None,
    }
}

fn flag(profile: &Profile, key: &str) -> Option<bool> {
    match profile.get(key) {
        Some(ProfileValue::Flag(flag)) => Some(*flag),
        _ => None,
    }
}
