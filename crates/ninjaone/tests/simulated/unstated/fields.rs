//! Every field of every list, with every value that it can have instead.

use std::sync::Arc;

use access_core::model::SyncType;
use access_core::sync::ShrinkGuard;
use ninjaone_sim::{Fault, Rows, Tenant, To};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::sync::{config, edit, sync, unreported_loss};
use super::{DEVICES, END_USERS, ORGANIZATIONS, ROLES, TECHNICIANS, USERS};
use crate::tenant::TestTenant;

/// Values that a field can have instead of its own, none of which states that there is nothing.
pub(super) fn replacement_values(field: &str) -> Vec<To> {
    let mut others = vec![To::Absent, To::Value(json!(null)), To::Value(json!({"a": 1}))];
    let values = match field {
        "id" => vec![
            json!(-1),
            json!(7.5),
            json!("x"),
            json!(true),
            json!([7]),
            json!(1e300),
            json!(""),
        ],
        "enabled" | "administrator" | "permitAllClients" | "fullPortalAccess" | "mustChangePw"
        | "mfaConfigured" | "scimUser" | "notifyAllClients" => {
            vec![json!("true"), json!(1), json!([]), json!("")]
        }
        "organizationId" => vec![json!(-1), json!(7.5), json!("x"), json!(true), json!([null])],
        "members" | "deviceIds" | "accessibleDeviceIds" | "assignedDeviceIds" | "roles" => {
            vec![
                json!("x"),
                json!(7),
                json!(true),
                json!([null]),
                json!([{"userId": 7}]),
                json!([[7]]),
            ]
        }
        _ => vec![json!(7), json!(true), json!([])],
    };
    others.extend(values.into_iter().map(To::Value));
    others
}

const USER_FIELDS: [&str; 21] = [
    "id",
    "uid",
    "firstName",
    "lastName",
    "email",
    "phone",
    "enabled",
    "administrator",
    "permitAllClients",
    "notifyAllClients",
    "fullPortalAccess",
    "mustChangePw",
    "mfaConfigured",
    "scimUser",
    "authType",
    "userType",
    "invitationStatus",
    "organizationId",
    "deviceIds",
    "accessibleDeviceIds",
    "assignedDeviceIds",
];

/// The lists with the fields that are read of them.
const LISTS: [(&str, &[&str]); 6] = [
    (TECHNICIANS, &USER_FIELDS),
    (END_USERS, &USER_FIELDS),
    (USERS, &USER_FIELDS),
    (ROLES, &["id", "name", "type", "description", "members"]),
    (ORGANIZATIONS, &["id", "name", "description"]),
    (
        DEVICES,
        &[
            "id",
            "organizationId",
            "nodeClass",
            "approvalStatus",
            "displayName",
            "systemName",
            "dnsName",
        ],
    ),
];

#[test]
fn no_unstated_field_removes_anything_silently() {
    let tenant = Tenant::fixture("msp").unwrap();
    let before = sync(
        &TestTenant::new(&config(&tenant, Vec::new())),
        None,
        ShrinkGuard::off(),
    );
    let outcome = before.outcome.unwrap();
    assert_eq!(outcome.summary.run.sync_type, SyncType::Full);
    let before = before.ids.unwrap();
    let mut wrong = Vec::new();
    let mut cases = 0;
    for (list, fields) in LISTS {
        let members = ["/members/0/id", "/members/1/id"]
            .into_iter()
            .filter(|_| list == ROLES);
        let paths = fields.iter().map(|field| format!("/{field}"));
        for path in paths.chain(members.map(str::to_owned)) {
            let field = path.rsplit('/').next().unwrap();
            for to in replacement_values(field) {
                for rows in [Rows::Every, Rows::Nth(1)] {
                    cases += 1;
                    let name = format!("{path} of {list} is {to:?} in {rows:?}");
                    let faults = vec![(list, edit(rows, &path, to.clone()))];
                    let synced = sync(
                        &TestTenant::new(&config(&tenant, faults)),
                        Some(Arc::clone(&before)),
                        ShrinkGuard::off(),
                    );
                    if let Some(loss) = unreported_loss(&synced) {
                        wrong.push(format!("{name}: {loss}"));
                    }
                }
            }
        }
        for to in [json!(null), json!(7), json!("x"), json!([]), json!({})] {
            for rows in [Rows::Every, Rows::Nth(1)] {
                cases += 1;
                let faults = vec![(list, edit(rows, "", To::Value(to.clone())))];
                let synced = sync(
                    &TestTenant::new(&config(&tenant, faults)),
                    Some(Arc::clone(&before)),
                    ShrinkGuard::off(),
                );
                if let Some(loss) = unreported_loss(&synced) {
                    wrong.push(format!("row of {list} is {to} in {rows:?}: {loss}"));
                }
            }
        }
    }
    assert!(cases > 700, "{cases} cases");
    assert!(
        wrong.is_empty(),
        "{} of {cases}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Unreadable values never give a full sync, not even the first one.
#[test]
fn unreadable_values_never_give_a_full_sync() {
    let tenant = Tenant::fixture("msp").unwrap();
    let mut wrong = Vec::new();
    for (list, fields) in LISTS {
        for field in fields {
            let is_unstated = |to: &To| matches!(to, To::Absent | To::Value(Value::Null));
            let is_read = match (list, *field) {
                // The schema of the list lacks these keys, and nothing reads them.
                (_, "deviceIds" | "accessibleDeviceIds") => false,
                _ => true,
            };
            for to in replacement_values(field)
                .into_iter()
                .filter(|to| is_read && !is_unstated(to))
            {
                let name = format!("{field} of {list} is {to:?}");
                let faults = vec![(list, edit(Rows::Nth(1), &format!("/{field}"), to))];
                let synced = sync(
                    &TestTenant::new(&config(&tenant, faults)),
                    None,
                    ShrinkGuard::off(),
                );
                if let Ok(outcome) = synced.outcome
                    && outcome.summary.run.sync_type == SyncType::Full
                {
                    wrong.push(name);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn any_fault() -> impl Strategy<Value = (&'static str, Fault)> {
    let lists: Vec<(&'static str, &'static str)> = LISTS
        .iter()
        .flat_map(|(list, fields)| fields.iter().map(|field| (*list, *field)))
        .collect();
    let field = prop::sample::select(lists);
    (field, any::<prop::sample::Index>(), prop::option::of(0..9_usize)).prop_map(
        |((list, field), to, row)| {
            let choices = replacement_values(field);
            let to = choices[to.index(choices.len())].clone();
            let rows = row.map_or(Rows::Every, Rows::Nth);
            (list, edit(rows, &format!("/{field}"), to))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The second sync of a tenant, with arbitrary parts of its responses unstated or unreadable.
    #[test]
    fn unstated_or_unreadable_parts_remove_nothing(faults in prop::collection::vec(any_fault(), 1..5)) {
        // One fault per list: later rules of a path do not apply.
        let mut by_list: Vec<(&str, Fault)> = Vec::new();
        for (list, fault) in faults {
            if !by_list.iter().any(|(known, _)| *known == list) {
                by_list.push((list, fault));
            }
        }
        let tenant = Tenant::fixture("msp").unwrap();
        let before = sync(&TestTenant::healthy(), None, ShrinkGuard::off()).ids;
        let synced = sync(&TestTenant::new(&config(&tenant, by_list)), before, ShrinkGuard::off());
        prop_assert_eq!(unreported_loss(&synced), None);
    }
}
