//! Lists that are cut short, hold rubbish, are empty or never end.

use std::collections::HashSet;

use access_core::model::{AccessDepth, Resource, ResourceId, SyncScope};
use ninjaone_sim::{Cut, Edit, Fault, Reshape, Rows, To, When};
use serde_json::json;

use crate::fixture;
use crate::tenant::{Desk, Heard};

const LISTS: [&str; 6] = [
    "/v2/user/technicians",
    "/v2/user/end-users",
    "/v2/users",
    "/v2/user/roles",
    "/v2/organizations",
    "/v2/devices",
];

#[test]
fn a_list_that_broke_off_comes_again_and_nothing_twice() {
    let all = Desk::msp().read_all();
    for list in LISTS {
        for eighth in 0..8 {
            for clean in [true, false] {
                let at = Cut::Eighths(eighth);
                let desk = Desk::with(list, When::First(1), Fault::CutBody { at, clean });
                assert_eq!(desk.read_all(), all, "{list} cut at {eighth}/8");
                assert!(desk.sim.faults().unfired().is_empty());
            }
        }
    }
}

/// Rubbish that came before a list broke off is not booked; the list comes again without it.
#[test]
fn what_a_broken_list_held_is_forgotten() {
    let all = Desk::msp().read_all();
    for list in LISTS {
        let junk = Fault::Answer {
            status: 200,
            content_type: "application/json",
            body: br#"[{"name":"no id"},7,{"id":2},{"id":2,"email":"twice@example.com"},"#.to_vec(),
        };
        let desk = Desk::with(list, When::First(1), junk);
        let mut heard = desk.read_all();
        assert_eq!(
            (heard.error.clone(), heard.remarks.clone()),
            (None, vec![]),
            "{list}"
        );
        // A role or user that is emitted is emitted: it stays as it first came.
        let early = match list {
            "/v2/users" => Some("user:2"),
            "/v2/user/roles" => Some("role:2"),
            _ => None,
        };
        let mut all = all.clone();
        for heard in [&mut heard, &mut all] {
            heard
                .resources
                .retain(|row| Some(row.id.to_string().as_str()) != early);
            heard
                .entitlements
                .retain(|row| Some(row.resource.to_string().as_str()) != early);
            heard.grants.retain(|(entitlement, user)| {
                early.is_none_or(|early| {
                    !entitlement.starts_with(&format!("{early}:")) && early != format!("user:{user}")
                })
            });
        }
        assert_eq!(heard, all, "{list}");
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

/// What is missing against the whole, and what is said of it.
fn losses(all: &Heard, heard: &Heard) -> String {
    let resources = all
        .ids()
        .difference(&heard.ids())
        .map(ToString::to_string)
        .collect::<Vec<_>>();
    let held = all.held().difference(&heard.held()).count();
    format!(
        "lost [{}] and {held} grants; {}",
        resources.join(" "),
        heard.remarks.join("; ")
    )
}

#[test]
fn rows_of_no_use_are_counted_and_the_others_kept() {
    let all = Desk::msp().read_all();
    let mut told = Vec::new();
    for list in LISTS {
        for (what, fault) in [
            ("no id", edit(Rows::Nth(1), "/id", To::Absent)),
            ("no object", edit(Rows::Nth(1), "", To::Value(json!(7)))),
            ("twice", Fault::Reshape(Reshape::Doubled)),
        ] {
            // Of the pages of a list the last one is empty and stays so.
            let desk = Desk::with(list, When::First(1), fault);
            let heard = desk.read_all();
            assert_eq!(heard.error, None, "{list} {what}");
            assert!(
                heard.ids().is_subset(&all.ids()) && heard.held().is_subset(&all.held()),
                "{list} {what}"
            );
            told.push(format!("{list} {what}: {}", losses(&all, &heard)));
        }
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn members_of_no_use_are_counted() {
    let all = Desk::msp().read_all();
    let mut told = Vec::new();
    for (what, to) in [
        (
            "odd members",
            json!([{"id": 3}, {"id": 3}, {"id": null}, {"name": "?"}, {"id": {}}, 8, null]),
        ),
        ("no list", json!({"id": 3})),
        ("ids as texts", json!([{"id": "12"}, {"id": "7"}])),
    ] {
        let desk = Desk::with(
            "/v2/user/roles",
            When::Always,
            edit(Rows::Nth(0), "/members", To::Value(to)),
        );
        let heard = desk.read_all();
        assert_eq!(heard.error, None);
        let first: Vec<_> = heard
            .grants
            .iter()
            .filter(|grant| grant.0 == "role:1:assigned")
            .map(|grant| &*grant.1)
            .collect();
        told.push(format!("{what}: [{}]; {}", first.join(" "), losses(&all, &heard)));
        let shallow = desk.read(
            true,
            &SyncScope {
                depth: AccessDepth::ResourcesOnly,
                ..SyncScope::default()
            },
        );
        assert!(
            shallow.remarks.is_empty(),
            "members are nobody's business: {:?}",
            shallow.remarks
        );
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn users_without_a_type_get_that_of_their_list() {
    let all = Desk::msp().read_all();
    // Those that only /v2/users has are of no kind then.
    let strays: HashSet<String> = [fixture::rows("technicians.json"), fixture::rows("end-users.json")]
        .concat()
        .into_iter()
        .filter_map(|row| (row["$lists"] == json!(["users"])).then(|| row["id"].to_string()))
        .collect();
    assert!(!strays.is_empty());
    for to in [To::Absent, To::Value(json!(null))] {
        let fault = || edit(Rows::Every, "/userType", to.clone());
        let desk = Desk::faulty([
            ("/v2/users", When::Always, fault()),
            ("/v2/user/end-users", When::Always, fault()),
        ]);
        let heard = desk.read_all();
        assert_eq!(heard.held(), all.held());
        let kinds = |heard: &Heard| {
            let listed = heard
                .resources
                .iter()
                .filter(|row| !strays.contains(row.id.id.as_str()));
            let kind = |row: &Resource| (row.id.clone(), row.profile.get("user_type").cloned());
            listed.map(kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&heard), kinds(&all));
    }
}

/// A user that only `/v2/users` has is what it says it is.
#[test]
fn strays_are_what_they_say() {
    let body = |kind: &str| Fault::Answer {
        status: 200,
        content_type: "application/json",
        body: json!([{"id": 7001, "userType": kind, "organizationId": 2, "firstName": "Stray"}])
            .to_string()
            .into_bytes(),
    };
    for (kind, is_member) in [
        ("end_user", true),
        ("END_USER", true),
        ("TECHNICIAN", false),
        ("OTHER", false),
    ] {
        let heard = Desk::with("/v2/users", When::Always, body(kind)).read_all();
        let member = ("organization:2:member".to_owned(), "7001".to_owned());
        assert_eq!(heard.held().contains(&member), is_member, "{kind}");
        assert!(heard.resources.iter().any(|row| row.id.id.as_str() == "7001"));
    }
}

#[test]
fn empty_lists_that_cannot_be_end_the_reading() {
    let mut told = Vec::new();
    for list in LISTS {
        let heard = Desk::with(list, When::Always, Fault::EmptyList).read_all();
        told.push(format!(
            "{list}: {}",
            heard.error.as_deref().unwrap_or("taken as it is")
        ));
    }
    let everywhere = [
        ("/v2/user/end-users", When::Always, Fault::EmptyList),
        ("/v2/users", When::Always, technicians()),
    ];
    let heard = Desk::faulty(everywhere).read_all();
    told.push(format!(
        "no end users anywhere: {}",
        heard.error.as_deref().unwrap_or("taken as it is")
    ));
    insta::assert_snapshot!(told.join("\n"));
}

fn technicians() -> Fault {
    Fault::Answer {
        status: 200,
        content_type: "application/json",
        body: br#"[{"id":2,"userType":"TECHNICIAN"}]"#.to_vec(),
    }
}

#[test]
fn unusable_or_endless_lists_end_the_sync() {
    let mut told = Vec::new();
    for list in LISTS {
        let heard = Desk::with(list, When::Always, edit(Rows::Every, "/id", To::Absent)).read_all();
        told.push(format!("{list} without ids: {}", outcome(&heard)));
    }
    for list in &LISTS[4..] {
        let heard = Desk::with(list, When::Always, Fault::NoProgress).read_all();
        told.push(format!("{list} again and again: {}", outcome(&heard)));
        let endless = Fault::Endless {
            begin: b"[".to_vec(),
            again: br#"{"id":5},"#.to_vec(),
            bytes: 2_000_000,
        };
        let heard = Desk::with(list, When::Always, endless).read_all();
        told.push(format!("{list} in one page: {}", outcome(&heard)));
    }
    insta::assert_snapshot!(told.join("\n"));
}

fn outcome(heard: &Heard) -> String {
    let error = heard.error.clone().unwrap_or_else(|| "goes on".to_owned());
    let said = [vec![error], heard.remarks.clone()].concat();
    said.join("; ")
}

#[test]
fn devices_that_fail_make_devices_incomplete_and_nothing_else() {
    let all = Desk::msp().read_all();
    let desk = Desk::with("/v2/devices", When::Always, Fault::MissingScope);
    let heard = desk.read_all();
    assert_eq!(heard.error, None);
    assert_eq!(heard.remarks.len(), 2, "{:?}", heard.remarks);
    assert_eq!(heard.remarks[1], "incomplete device");
    let rest = |id: &ResourceId| id.resource_type.as_str() != "device";
    let expected = all.only(rest, rest, rest);
    assert_eq!(
        (&heard.resources, &heard.grants),
        (&expected.resources, &expected.grants)
    );

    // The first page came: its devices stay, with who holds them.
    let mut config = ninjaone_sim::SimConfig::new(ninjaone_sim::Tenant::fixture("msp").unwrap());
    config.behavior.reads.page_size_cap = Some(5);
    config.faults = ninjaone_sim::FaultSchedule::at("/v2/devices", When::After(1), Fault::Status(403));
    let heard = Desk::new(&config).read_all();
    let devices = heard.resources.iter().filter(|row| !rest(&row.id)).count();
    assert_eq!((devices, heard.remarks.len()), (5, 2));
}

#[test]
fn what_fails_is_the_last_thing_said() {
    for list in &LISTS[..5] {
        let heard = Desk::with(list, When::Always, Fault::Status(403)).read_all();
        assert!(
            heard.error.as_deref().is_some_and(|error| error.contains(list)),
            "{list}: {:?}",
            heard.error
        );
    }
    // Only the list of technicians tells an older instance from a broken one.
    for list in [
        "/v2/user/end-users",
        "/v2/users",
        "/v2/user/roles",
        "/v2/organizations",
    ] {
        let heard = Desk::with(list, When::Always, Fault::MissingEndpoint).read_all();
        assert!(heard.error.is_some(), "{list}");
    }
}
