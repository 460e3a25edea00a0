//! The request of each step, and what is known after it.

use access_core::model::{Resource, ResourceId};
use access_core::ports::{Provisioner, WriteEffect};
use access_core::provisioning::{
    Account, AccountChanges, AccountKind, AccountValue, Certainty, Membership, NamePart, NewAccount,
    Observation, Person, ReportedFlag, Selector, Step,
};
use ninjaone::{ACCOUNTS, END_USER, TECHNICIAN};
use ninjaone_sim::{Fault, FaultRule, When};

use super::{account_line, email, id};
use crate::tenant::{TestTenant, json_response, resource_id};

pub(super) fn new_account(
    kind: AccountKind,
    address: &str,
    values: &[(&str, AccountValue<Box<Resource>>)],
) -> Step {
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

pub(super) fn membership(role: &ResourceId, account: &str) -> Membership {
    Membership {
        role: role.clone(),
        role_name: Some(access_core::model::DisplayName::new("Service Desk")),
        account: id(account),
    }
}

/// Steps of every type, with every field.
fn steps(test_tenant: &TestTenant) -> Vec<Step> {
    let organizations = test_tenant
        .block_on(test_tenant.provisioner().organizations(&Selector::Id(id("3"))))
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

/// Reads back the resource of a step.
fn read_back(test_tenant: &TestTenant, step: &Step) -> Observation {
    let provisioner = test_tenant.provisioner();
    match step {
        Step::AddMember(membership) | Step::RemoveMember(membership) => {
            let mut roles = test_tenant
                .block_on(provisioner.roles(&Selector::Id(membership.role.id.clone())))
                .unwrap();
            Observation::Role(roles.pop().map(Box::new))
        }
        Step::CreateAccount(account) => {
            let mut found = test_tenant
                .block_on(provisioner.accounts_with_email(&account.person.email))
                .unwrap();
            Observation::Account(found.pop().map(Box::new))
        }
        Step::UpdateAccount { account, .. } | Step::DeleteAccount { account, .. } => Observation::Account(
            test_tenant
                .block_on(provisioner.account(&account.id))
                .unwrap()
                .map(Box::new),
        ),
    }
}

#[test]
fn every_step_sends_one_request_and_is_verified() {
    let test_tenant = TestTenant::healthy();
    let mut requests = Vec::new();
    for step in steps(&test_tenant) {
        let provisioner = test_tenant.provisioner();
        test_tenant.sim.ledger().clear();
        let preview = provisioner.preview(&step);
        let acted = test_tenant.block_on(provisioner.apply(&step)).unwrap();
        let calls = test_tenant.sim.ledger().calls();
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
        let url = format!("{}{}{}", test_tenant.sim.base_url(), sent.path, query.concat());
        let body = Some(sent.body.clone()).filter(|body| !body.is_empty());
        assert_eq!(
            (preview.method, &preview.url, &preview.body),
            (&*sent.method, &url, &body),
            "announced and sent"
        );
        requests.push(format!(
            "{} {} {}",
            sent.method,
            test_tenant.without_address(&url),
            body.unwrap_or_default()
        ));
        assert!(acted.request_id.is_some());
        let state = read_back(&test_tenant, &step);
        assert_eq!(
            step.is_satisfied_by(&state),
            Certainty::Yes,
            "{step:?}: {state:?}"
        );
        match acted.seen {
            Some(Observation::Role(role)) => assert_eq!(Observation::Role(role), state),
            // A response lacks what only /v2/users has.
            Some(Observation::Account(Some(seen))) => {
                let Observation::Account(Some(found)) = state else {
                    panic!("{state:?}")
                };
                let comparable = |account: &Account| {
                    account_line(&Account {
                        administrator: ReportedFlag::Unknown,
                        ..account.clone()
                    })
                };
                assert_eq!(comparable(&seen), comparable(&found));
            }
            Some(Observation::Account(None)) => panic!("a response cannot show a missing account"),
            None => assert!(
                matches!(step, Step::DeleteAccount { .. } | Step::UpdateAccount { .. }),
                "{step:?} shows nothing"
            ),
        }
    }
    insta::assert_snapshot!(requests.join("\n"));
}

#[test]
fn response_about_another_resource_proves_nothing() {
    let unrelated = [
        r#"{"id":2,"name":"Service Desk","members":[]}"#,
        r#"{"id":904,"firstName":"Somebody"}"#,
        r#"{"firstName":"Nobody"}"#,
        "[]",
        "7",
    ];
    for body in unrelated {
        let test_tenant = TestTenant::healthy();
        let steps = steps(&test_tenant);
        test_tenant.sim.faults().add(FaultRule {
            method: Some("PATCH".to_owned()),
            path: "/v2/user/*".to_owned(),
            when: When::Always,
            fault: json_response(body),
        });
        for step in steps
            .iter()
            .filter(|step| !matches!(step, Step::CreateAccount(_) | Step::DeleteAccount { .. }))
        {
            let acted = test_tenant
                .block_on(test_tenant.provisioner().apply(step))
                .unwrap();
            assert_eq!(acted.seen, None, "{body} {step:?}");
        }
    }
}

#[test]
fn failure_reports_the_effect_of_the_write() {
    let effect = |fault: Fault| {
        let test_tenant = TestTenant::with_fault("/v2/user/role/*", When::Always, fault);
        let step = Step::AddMember(membership(&resource_id("role", "1"), "14"));
        let failure = test_tenant
            .block_on(test_tenant.provisioner().apply(&step))
            .unwrap_err();
        (failure.effect, failure.request_id.is_some())
    };
    assert_eq!(effect(Fault::Status(400)), (WriteEffect::Rejected, true));
    assert_eq!(effect(Fault::LostWrite(500)).0, WriteEffect::Unknown);
    assert_eq!(effect(Fault::LostWrite(0)), (WriteEffect::Unknown, false));
    let test_tenant = TestTenant::healthy();
    let off = ninjaone::NinjaOneProvisioner::new(test_tenant.client(ninjaone::WritePolicy::Disabled));
    let step = Step::AddMember(membership(&resource_id("role", "1"), "14"));
    let failure = test_tenant.block_on(off.apply(&step)).unwrap_err();
    assert_eq!((failure.effect, failure.request_id), (WriteEffect::None, None));
}

/// A write that was refused because of load was not made, so it is sent again; a refusal for another reason is final.
#[test]
fn write_refused_because_of_load_is_retried() {
    let refused_once = |message: &str| {
        let fault = Fault::Answer {
            status: 403,
            content_type: "application/json",
            body: format!(r#"{{"errorMessage":"{message}"}}"#).into_bytes(),
        };
        let test_tenant = TestTenant::with_fault("/v2/user/role/*", When::First(1), fault);
        let step = Step::AddMember(membership(&resource_id("role", "1"), "14"));
        test_tenant
            .block_on(test_tenant.provisioner().apply(&step))
            .map(|_| ())
    };
    assert!(refused_once("Too many requests").is_ok());
    assert!(refused_once("Access denied").is_err());
}
