//! Older instances, which have `/v2/users` only and name roles instead of numbering them.

use access_core::model::SyncType;
use access_core::sync::ShrinkGuard;
use ninjaone_sim::{Fault, Rows, Tenant, To, When};
use serde_json::json;

use super::fields::replacement_values;
use super::sync::{config, edit, sync, unreported_loss};
use super::{END_USERS, ROLES, TECHNICIANS, USERS};
use crate::tenant::TestTenant;

/// One 404 does not prove an older instance.
#[test]
fn instance_is_older_only_if_every_list_is_missing() {
    let page = || Fault::Answer {
        status: 404,
        content_type: "text/html",
        body: b"<html><title>404 Not Found</title></html>".to_vec(),
    };
    for list in [TECHNICIANS, END_USERS, ROLES] {
        for (when, fault) in [
            (When::First(1), Fault::MissingEndpoint),
            (When::Always, Fault::MissingEndpoint),
            (When::First(1), page()),
            (When::Always, page()),
        ] {
            let output = TestTenant::with_fault(list, when, fault).read_all();
            let error = output.error.unwrap();
            assert!(error.contains(&format!("this instance lacks {list}")), "{error}");
            assert!(!output.id_schemes.contains(&"role-name".to_owned()));
        }
    }
    // All lists fail once; the second request finds them.
    let output = TestTenant::with_fault("/v2/user/*", When::First(1), Fault::MissingEndpoint).read_all();
    assert!(
        output
            .error
            .is_some_and(|error| error.contains("this instance lacks"))
    );
    let output = TestTenant::with_fault("/v2/user/*", When::Always, page()).read_all();
    assert!(output.error.is_some());
    let older = TestTenant::with_behavior(|behavior| behavior.transport.old_instance = true).read_all();
    assert_eq!(older.error, None);
    assert_eq!(older.id_schemes, ["role-name"]);
    assert_eq!(TestTenant::healthy().read_all().id_schemes, ["numeric"]);
    let offered = older.entitlements.iter().map(|row| row.id.as_str());
    assert!(!offered.into_iter().any(|id| id.ends_with(":full-portal-access")));
}

#[test]
fn older_instance_is_complete_and_removes_nothing() {
    let older = |faults| {
        let mut config = config(&Tenant::fixture("msp").unwrap(), faults);
        config.behavior.transport.old_instance = true;
        TestTenant::new(&config)
    };
    let first = sync(&older(Vec::new()), None, ShrinkGuard::default());
    let summary = &first.outcome.as_ref().unwrap().summary;
    assert_eq!(
        summary.run.sync_type,
        SyncType::Full,
        "{:?}",
        summary.completeness
    );
    let mut wrong = Vec::new();
    for field in [
        "id",
        "roles",
        "userType",
        "administrator",
        "permitAllClients",
        "organizationId",
    ] {
        for to in replacement_values(field) {
            for rows in [Rows::Every, Rows::Nth(1)] {
                let name = format!("{field} is {to:?} in {rows:?}");
                let test_tenant = older(vec![(USERS, edit(rows, &format!("/{field}"), to.clone()))]);
                let synced = sync(&test_tenant, first.ids.clone(), ShrinkGuard::off());
                if let Some(loss) = unreported_loss(&synced) {
                    wrong.push(format!("{name}: {loss}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Only the rows of users name roles, so a user without them may hold a role that nobody else holds.
#[test]
fn user_without_stated_roles_may_hold_unknown_roles() {
    let notes_on_roles = |faults| {
        let mut config = config(&Tenant::fixture("msp").unwrap(), faults);
        config.behavior.transport.old_instance = true;
        let output = TestTenant::new(&config).read_all();
        assert_eq!(output.error, None);
        let mut notes = output.unstated;
        notes.retain(|note| note.contains("roles"));
        notes
    };
    assert_eq!(notes_on_roles(Vec::new()), [""; 0]);
    let faults = vec![(USERS, edit(Rows::Nth(0), "/roles", To::Absent))];
    let notes = notes_on_roles(faults);
    let ends = [
        ": roles of users, or the type that names them (1)",
        ": roles that only such users hold (1)",
    ];
    assert_eq!(notes.len(), ends.len(), "{notes:?}");
    for (note, end) in notes.iter().zip(ends) {
        assert!(note.ends_with(end), "{note}");
    }
}

/// A role name that is too long for an id is counted and named, with its holders.
#[test]
fn role_name_too_long_for_an_id_is_counted() {
    let long = To::Value(json!(["x".repeat(2_000)]));
    let mut config = config(
        &Tenant::fixture("msp").unwrap(),
        vec![(USERS, edit(Rows::Nth(0), "/roles", long))],
    );
    config.behavior.transport.old_instance = true;
    let output = TestTenant::new(&config).read_all();
    let is_counted = |text: &str| output.remarks.iter().any(|remark| remark.contains(text));
    assert!(
        is_counted("skipped 1 resources of role: UnusableId"),
        "{:?}",
        output.remarks
    );
    assert!(
        is_counted("skipped 1 grants of role: UnusableId"),
        "{:?}",
        output.remarks
    );
}
