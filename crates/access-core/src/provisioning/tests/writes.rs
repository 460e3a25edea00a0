//! Verification of writes, and their audit entries.

use futures::executor::block_on;
use time::macros::datetime;

use super::fakes::FakeAuditLog;
use super::fakes::FakeTenant;
use super::fakes::InjectedFault;
use super::fakes::Tenant;
use super::{TECHNICIAN, make, provisioning};
use crate::model::{NativeId, SyncId};
use crate::ports::Provisioner;
use crate::provisioning::executor::Execution;
use crate::provisioning::planner;
use crate::provisioning::{
    AccountRequest, AccountValues, Attributes, Certainty, Change, ChangeExtent, ChangeId, ChangeResult,
    EmailAddress, NamePart, NewAccount, Observation, Person, ProvisioningError, Selector, Step,
    VerificationMethod,
};
use crate::{Diagnostic, StatusCode};

fn grant() -> Change {
    let id = |number| Selector::Id(NativeId::from_number(number));
    Change::Grant {
        role: id(12),
        principal: id(2),
    }
}

/// Planning takes two reads; the faults apply to the write and later reads.
fn after_planning(faults: &[InjectedFault]) -> Vec<InjectedFault> {
    [&[InjectedFault::Fine, InjectedFault::Fine][..], faults].concat()
}

#[test]
fn lost_response_is_verified_before_a_retry() {
    use InjectedFault::{Fine, Lie, LostAfter, LostBefore, NotSent, Silent};
    let mut shown = Vec::new();
    for faults in [
        &[][..],
        &[Silent],
        &[LostAfter],
        &[LostBefore],
        &[LostBefore, Fine, LostBefore],
        &[LostBefore, Fine, LostBefore, Fine, LostBefore],
        &[LostAfter, NotSent],
        &[LostBefore, NotSent],
        &[Silent, NotSent],
        &[NotSent],
        &[Lie],
    ] {
        let tenant = Tenant::new(FakeTenant::small(), after_planning(faults));
        let ended = match make(&tenant, &FakeAuditLog::default(), &grant()) {
            Ok(outcome) => format!("{:?}, seen {:?}", outcome.result, outcome.steps[0].verified),
            Err(error) => format!("{:?} changed: {error}", error.extent()),
        };
        let writes = tenant.writes.lock().unwrap().len();
        let holds = tenant.world.lock().unwrap().roles[&12].members.contains(&2);
        shown.push(format!("{faults:?}: {writes} writes, holds {holds}\n  {ended}"));
    }
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn accepted_changes_may_become_visible_late() {
    use InjectedFault::{Late, Silent};
    for (late, shown) in [(0, true), (1, true), (2, true), (3, false)] {
        let faults = [&[Silent][..], &[Late].repeat(late)].concat();
        let tenant = Tenant::new(FakeTenant::small(), after_planning(&faults));
        let ended = make(&tenant, &FakeAuditLog::default(), &grant());
        if shown {
            assert_eq!(
                ended.unwrap().result,
                ChangeResult::Changed,
                "{late} looks too early"
            );
        } else {
            assert!(
                matches!(ended, Err(ProvisioningError::AcceptedNotApplied { .. })),
                "{late}"
            );
        }
        assert_eq!(tenant.writes.lock().unwrap().len(), 1, "it is not sent again");
    }
}

#[test]
fn new_account_is_verified_by_its_address() {
    for kind in ["END_USER", "TECHNICIAN"] {
        let attributes = [
            ("user_type", kind),
            ("first_name", "New"),
            ("last_name", "Person"),
            ("email", "new@example.com"),
        ];
        let attributes: Attributes = attributes
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.into()))
            .collect();
        let tenant = Tenant::new(FakeTenant::small(), []);
        let request = AccountRequest::parse(&attributes, tenant.terms()).unwrap();
        let change = Change::CreateAccount(request);
        let plan = block_on(planner::plan(&tenant, &change)).unwrap();
        *tenant.faults.lock().unwrap() = [InjectedFault::Silent].into();
        let mut execution = Execution {
            tenant: &tenant,
            reports: Vec::new(),
        };
        let outcome = block_on(execution.run(change_id(), &plan)).unwrap();
        assert_eq!(outcome.result, ChangeResult::Changed);
        assert_eq!(outcome.steps[0].verified, VerificationMethod::ByReadingBack);
        assert_eq!(
            outcome.account.unwrap().name.as_deref(),
            Some("New Person"),
            "{kind}"
        );
    }
}

fn change_id() -> ChangeId {
    ChangeId(SyncId::from_parts(datetime!(2026-11-25 12:00 UTC), [0; 16]))
}

#[test]
fn rejection_of_an_applied_change_is_success() {
    let mut tenant = Tenant::new(FakeTenant::small(), []);
    tenant.refuses_repeats = true;
    // The role is granted concurrently between plan and write.
    let plan = block_on(planner::plan(&tenant, &grant())).unwrap();
    tenant.world.lock().unwrap().roles.entry(12).and_modify(|role| {
        role.members.insert(2);
        "Networks".clone_into(&mut role.name);
    });
    let mut execution = Execution {
        tenant: &tenant,
        reports: Vec::new(),
    };
    let outcome = block_on(execution.run(change_id(), &plan)).unwrap();
    assert_eq!(
        (outcome.result, outcome.steps[0].verified),
        (ChangeResult::AlreadyApplied, VerificationMethod::ByReadingBack)
    );
    insta::assert_snapshot!(outcome.warnings[0].message);
}

