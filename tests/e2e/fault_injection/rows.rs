//! How the model reads single rows: fields, memberships, and rows that are left out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::model::{Expected, Verdict};

/// Rows that are left out: how many, by kind, resource type and reason.
pub(crate) type Ledger = BTreeMap<String, u64>;

/// Any text.
fn text(value: &Value) -> Option<&str> {
    value.as_str()
}

/// A text with something in it.
fn words(value: &Value) -> Option<&str> {
    text(value).map(str::trim).filter(|text| !text.is_empty())
}

/// A non-negative integer, or its digits.
pub(crate) fn id(value: &Value) -> Option<u64> {
    match value {
        Value::String(digits) => digits.trim().parse().ok(),
        Value::Number(number) if number.is_u64() => number.as_u64(),
        Value::Number(number) => {
            let number = number.as_f64()?;
            let exact = number >= 0.0 && number <= 2_f64.powi(53) && number % 1.0 == 0.0;
            exact.then(|| format!("{number:.0}").parse().ok()).flatten()
        }
        _ => None,
    }
}

fn ids(value: &Value) -> Vec<u64> {
    value.as_array().into_iter().flatten().filter_map(id).collect()
}

/// Clips a text as readers do: at a character's boundary, with a mark.
pub(crate) fn clipped(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        if kept.len() + c.len_utf8() + '…'.len_utf8() > most {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

fn left_out(dropped: &mut Ledger, what: &str, why: &str, count: usize) {
    if count > 0 {
        *dropped.entry(format!("{what} {why}")).or_default() += count as u64;
    }
}

/// Rows by id, the first of each; the others are booked.
pub(crate) fn distinct<'a>(what: &str, rows: &'a [Value], dropped: &mut Ledger) -> Vec<(u64, &'a Value)> {
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for row in rows {
        match (row.is_object(), id(&row["id"])) {
            (false, _) => left_out(dropped, what, "WrongShape", 1),
            (true, None) => left_out(dropped, what, "UnusableId", 1),
            (true, Some(id)) if !seen.insert(id) => left_out(dropped, what, "Duplicate", 1),
            (true, Some(id)) => kept.push((id, row)),
        }
    }
    kept
}

pub(crate) fn says_end_user(row: &Value) -> bool {
    words(&row["userType"]).is_some_and(|kind| kind.eq_ignore_ascii_case("END_USER"))
}

/// A user, merged from the lists.
pub(crate) struct Person<'a> {
    id: u64,
    /// The value in `/v2/users`, or else in the user's own list.
    rows: Vec<&'a Value>,
    /// The kind of the user's own list.
    listed: Option<&'static str>,
}

