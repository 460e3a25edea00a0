//! What the API sends, in three states (docs/reference/design.md §3): said, not said (absent or null), not readable (of another
//! type). Unknown keys are ignored (docs/reference/ninjaone-api.md §3.1, §12).

mod bounds;
pub(crate) mod keys;
mod member;
mod parse;

use std::hash::{Hash, Hasher};

use access_core::model::{MAX_WORDS_BYTES, clip_words};
use serde::Serialize;

pub(crate) use bounds::MAX_LABEL_BYTES;
use bounds::is_clipped;
use keys::row;

/// A field or list of an answer. Only what is said decides anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::enum_variant_names,
    reason = "said, not said and not readable are the words of the design"
)]
pub(crate) enum Said<T> {
    /// A value of the type that is due.
    Said(T),
    /// Absent or null: neither yes nor no.
    #[default]
    NotSaid,
    /// A value of another type.
    NotReadable,
}

/// A text of at most [`MAX_LABEL_BYTES`]: a longer label is clipped, a longer word or address is not readable.
pub(crate) type Text = Said<Box<str>>;

/// True or false.
pub(crate) type Flag = Said<bool>;

/// A number that names something: a JSON number or its decimal text.
pub(crate) type Id = Said<u64>;

/// A list.
pub(crate) type List<T> = Said<Entries<T>>;

/// The elements of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entries<T> {
    /// Those of the type that is due.
    pub(crate) usable: Vec<T>,
    /// How many are null or of another type.
    pub(crate) unusable: u64,
}

/// The rows of a list within an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rows<T>(pub(crate) Vec<Row<T>>);

/// The organizations of an end user: one id, or a list of ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OrganizationIds {
    One(u64),
    Several(Entries<u64>),
}

/// A row of a list: an object, nothing, or something that cannot be a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Row<T> {
    Object(T),
    /// `null`: there is a row, and nothing is said of it.
    Null,
    Other,
}

/// A row of `/v2/users`, `/v2/user/technicians` or `/v2/user/end-users`: the three schemas' fields together (OpenAPI:
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
    pub(crate) organization_id: Said<OrganizationIds>,
    /// Names of roles, where asked for; the only trace of roles on older instances.
    pub(crate) roles: List<Box<str>>,
    /// Devices an end user may access, as `/v2/users` calls them.
    pub(crate) device_ids: List<u64>,
    /// The same, as `/v2/user/end-users` calls them.
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

/// A row of `/v2/user/roles` (OpenAPI: `UserRole`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RoleRow {
    pub(crate) id: Id,
    pub(crate) name: Text,
    pub(crate) kind: Text,
    pub(crate) description: Text,
    pub(crate) members: Said<Members>,
}

row!(RoleRow {
    id: "id",
    name: "name",
    kind as Word: "type",
    description: "description",
    members: "members",
});

/// The members of a role as ids, so that a role that everybody has costs little, and their words while there is room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Members {
    pub(crate) ids: Vec<u64>,
    /// Members of which no id is said.
    pub(crate) without_id: Vec<NamelessMember>,
    /// Elements that are no objects, and members whose id is not readable.
    pub(crate) unreadable: Vec<NamelessMember>,
    words: MemberWords,
}

/// A member that no id tells from others: the words that the tenant has for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NamelessMember(pub(crate) Option<Box<str>>);

/// Words by member, one after the other. Where there is no room any more, none are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct MemberWords {
    text: String,
    /// Who, and where the words end.
    ends: Vec<(u64, usize)>,
}

/// What the pipeline and sinks keep of an organization or a device, in bytes, without its texts: they embed it in its
/// entitlements.
const KEPT_RESOURCE_BYTES: usize = 384;
/// How often they keep its texts.
const TEXT_COPIES: usize = 4;

/// Words kept of one role's members: they are wanted of those that no list of users has.
const MAX_MEMBER_WORDS_BYTES: usize = 8 << 20;

/// A row of `/v2/organizations` (OpenAPI: Organization).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OrganizationRow {
    pub(crate) id: Id,
    pub(crate) name: Text,
    pub(crate) description: Text,
}

row!(OrganizationRow {
    id: "id",
    name: "name",
    description: "description",
});

/// A row of `/v2/devices` (OpenAPI: Device).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DeviceRow {
    pub(crate) id: Id,
    pub(crate) organization_id: Id,
    pub(crate) node_class: Text,
    pub(crate) approval_status: Text,
    pub(crate) display_name: Text,
    pub(crate) system_name: Text,
    pub(crate) dns_name: Text,
}