#[test]
fn failed_roles_of_a_new_account_are_reported() {
    let attributes: Attributes = [
        ("user_type", "TECHNICIAN"),
        ("first_name", "New"),
        ("last_name", "Person"),
        ("email", "new@example.com"),
        ("roles", "role:10:assigned,12"),
    ]
    .map(|(key, value)| (key.to_owned(), value.into()))
    .into();
    let plain = Tenant::new(FakeTenant::small(), []);
    let terms = crate::ports::Provisioner::terms(&plain).clone();
    let change = Change::CreateAccount(AccountRequest::parse(&attributes, &terms).unwrap());
    // Two roles and the address are looked up, the account is created, the first role is assigned, the second is not.
    let faults = [InjectedFault::Fine; 5]
        .into_iter()
        .chain([InjectedFault::NotSent]);
    let tenant = Tenant::new(FakeTenant::small(), faults);
    let audit_log = FakeAuditLog::default();
    let error = make(&tenant, &audit_log, &change).unwrap_err();
    assert_eq!(error.extent(), ChangeExtent::Part);
    insta::assert_snapshot!(format!(
        "{error} ({})\n{}",
        error.status(),
        audit_log.lines.lock().unwrap().join("\n")
    ));
    // On repetition an existing account is not changed.
    let again = make(&tenant, &FakeAuditLog::default(), &change).unwrap();
    assert_eq!(again.result, ChangeResult::AlreadyApplied);
    insta::assert_snapshot!(again.warnings[0].message);
}

#[test]
fn audit_log_records_requester_and_states() {
    let tenant = Tenant::new(FakeTenant::small(), []);
    let audit_log = FakeAuditLog::default();
    let id = |number| Selector::Id(NativeId::from_number(number));
    make(&tenant, &audit_log, &grant()).unwrap();
    make(&tenant, &audit_log, &grant()).unwrap();
    make(
        &tenant,
        &audit_log,
        &Change::Revoke {
            role: id(10),
            principal: id(3),
        },
    )
    .unwrap();
    make(
        &tenant,
        &audit_log,
        &Change::DeleteAccount {
            account: id(902),
            allow_administrator: false,
        },
    )
    .unwrap();
    make(
        &tenant,
        &audit_log,
        &Change::DeleteAccount {
            account: id(1),
            allow_administrator: false,
        },
    )
    .unwrap_err();
    insta::assert_snapshot!(audit_log.lines.lock().unwrap().join("\n"));
}

/// A change that is stopped leaves both of its lines in the audit log, and its outcome is unknown.
#[test]
fn a_stopped_change_is_audited_as_unknown() {
    let tenant = Tenant::new(FakeTenant::small(), after_planning(&[InjectedFault::Hangs]));
    let audit_log = FakeAuditLog::default();
    let provisioning = provisioning(&tenant, &audit_log);
    let stopped = block_on(async {
        let plan = provisioning.prepare(&grant()).await.unwrap();
        provisioning
            .execute_until(&plan, std::future::ready(()))
            .await
            .unwrap_err()
    });
    assert_eq!(stopped.extent(), ChangeExtent::Unknown);
    assert_eq!(stopped.status(), StatusCode::Cancelled);
    let lines = audit_log.lines.lock().unwrap().join("\n");
    insta::assert_snapshot!(format!("{stopped}\n{lines}"));
}

#[test]
fn no_change_without_an_audit() {
    let tenant = Tenant::new(FakeTenant::small(), []);
    let full = FakeAuditLog {
        room: Some(0),
        ..FakeAuditLog::default()
    };
    let error = make(&tenant, &full, &grant()).unwrap_err();
    assert!(tenant.writes.lock().unwrap().is_empty());
    assert_eq!(error.extent(), ChangeExtent::Nothing);
    let half = FakeAuditLog {
        room: Some(1),
        ..FakeAuditLog::default()
    };
    let late = make(&tenant, &half, &grant()).unwrap_err();
    assert_eq!(late.extent(), ChangeExtent::All);
    insta::assert_snapshot!(format!("{error}\n{late}"));
    // An unnecessary change is not missing in the log.
    let needless = make(&tenant, &full, &grant()).unwrap_err();
    assert_eq!(needless.extent(), ChangeExtent::Nothing);
}

/// Another account of the kind, or the same address on another kind, is not the requested account.
#[test]
fn account_exists_if_kind_and_address_match() {
    let tenant = Tenant::new(FakeTenant::small(), []);
    let requested = Step::CreateAccount(NewAccount {
        kind: TECHNICIAN,
        person: Person {
            given_name: NamePart::parse("Sam", 150).unwrap(),
            family_name: NamePart::parse("Example", 150).unwrap(),
            email: EmailAddress::parse("sam@example.com").unwrap(),
        },
        values: AccountValues::default(),
    });
    for (id, is_there) in [(3, true), (2, false), (902, false), (4242, false)] {
        let account = block_on(tenant.account(&NativeId::from_number(id))).unwrap();
        let seen = Observation::Account(account.map(Box::new));
        assert_eq!(
            requested.is_satisfied_by(&seen),
            Certainty::from_bool(is_there),
            "{id}"
        );
    }
}
