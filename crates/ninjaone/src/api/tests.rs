//! Every type of value in place of the expected one.

use access_core::model::{MAX_LEFT_OUT_ROWS, MAX_SOURCE_TEXT_BYTES};
use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::bounds::MAX_ADDRESS_BYTES;
use super::fields::KEPT_RESOURCE_BYTES;
use super::lenient::Field;
use super::members::{MAX_MEMBER_LABEL_BYTES, MemberLabels, person_label};
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
    fn no_value_of_a_field_loses_the_row(field in prop::sample::select(&FIELDS[..]), value in any_json()) {
        let row: Row<UserRow> = serde_json::from_value(json!({ "id": 7, field: value })).unwrap();
        let kept = matches!(row, Row::Object(UserRow { id: Stated::Value(7), .. }));
        prop_assert!(kept);
        let row: Row<RoleRow> = serde_json::from_value(json!({ field: value, "id": "7" })).unwrap();
        let kept = matches!(row, Row::Object(RoleRow { id: Stated::Value(7), .. }));
        prop_assert!(kept);
    }

    #[test]
    fn no_list_of_rows_panics(value in any_json()) {
        let _: Row<UserRow> = serde_json::from_value(value.clone()).unwrap();
        let _: Row<OrganizationRow> = serde_json::from_value(value).unwrap();
    }
}

