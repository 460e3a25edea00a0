//! Messages about possible changes: before and after, for users and for ConductorOne.

use std::sync::atomic::{AtomicI64, Ordering};

use futures::executor::block_on;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::Fixed;
use super::fakes::FakeAuditLog;
use super::fakes::FakeTenant;
use super::fakes::InjectedFault;
use super::fakes::Tenant;
use super::make;
use crate::model::{NativeId, ResourceId, ResourceTypeId};
use crate::ports::{AuditError, Clock, Provisioner, ProvisionerError, SyncIdGenerator};
use crate::provisioning::executor::Execution;
use crate::provisioning::planner;
use crate::provisioning::{
    AccountRequest, AccountUpdate, AttributeValue, Attributes, Change, ChangeId, ChangeOperation,
    EmailAddress, NamedRef, Provisioning, ProvisioningError, ProvisioningTerms, Selector,
};
use crate::{Diagnostic, StatusCode};

fn id(number: u64) -> Selector {
    Selector::Id(NativeId::from_number(number))
}

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).into()))
        .collect()
}

fn terms() -> ProvisioningTerms {
    Tenant::new(FakeTenant::small(), []).terms().clone()
}

fn create(pairs: &[(&str, &str)]) -> Change {
    let tenant = Tenant::new(FakeTenant::small(), []);
    let named = [
        ("first_name", "New"),
        ("last_name", "Person"),
        ("email", "new@example.com"),
    ];
    // The last value counts.
    let all = attributes(&[&named[..], pairs].concat());
    Change::CreateAccount(AccountRequest::parse(&all, tenant.terms()).unwrap())
}

