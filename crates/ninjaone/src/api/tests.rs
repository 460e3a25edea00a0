//! Every type of value in place of the expected one.

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::lenient::Field;
use super::members::{MAX_MEMBER_LABEL_BYTES, MemberLabels};
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
    let mut words = MemberLabels::default();
    let long = "x".repeat(MAX_MEMBER_LABEL_BYTES / 3);
    for id in 0..5 {
        words.push(id, &long);
    }
    assert_eq!(words.ends.len(), 2);
    words.push(9, "short");
    assert_eq!(words.ends.len(), 3);
}

#[test]
fn integers_are_limited_to_exact_doubles() {
    let id = |text: &str| serde_json::from_str::<Id>(text).unwrap().get();
    assert_eq!(id("9007199254740992.0"), Some(9_007_199_254_740_992));
    assert_eq!(id("9007199254740994.0"), None);
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