#[test]
fn ids_as_numbers_and_texts() {
    let id = |value: Value| serde_json::from_value::<Id>(value).unwrap();
    assert_eq!(id(json!(7)), Stated::Value(7));
    assert_eq!(id(json!(" 7 ")), Stated::Value(7));
    assert_eq!(id(json!(7.0)), Stated::Value(7));
    assert_eq!(id(json!(null)), Stated::Unstated);
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
        assert_eq!(id(unreadable.clone()), Stated::Unreadable, "{unreadable}");
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
fn scalars_from_every_type_of_value() {
    assert_snapshot!(read_as(|text: Text| format!("{text:?}")));
    assert_snapshot!(read_as(|flag: Flag| format!("{flag:?}")));
    assert_snapshot!(read_as(|id: Id| format!("{id:?}")));
}

#[test]
fn lists_from_every_type_of_value() {
    assert_snapshot!(read_as(|texts: List<Box<str>>| format!("{texts:?}")));
    assert_snapshot!(read_as(|ids: List<u64>| format!("{ids:?}")));
    assert_snapshot!(read_as(|ids: Stated<OrganizationIds>| format!("{ids:?}")));
}

#[test]
fn members_and_rows_from_every_type_of_value() {
    let members = |members: Stated<Members>| {
        let is_incomplete = members.is_incomplete();
        let Stated::Value(members) = members else {
            return format!("{members:?} hide {is_incomplete}");
        };
        let words: Vec<_> = members.labels().collect();
        let Members {
            ids,
            without_id,
            unreadable,
            ..
        } = &members;
        format!("{ids:?} without id {without_id:?} unreadable {unreadable:?} {words:?} hide {is_incomplete}")
    };
    assert_snapshot!(read_as(members));
    let nameless =
        json!([{"id": 1, "name": "A"}, {"id": null, "email": "b@example.com"}, {"id": "x"}, {"userId": 7}]);
    assert_snapshot!(members(serde_json::from_value(nameless).unwrap()));
    assert_snapshot!(read_as(|row: Row<OrganizationRow>| format!("{row:?}")));
}

#[test]
fn labels_of_members_are_bounded() {
    let add = |labels: &mut MemberLabels, id, label: &str| labels.push_person(id, Some(label), None);
    // Each label costs its text, and an id with a position.
    let fitting = |label: &str| MAX_MEMBER_LABEL_BYTES / (label.len() + size_of::<(u64, usize)>());

    let mut labels = MemberLabels::default();
    let long = "x".repeat(200);
    for id in 0..fitting(&long) as u64 + 2 {
        add(&mut labels, id, &long);
    }
    assert_eq!(labels.ends.len(), fitting(&long));
    add(&mut labels, 9, "short");
    assert_eq!(
        labels.ends.len(),
        fitting(&long) + 1,
        "a shorter label still fits"
    );

    let mut labels = MemberLabels::default();
    let exact = "sixteen bytes ..";
    for id in 0..fitting(exact) as u64 {
        add(&mut labels, id, exact);
        assert_eq!(labels.ends.len() as u64, id + 1);
    }
    add(&mut labels, 9, exact);
    assert_eq!(labels.ends.len(), fitting(exact));
}

#[test]
fn labels_of_members_are_those_of_persons() {
    let long = "n".repeat(300);
    let mut labels = MemberLabels::default();
    let persons = [
        (Some("Pat"), Some("pat@example.com")),
        (Some("Pat"), None),
        (None, Some("pat@example.com")),
        (None, None),
        (Some(long.as_str()), Some("pat@example.com")),
    ];
    for (id, (name, email)) in persons.into_iter().enumerate() {
        labels.push_person(id as u64, name, email);
    }
    let members = Members {
        labels,
        ..Members::default()
    };
    let expected: Vec<_> = persons
        .into_iter()
        .enumerate()
        .filter_map(|(id, (name, email))| Some((id as u64, person_label(name, email)?)))
        .collect();
    let labels: Vec<_> = members.labels().map(|(id, label)| (id, label.into())).collect();
    assert_eq!(labels, expected);
}

fn row_of<R: serde::de::DeserializeOwned>(row: Value) -> R {
    serde_json::from_value(row).unwrap()
}

#[test]
fn rows_are_labelled_by_their_names() {
    fn label<R: ListRow + serde::de::DeserializeOwned>(row: Value) -> Option<String> {
        row_of::<R>(row).label().map(String::from)
    }
    let labels = [
        label::<DeviceRow>(json!({"displayName": " Laptop ", "systemName": "S", "dnsName": "D"})),
        label::<DeviceRow>(json!({"displayName": " ", "systemName": "S", "dnsName": "D"})),
        label::<DeviceRow>(json!({"dnsName": "D"})),
        label::<DeviceRow>(json!({"nodeClass": "MAC"})),
        label::<OrganizationRow>(json!({"name": " Org ", "description": "d"})),
        label::<RoleRow>(json!({"name": "Role", "type": "t"})),
        label::<UserRow>(json!({"firstName": "Pat", "lastName": "Lee", "email": "p@example.com"})),
        label::<UserRow>(json!({"firstName": " ", "lastName": "Lee"})),
        label::<UserRow>(json!({"email": "p@example.com"})),
        label::<UserRow>(json!({"phone": "1"})),
    ];
    assert_eq!(
        labels.map(|label| label.unwrap_or_else(|| "-".to_owned())),
        [
            "Laptop",
            "S",
            "D",
            "-",
            "Org",
            "Role",
            "Pat Lee <p@example.com>",
            "Lee",
            "p@example.com",
            "-"
        ]
    );
    let named = |bytes: usize| label::<UserRow>(json!({"firstName": "x".repeat(bytes)})).unwrap();
    assert_eq!(named(MAX_SOURCE_TEXT_BYTES), "x".repeat(MAX_SOURCE_TEXT_BYTES));
    let clipped = named(MAX_SOURCE_TEXT_BYTES + 1);
    assert_eq!(clipped.len(), MAX_SOURCE_TEXT_BYTES);
    assert!(clipped.ends_with("x…"), "{clipped}");
}

#[test]
fn member_address_beyond_its_bound_is_left_out() {
    let members: Members = row_of::<Stated<Members>>(json!([
        {"id": 1, "name": "Pat", "email": "x".repeat(MAX_ADDRESS_BYTES)},
        {"id": 2, "name": "Pat", "email": "x".repeat(MAX_ADDRESS_BYTES + 1)},
        {"id": 3, "name": "Pat", "email": 7},
    ]))
    .value()
    .cloned()
    .unwrap();
    let labels: Vec<_> = members.labels().collect();
    assert_eq!(labels[0].1.get(..6), Some("Pat <x"));
    assert_eq!(labels[1..], [(2, "Pat"), (3, "Pat")]);
}

#[test]
fn only_the_first_members_without_id_keep_names() {
    let nameless = vec![json!({"name": "Pat"}); MAX_LEFT_OUT_ROWS + 1];
    let members: Stated<Members> = row_of(nameless.into());
    let without_id = &members.value().unwrap().without_id;
    let named = without_id.iter().filter(|member| member.0.is_some());
    assert_eq!(
        (without_id.len(), named.count()),
        (MAX_LEFT_OUT_ROWS + 1, MAX_LEFT_OUT_ROWS)
    );
    assert_eq!(without_id[0].0.as_deref(), Some("Pat"));
}

/// The estimates bound the memory that a response may fill.
#[test]
fn texts_and_ids_count_in_the_memory_of_a_row() {
    let organization = |row| row_of::<OrganizationRow>(row).bytes();
    let empty = organization(json!({}));
    assert_eq!(empty, size_of::<OrganizationRow>() + KEPT_RESOURCE_BYTES);
    // Four copies of a text are kept.
    let row = json!({"name": "12345", "description": "123"});
    assert_eq!(organization(row), empty + 4 * 8);

    let device = |row| row_of::<DeviceRow>(row).bytes();
    let empty = device(json!({}));
    assert_eq!(empty, size_of::<DeviceRow>() + KEPT_RESOURCE_BYTES);
    let row = json!({"nodeClass": "1", "approvalStatus": "12", "displayName": "123", "systemName": "1234",
        "dnsName": "12345"});
    assert_eq!(device(row), empty + 4 * 15);

    let row: RoleRow = row_of(json!({"name": "12", "type": "3", "description": "456"}));
    assert_eq!(row.text_bytes(), 6);

    let user = |row| row_of::<UserRow>(row).bytes();
    let empty = user(json!({}));
    assert_eq!(empty, size_of::<UserRow>());
    let row = json!({"uid": "1", "firstName": "1", "lastName": "1", "email": "1", "phone": "1", "authType": "1",
        "userType": "1", "invitationStatus": "1"});
    assert_eq!(user(row), empty + 8);
    let row = json!({"organizationId": [1, 2], "deviceIds": [1], "accessibleDeviceIds": [1], "assignedDeviceIds": [1]});
    assert_eq!(user(row), empty + 5 * 8);
}

#[test]
fn partly_unreadable_lists_are_named() {
    let mut row: UserRow = row_of(json!({
        "organizationId": [1, {}], "roles": ["a", 7], "deviceIds": "x", "accessibleDeviceIds": [1, 2],
        "assignedDeviceIds": [null]
    }));
    assert_eq!(
        row.drop_unreadable(),
        ["organizationId", "roles", "deviceIds", "assignedDeviceIds"]
    );
    assert_eq!(
        (row.organization_id.ids(), row.roles.entries().len()),
        (&[1][..], 1)
    );
    assert_eq!(row.device_ids, Stated::Unstated);
    let mut row: UserRow = row_of(json!({"organizationId": "x"}));
    assert_eq!(row.drop_unreadable(), ["organizationId"]);
    for readable in [
        json!({"organizationId": [1, 2], "roles": ["a"], "deviceIds": []}),
        json!({"organizationId": 1, "roles": null}),
        json!({}),
    ] {
        let mut row: UserRow = row_of(readable.clone());
        assert!(row.drop_unreadable().is_empty(), "{readable}");
    }
}

#[test]
fn lists_of_rows_keep_every_element() {
    let rows = |rows: Value| row_of::<Stated<Rows<OrganizationRow>>>(rows);
    let row = OrganizationRow {
        id: Stated::Value(1),
        ..OrganizationRow::default()
    };
    assert_eq!(
        rows(json!([{"id": 1}, null, 7])),
        Stated::Value(Rows(vec![Row::Object(row), Row::Null, Row::Other]))
    );
    assert_eq!(rows(json!([])), Stated::Value(Rows(Vec::new())));
    assert_eq!(rows(json!(null)), Stated::Unstated);
    assert_eq!(rows(json!({"id": 1})), Stated::Unreadable);
}

#[test]
fn integers_are_limited_to_exact_doubles() {
    let id = |text: &str| serde_json::from_str::<Id>(text).unwrap().get();
    assert_eq!(id("8796093022208.0"), Some(8_796_093_022_208));
    assert_eq!(id("8796093022209.0"), None);
    // The parser reads it as 2^53.
    assert_eq!(id("9007199254740993.0"), None);
    for (text, number) in [
        ("\"016\"", None),
        ("\"16\"", Some(16)),
        ("\"0\"", Some(0)),
        ("\"\"", None),
    ] {
        assert_eq!(id(text), number, "{text}");
    }
    assert_eq!((id("0.0"), id("-1.0"), id("0.5")), (Some(0), None, None));
    assert_eq!(id("18446744073709551615"), Some(u64::MAX));
}

#[test]
fn lists_are_bounded() {
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

/// A field that only one of two rows states is in the merged row, whichever row it is.
#[test]
fn merged_rows_keep_every_stated_value() {
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
fn first_row_wins_and_second_fills_gaps() {
    let a: UserRow = serde_json::from_value(json!({"id": 1, "email": "a", "enabled": false})).unwrap();
    let b: UserRow =
        serde_json::from_value(json!({"id": 1, "email": "b", "enabled": true, "scimUser": true})).unwrap();
    let both = a.or(b);
    assert_eq!(
        (both.email.trimmed(), both.enabled.get(), both.scim_user.get()),
        (Some("a"), Some(false), Some(true))
    );
}

#[test]
fn merged_lists_keep_the_elements_of_both() {
    let row = |roles: Value| row_of::<UserRow>(json!({ "roles": roles }));
    let merged = |own: Value, other: Value| row(own).or(row(other)).roles;
    let entries = |usable: &[&str], unusable| {
        let usable = usable.iter().map(|text| Box::from(*text)).collect();
        Stated::Value(Entries { usable, unusable })
    };
    assert_eq!(
        merged(json!(["a", 7]), json!([null, "b"])),
        entries(&["a", "b"], 2)
    );
    assert_eq!(merged(json!("x"), json!(["b"])), entries(&["b"], 0));
    assert_eq!(merged(json!(null), json!("x")), Stated::Unreadable);
}

/// Access that either row states stays visible.
#[test]
fn joined_rows_keep_the_access_of_both() {
    let join = |own: &Value, other: &Value| {
        let (joined, contradictions) = row_of::<UserRow>(own.clone()).join(row_of(other.clone()));
        let organizations = joined.organization_id.ids().to_vec();
        (joined.administrator.get(), organizations, contradictions)
    };
    let own = json!({"administrator": false, "organizationId": 1});
    let other = json!({"administrator": true, "organizationId": [2, 1]});
    assert_eq!(
        join(&own, &other),
        (Some(true), vec![1, 2], vec!["administrator", "organizationId"])
    );
    // A row that states less does not contradict.
    assert_eq!(join(&json!({}), &other), (Some(true), vec![2, 1], vec![]));
    assert_eq!(join(&own, &json!({})), (Some(false), vec![1], vec![]));
    assert_eq!(join(&own, &own), (Some(false), vec![1], vec![]));
    let fewer = json!({"organizationId": 1});
    assert_eq!(join(&other, &fewer), (Some(true), vec![2, 1], vec![]));
}

/// What two lists state differently is decided for the safer side, or unknown, and named.
#[test]
fn joined_rows_decide_contradictions_for_the_safer_side() {
    let user = |enabled: bool, mfa: bool, scim: bool, auth: &str| json!({"enabled": enabled, "mfaConfigured": mfa, "scimUser": scim, "authType": auth});
    let one = user(false, true, true, "SSO");
    let other = user(true, false, false, "NATIVE");
    for (own, others) in [(&one, &other), (&other, &one)] {
        let (joined, contradictions) = row_of::<UserRow>(own.clone()).join(row_of(others.clone()));
        assert_eq!(
            contradictions,
            ["enabled", "mfaConfigured", "scimUser", "authType"]
        );
        assert_eq!(
            (
                joined.enabled,
                joined.mfa_configured,
                joined.scim_user,
                joined.auth_type.trimmed()
            ),
            (Stated::Value(true), Stated::Value(false), Stated::Unstated, None)
        );
    }
    let (same, none) = row_of::<UserRow>(one.clone()).join(row_of(json!({"authType": "sso"})));
    assert_eq!((same.auth_type.trimmed(), none.len()), (Some("SSO"), 0));
}

#[test]
fn another_person_has_another_uid_or_address() {
    for (own, other, expected) in [
        (json!({"uid": "A1"}), json!({"uid": "a1"}), false),
        (
            json!({"uid": "a", "email": "x"}),
            json!({"uid": "b", "email": "x"}),
            true,
        ),
        (
            json!({"uid": "a", "email": "x"}),
            json!({"uid": "a", "email": "y"}),
            false,
        ),
        (json!({"uid": "a", "email": "ü"}), json!({"email": "Ü"}), false),
        (json!({"uid": "a", "email": "x"}), json!({"email": "y"}), true),
        (json!({"email": "x"}), json!({"uid": "b"}), false),
        (json!({}), json!({}), false),
    ] {
        let is_another = row_of::<UserRow>(own.clone()).is_another_person(&row_of(other.clone()));
        assert_eq!(is_another, expected, "{own} {other}");
    }
}

/// Rows of one id are compared by their fingerprints.
#[test]
fn fingerprints_differ_with_identity_and_access() {
    fn all_differ(fingerprints: impl IntoIterator<Item = u64>) {
        let mut seen = std::collections::HashSet::new();
        for (position, fingerprint) in fingerprints.into_iter().enumerate() {
            assert!(seen.insert(fingerprint), "row {position}");
        }
    }
    let role = |row: Value| row_of::<RoleRow>(row).fingerprint();
    let members = |ids: &[u64]| json!(ids.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>());
    all_differ(
        [
            json!({}),
            json!({"name": "a"}),
            json!({"type": "a"}),
            json!({"members": members(&[])}),
            json!({"members": members(&[1])}),
            json!({"members": members(&[1, 2])}),
        ]
        .map(role),
    );
    let same = json!({"id": 1, "name": " a ", "description": "b"});
    assert_eq!(role(same), role(json!({"name": "a"})));

    let user = |row: Value| row_of::<UserRow>(row).fingerprint().into();
    all_differ(
        [
            json!({}),
            json!({"uid": "a"}),
            json!({"email": "a"}),
            json!({"administrator": true}),
            json!({"administrator": false}),
            json!({"permitAllClients": true}),
            json!({"fullPortalAccess": true}),
            json!({"organizationId": 1}),
            json!({"deviceIds": [1]}),
            json!({"accessibleDeviceIds": [1]}),
            json!({"assignedDeviceIds": [1]}),
            json!({"roles": ["a"]}),
            json!({"userType": "a"}),
        ]
        .map(user),
    );
    let same = json!({"email": "A", "firstName": "Pat", "phone": "1", "mfaConfigured": true});
    assert_eq!(user(same), user(json!({"email": "a"})));
}