/// Everybody in any list.
pub(crate) fn people<'a>(
    technicians: &'a [Value],
    end_users: &'a [Value],
    users: &'a [Value],
    dropped: &mut Ledger,
) -> Vec<Person<'a>> {
    let what = "resource user";
    let own: Vec<(&'static str, &Value)> = technicians
        .iter()
        .map(|row| ("TECHNICIAN", row))
        .chain(end_users.iter().map(|row| ("END_USER", row)))
        .collect();
    let own_rows: Vec<Value> = own.iter().map(|(_, row)| (*row).clone()).collect();
    distinct(what, &own_rows, dropped);
    let mut by_id: BTreeMap<u64, (&'static str, &Value)> = BTreeMap::new();
    for (kind, row) in own {
        if let Some(id) = id(&row["id"]).filter(|_| row.is_object()) {
            by_id.entry(id).or_insert((kind, row));
        }
    }
    let mut people: BTreeMap<u64, Person<'_>> = BTreeMap::new();
    for (id, row) in distinct(what, users, dropped) {
        let own = by_id.get(&id);
        people.insert(
            id,
            Person {
                id,
                rows: std::iter::once(row).chain(own.map(|(_, row)| *row)).collect(),
                listed: own.map(|(kind, _)| *kind),
            },
        );
    }
    for (id, (kind, row)) in by_id {
        people.entry(id).or_insert(Person {
            id,
            rows: vec![row],
            listed: Some(kind),
        });
    }
    people.into_values().collect()
}

impl Person<'_> {
    /// The first usable value of a field.
    fn first_known<'a, T>(&'a self, key: &str, read: impl Fn(&'a Value) -> Option<T>) -> Option<T> {
        self.rows.iter().find_map(|row| read(&row[key]))
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.first_known(key, text)
    }

    fn words(&self, key: &str) -> Option<&str> {
        self.text(key).map(str::trim).filter(|text| !text.is_empty())
    }

    fn flag(&self, key: &str) -> Option<bool> {
        self.first_known(key, Value::as_bool)
    }

    /// The usable values of a field.
    fn known<'a, T>(&'a self, key: &str, read: impl Fn(&'a Value) -> Option<T>) -> impl Iterator<Item = T> {
        let values: Vec<T> = self.rows.iter().filter_map(|row| read(&row[key])).collect();
        values.into_iter()
    }

    /// A flag that gives access: true if one of the rows says so.
    fn holds(&self, key: &str) -> Option<bool> {
        self.known(key, Value::as_bool).reduce(|own, other| own || other)
    }

    /// MFA that no row denies.
    fn has_mfa(&self) -> Option<bool> {
        self.known("mfaConfigured", Value::as_bool)
            .reduce(|own, other| own && other)
    }

    /// The sign-in type, unless rows contradict each other.
    fn auth_type(&self) -> Option<&str> {
        let words = |text: &str| Some(text.trim().to_lowercase()).filter(|text| !text.is_empty());
        let types: BTreeSet<String> = self.known("authType", text).filter_map(words).collect();
        self.text("authType").filter(|_| types.len() < 2)
    }

    /// The organizations that any row names, alone or in a list.
    fn organizations(&self) -> Vec<u64> {
        let mut named = Vec::new();
        for row in &self.rows {
            let value = &row["organizationId"];
            let own = if value.is_array() {
                ids(value)
            } else {
                id(value).into_iter().collect()
            };
            named.extend(
                own.into_iter()
                    .filter(|id| !named.contains(id))
                    .collect::<Vec<_>>(),
            );
        }
        named
    }

    /// The union of a list over all rows.
    fn ids(&self, key: &str) -> Vec<u64> {
        self.rows.iter().flat_map(|row| ids(&row[key])).collect()
    }

    fn kind(&self) -> Option<&str> {
        self.text("userType").or(self.listed)
    }

    fn is_end_user(&self) -> bool {
        match self.listed {
            Some(listed) => listed == "END_USER",
            None => self
                .words("userType")
                .is_some_and(|kind| kind.eq_ignore_ascii_case("END_USER")),
        }
    }

    fn name(&self) -> String {
        let parts: Vec<&str> = ["firstName", "lastName"]
            .iter()
            .filter_map(|key| self.words(key))
            .collect();
        match (parts.is_empty(), self.words("email")) {
            (false, _) => parts.join(" "),
            (true, Some(email)) => email.to_owned(),
            (true, None) => format!("User {}", self.id),
        }
    }

    fn profile(&self, organization: Option<&str>) -> Map<String, Value> {
        let mut profile = Map::new();
        let mut set = |key: &str, value: Option<Value>| {
            profile.extend(value.map(|value| (key.to_owned(), value)));
        };
        set("user_id", Some(self.id.to_string().into()));
        for (key, field) in [
            ("first_name", "firstName"),
            ("last_name", "lastName"),
            ("email", "email"),
            ("phone", "phone"),
            ("uid", "uid"),
            ("invitation_status", "invitationStatus"),
        ] {
            set(key, self.text(field).map(Value::from));
        }
        set("auth_type", self.auth_type().map(Value::from));
        set("user_type", self.kind().map(Value::from));
        for (key, field) in [
            ("enabled", "enabled"),
            ("administrator", "administrator"),
            ("mfa_configured", "mfaConfigured"),
            ("scim_user", "scimUser"),
            ("must_change_password", "mustChangePw"),
            ("permit_all_clients", "permitAllClients"),
            ("notify_all_clients", "notifyAllClients"),
            ("full_portal_access", "fullPortalAccess"),
        ] {
            let known = match field {
                "administrator" | "permitAllClients" | "fullPortalAccess" | "enabled" => self.holds(field),
                "mfaConfigured" => self.has_mfa(),
                "scimUser" => {
                    let stated: BTreeSet<bool> = self.known(field, Value::as_bool).collect();
                    stated.first().copied().filter(|_| stated.len() == 1)
                }
                _ => self.flag(field),
            };
            set(key, known.map(Value::from));
        }
        let organizations: Vec<String> = self.organizations().iter().map(u64::to_string).collect();
        let organizations = Some(organizations.join(",")).filter(|ids| !ids.is_empty());
        set("organization_id", organizations.map(Value::from));
        set("organization_name", organization.map(Value::from));
        profile
    }

    fn status(&self) -> [String; 2] {
        let state = match self.holds("enabled") {
            Some(true) => "RESOURCE_STATUS_ENABLED",
            Some(false) => "RESOURCE_STATUS_DISABLED",
            None => "RESOURCE_STATUS_UNSPECIFIED",
        };
        let invitation = self
            .words("invitationStatus")
            .map(str::to_ascii_uppercase)
            .unwrap_or_default();
        let open =
            matches!(invitation.as_str(), "PENDING" | "EXPIRED") && self.holds("enabled") != Some(false);
        let detail = if open {
            format!("invitation {invitation}")
        } else {
            String::new()
        };
        [state.to_owned(), detail]
    }

    fn user(&self) -> Value {
        let email = self.words("email");
        let name = ["firstName", "lastName"].map(|key| self.words(key));
        let sso = self.auth_type().map(|text| text.trim().to_ascii_uppercase());
        json!({
            "emails": email.into_iter().collect::<Vec<_>>(),
            "login": email.or(self.words("uid")).unwrap_or_default(),
            "name": name.iter().any(Option::is_some).then(|| name.map(Option::unwrap_or_default)),
            "mfa": self.has_mfa(),
            "sso": match sso.as_deref() {
                Some("SSO") => Some(true),
                Some("NATIVE") => Some(false),
                _ => None,
            },
        })
    }
}

