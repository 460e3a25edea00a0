//! Rows of the three lists of users.

use std::hash::{Hash, Hasher};

use super::bounds::is_clipped;
use super::fields::{marked, marked_in, text_bytes};
use super::members::person_label;
use super::{Entries, Flag, Id, List, ListRow, OrganizationIds, Stated, Text, row};

/// A row of `/v2/users`, `/v2/user/technicians` or `/v2/user/end-users`, with the fields of all three schemas (OpenAPI:
/// User, Technician, `EndUser`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UserRow {
    pub(crate) id: Id,
    pub(crate) uid: Text,
    pub(crate) first_name: Text,
    pub(crate) last_name: Text,
    pub(crate) email: Text,
    pub(crate) phone: Text,
    pub(crate) enabled: Flag,
    pub(crate) administrator: Flag,
    pub(crate) permit_all_clients: Flag,
    pub(crate) notify_all_clients: Flag,
    pub(crate) full_portal_access: Flag,
    pub(crate) must_change_pw: Flag,
    pub(crate) mfa_configured: Flag,
    pub(crate) scim_user: Flag,
    pub(crate) auth_type: Text,
    pub(crate) user_type: Text,
    pub(crate) invitation_status: Text,
    pub(crate) organization_id: Stated<OrganizationIds>,
    /// Names of roles, where requested; the only trace of roles on older instances.
    pub(crate) roles: List<Box<str>>,
    /// Devices an end user may access, as named by `/v2/users`.
    pub(crate) device_ids: List<u64>,
    /// Same, as named by `/v2/user/end-users`.
    pub(crate) accessible_device_ids: List<u64>,
    pub(crate) assigned_device_ids: List<u64>,
}

row!(UserRow {
    id: "id",
    uid as Word: "uid",
    first_name: "firstName",
    last_name: "lastName",
    email as Address: "email",
    phone: "phone",
    enabled: "enabled",
    administrator: "administrator",
    permit_all_clients: "permitAllClients",
    notify_all_clients: "notifyAllClients",
    full_portal_access: "fullPortalAccess",
    must_change_pw: "mustChangePw",
    mfa_configured: "mfaConfigured",
    scim_user: "scimUser",
    auth_type as Word: "authType",
    user_type as Word: "userType",
    invitation_status as Word: "invitationStatus",
    organization_id: "organizationId",
    roles: "roles",
    device_ids: "deviceIds",
    accessible_device_ids: "accessibleDeviceIds",
    assigned_device_ids: "assignedDeviceIds",
});

