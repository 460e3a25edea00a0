//! What the API sends, taken as it comes: every field may be absent, null, or of another type, and unknown keys are
//! ignored (NinjaOne facts §3.1, §12). Only a row without a usable id is lost, and it is counted.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize as Derive, Serialize};

/// A text, or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Text(pub(crate) Option<Box<str>>);

/// Yes, no, or nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Flag(pub(crate) Option<bool>);

/// A number that names something: a JSON number or its decimal text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Id(pub(crate) Option<u64>);

/// A list; null and anything else that is not a list count as empty, elements of another type are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

/// A list, or nothing: null and anything else that is not a list are no empty one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told<T>(pub(crate) Option<Vec<T>>);

impl<T> Default for Told<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// A row of a list: an object, or something that has no place there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Row<T> {
    Object(T),
    Other,
}

/// A row of `/v2/users`, `/v2/user/technicians` or `/v2/user/end-users`: the three schemas' fields together (OpenAPI:
/// User, Technician, `EndUser`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Derive)]
#[serde(rename_all = "camelCase", default)]
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
    pub(crate) full_portal_access: Flag,
    pub(crate) must_change_pw: Flag,
    pub(crate) mfa_configured: Flag,
    pub(crate) scim_user: Flag,
    pub(crate) auth_type: Text,
    pub(crate) user_type: Text,
    pub(crate) invitation_status: Text,
    pub(crate) organization_id: Id,
    /// Names of roles, where asked for; the only trace of roles on older instances.
    pub(crate) roles: List<Text>,
    /// Devices an end user may access, as `/v2/users` calls them.
    pub(crate) device_ids: List<Id>,
    /// The same, as `/v2/user/end-users` calls them.
    pub(crate) accessible_device_ids: List<Id>,
    pub(crate) assigned_device_ids: List<Id>,
}

/// A row of `/v2/user/roles` (OpenAPI: `UserRole`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Derive)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RoleRow {
    pub(crate) id: Id,
    pub(crate) name: Text,
    #[serde(rename = "type")]
    pub(crate) kind: Text,
    pub(crate) description: Text,
    pub(crate) members: Members,
}

/// The members of a role as ids alone, so that a role that everybody has costs eight bytes a member.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Members {
    pub(crate) ids: Vec<u64>,
    /// There is a list at all.
    pub(crate) told: bool,
    /// There is something else than a list.
    pub(crate) odd: bool,
    /// Members without a usable id.
    pub(crate) unusable: u64,
    /// Elements that are no objects.
    pub(crate) wrong_shape: u64,
}

/// A member of a role (OpenAPI: `RoleMember`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Derive)]
#[serde(default)]
struct MemberRow {
    id: Id,
}

/// A row of `/v2/organizations` (OpenAPI: Organization).
#[derive(Debug, Clone, Default, PartialEq, Eq, Derive)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct OrganizationRow {
    pub(crate) id: Id,
    pub(crate) name: Text,
    pub(crate) description: Text,
}

/// A row of `/v2/devices` (OpenAPI: Device).
#[derive(Debug, Clone, Default, PartialEq, Eq, Derive)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DeviceRow {
    pub(crate) id: Id,
    pub(crate) organization_id: Id,
    pub(crate) node_class: Text,
    pub(crate) approval_status: Text,
    pub(crate) display_name: Text,
    pub(crate) system_name: Text,
    pub(crate) dns_name: Text,
}

/// A scalar of any type; lists and objects are read over.
enum Scalar {
    Nothing,
    Flag(bool),
    Number(f64),
    Integer(u64),
    Text(Box<str>),
}

struct AnyScalar;

impl<'de> Visitor<'de> for AnyScalar {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Scalar, E> {
        Ok(Scalar::Nothing)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Scalar, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Scalar, E> {
        Ok(u64::try_from(number).map_or(Scalar::Nothing, Scalar::Integer))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Scalar, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nothing)
    }
}

impl<'de> Derive<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match deserializer.deserialize_any(AnyScalar)? {
            Scalar::Text(text) => Some(text),
            _ => None,
        }))
    }
}

impl<'de> Derive<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match deserializer.deserialize_any(AnyScalar)? {
            Scalar::Flag(flag) => Some(flag),
            _ => None,
        }))
    }
}

/// The largest whole number that a double holds exactly.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

