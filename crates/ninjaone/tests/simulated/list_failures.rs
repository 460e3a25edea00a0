//! Lists that are truncated, contain unusable rows, are empty or never end.

use std::collections::HashSet;

use access_core::model::{AccessDepth, Resource, ResourceId, ResourceTypeId, SyncScope};
use ninjaone_sim::{Cut, Edit, Fault, FaultRule, FaultSchedule, Reshape, Rows, SimConfig, Tenant, To, When};
use serde_json::json;

use crate::fixture;
use crate::tenant::{SourceOutput, TestTenant, json_response};

const LISTS: [&str; 6] = [
    "/v2/user/technicians",
    "/v2/user/end-users",
    "/v2/users",
    "/v2/user/roles",
    "/v2/organizations",
    "/v2/devices",
];

#[test]
fn truncated_list_is_read_again_without_duplicates() {
    let all = TestTenant::healthy().read_all();
    for list in LISTS {
        for eighth in 0..8 {
            for clean in [true, false] {
                let at = Cut::Eighths(eighth);
                let test_tenant = TestTenant::with_fault(list, When::First(1), Fault::CutBody { at, clean });
                assert_eq!(test_tenant.read_all(), all, "{list} cut at {eighth}/8");
                assert!(test_tenant.sim.faults().unfired().is_empty());
            }
        }
    }
}