/// The plan as text and the outcome as JSON, as the command line and ConductorOne get them.
fn plan_and_outcome(change: &Change) -> String {
    let mut world = FakeTenant::small();
    world.people.entry(902).and_modify(|sam| sam.disabled = true);
    let (tenant, audit_log) = (Tenant::new(world, []), FakeAuditLog::default());
    let provisioning = Provisioning {
        provisioner: &tenant,
        audit: &audit_log,
        clock: &Fixed,
        ids: &Fixed,
        requested_by: "ada".to_owned(),
    };
    let plan = block_on(provisioning.prepare(change)).unwrap();
    let outcome = block_on(provisioning.execute(&plan)).unwrap();
    let steps: Vec<String> = outcome.steps.iter().map(|step| step.step.clone()).collect();
    assert_eq!(outcome.change_id.to_string().len(), 27);
    assert_eq!(
        serde_json::to_value(outcome.change_id).unwrap(),
        outcome.change_id.to_string()
    );
    format!(
        "{}\n  {:?}, grant {:?}, steps {steps:?}\n  {}",
        outcome.request,
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
        update: AccountUpdate::parse(&attributes(pairs), &terms()).unwrap(),
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
    insta::assert_snapshot!(changes.map(|change| plan_and_outcome(&change)).join("\n"));
}

#[test]
fn an_invitation_is_sent_only_on_request() {
    for (word, sent) in [("true", true), ("FALSE", false), ("", false)] {
        let Change::CreateAccount(request) = create(&[("user_type", "END_USER"), ("send_invitation", word)])
        else {
            panic!("a new account");
        };
        assert_eq!(
            request.values.flag("send_invitation") == Some(true),
            sent,
            "{word:?}"
        );
        assert_eq!(request.values.flag("full_portal_access"), None);
    }
}

#[test]
fn portal_access_is_an_attribute_of_end_users() {
    for (kind, requested) in [("END_USER", Some(false)), ("TECHNICIAN", None)] {
        let request = create(&[("user_type", kind), ("full_portal_access", "false")]);
        let Change::CreateAccount(request) = request else {
            panic!("a new account");
        };
        assert_eq!(request.values.flag("full_portal_access"), requested, "{kind}");
    }
}

/// A clock that advances by a second per call.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> OffsetDateTime {
        datetime!(2026-11-25 12:00 UTC) + Duration::seconds(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

#[test]
fn finished_entries_have_the_end_time() {
    let (tenant, audit_log) = (Tenant::new(FakeTenant::small(), []), FakeAuditLog::default());
    let provisioning = Provisioning {
        provisioner: &tenant,
        audit: &audit_log,
        clock: &Ticking(AtomicI64::new(0)),
        ids: &Fixed,
        requested_by: "ada".to_owned(),
    };
    let change = Change::Grant {
        role: id(12),
        principal: id(2),
    };
    let plan = block_on(provisioning.prepare(&change)).unwrap();
    block_on(provisioning.execute(&plan)).unwrap();
    let lines = audit_log.lines.lock().unwrap();
    let times = lines.iter().map(|line| {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        entry["time"].as_str().unwrap().to_owned()
    });
    let times: Vec<String> = times.collect();
    assert!(times.len() == 2 && times[0] < times[1], "{times:?}");
}

#[test]
fn address_conflict_names_its_account() {
    let tenant = Tenant::new(FakeTenant::small(), []);
    let change = create(&[("user_type", "TECHNICIAN"), ("email", "late@example.com")]);
    let plan = block_on(planner::plan(&tenant, &change)).unwrap();
    tenant
        .world
        .lock()
        .unwrap()
        .people
        .entry(901)
        .and_modify(|bo| "late@example.com".clone_into(&mut bo.email));
    let mut execution = Execution {
        tenant: &tenant,
        reports: Vec::new(),
    };
    let attempt = ChangeId(Fixed.next_id(Fixed.now()));
    let error = block_on(execution.run(attempt, &plan)).unwrap_err();
    let ProvisioningError::EmailTaken { email, by } = error else {
        panic!("{error}");
    };
    assert_eq!(email, "late@example.com");
    assert_eq!(by.unwrap(), "the end user Bo Example (user:901)");
}

#[test]
fn labels_have_a_name_and_an_id_or_the_id() {
    let id = ResourceId::new(ResourceTypeId::from_static("role"), NativeId::from_number(7));
    let named = |name: Option<&str>| NamedRef {
        id: id.clone(),
        name: name.map(str::to_owned),
    };
    assert_eq!(named(Some("Desk")).to_string(), "Desk (role:7)");
    assert_eq!(named(None).to_string(), "role:7");
}

#[test]
fn the_words_for_changes() {
    let kinds = [
        ChangeOperation::Grant,
        ChangeOperation::Revoke,
        ChangeOperation::CreateAccount,
        ChangeOperation::UpdateAccount,
        ChangeOperation::DeleteAccount,
    ];
    let words = kinds.map(|kind| {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        kind.as_str()
    });
    assert_eq!(
        words.join(" "),
        "grant revoke create_account update_account delete_account"
    );
}

#[test]
fn a_principal_of_the_flags_is_an_account() {
    let tenant = Tenant::new(FakeTenant::small(), []);
    assert_eq!(
        Selector::parse_principal("user", "901", tenant.terms()).unwrap(),
        id(901)
    );
    assert!(Selector::parse_principal("role", "901", tenant.terms()).is_err());
    assert!(Selector::parse_principal("user", "", tenant.terms()).is_err());
}

#[test]
fn only_accounts_can_be_created_or_deleted() {
    let tenant = Tenant::new(FakeTenant::small(), []);
    let reconcile = |resource_type| tenant.terms().require_account_type(resource_type, "made");
    assert!(reconcile("").is_ok() && reconcile("user").is_ok());
    assert!(matches!(
        reconcile("role"),
        Err(ProvisioningError::NotAnAccountType { .. })
    ));
}

#[test]
fn update_action_accepts_account_as_text_or_number() {
    let tenant = Tenant::new(FakeTenant::small(), []);
    let of = |name: &str, account: AttributeValue| {
        let mut arguments = attributes(&[("first_name", "Beau")]);
        arguments.insert("user_id".to_owned(), account);
        Change::from_action(name, "", arguments, tenant.terms())
    };
    let expected = Change::UpdateAccount {
        account: Selector::Text("901".to_owned()),
        update: AccountUpdate::parse(&attributes(&[("first_name", "Beau")]), &terms()).unwrap(),
    };
    assert_eq!(
        of("update-account", AttributeValue::Number(901)).unwrap(),
        expected
    );
    assert_eq!(of("update-account", "901".into()).unwrap(), expected);
    assert!(of("update-account", AttributeValue::Flag(true)).is_err());
    let error = of("dance", AttributeValue::Number(901)).unwrap_err();
    assert!(matches!(&error, ProvisioningError::UnknownAction { name } if name == "dance"));
    assert_eq!(error.hint().unwrap(), "--list-action-schemas shows the actions");
}

#[test]
fn addresses_are_equal_regardless_of_case() {
    let address = |text| EmailAddress::parse(text).unwrap();
    assert_eq!(address("Ada@Example.com "), address("ada@example.com"));
    assert_ne!(address("ada@example.com"), address("ada@example.org"));
    assert_eq!(address(" Ada@Example.com ").as_str(), "Ada@Example.com");
}

#[test]
fn a_refused_account_is_not_reported_as_existing() {
    // Organization and address are looked up; creation is rejected and verified.
    let faults = [InjectedFault::Fine, InjectedFault::Fine, InjectedFault::Refused];
    let tenant = Tenant::new(FakeTenant::small(), faults);
    let change = create(&[("user_type", "END_USER"), ("organization", "2")]);
    let error = make(&tenant, &FakeAuditLog::default(), &change).unwrap_err();
    assert_eq!(error.status(), StatusCode::InvalidArgument);
    assert!(
        matches!(error, ProvisioningError::VerifiedNotApplied { .. }),
        "{error}"
    );
}

#[derive(Debug, thiserror::Error)]
#[error("trouble")]
struct Advised;

impl Diagnostic for Advised {
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
        ProvisioningError::ReadFailed(cause()),
        ProvisioningError::NotApplied {
            step: step(),
            cause: cause(),
        },
        ProvisioningError::VerifiedNotApplied {
            step: step(),
            cause: cause(),
        },
        ProvisioningError::AuditFailed(AuditError::new(Advised)),
    ];
    for error in errors {
        assert_eq!(error.hint().as_deref(), Some("try the other door"), "{error}");
    }
    let not_taken = ProvisioningError::AcceptedNotApplied { step: step() };
    assert!(not_taken.hint().unwrap().contains("identity provider"));
    let not_seen = [
        ProvisioningError::Unverified {
            step: step(),
            cause: cause(),
        },
        ProvisioningError::OutcomeUnknown {
            step: step(),
            cause: cause(),
            reading: cause(),
        },
    ];
    for error in not_seen {
        assert!(error.hint().unwrap().starts_with("run the same command again"));
    }
}

#[test]
fn roles_are_granted_and_not_updated() {
    let hint = |key| {
        AccountUpdate::parse(&attributes(&[(key, "x")]), &terms())
            .unwrap_err()
            .hint()
    };
    assert_eq!(hint("roles").unwrap(), "use `grant` and `revoke`");
    assert!(
        hint("mfa_configured")
            .unwrap()
            .starts_with("change it in the tenant")
    );
}

#[test]
fn missing_roles_of_a_new_account_are_reported() {
    let change = create(&[("user_type", "TECHNICIAN"), ("roles", "12")]);
    // The first failure with a created account is that of its role.
    let partly = (0..12).find_map(|fine| {
        let faults = std::iter::repeat_n(InjectedFault::Fine, fine).chain([InjectedFault::Refused]);
        let tenant = Tenant::new(FakeTenant::small(), faults);
        match make(&tenant, &FakeAuditLog::default(), &change) {
            Err(ProvisioningError::PartiallyApplied {
                account,
                granted,
                missing,
                ..
            }) => Some((account, granted, missing)),
            _ => None,
        }
    });
    let (account, granted, missing) = partly.unwrap();
    let error = ProvisioningError::PartiallyApplied {
        account,
        granted,
        missing,
        cause: Box::new(ProvisioningError::ReadFailed(ProvisionerError::new(Advised))),
    };
    assert_eq!(error.status(), StatusCode::Unavailable);
    assert_eq!(
        error.hint().unwrap(),
        "try the other door; then grant the missing roles with `grant`; creating again changes nothing"
    );
}

#[test]
fn yes_and_no_need_not_be_words() {
    let tenant = Tenant::new(FakeTenant::small(), []);
    for flag in [true, false] {
        let mut all = attributes(&[
            ("user_type", "END_USER"),
            ("first_name", "New"),
            ("last_name", "Person"),
            ("email", "new@example.com"),
        ]);
        all.insert("full_portal_access".to_owned(), AttributeValue::Flag(flag));
        let request = AccountRequest::parse(&all, tenant.terms()).unwrap();
        assert_eq!(request.values.flag("full_portal_access"), Some(flag));
    }
}

#[test]
fn an_account_knows_its_address() {
    let tenant = Tenant::new(FakeTenant::small(), []);
    let account = block_on(tenant.account(&NativeId::from_number(902)))
        .unwrap()
        .unwrap();
    let address = |text| EmailAddress::parse(text).unwrap();
    assert!(account.has_email(&address("sam@example.com")));
    assert!(!account.has_email(&address("bo@example.net")));
}