impl<'de> Derive<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match deserializer.deserialize_any(AnyScalar)? {
            Scalar::Integer(number) => Some(number),
            Scalar::Number(number) => whole(number),
            Scalar::Text(text) => text.trim().parse().ok(),
            Scalar::Nothing | Scalar::Flag(_) => None,
        }))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked"
)]
fn whole(number: f64) -> Option<u64> {
    ((0.0..=LARGEST_EXACT).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}

/// Gathers the elements of a list.
trait Gather: Default {
    type Element;

    /// The longest list that is kept. No tenant has a longer one; a hostile one must not fill memory.
    const MOST: usize;

    /// A list begins.
    fn begin() -> Self {
        Self::default()
    }

    /// There is something, and it is no list.
    fn other() -> Self {
        Self::default()
    }

    fn add(&mut self, element: Self::Element);
}

/// What may be an element of a list.
trait Element {
    /// Whether it says anything.
    fn says_something(&self) -> bool;
}

impl Element for Text {
    fn says_something(&self) -> bool {
        self.0.is_some()
    }
}

impl Element for Id {
    fn says_something(&self) -> bool {
        self.0.is_some()
    }
}

impl<T: Element> Gather for List<T> {
    type Element = T;

    const MOST: usize = 100_000;

    fn add(&mut self, element: T) {
        if element.says_something() {
            self.0.push(element);
        }
    }
}

impl<T> Gather for Told<T> {
    type Element = T;

    const MOST: usize = 100_000;

    fn begin() -> Self {
        Self(Some(Vec::new()))
    }

    fn add(&mut self, element: T) {
        self.0.get_or_insert_default().push(element);
    }
}

impl Gather for Members {
    type Element = Row<MemberRow>;

    const MOST: usize = 5_000_000;

    fn begin() -> Self {
        Self {
            told: true,
            ..Self::default()
        }
    }

    fn other() -> Self {
        Self {
            odd: true,
            ..Self::default()
        }
    }

    fn add(&mut self, element: Row<MemberRow>) {
        match element {
            Row::Object(MemberRow { id: Id(Some(id)) }) => self.ids.push(id),
            Row::Object(_) => self.unusable += 1,
            Row::Other => self.wrong_shape += 1,
        }
    }
}

struct AnyList<G>(std::marker::PhantomData<G>);

impl<'de, G: Gather<Element: Deserialize<'de>>> Visitor<'de> for AnyList<G> {
    type Value = G;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<G, E> {
        Ok(G::default())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<G, E> {
        Ok(G::other())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<G, E> {
        Ok(G::other())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<G, E> {
        Ok(G::other())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<G, E> {
        Ok(G::other())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<G, E> {
        Ok(G::other())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<G, A::Error> {
        let mut gathered = G::begin();
        let mut count = 0;
        while let Some(element) = list.next_element()? {
            count += 1;
            if count > G::MOST {
                return Err(A::Error::custom(format!(
                    "more than {} entries in a row's list",
                    G::MOST
                )));
            }
            gathered.add(element);
        }
        Ok(gathered)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<G, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(G::other())
    }
}

impl<'de, T: Element + Deserialize<'de>> Derive<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyList(std::marker::PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Derive<'de> for Told<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyList(std::marker::PhantomData))
    }
}

impl<'de> Derive<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyList(std::marker::PhantomData))
    }
}

struct AnyRow<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AnyRow<T> {
    type Value = Row<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Row<T>, E> {
        Ok(Row::Other)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Row<T>, E> {
        Ok(Row::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Row<T>, E> {
        Ok(Row::Other)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Row<T>, E> {
        Ok(Row::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Row<T>, E> {
        Ok(Row::Other)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Row<T>, E> {
        Ok(Row::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Row<T>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Row::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Row<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(Row::Object)
    }
}

impl<'de, T: Deserialize<'de>> Derive<'de> for Row<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyRow(std::marker::PhantomData))
    }
}

impl Text {
    /// The text without blanks around it, if anything is left.
    pub(crate) fn trimmed(&self) -> Option<&str> {
        self.0.as_deref().map(str::trim).filter(|text| !text.is_empty())
    }
}

impl Members {
    /// Whether somebody may be a member who is not among the ids.
    pub(crate) fn hide_some(&self) -> bool {
        self.odd || self.unusable > 0 || self.wrong_shape > 0
    }
}

fn first_filled<T>(a: List<T>, b: List<T>) -> List<T> {
    if a.0.is_empty() { b } else { a }
}

impl UserRow {
    /// Fills what this row does not say from another row of the same user.
    pub(crate) fn or(self, other: Self) -> Self {
        let text = |a: Text, b: Text| if a.0.is_some() { a } else { b };
        let flag = |a: Flag, b: Flag| Flag(a.0.or(b.0));
        let id = |a: Id, b: Id| Id(a.0.or(b.0));
        Self {
            id: id(self.id, other.id),
            uid: text(self.uid, other.uid),
            first_name: text(self.first_name, other.first_name),
            last_name: text(self.last_name, other.last_name),
            email: text(self.email, other.email),
            phone: text(self.phone, other.phone),
            enabled: flag(self.enabled, other.enabled),
            administrator: flag(self.administrator, other.administrator),
            permit_all_clients: flag(self.permit_all_clients, other.permit_all_clients),
            full_portal_access: flag(self.full_portal_access, other.full_portal_access),
            must_change_pw: flag(self.must_change_pw, other.must_change_pw),
            mfa_configured: flag(self.mfa_configured, other.mfa_configured),
            scim_user: flag(self.scim_user, other.scim_user),
            auth_type: text(self.auth_type, other.auth_type),
            user_type: text(self.user_type, other.user_type),
            invitation_status: text(self.invitation_status, other.invitation_status),
            organization_id: id(self.organization_id, other.organization_id),
            roles: first_filled(self.roles, other.roles),
            device_ids: first_filled(self.device_ids, other.device_ids),
            accessible_device_ids: first_filled(self.accessible_device_ids, other.accessible_device_ids),
            assigned_device_ids: first_filled(self.assigned_device_ids, other.assigned_device_ids),
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;
    use serde_json::{Value, json};

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
            let kept = matches!(row, Row::Object(UserRow { id: Id(Some(7)), .. }));
            prop_assert!(kept);
            let row: Row<RoleRow> = serde_json::from_value(json!({ field: value, "id": "7" })).unwrap();
            let kept = matches!(row, Row::Object(RoleRow { id: Id(Some(7)), .. }));
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
        let id = |value: Value| serde_json::from_value::<Id>(value).unwrap().0;
        assert_eq!(id(json!(7)), Some(7));
        assert_eq!(id(json!("7")), Some(7));
        assert_eq!(id(json!(7.0)), Some(7));
        for unusable in [
            json!(7.5),
            json!(-7),
            json!("x"),
            json!(""),
            json!(null),
            json!(true),
            json!([7]),
            json!({"id": 7}),
            json!(1e300),
        ] {
            assert_eq!(id(unusable.clone()), None, "{unusable}");
        }
    }

    /// One value of every sort that JSON has.
    fn every_sort() -> [Value; 9] {
        [
            json!(null),
            json!(true),
            json!(7),
            json!(-7),
            json!(7.5),
            json!("x"),
            json!(["x", 7, null, {"id": 8}, [9]]),
            json!({"id": 7}),
            json!([]),
        ]
    }

    fn read_as<T: serde::de::DeserializeOwned>(shown: impl Fn(T) -> String) -> String {
        let read = every_sort().map(|value| {
            let read = serde_json::from_value(value.clone()).unwrap();
            format!("{value}: {}", shown(read))
        });
        read.join("\n")
    }

    #[test]
    fn every_sort_of_value_as_a_scalar() {
        assert_snapshot!(read_as(|Text(text)| format!("{text:?}")));
        assert_snapshot!(read_as(|Flag(flag)| format!("{flag:?}")));
        assert_snapshot!(read_as(|Id(id)| format!("{id:?}")));
    }

    #[test]
    fn every_sort_of_value_as_a_list() {
        let texts = |List(texts): List<Text>| {
            let texts: Vec<_> = texts.into_iter().map(|text| text.0).collect();
            format!("{texts:?}")
        };
        assert_snapshot!(read_as(texts));
        let ids = |List(ids): List<Id>| format!("{:?}", ids.into_iter().map(|id| id.0).collect::<Vec<_>>());
        assert_snapshot!(read_as(ids));
        let told = |Told(ids): Told<Id>| {
            let ids = ids.map(|ids| ids.into_iter().map(|id| id.0).collect::<Vec<_>>());
            format!("{ids:?}")
        };
        assert_snapshot!(read_as(told));
    }

    #[test]
    fn every_sort_of_value_as_members_and_as_a_row() {
        let members = |members: Members| {
            let Members {
                ids,
                told,
                odd,
                unusable,
                wrong_shape,
            } = &members;
            let hide_some = members.hide_some();
            format!("{ids:?} told {told} odd {odd} unusable {unusable} wrong {wrong_shape} hide {hide_some}")
        };
        assert_snapshot!(read_as(members));
        assert_snapshot!(members(
            serde_json::from_value(json!([{"id": 1}, {"id": null}])).unwrap()
        ));
        let row = |row: Row<OrganizationRow>| format!("{row:?}");
        assert_snapshot!(read_as(row));
    }

    #[test]
    fn whole_numbers_only_as_far_as_doubles_hold_them() {
        let id = |text: &str| serde_json::from_str::<Id>(text).unwrap().0;
        assert_eq!(id("9007199254740992.0"), Some(9_007_199_254_740_992));
        assert_eq!(id("9007199254740994.0"), None);
        assert_eq!((id("0.0"), id("-1.0"), id("0.5")), (Some(0), None, None));
        assert_eq!(id("18446744073709551615"), Some(u64::MAX));
    }

    #[test]
    fn lists_have_an_end() {
        let list = |count: usize| format!("[{}7]", "7,".repeat(count - 1));
        let most = <List<Id> as Gather>::MOST;
        let read = |text: &str| serde_json::from_str::<List<Id>>(text).map(|list| list.0.len());
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
            (both.email.trimmed(), both.enabled.0, both.scim_user.0),
            (Some("a"), Some(false), Some(true))
        );
    }
}