/// The computed memberships of people.
pub(crate) struct Held<'a, 'b> {
    people: &'a [Person<'a>],
    expected: &'b mut Expected,
    pub(crate) names: BTreeMap<u64, String>,
}

impl<'a, 'b> Held<'a, 'b> {
    pub(crate) fn new(people: &'a [Person<'a>], expected: &'b mut Expected) -> Self {
        Self {
            people,
            expected,
            names: BTreeMap::new(),
        }
    }

    fn is_user(&self, id: u64) -> bool {
        self.people.iter().any(|person| person.id == id)
    }

    /// The organization's name, as readers see it.
    pub(crate) fn organization(&mut self, id: u64, row: &Value) -> String {
        let name = words(&row["name"]).map_or_else(|| format!("Organization {id}"), str::to_owned);
        let name = clipped(&name, 1024);
        self.expected.resource(
            "organization",
            &id.to_string(),
            &name,
            words(&row["description"]),
            Value::Null,
        );
        self.expected
            .entitlement(&format!("organization:{id}:member"), &format!("{name} member"));
        name
    }

    pub(crate) fn users(&mut self, base_url: &str, older: bool) {
        let mut privileges = vec![
            ("system-administrator", "System Administrator", "administrator"),
            ("all-organizations", "All organizations", "permitAllClients"),
            ("full-portal-access", "Full portal access", "fullPortalAccess"),
        ];
        if older {
            // The list does not have it, so it is not offered.
            privileges.pop();
        }
        let about = format!("The NinjaOne tenant at {base_url}");
        self.expected
            .resource("tenant", "ninja-one", "NinjaOne", Some(&about), Value::Null);
        for (slug, name, _) in &privileges {
            self.expected
                .entitlement(&format!("tenant:ninja-one:{slug}"), name);
        }
        for person in self.people {
            let organizations = person.organizations();
            let name = organizations.iter().find_map(|id| self.names.get(id));
            let more = json!({
                "profile": person.profile(name.map(String::as_str)),
                "status": person.status(),
                "user": person.user(),
            });
            self.expected
                .resource("user", &person.id.to_string(), &person.name(), None, more);
            for (slug, _, flag) in &privileges {
                if person.holds(flag) == Some(true) {
                    self.expected
                        .grant(&format!("tenant:ninja-one:{slug}"), person.id);
                }
            }
            for id in organizations.into_iter().filter(|_| person.is_end_user()) {
                if self.names.contains_key(&id) {
                    self.expected
                        .grant(&format!("organization:{id}:member"), person.id);
                } else {
                    let what = "grant organization";
                    left_out(&mut self.expected.dropped, what, "UnknownEntitlement", 1);
                }
            }
        }
    }

    fn role(&mut self, id: &str, row: &Value) {
        let name = words(&row["name"]).map_or_else(|| format!("Role {id}"), str::to_owned);
        let name = clipped(&name, 1024);
        let mut profile = Map::new();
        profile.extend(text(&row["type"]).map(|kind| ("role_type".to_owned(), kind.into())));
        let more = json!({ "profile": profile });
        self.expected
            .resource("role", id, &name, words(&row["description"]), more);
        self.expected
            .entitlement(&format!("role:{id}:assigned"), &format!("{name} role"));
    }

    pub(crate) fn roles(&mut self, listed: &[Value]) {
        for (id, row) in distinct("resource role", listed, &mut self.expected.dropped) {
            self.role(&id.to_string(), row);
            let members: &[Value] = row["members"].as_array().map_or(&[], Vec::as_slice);
            for (member, _) in distinct("grant role", members, &mut self.expected.dropped) {
                if self.is_user(member) {
                    self.expected.grant(&format!("role:{id}:assigned"), member);
                } else {
                    left_out(&mut self.expected.dropped, "grant role", "UnknownPrincipal", 1);
                }
            }
        }
    }

    /// Older instances give roles by name only.
    pub(crate) fn roles_by_name(&mut self) {
        let mut holders: BTreeSet<(String, String, u64)> = BTreeSet::new();
        for person in self.people {
            let kind = person.words("userType").unwrap_or("UNKNOWN").to_ascii_uppercase();
            let roles = person.first_known("roles", Value::as_array).into_iter().flatten();
            holders.extend(
                roles
                    .filter_map(words)
                    .map(|name| (kind.clone(), name.to_owned(), person.id)),
            );
        }
        for (kind, name, user) in holders {
            let id = format!("name:{kind}:{name}");
            self.role(&id, &json!({ "name": name, "type": kind }));
            self.expected.grant(&format!("role:{id}:assigned"), user);
        }
    }

    pub(crate) fn devices(&mut self, pages: Result<Vec<Value>, Verdict>) {
        let Ok(listed) = pages else {
            self.expected.devices_incomplete = true;
            return;
        };
        let devices = distinct("resource device", &listed, &mut self.expected.dropped);
        for (id, row) in &devices {
            self.device(*id, row);
        }
        if devices.is_empty() {
            return;
        }
        for person in self.people {
            let mut accessible = person.ids("accessibleDeviceIds");
            accessible.extend(person.ids("deviceIds"));
            for (slug, held) in [
                ("access", accessible),
                ("assigned", person.ids("assignedDeviceIds")),
            ] {
                for device in held.into_iter().collect::<BTreeSet<u64>>() {
                    if devices.iter().any(|(known, _)| *known == device) {
                        self.expected.grant(&format!("device:{device}:{slug}"), person.id);
                    } else {
                        left_out(
                            &mut self.expected.dropped,
                            "grant device",
                            "UnknownEntitlement",
                            1,
                        );
                    }
                }
            }
        }
    }

    fn device(&mut self, id: u64, row: &Value) {
        let name = ["displayName", "systemName", "dnsName"]
            .iter()
            .find_map(|key| words(&row[*key]))
            .map_or_else(|| format!("Device {id}"), str::to_owned);
        let name = clipped(&name, 1024);
        let mut profile = Map::new();
        for (key, value) in [
            ("node_class", text(&row["nodeClass"]).map(Value::from)),
            ("approval_status", text(&row["approvalStatus"]).map(Value::from)),
            (
                "organization_id",
                self::id(&row["organizationId"]).map(|id| id.to_string().into()),
            ),
        ] {
            profile.extend(value.map(|value| (key.to_owned(), value)));
        }
        let more = json!({ "profile": profile, "device": device_type(words(&row["nodeClass"])) });
        self.expected
            .resource("device", &id.to_string(), &name, None, more);
        for slug in ["access", "assigned"] {
            self.expected
                .entitlement(&format!("device:{id}:{slug}"), &format!("{name} {slug}"));
        }
    }
}

/// Of the node classes that the OpenAPI document lists, those that the fixture has; all others are "other".
fn device_type(class: Option<&str>) -> &'static str {
    match class {
        None => "DEVICE_TYPE_UNSPECIFIED",
        Some(class) if class.ends_with("_SERVER") => "DEVICE_TYPE_SERVER",
        Some("MAC") => "DEVICE_TYPE_DESKTOP",
        Some(class) if class.ends_with("_WORKSTATION") => "DEVICE_TYPE_DESKTOP",
        Some(class) if class.contains("VMGUEST") || class.contains("VM_GUEST") => "DEVICE_TYPE_VIRTUAL",
        Some(class) if class.contains("VIRTUAL_MACHINE") => "DEVICE_TYPE_VIRTUAL",
        Some("ANDROID" | "APPLE_IOS") => "DEVICE_TYPE_MOBILE",
        Some("APPLE_IPADOS") => "DEVICE_TYPE_TABLET",
        Some(_) => "DEVICE_TYPE_OTHER",
    }
}