/// The flags of a row with their keys in responses.
macro_rules! user_flags {
    ($($field:ident = $name:literal),* $(,)?) => {
        impl UserRow {
            /// Number of flags in a row.
            pub(crate) const FLAGS: usize = [$($name),*].len();

            /// All flags, always in the same order.
            pub(crate) fn flags(&self) -> [Flag; Self::FLAGS] {
                [$(self.$field),*]
            }

            /// The row with these flags.
            pub(crate) fn with_flags(self, [$($field),*]: [Flag; Self::FLAGS]) -> Self {
                Self { $($field,)* ..self }
            }

            fn drop_unreadable_flags(&mut self) -> [(&'static str, bool); Self::FLAGS] {
                [$(($name, self.$field.drop_unreadable())),*]
            }
        }
    };
}

user_flags!(
    enabled = "enabled",
    administrator = "administrator",
    permit_all_clients = "permitAllClients",
    notify_all_clients = "notifyAllClients",
    full_portal_access = "fullPortalAccess",
    must_change_pw = "mustChangePw",
    mfa_configured = "mfaConfigured",
    scim_user = "scimUser",
);

impl UserRow {
    /// Fills unstated fields from another row of the same user.
    pub(crate) fn or(self, other: Self) -> Self {
        let (own, others) = (self.flags(), other.flags());
        let flags = std::array::from_fn(|n| own[n].or(others[n]));
        let row = Self {
            id: self.id.or(other.id),
            uid: self.uid.or(other.uid),
            first_name: self.first_name.or(other.first_name),
            last_name: self.last_name.or(other.last_name),
            email: self.email.or(other.email),
            phone: self.phone.or(other.phone),
            auth_type: self.auth_type.or(other.auth_type),
            user_type: self.user_type.or(other.user_type),
            invitation_status: self.invitation_status.or(other.invitation_status),
            organization_id: self.organization_id.or(other.organization_id),
            roles: self.roles.and(other.roles),
            device_ids: self.device_ids.and(other.device_ids),
            accessible_device_ids: self.accessible_device_ids.and(other.accessible_device_ids),
            assigned_device_ids: self.assigned_device_ids.and(other.assigned_device_ids),
            ..Self::default()
        };
        row.with_flags(flags)
    }

    /// Merges two rows of one user and returns the contradicting fields. Access that either row states is kept, so that it
    /// stays visible; an account counts as enabled, and as without MFA, if either row says so; what nothing depends on is unknown.
    pub(crate) fn join(self, other: Self) -> (Self, Vec<&'static str>) {
        let mut contradictions = Vec::new();
        let mut flag = |name, own: Flag, other: Flag, safer: Flag| match (own, other) {
            (Stated::Value(a), Stated::Value(b)) if a != b => {
                contradictions.push(name);
                safer
            }
            _ => own.or(other),
        };
        let [yes, no] = [Stated::Value(true), Stated::Value(false)];
        let administrator = flag("administrator", self.administrator, other.administrator, yes);
        let permit_all_clients = flag(
            "permitAllClients",
            self.permit_all_clients,
            other.permit_all_clients,
            yes,
        );
        let full_portal_access = flag(
            "fullPortalAccess",
            self.full_portal_access,
            other.full_portal_access,
            yes,
        );
        let enabled = flag("enabled", self.enabled, other.enabled, yes);
        let mfa_configured = flag("mfaConfigured", self.mfa_configured, other.mfa_configured, no);
        let scim_user = flag("scimUser", self.scim_user, other.scim_user, Stated::Unstated);
        let is_auth_type_unknown = match (self.auth_type.trimmed(), other.auth_type.trimmed()) {
            (Some(own), Some(other)) => !own.eq_ignore_ascii_case(other),
            _ => false,
        };
        if is_auth_type_unknown {
            contradictions.push("authType");
        }
        let mut organizations = None;
        let (own, others) = (self.organization_id.ids(), other.organization_id.ids());
        if !own.is_empty() && others.iter().any(|id| !own.contains(id)) {
            contradictions.push("organizationId");
            let mut usable = own.to_vec();
            usable.extend(others.iter().filter(|id| !own.contains(id)));
            organizations = Some(Stated::Value(OrganizationIds::Several(Entries {
                usable,
                unusable: 0,
            })));
        }
        let mut joined = self.or(other);
        joined.administrator = administrator;
        joined.permit_all_clients = permit_all_clients;
        joined.full_portal_access = full_portal_access;
        joined.enabled = enabled;
        joined.mfa_configured = mfa_configured;
        joined.scim_user = scim_user;
        if is_auth_type_unknown {
            joined.auth_type = Stated::Unstated;
        }
        if let Some(organizations) = organizations {
            joined.organization_id = organizations;
        }
        (joined, contradictions)
    }

    /// Whether two rows with one id belong to two people: by the uid if both state one, otherwise by the address.
    pub(crate) fn is_another_person(&self, other: &Self) -> bool {
        match (self.uid.trimmed(), other.uid.trimmed()) {
            (Some(own), Some(other)) => !own.eq_ignore_ascii_case(other),
            _ => match (self.email.trimmed(), other.email.trimmed()) {
                (Some(own), Some(other)) => own.to_lowercase() != other.to_lowercase(),
                _ => false,
            },
        }
    }

    /// A hash that differs where two rows of one user differ in identity or access.
    pub(crate) fn fingerprint(&self) -> u32 {
        let mut hasher = std::hash::DefaultHasher::new();
        (self.uid.trimmed(), self.email.trimmed().map(str::to_lowercase)).hash(&mut hasher);
        let flags = [
            self.administrator,
            self.permit_all_clients,
            self.full_portal_access,
        ];
        flags.map(Stated::get).hash(&mut hasher);
        self.organization_id.ids().hash(&mut hasher);
        for devices in [
            &self.device_ids,
            &self.accessible_device_ids,
            &self.assigned_device_ids,
        ] {
            devices.entries().hash(&mut hasher);
        }
        self.roles.entries().hash(&mut hasher);
        self.user_type.trimmed().hash(&mut hasher);
        #[expect(clippy::cast_possible_truncation, reason = "half of a hash is a hash")]
        let short = hasher.finish() as u32;
        short
    }

    /// Drops unreadable values except the id, and returns their names.
    pub(crate) fn drop_unreadable(&mut self) -> Vec<&'static str> {
        let lists = [
            ("organizationId", self.organization_id.is_partly_unreadable()),
            ("roles", self.roles.is_partly_unreadable()),
            ("deviceIds", self.device_ids.is_partly_unreadable()),
            (
                "accessibleDeviceIds",
                self.accessible_device_ids.is_partly_unreadable(),
            ),
            (
                "assignedDeviceIds",
                self.assigned_device_ids.is_partly_unreadable(),
            ),
        ];
        let names = [
            ("uid", self.uid.drop_unreadable()),
            ("firstName", self.first_name.drop_unreadable()),
            ("lastName", self.last_name.drop_unreadable()),
            ("email", self.email.drop_unreadable()),
            ("phone", self.phone.drop_unreadable()),
        ];
        let flags = self.drop_unreadable_flags();
        let words = [
            ("authType", self.auth_type.drop_unreadable()),
            ("userType", self.user_type.drop_unreadable()),
            ("invitationStatus", self.invitation_status.drop_unreadable()),
        ];
        self.organization_id.drop_unreadable();
        self.roles.drop_unreadable();
        self.device_ids.drop_unreadable();
        self.accessible_device_ids.drop_unreadable();
        self.assigned_device_ids.drop_unreadable();
        let unreadable = marked_in(&lists)
            .chain(marked_in(&names))
            .chain(marked_in(&flags));
        unreadable.chain(marked_in(&words)).collect()
    }

    /// The clipped fields.
    pub(crate) fn clipped(&self) -> impl Iterator<Item = &'static str> {
        let labels = [
            ("firstName", is_clipped(&self.first_name)),
            ("lastName", is_clipped(&self.last_name)),
            ("phone", is_clipped(&self.phone)),
        ];
        marked(labels)
    }

    /// Memory of the row, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let texts = [
            &self.uid,
            &self.first_name,
            &self.last_name,
            &self.email,
            &self.phone,
            &self.auth_type,
            &self.user_type,
            &self.invitation_status,
        ];
        let ids = [
            &self.device_ids,
            &self.accessible_device_ids,
            &self.assigned_device_ids,
        ];
        let ids =
            ids.map(|list| list.entries().len()).iter().sum::<usize>() + self.organization_id.ids().len();
        let roles = self.roles.entries().iter();
        let roles: usize = roles.map(|role| size_of::<Box<str>>() + role.len()).sum();
        size_of::<Self>() + text_bytes(&texts) + ids * size_of::<u64>() + roles
    }
}

impl ListRow for UserRow {
    fn id(&self) -> Id {
        self.id
    }

    fn label(&self) -> Option<Box<str>> {
        let parts: Vec<&str> = [&self.first_name, &self.last_name]
            .into_iter()
            .filter_map(Text::trimmed)
            .collect();
        let name = parts.join(" ");
        person_label(Some(&*name).filter(|name| !name.is_empty()), self.email.trimmed())
    }
}
