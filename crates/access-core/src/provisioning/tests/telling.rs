//! What is told of a change that can be made: to a person beforehand and afterwards, and to C1.

use futures::executor::block_on;

use super::in_memory::{Diary, Mishap, Tenant, World};
use super::{Fixed, make};
use crate::model::NativeId;
use crate::ports::{AuditError, Provisioner, ProvisionerError};
use crate::provisioning::{
    ACCOUNT_FIELDS, AccountRequest, AccountUpdate, AttributeValue, Attributes, Change, EmailAddress,
    Provisioning, ProvisioningError, Selector, UPDATE_FIELDS,
};
use crate::{Classified, StatusCode};

fn id(number: u64) -> Selector {
    Selector::Id(NativeId::from_number(number))
}

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).into()))
        .collect()
}

fn create(pairs: &[(&str, &str)]) -> Change {
    let tenant = Tenant::new(World::small(), []);
    let named = [
        ("first_name", "New"),
        ("last_name", "Person"),
        ("email", "new@example.com"),
    ];
    let all = attributes(&[&named[..], pairs].concat());
    Change::CreateAccount(AccountRequest::parse(&all, tenant.vocabulary()).unwrap())
}

/// The plan in words, and what came of it in JSON, as the command line and C1 get them.
fn told(change: &Change) -> String {
    let mut world = World::small();
    world.people.entry(902).and_modify(|sam| sam.disabled = true);
    let (tenant, diary) = (Tenant::new(world, []), Diary::default());
    let provisioning = Provisioning {
        provisioner: &tenant,
        audit: &diary,
        clock: &Fixed,
        ids: &Fixed,
        requested_by: "ada".to_owned(),
    };
    let plan = block_on(provisioning.prepare(change)).unwrap();
    let outcome = block_on(provisioning.carry_out(&plan)).unwrap();
    let steps: Vec<String> = outcome.steps.iter().map(|step| step.step.clone()).collect();
    assert_eq!(outcome.change_id.to_string().len(), 27);
    assert_eq!(
        serde_json::to_value(outcome.change_id).unwrap(),
        outcome.change_id.to_string()
    );
    format!(
        "{}\n  {:?}, grant {:?}, steps {steps:?}\n  {}",
        outcome.wanted,
        outcome.result,
        outcome.grant_id.map(|id| id.to_string()),
        outcome
            .warnings
            .iter()
            .map(|warning| format!("{}: {}", warning.code, warning.message))
            .collect::<Vec<_>>()
            .join("\n  ")
    )
}

#[test]
fn every_change() {
    let update = |account, pairs: &[(&str, &str)]| Change::UpdateAccount {
        account: id(account),
        update: AccountUpdate::parse(&attributes(pairs)).unwrap(),
    };
    let grant = |role, account| Change::Grant {
        role: id(role),
        principal: id(account),
    };
    let revoke = |role, account| Change::Revoke {
        role: id(role),
        principal: id(account),
    };
    let changes = [
        grant(12, 2),
        grant(12, 3),
        grant(11, 902),
        grant(10, 2),
        revoke(10, 2),
        revoke(99, 2),
        create(&[("user_type", "TECHNICIAN"), ("shoe_size", "44")]),
        create(&[("user_type", "TECHNICIAN"), ("roles", "12")]),
        create(&[("user_type", "END_USER")]),
        create(&[
            ("user_type", "END_USER"),
            ("organization", "2"),
            ("full_portal_access", " TRUE"),
            ("send_invitation", "true"),
        ]),
        create(&[
            ("user_type", "END_USER"),
            ("organization_id", "2"),
            ("full_portal_access", "False"),
            ("send_invitation", " "),
        ]),
        update(
            901,
            &[
                ("first_name", "Beau"),
                ("last_name", "Exemplar"),
                ("organization_id", "3"),
                ("full_portal_access", "true"),
            ],
        ),
        update(901, &[("full_portal_access", "false")]),
        Change::DeleteAccount {
            account: id(902),
            allow_administrator: false,
        },
    ];
    insta::assert_snapshot!(changes.map(|change| told(&change)).join("\n"));
}