row!(DeviceRow {
    id: "id",
    organization_id: "organizationId",
    node_class as Word: "nodeClass",
    approval_status as Word: "approvalStatus",
    display_name: "displayName",
    system_name: "systemName",
    dns_name: "dnsName",
});

impl<T> Said<T> {
    /// What is said.
    pub(crate) fn said(&self) -> Option<&T> {
        match self {
            Self::Said(value) => Some(value),
            Self::NotSaid | Self::NotReadable => None,
        }
    }

    /// Whether there is a value of another type.
    pub(crate) fn is_not_readable(&self) -> bool {
        matches!(self, Self::NotReadable)
    }

    /// What is said here, or else what is said there; not readable if neither says it and one cannot be read.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (said @ Self::Said(_), _) | (_, said @ Self::Said(_)) => said,
            (Self::NotReadable, _) | (_, Self::NotReadable) => Self::NotReadable,
            (Self::NotSaid, Self::NotSaid) => Self::NotSaid,
        }
    }

    /// Forgets a value that is not readable. Whether there was one.
    fn take_unreadable(&mut self) -> bool {
        let unreadable = self.is_not_readable();
        if unreadable {
            *self = Self::NotSaid;
        }
        unreadable
    }
}

impl<T: Copy> Said<T> {
    /// What is said.
    pub(crate) fn get(self) -> Option<T> {
        self.said().copied()
    }
}

impl<T> From<Option<T>> for Said<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::NotSaid, Self::Said)
    }
}

impl<T: Serialize> Serialize for Said<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.said().serialize(serializer)
    }
}

impl Text {
    /// The text, if one is said.
    pub(crate) fn text(&self) -> Option<&str> {
        self.said().map(AsRef::as_ref)
    }

    /// The text without spaces around it, if anything is left.
    pub(crate) fn trimmed(&self) -> Option<&str> {
        self.text().map(str::trim).filter(|text| !text.is_empty())
    }
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self {
            usable: Vec::new(),
            unusable: 0,
        }
    }
}

impl<T> List<T> {
    /// The usable elements.
    pub(crate) fn entries(&self) -> &[T] {
        self.said().map_or(&[], |entries| &entries.usable)
    }

    /// What either list says.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Said(mut own), Self::Said(other)) => {
                own.usable.extend(other.usable);
                own.unusable += other.unusable;
                Self::Said(own)
            }
            (own, other) => own.or(other),
        }
    }

    /// Whether it is no list, or not all of its elements can be used.
    fn is_partly_unreadable(&self) -> bool {
        self.is_not_readable() || self.said().is_some_and(|entries| entries.unusable > 0)
    }
}

impl Said<OrganizationIds> {
    /// The ids.
    pub(crate) fn ids(&self) -> &[u64] {
        match self {
            Self::Said(OrganizationIds::One(id)) => std::slice::from_ref(id),
            Self::Said(OrganizationIds::Several(ids)) => &ids.usable,
            Self::NotSaid | Self::NotReadable => &[],
        }
    }

    fn is_partly_unreadable(&self) -> bool {
        match self {
            Self::Said(OrganizationIds::Several(ids)) => ids.unusable > 0,
            Self::Said(OrganizationIds::One(_)) | Self::NotSaid => false,
            Self::NotReadable => true,
        }
    }
}

impl Members {
    /// Whether somebody may be a member who is not among the ids.
    pub(crate) fn hide_some(&self) -> bool {
        !self.without_id.is_empty() || !self.unreadable.is_empty()
    }

    /// Members of whom nothing but the ids is known.
    pub(crate) fn from_ids(ids: Vec<u64>) -> Self {
        Self {
            ids,
            ..Self::default()
        }
    }

    /// What the tenant says of the members, e.g. `Pat Departed <pat@example.net>`.
    pub(crate) fn members_with_words(&self) -> impl Iterator<Item = (u64, &str)> {
        let mut begin = 0;
        self.words.ends.iter().filter_map(move |(id, end)| {
            let words = self.words.text.get(begin..*end);
            begin = *end;
            Some((*id, words?))
        })
    }
}

impl Said<Members> {
    /// Whether somebody may be a member who is not among the ids of a list, or what stands for it is no list.
    pub(crate) fn hide_some(&self) -> bool {
        self.is_not_readable() || self.said().is_some_and(Members::hide_some)
    }

