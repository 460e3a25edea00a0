//! The provisioner: what it finds, the request that each step is, and what is known after it.

use access_core::model::{NativeId, Resource, ResourceId};
use access_core::ports::{Provisioner, WriteEffect};
use access_core::provisioning::{
    Account, AccountChanges, AccountKind, AccountValue, Certainty, EmailAddress, Membership, NamePart,
    NewAccount, Observation, Person, ReportedFlag, Role, RoleMembers, Selector, Step,
};
use futures::FutureExt;
use ninjaone::{ACCOUNTS, END_USER, TECHNICIAN};
use ninjaone_sim::{Edit, Fault, FaultRule, Reshape, Rows, To, When};
use serde_json::json;

use crate::fixture;
use crate::tenant::{Desk, resource_id};

fn id(text: &str) -> NativeId {
    NativeId::new(text).unwrap()
}

fn email(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn account_line(account: &Account) -> String {
    let Account {
        resource,
        kind,
        administrator,
        managed_elsewhere,
    } = account;
    let text = |key: &str| match resource.profile.get(key) {
        Some(access_core::model::ProfileValue::Text(text)) => text.to_string(),
        _ => "-".to_owned(),
    };
    format!(
        "{} {} | {kind} {administrator:?} {managed_elsewhere:?} | {} | {} | {}",
        resource.id,
        resource.display_name,
        text("email"),
        text("user_type"),
        text("organization_name")
    )
}

fn role_line(role: &Role) -> String {
    let members = match &role.members {
        RoleMembers::Known(members) => {
            let mut members: Vec<&str> = members.iter().map(NativeId::as_str).collect();
            members.sort_unstable();
            members.join(" ")
        }
        RoleMembers::Unknown(_) => "not said".to_owned(),
    };
    format!("{} {:?}: {members}", role.label(), role.holders)
}

#[test]
fn roles_are_found_by_id_and_name() {
    let desk = Desk::msp();
    let provisioner = desk.provisioner();
    let found = |wanted: Selector| {
        let roles = desk.wait(provisioner.roles(&wanted)).unwrap();
        roles.iter().map(role_line).collect::<Vec<_>>().join("\n  ")
    };
    let told = ["3", "service desk", "Legacy Read Only", "12", "Nobody"]
        .map(|text| format!("{text}:\n  {}", found(Selector::Text(text.to_owned()))));
    insta::assert_snapshot!(told.join("\n"));
    for role in fixture::rows("roles.json") {
        let wanted = Selector::Id(id(&role["id"].to_string()));
        let roles = desk.wait(provisioner.roles(&wanted)).unwrap();
        let [found] = &roles[..] else {
            panic!("{} roles", roles.len())
        };
        assert_eq!(found.resource.display_name.as_str(), role["name"]);
        let known = match &found.members {
            RoleMembers::Known(members) => Some(members.len()),
            RoleMembers::Unknown(_) => None,
        };
        assert_eq!(known, role["members"].as_array().map(Vec::len));
    }
}

#[test]
fn every_account_is_found_by_id_and_address() {
    let desk = Desk::msp();
    let provisioner = desk.provisioner();
    let mut told = Vec::new();
    for (file, kind) in [("technicians.json", TECHNICIAN), ("end-users.json", END_USER)] {
        for row in fixture::rows(file) {
            let number = row["id"].to_string();
            let account = desk.wait(provisioner.account(&id(&number))).unwrap();
            let by_id = account
                .as_ref()
                .filter(|account| account.kind == kind)
                .map(account_line);
            told.push(by_id.unwrap_or_else(|| format!("user:{number}: {account:?}")));
            let Some(address) = row["email"]
                .as_str()
                .and_then(|text| EmailAddress::parse(text).ok())
            else {
                continue;
            };
            let found = desk.wait(provisioner.accounts_with_email(&address)).unwrap();
            assert!(
                found.iter().any(|account| account.id().id.as_str() == number),
                "{address:?}: {found:?}"
            );
            assert!(
                found.iter().all(|account| account.has_email(&address)),
                "{address:?}: {found:?}"
            );
        }
    }
    insta::assert_snapshot!(told.join("\n"));
    let both = desk
        .wait(provisioner.accounts_with_email(&email("DANIEL.kowalski@example.com")))
        .unwrap();
    insta::assert_snapshot!(
        "one_address_twice",
        both.iter().map(account_line).collect::<Vec<_>>().join("\n")
    );
    for unknown in ["1", "ada", "4242"] {
        assert_eq!(desk.wait(provisioner.account(&id(unknown))).unwrap(), None);
    }
    assert!(
        desk.wait(provisioner.accounts_with_email(&email("nobody@example.com")))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn an_account_is_told_from_somebody_elses_and_from_a_failure() {
    let told = |path: &str, fault: Fault| {
        let desk = Desk::with(path, When::Always, fault);
        let found = desk.wait(desk.provisioner().account(&id("901")));
        match found {
            Ok(account) => format!(
                "{path}: {}",
                account.as_ref().map_or("none".to_owned(), account_line)
            ),
            Err(error) => format!("{path}: {}", desk.shown(&error.to_string())),
        }
    };
    let other = |value: serde_json::Value| {
        Fault::Edit(Edit {
            list: "",
            rows: Rows::Every,
            field: "/id".to_owned(),
            to: To::Value(value),
        })
    };
    let lines = [
        told("/v2/user/end-user/901", other(json!(902))),
        told("/v2/user/end-user/901", other(json!(null))),
        told("/v2/user/end-user/901", other(json!("901"))),
        told("/v2/user/end-user/901", Fault::MissingScope),
        told("/v2/user/end-user/901", Fault::MissingEndpoint),
        told("/v2/user/*", Fault::MissingEndpoint),
        told("/v2/organization/2", Fault::MissingEndpoint),
        told("/v2/organization/2", Fault::MissingScope),
        told("/v2/organization/2", other(json!(3))),
        told(
            "/v2/organization/2",
            Fault::Redirect("https://elsewhere.example.com/".to_owned()),
        ),
    ];
    insta::assert_snapshot!(lines.join("\n"));
}

/// What is found of each kind.
fn found(desk: &Desk) -> (Vec<Role>, Vec<Account>, Vec<ResourceId>, Vec<Resource>) {
    let provisioner = desk.provisioner();
    let roles = desk
        .wait(provisioner.roles(&Selector::Text("Service Desk".to_owned())))
        .unwrap();
    let accounts = desk
        .wait(provisioner.accounts_with_email(&email("daniel.kowalski@example.com")))
        .unwrap();
    let administrators = desk.wait(provisioner.administrators()).unwrap();
    let organizations = desk
        .wait(provisioner.organizations(&Selector::Text("Blåvand Bageri".to_owned())))
        .unwrap();
    (roles, accounts, administrators, organizations)
}

#[test]
fn lists_that_break_off_or_say_things_twice_are_read_right() {
    let good = found(&Desk::msp());
    assert_eq!(
        (good.0.len(), good.1.len(), good.2.len(), good.3.len()),
        (2, 2, 2, 1)
    );
    assert_eq!(good.2, [resource_id("user", "2"), resource_id("user", "3")]);
    assert_eq!(good.3[0].id, resource_id("organization", "3"));
    for path in [
        "/v2/user/roles",
        "/v2/user/technicians",
        "/v2/user/end-users",
        "/v2/users",
        "/v2/organizations",
    ] {
        let at = ninjaone_sim::Cut::Eighths(7);
        let desk = Desk::with(path, When::First(1), Fault::CutBody { at, clean: true });
        assert_eq!(found(&desk), good, "{path} cut short");
        let desk = Desk::with(path, When::First(2), Fault::Reshape(Reshape::Doubled));
        assert_eq!(found(&desk), good, "{path} doubled");
    }
}

/// What came before a list broke off is not there when it comes again without it.
#[test]
fn what_a_broken_list_held_is_forgotten() {
    let good = found(&Desk::msp());
    let stray = |fields: &str| Fault::Answer {
        status: 200,
        content_type: "application/json",
        body: format!(r#"[{{"id":777,{fields}}},"#).into_bytes(),
    };
    for (path, fields) in [
        (
            "/v2/user/roles",
            r#""name":"Service Desk","userType":"TECHNICIAN","userIds":[]"#,
        ),
        ("/v2/user/technicians", r#""email":"daniel.kowalski@example.com""#),
        ("/v2/user/end-users", r#""email":"daniel.kowalski@example.com""#),
        (
            "/v2/users",
            r#""email":"daniel.kowalski@example.com","administrator":true,"userType":"TECHNICIAN""#,
        ),
    ] {
        let desk = Desk::with(path, When::First(1), stray(fields));
        assert_eq!(found(&desk), good, "{path}");
        assert!(desk.sim.faults().unfired().is_empty(), "{path}");
    }
}

#[test]
fn lists_without_usable_rows_are_no_empty_ones() {
    let without_ids = || {
        Fault::Edit(Edit {
            list: "",
            rows: Rows::Every,
            field: "/id".to_owned(),
            to: To::Absent,
        })
    };
    let desk = Desk::with("/v2/user*", When::Always, without_ids());
    let provisioner = desk.provisioner();
    let wanted = Selector::Text("Service Desk".to_owned());
    let told = [
        desk.wait(provisioner.roles(&wanted))
            .err()
            .map(|error| error.to_string()),
        desk.wait(provisioner.administrators())
            .err()
            .map(|error| error.to_string()),
        desk.wait(provisioner.accounts_with_email(&email("a@example.com")))
            .err()
            .map(|error| error.to_string()),
    ];
    let told: Vec<String> = told
        .into_iter()
        .map(|error| desk.shown(&error.unwrap()))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn roles_that_hide_members_are_not_decided_on() {
    for hidden in [json!([{"id": 3}, {}]), json!([7]), json!("3")] {
        let to = To::Value(hidden);
        let desk = Desk::with(
            "/v2/user/roles",
            When::Always,
            Fault::Edit(Edit {
                list: "",
                rows: Rows::Nth(0),
                field: "/members".to_owned(),
                to,
            }),
        );
        let provisioner = desk.provisioner();
        let error = desk.wait(provisioner.roles(&Selector::Id(id("1")))).unwrap_err();
        assert!(error.to_string().contains("all members of role 1"), "{error}");
        assert_eq!(
            desk.wait(provisioner.roles(&Selector::Id(id("3"))))
                .unwrap()
                .len(),
            1
        );
    }
}

#[test]
fn administrators_are_those_who_can_act() {
    let with = |field: &str, value: serde_json::Value| {
        let desk = Desk::with(
            "/v2/user/technicians",
            When::Always,
            Fault::Edit(Edit {
                list: "",
                rows: Rows::Nth(0),
                field: field.to_owned(),
                to: To::Value(value),
            }),
        );
        desk.wait(desk.provisioner().administrators()).unwrap()
    };
    let both = [resource_id("user", "2"), resource_id("user", "3")];
    assert_eq!(with("/enabled", json!(false)), both[1..]);
    // Who is not said to be in use is not counted on.
    assert_eq!(with("/enabled", json!(null)), both[1..]);
    assert_eq!(with("/administrator", json!(null)), both[1..]);
}

fn new_account(kind: AccountKind, address: &str, values: &[(&str, AccountValue<Box<Resource>>)]) -> Step {
    let values = values.iter().map(|(name, value)| {
        let field = ACCOUNTS.create_field(name).unwrap();
        (field, value.clone())
    });
    let part = |text| NamePart::parse(text, ACCOUNTS.max_name_chars).unwrap();
    Step::CreateAccount(NewAccount {
        kind,
        person: Person {
            given_name: part("Nora"),
            family_name: part("Ek"),
            email: email(address),
        },
        values: values.collect(),
    })
}

fn changes(values: &[(&str, AccountValue<Box<Resource>>)]) -> AccountChanges {
    let values = values.iter().map(|(name, value)| {
        let field = ACCOUNTS.update_field(name).unwrap();
        (field, value.clone())
    });
    AccountChanges(values.collect())
}

fn membership(role: &ResourceId, account: &str) -> Membership {
    Membership {
        role: role.clone(),
        role_name: Some(access_core::model::DisplayName::new("Service Desk")),
        account: id(account),
    }
}

/// One step of every sort, with all that it can say.
fn steps(desk: &Desk) -> Vec<Step> {
    let organizations = desk
        .wait(desk.provisioner().organizations(&Selector::Id(id("3"))))
        .unwrap();
    let organization = || AccountValue::Organization(Box::new(organizations[0].clone()));
    let role = resource_id("role", "1");
    vec![
        Step::AddMember(membership(&role, "14")),
        Step::RemoveMember(membership(&role, "14")),
        new_account(
            TECHNICIAN,
            "nora.ek@example.com",
            &[("phone", AccountValue::Text("+46 8 123".into()))],
        ),
        new_account(
            END_USER,
            "nora.ek@example.net",
            &[
                ("organization_id", organization()),
                ("full_portal_access", AccountValue::Flag(true)),
                ("send_invitation", AccountValue::Flag(true)),
            ],
        ),
        new_account(END_USER, "nora@example.net", &[]),
        Step::UpdateAccount {
            account: resource_id("user", "9"),
            kind: TECHNICIAN,
            changes: changes(&[("last_name", AccountValue::Text("Nowak".into()))]),
        },
        Step::UpdateAccount {
            account: resource_id("user", "903"),
            kind: END_USER,
            changes: changes(&[
                ("first_name", AccountValue::Text("Gracie".into())),
                ("organization_id", organization()),
                ("full_portal_access", AccountValue::Flag(true)),
            ]),
        },
        Step::DeleteAccount {
            account: resource_id("user", "15"),
            kind: TECHNICIAN,
        },
        Step::DeleteAccount {
            account: resource_id("user", "942"),
            kind: END_USER,
        },
    ]
}

/// What a later look finds of what a step is about.
fn look(desk: &Desk, step: &Step) -> Observation {
    let provisioner = desk.provisioner();
    match step {
        Step::AddMember(membership) | Step::RemoveMember(membership) => {
            let mut roles = desk
                .wait(provisioner.roles(&Selector::Id(membership.role.id.clone())))
                .unwrap();
            Observation::Role(roles.pop().map(Box::new))
        }
        Step::CreateAccount(wanted) => {
            let mut found = desk
                .wait(provisioner.accounts_with_email(&wanted.person.email))
                .unwrap();
            Observation::Account(found.pop().map(Box::new))
        }
        Step::UpdateAccount { account, .. } | Step::DeleteAccount { account, .. } => {
            Observation::Account(desk.wait(provisioner.account(&account.id)).unwrap().map(Box::new))
        }
    }
}

#[test]
fn every_step_is_one_request_and_its_answer_shows_the_state() {
    let desk = Desk::msp();
    let mut requests = Vec::new();
    for step in steps(&desk) {
        let provisioner = desk.provisioner();
        desk.sim.ledger().clear();
        let preview = provisioner.preview(&step);
        let acted = desk.wait(provisioner.apply(&step)).unwrap();
        let calls = desk.sim.ledger().calls();
        let sent: Vec<_> = calls
            .iter()
            .filter(|call| call.method != "GET" && !call.path.ends_with("/token"))
            .collect();
        let [sent] = sent[..] else {
            panic!("{} writes", sent.len())
        };
        let query: Vec<String> = sent
            .query
            .iter()
            .map(|(key, value)| format!("?{key}={value}"))
            .collect();
        let url = format!("{}{}{}", desk.sim.base_url(), sent.path, query.concat());
        let body = Some(sent.body.clone()).filter(|body| !body.is_empty());
        assert_eq!(
            (preview.method, &preview.url, &preview.body),
            (&*sent.method, &url, &body),
            "announced and sent"
        );
        requests.push(format!(
            "{} {} {}",
            sent.method,
            desk.shown(&url),
            body.unwrap_or_default()
        ));
        assert!(acted.request_id.is_some());
        let state = look(&desk, &step);
        assert_eq!(
            step.is_satisfied_by(&state),
            Certainty::Yes,
            "{step:?}: {state:?}"
        );
        match acted.seen {
            Some(Observation::Role(role)) => assert_eq!(Observation::Role(role), state),
            // What only /v2/users tells is not in an answer.
            Some(Observation::Account(Some(seen))) => {
                let Observation::Account(Some(found)) = state else {
                    panic!("{state:?}")
                };
                let told = |account: &Account| {
                    account_line(&Account {
                        administrator: ReportedFlag::Unknown,
                        ..account.clone()
                    })
                };
                assert_eq!(told(&seen), told(&found));
            }
            Some(Observation::Account(None)) => panic!("an answer cannot show that"),
            None => assert!(
                matches!(step, Step::DeleteAccount { .. } | Step::UpdateAccount { .. }),
                "{step:?} shows nothing"
            ),
        }
    }
    insta::assert_snapshot!(requests.join("\n"));
}

#[test]
fn an_answer_about_something_else_shows_nothing() {
    let answer = |body: &str| Fault::Answer {
        status: 200,
        content_type: "application/json",
        body: body.as_bytes().to_vec(),
    };
    let odd = [
        r#"{"id":2,"name":"Service Desk","members":[]}"#,
        r#"{"id":904,"firstName":"Somebody"}"#,
        r#"{"firstName":"Nobody"}"#,
        "[]",
        "7",
    ];
    for body in odd {
        let desk = Desk::msp();
        let steps = steps(&desk);
        desk.sim.faults().add(FaultRule {
            method: Some("PATCH".to_owned()),
            path: "/v2/user/*".to_owned(),
            when: When::Always,
            fault: answer(body),
        });
        for step in steps
            .iter()
            .filter(|step| !matches!(step, Step::CreateAccount(_) | Step::DeleteAccount { .. }))
        {
            let acted = desk.wait(desk.provisioner().apply(step)).unwrap();
            assert_eq!(acted.seen, None, "{body} {step:?}");
        }
    }
}

#[test]
fn a_failure_says_what_is_known_of_its_effect() {
    let effect = |fault: Fault| {
        let desk = Desk::with("/v2/user/role/*", When::Always, fault);
        let step = Step::AddMember(membership(&resource_id("role", "1"), "14"));
        let failure = desk.wait(desk.provisioner().apply(&step)).unwrap_err();
        (failure.effect, failure.request_id.is_some())
    };
    assert_eq!(effect(Fault::Status(400)), (WriteEffect::Rejected, true));
    assert_eq!(effect(Fault::LostWrite(500)).0, WriteEffect::Unknown);
    assert_eq!(effect(Fault::LostWrite(0)), (WriteEffect::Unknown, false));
    let desk = Desk::msp();
    let off = ninjaone::NinjaOneProvisioner::new(desk.client(ninjaone::WritePolicy::Disabled));
    let step = Step::AddMember(membership(&resource_id("role", "1"), "14"));
    let failure = desk.wait(off.apply(&step)).unwrap_err();
    assert_eq!((failure.effect, failure.request_id), (WriteEffect::None, None));
}

#[test]
fn an_older_instance_cannot_be_changed() {
    let desk = Desk::switched(|behavior| behavior.transport.old_instance = true);
    let provisioner = desk.provisioner();
    let wanted = Selector::Text("Service Desk".to_owned());
    let told = [
        desk.wait(provisioner.roles(&wanted)).unwrap_err().to_string(),
        desk.wait(provisioner.account(&id("901")))
            .unwrap_err()
            .to_string(),
        desk.wait(provisioner.administrators()).unwrap_err().to_string(),
        desk.wait(provisioner.accounts_with_email(&email("a@example.com")))
            .unwrap_err()
            .to_string(),
    ];
    insta::assert_snapshot!(desk.shown(&told.join("\n")));
}

#[test]
fn it_waits_before_it_looks_again() {
    let desk = Desk::msp();
    let provisioner = desk.provisioner();
    // How long is left to chance; ten times none at all is not.
    let waits = |_| {
        desk.wait(async { provisioner.wait_before_retry(3).now_or_never() })
            .is_none()
    };
    assert!((0..10).any(waits));
}

#[test]
fn the_provisioner_says_where_it_is_and_what_it_cost() {
    let desk = Desk::msp();
    let provisioner = desk.provisioner();
    assert!(
        desk.sim.base_url().contains(&provisioner.tenant()) || provisioner.tenant() == desk.sim.base_url()
    );
    assert_eq!(provisioner.usage().calls, 0);
    desk.wait(provisioner.administrators()).unwrap();
    assert_eq!(provisioner.usage().calls, 2, "a sign-in and a list");
    let terms = provisioner.terms();
    assert_eq!(*terms, ninjaone::provisioning_terms());
    let words = terms.immutable_types.iter().map(ToString::to_string);
    assert_eq!(
        format!(
            "{} {} {} {}",
            terms.account_type,
            terms.role_type,
            terms.role_slug,
            words.collect::<Vec<_>>().join(" ")
        ),
        "user role assigned organization tenant device"
    );
    let source = desk.source(false);
    let calls = || access_core::ports::AccessSource::usage(&source).calls;
    assert_eq!(calls(), 0);
    desk.wait(access_core::ports::AccessSource::check(&source))
        .unwrap();
    assert_eq!(
        calls(),
        12,
        "a sign-in, five lists, and all of them again as a sync reads them"
    );
    assert_eq!(
        access_core::ports::AccessSource::tenant(&source),
        provisioner.tenant()
    );
    let types = |devices| access_core::ports::AccessSource::resource_types(&desk.source(devices)).len();
    assert_eq!((types(false), types(true)), (4, 5));
}