#[test]
fn an_invitation_is_sent_only_where_it_is_asked_for() {
    for (word, sent) in [("true", true), ("FALSE", false), ("", false)] {
        let Change::CreateAccount(request) = create(&[("user_type", "END_USER"), ("send_invitation", word)])
        else {
            panic!("a new account");
        };
        assert_eq!(request.send_invitation, sent, "{word:?}");
        assert_eq!(request.full_portal_access, None);
    }
}

#[test]
fn the_forms() {
    let fields = ACCOUNT_FIELDS.iter().chain(&UPDATE_FIELDS);
    let shown = fields.map(|field| serde_json::to_string(field).unwrap());
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"));
}

#[test]
fn only_accounts_can_be_made_or_removed() {
    let tenant = Tenant::new(World::small(), []);
    let judge = |resource_type| tenant.vocabulary().accounts_only(resource_type, "made");
    assert!(judge("").is_ok() && judge("user").is_ok());
    assert!(matches!(
        judge("role"),
        Err(ProvisioningError::NotAnAccountType { .. })
    ));
}

#[test]
fn the_action_is_the_only_one_and_names_its_account_as_text_or_number() {
    let tenant = Tenant::new(World::small(), []);
    let of = |name: &str, account: AttributeValue| {
        let mut arguments = attributes(&[("first_name", "Beau")]);
        arguments.insert("user_id".to_owned(), account);
        Change::of_action(name, arguments, tenant.vocabulary())
    };
    let expected = Change::UpdateAccount {
        account: Selector::Text("901".to_owned()),
        update: AccountUpdate::parse(&attributes(&[("first_name", "Beau")])).unwrap(),
    };
    assert_eq!(
        of("update-account", AttributeValue::Number(901)).unwrap(),
        expected
    );
    assert_eq!(of("update-account", "901".into()).unwrap(), expected);
    assert!(of("update-account", AttributeValue::Flag(true)).is_err());
    let error = of("dance", AttributeValue::Number(901)).unwrap_err();
    assert!(matches!(&error, ProvisioningError::NoAction { name } if name == "dance"));
    assert_eq!(error.hint().unwrap(), "--list-action-schemas shows the actions");
}

#[test]
fn addresses_are_equal_as_people_mean_it() {
    let address = |text| EmailAddress::parse(text).unwrap();
    assert_eq!(address("Ada@Example.com "), address("ada@example.com"));
    assert_ne!(address("ada@example.com"), address("ada@example.org"));
}

#[test]
fn a_refused_account_is_not_said_to_exist() {
    // The organization and the address are looked up; the account is refused and looked for.
    let mishaps = [Mishap::Fine, Mishap::Fine, Mishap::Refused];
    let tenant = Tenant::new(World::small(), mishaps);
    let change = create(&[("user_type", "END_USER"), ("organization", "2")]);
    let error = make(&tenant, &Diary::default(), &change).unwrap_err();
    assert_eq!(error.status(), StatusCode::InvalidArgument);
    assert!(matches!(error, ProvisioningError::SeenNotDone { .. }), "{error}");
}

#[derive(Debug, thiserror::Error)]
#[error("trouble")]
struct Advised;

impl Classified for Advised {
    fn status(&self) -> StatusCode {
        StatusCode::Unavailable
    }

    fn hint(&self) -> Option<String> {
        Some("try the other door".to_owned())
    }
}

#[test]
fn what_the_adapter_advises_is_passed_on() {
    let step = || "step".to_owned();
    let cause = || ProvisionerError::new(Advised);
    let errors = [
        ProvisioningError::Reading(cause()),
        ProvisioningError::NotDone {
            step: step(),
            cause: cause(),
        },
        ProvisioningError::SeenNotDone {
            step: step(),
            cause: cause(),
        },
        ProvisioningError::Audit(AuditError::new(Advised)),
    ];
    for error in errors {
        assert_eq!(error.hint().as_deref(), Some("try the other door"), "{error}");
    }
    let not_taken = ProvisioningError::NotTaken { step: step() };
    assert!(not_taken.hint().unwrap().contains("identity provider"));
}