    /// The ids of the members, as far as they are said.
    pub(crate) fn ids(&self) -> &[u64] {
        self.said().map_or(&[], |members| &members.ids)
    }
}

/// `Pat Departed <pat@example.net>`, or as much of it as there is; clipped.
pub(crate) fn person_words(name: Option<&str>, email: Option<&str>) -> Option<Box<str>> {
    let mut words = String::new();
    write_person_words(&mut words, name, email);
    (!words.is_empty()).then(|| words.into())
}

/// Writes the same into an empty text.
fn write_person_words(words: &mut String, name: Option<&str>, email: Option<&str>) {
    match (name, email) {
        (Some(name), Some(email)) => {
            for part in [name, " <", email, ">"] {
                words.push_str(part);
            }
        }
        (Some(only), None) | (None, Some(only)) => words.push_str(only),
        (None, None) => {}
    }
    if words.len() > MAX_WORDS_BYTES {
        *words = clip_words(words);
    }
}

/// The flags of a row by their names in the answers. Everything that is done to all flags is done to these.
macro_rules! user_flags {
    ($($field:ident = $name:literal),* $(,)?) => {
        impl UserRow {
            /// How many flags a row has.
            pub(crate) const FLAGS: usize = [$($name),*].len();

            /// All flags, always in the same order.
            pub(crate) fn flags(&self) -> [Flag; Self::FLAGS] {
                [$(self.$field),*]
            }

            /// The row with these flags.
            pub(crate) fn with_flags(self, [$($field),*]: [Flag; Self::FLAGS]) -> Self {
                Self { $($field,)* ..self }
            }

            fn take_unreadable_flags(&mut self) -> [(&'static str, bool); Self::FLAGS] {
                [$(($name, self.$field.take_unreadable())),*]
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
    /// Fills what this row does not say from another row of the same user.
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

    /// Joins two rows of one user. What decides access is taken from both, so that access that either names stays visible;
    /// the fields that they contradict each other in are named.
    pub(crate) fn join(self, other: Self) -> (Self, Vec<&'static str>) {
        let mut contradictions = Vec::new();
        let mut flag = |name, own: Flag, other: Flag| match (own, other) {
            (Said::Said(a), Said::Said(b)) if a != b => {
                contradictions.push(name);
                Said::Said(true)
            }
            _ => own.or(other),
        };
        let administrator = flag("administrator", self.administrator, other.administrator);
        let permit_all_clients = flag(
            "permitAllClients",
            self.permit_all_clients,
            other.permit_all_clients,
        );
        let full_portal_access = flag(
            "fullPortalAccess",
            self.full_portal_access,
            other.full_portal_access,
        );
        let mut organizations = None;
        let (own, others) = (self.organization_id.ids(), other.organization_id.ids());
        if !own.is_empty() && others.iter().any(|id| !own.contains(id)) {
            contradictions.push("organizationId");
            let mut usable = own.to_vec();
            usable.extend(others.iter().filter(|id| !own.contains(id)));
            organizations = Some(Said::Said(OrganizationIds::Several(Entries {
                usable,
                unusable: 0,
            })));
        }
        let mut joined = self.or(other);
        joined.administrator = administrator;
        joined.permit_all_clients = permit_all_clients;
        joined.full_portal_access = full_portal_access;
        if let Some(organizations) = organizations {
            joined.organization_id = organizations;
        }
        (joined, contradictions)
    }

    /// Whether two rows of one id are of two people: by the uid if both say one, otherwise by the address.
    pub(crate) fn is_of_another_person_than(&self, other: &Self) -> bool {
        match (self.uid.trimmed(), other.uid.trimmed()) {
            (Some(own), Some(other)) => !own.eq_ignore_ascii_case(other),
            _ => match (self.email.trimmed(), other.email.trimmed()) {
                (Some(own), Some(other)) => own.to_lowercase() != other.to_lowercase(),
                _ => false,
            },
        }
    }

    /// A number that differs where two rows of one user differ in who it is or what is held.
    pub(crate) fn fingerprint(&self) -> u32 {
        let mut hasher = std::hash::DefaultHasher::new();
        (self.uid.trimmed(), self.email.trimmed().map(str::to_lowercase)).hash(&mut hasher);
        let flags = [
            self.administrator,
            self.permit_all_clients,
            self.full_portal_access,
        ];
        flags.map(Said::get).hash(&mut hasher);
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

    /// Forgets what is not readable, except the id, and names it.
    pub(crate) fn take_unreadable(&mut self) -> Vec<&'static str> {
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
            ("uid", self.uid.take_unreadable()),
            ("firstName", self.first_name.take_unreadable()),
            ("lastName", self.last_name.take_unreadable()),
            ("email", self.email.take_unreadable()),
            ("phone", self.phone.take_unreadable()),
        ];
        let flags = self.take_unreadable_flags();
        let words = [
            ("authType", self.auth_type.take_unreadable()),
            ("userType", self.user_type.take_unreadable()),
            ("invitationStatus", self.invitation_status.take_unreadable()),
        ];
        self.organization_id.take_unreadable();
        self.roles.take_unreadable();
        self.device_ids.take_unreadable();
        self.accessible_device_ids.take_unreadable();
        self.assigned_device_ids.take_unreadable();
        let unreadable = named(&lists).chain(named(&names)).chain(named(&flags));
        unreadable.chain(named(&words)).collect()
    }

    /// The fields that are clipped.
    pub(crate) fn clipped(&self) -> impl Iterator<Item = &'static str> {
        let labels = [
            ("firstName", is_clipped(&self.first_name)),
            ("lastName", is_clipped(&self.last_name)),
            ("phone", is_clipped(&self.phone)),
        ];
        clipped(labels)
    }

    /// What the row takes in memory, in bytes.
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
        size_of::<Self>() + text_bytes(&texts) + ids * size_of::<u64>()
    }

    /// The user as people know it.
    pub(crate) fn words(&self) -> Option<Box<str>> {
        let parts: Vec<&str> = [&self.first_name, &self.last_name]
            .into_iter()
            .filter_map(Text::trimmed)
            .collect();
        let name = parts.join(" ");
        person_words(Some(&*name).filter(|name| !name.is_empty()), self.email.trimmed())
    }
}

fn clipped<const N: usize>(fields: [(&'static str, bool); N]) -> impl Iterator<Item = &'static str> {
    let clipped = fields.into_iter().filter(|(_, clipped)| *clipped);
    clipped.map(|(field, _)| field)
}

/// Bytes of texts, without what holds them.
fn text_bytes(texts: &[&Text]) -> usize {
    texts.iter().filter_map(|text| text.text()).map(str::len).sum()
}

fn named(fields: &[(&'static str, bool)]) -> impl Iterator<Item = &'static str> {
    fields
        .iter()
        .filter(|(_, unreadable)| *unreadable)
        .map(|(field, _)| *field)
}

impl RoleRow {
    /// A number that differs where two rows of one role differ.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        (self.name.trimmed(), self.kind.trimmed()).hash(&mut hasher);
        (self.members.said().is_some(), self.members.ids()).hash(&mut hasher);
        hasher.finish()
    }

    /// The fields that are not readable, except the id.
    pub(crate) fn unreadable(&self) -> Vec<&'static str> {
        let fields = [
            ("name", self.name.is_not_readable()),
            ("type", self.kind.is_not_readable()),
            ("description", self.description.is_not_readable()),
        ];
        named(&fields).collect()
    }
}

impl RoleRow {
    /// Bytes of its texts.
    pub(crate) fn text_bytes(&self) -> usize {
        text_bytes(&[&self.name, &self.kind, &self.description])
    }

    /// The fields that are clipped.
    pub(crate) fn clipped(&self) -> impl Iterator<Item = &'static str> {
        clipped([
            ("name", is_clipped(&self.name)),
            ("description", is_clipped(&self.description)),
        ])
    }
}

impl OrganizationRow {
    /// The fields that are clipped.
    pub(crate) fn clipped(&self) -> impl Iterator<Item = &'static str> {
        clipped([
            ("name", is_clipped(&self.name)),
            ("description", is_clipped(&self.description)),
        ])
    }

    /// What the row takes in memory, in bytes, with what is kept of it later.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + KEPT_RESOURCE_BYTES + TEXT_COPIES * text_bytes(&[&self.name, &self.description])
    }

    /// The fields that are not readable, except the id.
    pub(crate) fn unreadable(&self) -> Vec<&'static str> {
        let fields = [
            ("name", self.name.is_not_readable()),
            ("description", self.description.is_not_readable()),
        ];
        named(&fields).collect()
    }
}

impl DeviceRow {
    /// The fields that are clipped.
    pub(crate) fn clipped(&self) -> impl Iterator<Item = &'static str> {
        clipped([
            ("displayName", is_clipped(&self.display_name)),
            ("systemName", is_clipped(&self.system_name)),
            ("dnsName", is_clipped(&self.dns_name)),
        ])
    }

    /// What the row takes in memory, in bytes, with what is kept of it later.
    pub(crate) fn bytes(&self) -> usize {
        let texts = [
            &self.node_class,
            &self.approval_status,
            &self.display_name,
            &self.system_name,
            &self.dns_name,
        ];
        size_of::<Self>() + KEPT_RESOURCE_BYTES + TEXT_COPIES * text_bytes(&texts)
    }

    /// The fields that are not readable, except the id.
    pub(crate) fn unreadable(&self) -> Vec<&'static str> {
        let fields = [
            ("organizationId", self.organization_id.is_not_readable()),
            ("nodeClass", self.node_class.is_not_readable()),
            ("approvalStatus", self.approval_status.is_not_readable()),
            ("displayName", self.display_name.is_not_readable()),
            ("systemName", self.system_name.is_not_readable()),
            ("dnsName", self.dns_name.is_not_readable()),
        ];
        named(&fields).collect()
    }

    /// The device as people know it.
    pub(crate) fn words(&self) -> Option<Box<str>> {
        let names = [&self.display_name, &self.system_name, &self.dns_name];
        names.into_iter().find_map(Text::trimmed).map(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::parse::Field;
    use super::*;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::hash_map("[a-z]{1,3}", inner, 0..3).prop_map(|map| json!(map)),
            ]
        })
    }

    const FIELDS: [&str; 10] = [
        "uid",
        "firstName",
        "email",
        "enabled",
        "organizationId",
        "roles",
        "deviceIds",
        "authType",
        "members",
        "new",
    ];

    proptest! {
        #[test]
        fn no_value_of_any_field_loses_the_row(field in prop::sample::select(&FIELDS[..]), value in any_json()) {
            let row: Row<UserRow> = serde_json::from_value(json!({ "id": 7, field: value })).unwrap();
            let kept = matches!(row, Row::Object(UserRow { id: Said::Said(7), .. }));
            prop_assert!(kept);
            let row: Row<RoleRow> = serde_json::from_value(json!({ field: value, "id": "7" })).unwrap();
            let kept = matches!(row, Row::Object(RoleRow { id: Said::Said(7), .. }));
            prop_assert!(kept);
        }

        #[test]
        fn nothing_in_a_list_of_rows_panics(value in any_json()) {
            let _: Row<UserRow> = serde_json::from_value(value.clone()).unwrap();
            let _: Row<OrganizationRow> = serde_json::from_value(value).unwrap();
        }
    }

    #[test]
    fn ids_as_numbers_and_texts() {
        let id = |value: Value| serde_json::from_value::<Id>(value).unwrap();
        assert_eq!(id(json!(7)), Said::Said(7));
        assert_eq!(id(json!(" 7 ")), Said::Said(7));
        assert_eq!(id(json!(7.0)), Said::Said(7));
        assert_eq!(id(json!(null)), Said::NotSaid);
        for unreadable in [
            json!(7.5),
            json!(-1),
            json!("x"),
            json!("+7"),
            json!(""),
            json!(true),
            json!([7]),
            json!({"id": 7}),
            json!(1e300),
        ] {
            assert_eq!(id(unreadable.clone()), Said::NotReadable, "{unreadable}");
        }
    }

    /// One value of every type that JSON has.
    fn every_type() -> [Value; 10] {
        [
            json!(null),
            json!(true),
            json!(1),
            json!(-7),
            json!(7.5),
            json!("x"),
            json!("12"),
            json!(["x", 7, null, {"id": 8, "name": "N", "email": "e@example.com"}, [9]]),
            json!({"id": 7}),
            json!([]),
        ]
    }

    fn read_as<V: serde::de::DeserializeOwned>(shown: impl Fn(V) -> String) -> String {
        let read = every_type().map(|value| {
            let read = serde_json::from_value(value.clone()).unwrap();
            format!("{value}: {}", shown(read))
        });
        read.join("\n")
    }

    #[test]
    fn every_type_of_value_as_a_scalar() {
        assert_snapshot!(read_as(|text: Text| format!("{text:?}")));
        assert_snapshot!(read_as(|flag: Flag| format!("{flag:?}")));
        assert_snapshot!(read_as(|id: Id| format!("{id:?}")));
    }

    #[test]
    fn every_type_of_value_as_a_list() {
        assert_snapshot!(read_as(|texts: List<Box<str>>| format!("{texts:?}")));
        assert_snapshot!(read_as(|ids: List<u64>| format!("{ids:?}")));
        assert_snapshot!(read_as(|ids: Said<OrganizationIds>| format!("{ids:?}")));
    }

    #[test]
    fn every_type_of_value_as_members_and_as_a_row() {
        let members = |members: Said<Members>| {
            let hide_some = members.hide_some();
            let Said::Said(members) = members else {
                return format!("{members:?} hide {hide_some}");
            };
            let words: Vec<_> = members.members_with_words().collect();
            let Members {
                ids,
                without_id,
                unreadable,
                ..
            } = &members;
            format!("{ids:?} without id {without_id:?} unreadable {unreadable:?} {words:?} hide {hide_some}")
        };
        assert_snapshot!(read_as(members));
        let nameless = json!([{"id": 1, "name": "A"}, {"id": null, "email": "b@example.com"}, {"id": "x"}, {"userId": 7}]);
        assert_snapshot!(members(serde_json::from_value(nameless).unwrap()));
        assert_snapshot!(read_as(|row: Row<OrganizationRow>| format!("{row:?}")));
    }

    #[test]
    fn words_of_members_are_kept_while_there_is_room() {
        let mut words = MemberWords::default();
        let long = "x".repeat(MAX_MEMBER_WORDS_BYTES / 3);
        for id in 0..5 {
            words.push(id, &long);
        }
        assert_eq!(words.ends.len(), 2);
        words.push(9, "short");
        assert_eq!(words.ends.len(), 3);
    }

    #[test]
    fn whole_numbers_only_as_far_as_doubles_hold_them() {
        let id = |text: &str| serde_json::from_str::<Id>(text).unwrap().get();
        assert_eq!(id("9007199254740992.0"), Some(9_007_199_254_740_992));
        assert_eq!(id("9007199254740994.0"), None);
        assert_eq!((id("0.0"), id("-1.0"), id("0.5")), (Some(0), None, None));
        assert_eq!(id("18446744073709551615"), Some(u64::MAX));
    }

    #[test]
    fn lists_have_an_end() {
        let list = |count: usize| format!("[{}7]", "7,".repeat(count - 1));
        let most = <Entries<u64> as Field>::MAX_ELEMENTS;
        let read = |text: &str| serde_json::from_str::<List<u64>>(text).map(|list| list.entries().len());
        assert_eq!(read(&list(most)).ok(), Some(most));
        let error = read(&list(most + 1)).unwrap_err().to_string();
        assert!(
            error.starts_with("more than 100000 entries in a row's list"),
            "{error}"
        );
    }

    /// What only one of two rows says is in what comes of them, whichever it is.
    #[test]
    fn nothing_that_a_row_says_is_lost_beside_another() {
        let full: UserRow = serde_json::from_value(json!({
            "id": 1, "uid": "u", "firstName": "f", "lastName": "l", "email": "e", "phone": "p", "enabled": true,
            "administrator": true, "permitAllClients": true, "fullPortalAccess": true, "mustChangePw": true,
            "mfaConfigured": true, "scimUser": true, "authType": "a", "userType": "t", "invitationStatus": "i",
            "organizationId": 2, "roles": ["r"], "deviceIds": [3], "accessibleDeviceIds": [4], "assignedDeviceIds": [5]
        }))
        .unwrap();
        assert_eq!(full.clone().or(UserRow::default()), full);
        assert_eq!(UserRow::default().or(full.clone()), full);
    }

    #[test]
    fn the_first_row_wins_and_the_second_fills() {
        let a: UserRow = serde_json::from_value(json!({"id": 1, "email": "a", "enabled": false})).unwrap();
        let b: UserRow =
            serde_json::from_value(json!({"id": 1, "email": "b", "enabled": true, "scimUser": true}))
                .unwrap();
        let both = a.or(b);
        assert_eq!(
            (both.email.trimmed(), both.enabled.get(), both.scim_user.get()),
            (Some("a"), Some(false), Some(true))
        );
    }
}