/// Unusable rows of a truncated list are not counted; the list is read again without them.
#[test]
fn rows_of_a_truncated_list_are_discarded() {
    let all = TestTenant::healthy().read_all();
    for list in LISTS {
        let junk = json_response(br#"[{"name":"no id"},7,{"id":2},{"id":2,"email":"twice@example.com"},"#);
        let test_tenant = TestTenant::with_fault(list, When::First(1), junk);
        let mut output = test_tenant.read_all();
        assert_eq!(
            (output.error.clone(), output.remarks.clone()),
            (None, vec![]),
            "{list}"
        );
        // Roles and users are emitted as they come, and cannot be taken back.
        let early = match list {
            "/v2/users" => Some("user:2"),
            "/v2/user/roles" => Some("role:2"),
            _ => None,
        };
        let mut all = all.clone();
        for output in [&mut output, &mut all] {
            output
                .resources
                .retain(|row| Some(row.id.to_string().as_str()) != early);
            output
                .entitlements
                .retain(|row| Some(row.resource.to_string().as_str()) != early);
            output.grants.retain(|(entitlement, user)| {
                early.is_none_or(|early| {
                    !entitlement.starts_with(&format!("{early}:")) && early != format!("user:{user}")
                })
            });
        }
        assert_eq!(output, all, "{list}");
    }
}

fn edit(rows: Rows, field: &str, to: To) -> Fault {
    Fault::Edit(Edit {
        list: "",
        rows,
        field: field.to_owned(),
        to,
    })
}

/// What is missing compared with a complete read, and the remarks about it.
fn losses(all: &SourceOutput, output: &SourceOutput) -> String {
    let resources = all
        .ids()
        .difference(&output.ids())
        .map(ToString::to_string)
        .collect::<Vec<_>>();
    let held = all.grant_set().difference(&output.grant_set()).count();
    format!(
        "lost [{}] and {held} grants; {}",
        resources.join(" "),
        output.remarks.join("; ")
    )
}

#[test]
fn unusable_rows_are_counted_and_others_kept() {
    let all = TestTenant::healthy().read_all();
    let mut lines = Vec::new();
    for list in LISTS {
        for (what, fault) in [
            ("no id", edit(Rows::Nth(1), "/id", To::Absent)),
            ("no object", edit(Rows::Nth(1), "", To::Value(json!(7)))),
            ("twice", Fault::Reshape(Reshape::Doubled)),
        ] {
            // The last page of a list is empty either way.
            let test_tenant = TestTenant::with_fault(list, When::First(1), fault);
            let output = test_tenant.read_all();
            assert_eq!(output.error, None, "{list} {what}");
            assert!(
                output.ids().is_subset(&all.ids()) && output.grant_set().is_subset(&all.grant_set()),
                "{list} {what}"
            );
            lines.push(format!("{list} {what}: {}", losses(&all, &output)));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn unusable_members_are_counted() {
    let all = TestTenant::healthy().read_all();
    let mut lines = Vec::new();
    for (what, to) in [
        (
            "odd members",
            json!([{"id": 3}, {"id": 3}, {"id": null}, {"name": "?"}, {"id": {}}, 8, null]),
        ),
        ("no list", json!({"id": 3})),
        ("ids as texts", json!([{"id": "12"}, {"id": "7"}])),
    ] {
        let test_tenant = TestTenant::with_fault(
            "/v2/user/roles",
            When::Always,
            edit(Rows::Nth(0), "/members", To::Value(to)),
        );
        let output = test_tenant.read_all();
        assert_eq!(output.error, None);
        let first: Vec<_> = output
            .grants
            .iter()
            .filter(|grant| grant.0 == "role:1:assigned")
            .map(|grant| &*grant.1)
            .collect();
        lines.push(format!(
            "{what}: [{}]; {}",
            first.join(" "),
            losses(&all, &output)
        ));
        let shallow = test_tenant.read(
            true,
            &SyncScope {
                depth: AccessDepth::ResourcesOnly,
                ..SyncScope::default()
            },
        );
        assert!(
            shallow.remarks.is_empty(),
            "members are not read without access: {:?}",
            shallow.remarks
        );
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn users_without_a_type_get_the_type_of_their_list() {
    let all = TestTenant::healthy().read_all();
    // Users that only /v2/users has get no type.
    let users_of_one_list: HashSet<String> =
        [fixture::rows("technicians.json"), fixture::rows("end-users.json")]
            .concat()
            .into_iter()
            .filter_map(|row| (row["$lists"] == json!(["users"])).then(|| row["id"].to_string()))
            .collect();
    assert!(!users_of_one_list.is_empty());
    for to in [To::Absent, To::Value(json!(null))] {
        let fault = || edit(Rows::Every, "/userType", to.clone());
        let test_tenant = TestTenant::with_faults([
            ("/v2/users", When::Always, fault()),
            ("/v2/user/end-users", When::Always, fault()),
        ]);
        let output = test_tenant.read_all();
        assert_eq!(output.grant_set(), all.grant_set());
        let user_types = |output: &SourceOutput| {
            let listed = output
                .resources
                .iter()
                .filter(|row| !users_of_one_list.contains(row.id.id.as_str()));
            let user_type = |row: &Resource| (row.id.clone(), row.profile.get("user_type").cloned());
            listed.map(user_type).collect::<Vec<_>>()
        };
        assert_eq!(user_types(&output), user_types(&all));
    }
}

/// The type of a user that only `/v2/users` has is that of its row.
#[test]
fn user_of_one_list_has_the_type_of_its_row() {
    let body = |kind: &str| {
        json_response(
            json!([{"id": 7001, "userType": kind, "organizationId": 2, "firstName": "Stray"}]).to_string(),
        )
    };
    for (kind, is_member) in [
        ("end_user", true),
        ("END_USER", true),
        ("TECHNICIAN", false),
        ("OTHER", false),
    ] {
        let output = TestTenant::with_fault("/v2/users", When::Always, body(kind)).read_all();
        let member = ("organization:2:member".to_owned(), "7001".to_owned());
        assert_eq!(output.grant_set().contains(&member), is_member, "{kind}");
        assert!(output.resources.iter().any(|row| row.id.id.as_str() == "7001"));
    }
}

#[test]
fn implausible_empty_lists_end_the_sync() {
    let mut lines = Vec::new();
    for list in LISTS {
        let output = TestTenant::with_fault(list, When::Always, Fault::EmptyList).read_all();
        lines.push(format!(
            "{list}: {}",
            output.error.as_deref().unwrap_or("taken as it is")
        ));
    }
    let everywhere = [
        ("/v2/user/end-users", When::Always, Fault::EmptyList),
        ("/v2/users", When::Always, technicians()),
    ];
    let output = TestTenant::with_faults(everywhere).read_all();
    lines.push(format!(
        "no end users anywhere: {}",
        output.error.as_deref().unwrap_or("taken as it is")
    ));
    insta::assert_snapshot!(lines.join("\n"));
}

fn technicians() -> Fault {
    json_response(br#"[{"id":2,"userType":"TECHNICIAN"}]"#)
}

#[test]
fn unusable_or_endless_lists_end_the_sync() {
    let mut lines = Vec::new();
    for list in LISTS {
        let output =
            TestTenant::with_fault(list, When::Always, edit(Rows::Every, "/id", To::Absent)).read_all();
        lines.push(format!("{list} without ids: {}", outcome(&output)));
    }
    for list in &LISTS[4..] {
        let output = TestTenant::with_fault(list, When::Always, Fault::NoProgress).read_all();
        lines.push(format!("{list} again and again: {}", outcome(&output)));
        let endless = Fault::Endless {
            begin: b"[".to_vec(),
            again: br#"{"id":5},"#.to_vec(),
            bytes: 2_000_000,
        };
        let output = TestTenant::with_fault(list, When::Always, endless).read_all();
        lines.push(format!("{list} in one page: {}", outcome(&output)));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

/// Every tenant has a System Administrator, so only silence about that privilege makes a first sync incomplete.
#[test]
fn silence_about_administrators_is_never_normal() {
    for (field, never_normal) in [("administrator", true), ("permitAllClients", false)] {
        let pointer = format!("/{field}");
        let faults = LISTS[..3].iter().map(|list| FaultRule {
            method: None,
            path: (*list).to_owned(),
            when: When::Always,
            fault: edit(Rows::Every, &pointer, To::Absent),
        });
        let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
        config.faults = FaultSchedule::new(faults);
        let output = TestTenant::new(&config).read_all();
        let notes: Vec<_> = output
            .unstated
            .iter()
            .filter(|note| note.contains(field))
            .collect();
        assert!(!notes.is_empty(), "{:?}", output.unstated);
        for note in notes {
            assert_eq!(note.ends_with(", never normal"), never_normal, "{note}");
        }
    }
}

/// Nobody knows whether such a user is a technician or an end user, and the two have different access.
#[test]
fn contradictory_kinds_of_users_make_types_incomplete() {
    let kind = |rows, word: &str| {
        Fault::Edit(Edit {
            list: "",
            rows,
            field: "/userType".to_owned(),
            to: To::Value(json!(word)),
        })
    };
    for (list, word) in [
        ("/v2/user/technicians", "END_USER"),
        ("/v2/user/end-users", "TECHNICIAN"),
    ] {
        let fault = kind(Rows::Nth(0), word);
        let output = TestTenant::with_fault(list, When::Always, fault).read_all();
        for resource_type in ["organization", "role", "tenant", "user"] {
            let remark = format!("incomplete {resource_type}");
            assert!(output.remarks.contains(&remark), "{list}: {:?}", output.remarks);
        }
        // A word that nobody knows contradicts nothing.
        let fault = kind(Rows::Nth(0), "CONTRACTOR");
        let output = TestTenant::with_fault(list, When::Always, fault).read_all();
        assert!(
            !output.remarks.contains(&"incomplete user".to_owned()),
            "{:?}",
            output.remarks
        );
    }
}

/// A type that was not requested is not reported as incomplete.
#[test]
fn only_requested_types_are_incomplete() {
    let test_tenant = TestTenant::with_fault("/v2/organizations", When::Always, Fault::NoProgress);
    let all = test_tenant.read_all();
    assert!(
        all.remarks.contains(&"incomplete organization".to_owned()),
        "{:?}",
        all.remarks
    );
    let users = test_tenant.read(
        false,
        &SyncScope {
            types: Some([ResourceTypeId::from_static("user")].into()),
            ..SyncScope::default()
        },
    );
    assert!(
        !users.remarks.contains(&"incomplete organization".to_owned()),
        "{:?}",
        users.remarks
    );
}

/// Pages as long as the server's own limit are never the last: one of them without a new id means that `after` is ignored.
#[test]
fn repeated_page_of_the_server_limit_ends_the_sync() {
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    config.behavior.reads.page_size_cap = Some(3);
    let test_tenant = TestTenant::new(&config);
    assert_eq!(test_tenant.read_all().error, None);
    let test_tenant = TestTenant::new(&config);
    test_tenant.sim.faults().add(FaultRule {
        method: None,
        path: "/v2/organizations".to_owned(),
        when: When::Nth(3),
        fault: Fault::NoProgress,
    });
    let error = test_tenant.read_all().error.unwrap();
    assert!(error.contains("did not advance past"), "{error}");
}

/// Ids are 32 bits long; the read cannot go on after a larger one.
#[test]
fn page_with_only_invalid_ids_ends_the_sync() {
    let body = json!([{"id": 3_000_000_000_u64, "name": "Alder"}]).to_string();
    let test_tenant = TestTenant::with_fault("/v2/organizations", When::Always, json_response(body));
    let error = test_tenant.read_all().error.unwrap();
    assert!(error.contains("did not advance past"), "{error}");
    let calls = test_tenant.drain_calls();
    assert_eq!(calls, ["GET /v2/organizations pageSize=1000"]);
}

fn outcome(output: &SourceOutput) -> String {
    let error = output.error.clone().unwrap_or_else(|| "goes on".to_owned());
    let parts = [vec![error], output.remarks.clone()].concat();
    parts.join("; ")
}

#[test]
fn failed_device_list_makes_only_devices_incomplete() {
    let all = TestTenant::healthy().read_all();
    let test_tenant = TestTenant::with_fault("/v2/devices", When::Always, Fault::MissingScope);
    let output = test_tenant.read_all();
    assert_eq!(output.error, None);
    assert_eq!(output.remarks.len(), 2, "{:?}", output.remarks);
    assert_eq!(output.remarks[1], "incomplete device");
    let rest = |id: &ResourceId| id.resource_type.as_str() != "device";
    let expected = all.filtered(rest, rest, rest);
    assert_eq!(
        (&output.resources, &output.grants),
        (&expected.resources, &expected.grants)
    );

    // The devices of the first page are kept, with their holders.
    let mut config = ninjaone_sim::SimConfig::new(ninjaone_sim::Tenant::fixture("msp").unwrap());
    config.behavior.reads.page_size_cap = Some(5);
    config.faults = ninjaone_sim::FaultSchedule::at("/v2/devices", When::After(1), Fault::Status(403));
    let output = TestTenant::new(&config).read_all();
    let devices = output.resources.iter().filter(|row| !rest(&row.id)).count();
    assert_eq!((devices, output.remarks.len()), (5, 2));
}

#[test]
fn failed_list_ends_the_output_with_its_error() {
    for list in &LISTS[..5] {
        let output = TestTenant::with_fault(list, When::Always, Fault::Status(403)).read_all();
        assert!(
            output.error.as_deref().is_some_and(|error| error.contains(list)),
            "{list}: {:?}",
            output.error
        );
    }
    // Only the list of technicians distinguishes an older instance from a failing one.
    for list in [
        "/v2/user/end-users",
        "/v2/users",
        "/v2/user/roles",
        "/v2/organizations",
    ] {
        let output = TestTenant::with_fault(list, When::Always, Fault::MissingEndpoint).read_all();
        assert!(output.error.is_some(), "{list}");
    }
}
