//! Missing and contradicting information decides nothing.

use super::fakes::FakeAuditLog;
use super::fakes::FakeTenant;
use super::fakes::InjectedFault;
use super::fakes::ListContradiction;
use super::fakes::Person;
use super::fakes::Tenant;
use super::{END_USER, TECHNICIAN, make};
use crate::Diagnostic;
use crate::model::NativeId;
use crate::ports::Provisioner;
use crate::provisioning::{
    AccountUpdate, Attributes, Change, ChangeExtent, ChangeResult, ProvisioningError, Selector,
    VerificationMethod,
};

fn id(number: u64) -> Selector {
    Selector::Id(NativeId::from_number(number))
}

fn revoke(role: u64, account: u64) -> Change {
    Change::Revoke {
        role: id(role),
        principal: id(account),
    }
}

fn grant(role: u64, account: u64) -> Change {
    Change::Grant {
        role: id(role),
        principal: id(account),
    }
}

fn delete(account: u64) -> Change {
    Change::DeleteAccount {
        account: id(account),
        allow_administrator: false,
    }
}

fn update(account: Selector, pairs: &[(&str, &str)]) -> Change {
    let attributes: Attributes = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).into()))
        .collect();
    Change::UpdateAccount {
        account,
        update: AccountUpdate::parse(&attributes, Tenant::new(FakeTenant::small(), []).terms()).unwrap(),
    }
}

/// A tenant that lists the members of no role.
fn silent(faults: &[InjectedFault]) -> Tenant {
    let mut world = FakeTenant::small();
    for role in world.roles.values_mut() {
        role.silent = true;
    }
    Tenant::new(world, faults.iter().copied())
}

fn attempt_summary(tenant: &Tenant, change: &Change) -> String {
    let audit_log = FakeAuditLog::default();
    let ended = match make(tenant, &audit_log, change) {
        Ok(outcome) => {
            let warnings: Vec<String> = outcome
                .warnings
                .iter()
                .map(|warning| format!("\n  {}: {}", warning.code, warning.message))
                .collect();
            let verified: Vec<VerificationMethod> = outcome.steps.iter().map(|step| step.verified).collect();
            format!("{:?} {verified:?}{}", outcome.result, warnings.concat())
        }
        Err(error) => {
            let hint = error.hint().unwrap_or_default();
            format!(
                "{:?} changed: {error} ({})\n  hint: {hint}",
                error.extent(),
                error.status()
            )
        }
    };
    let writes = tenant.writes.lock().unwrap().len();
    let lines = audit_log.lines.lock().unwrap();
    let last: serde_json::Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    format!(
        "{}: {ended}\n  {writes} writes, audited as {}",
        change.label(),
        last["result"]["outcome"]
    )
}

#[test]
fn unknown_members_are_decided_by_the_write() {
    use InjectedFault::{Fine, LostAfter, LostBefore, Refused};
    let mut shown = Vec::new();
    for change in [
        revoke(10, 2),
        revoke(10, 1),
        revoke(99, 2),
        grant(12, 2),
        grant(10, 2),
    ] {
        let reads: &[InjectedFault] = match change {
            Change::Grant { .. } => &[Fine, Fine],
            _ => &[Fine],
        };
        for faults in [
            &[][..],
            &[LostAfter],
            &[LostBefore, Fine, LostBefore, Fine, LostBefore],
            &[Refused],
        ] {
            let tenant = silent(&[reads, faults].concat());
            shown.push(format!("{faults:?}\n{}", attempt_summary(&tenant, &change)));
        }
    }
    insta::assert_snapshot!(shown.join("\n"));
}

/// Members are missing in the list, and the response decides.
#[test]
fn an_answer_with_members_decides() {
    for (change, role) in [(revoke(10, 2), 10), (revoke(12, 2), 12), (grant(12, 2), 12)] {
        let tenant = silent(&[]);
        // Members are listed from the write on.
        let provisioning = crate::provisioning::Provisioning {
            provisioner: &tenant,
            audit: &FakeAuditLog::default(),
            clock: &super::Fixed,
            ids: &super::Fixed,
            requested_by: "ada".to_owned(),
        };
        let outcome = futures::executor::block_on(async {
            let plan = provisioning.prepare(&change).await?;
            tenant
                .world
                .lock()
                .unwrap()
                .roles
                .entry(role)
                .and_modify(|role| role.silent = false);
            provisioning.execute(&plan).await
        })
        .unwrap();
        assert_eq!(outcome.result, ChangeResult::Changed, "{change:?}");
        assert_eq!(outcome.steps[0].verified, VerificationMethod::ByAnswer);
    }
}

#[test]
fn contradicting_sources_prevent_deletion() {
    let somebody = |administrator, kind| {
        let mut person = FakeTenant::small().people[&2].clone();
        (person.administrator, person.kind) = (administrator, kind);
        person
    };
    let technician = |administrator| somebody(administrator, TECHNICIAN);
    let end_user = |administrator| somebody(administrator, END_USER);
    let has = |person: Person| Some(ListContradiction::Has(person));
    // Results of the lookup and of the list.
    let cases = [
        (
            "no and yes",
            Some(technician(Some(false))),
            has(technician(Some(true))),
        ),
        (
            "yes and no",
            Some(technician(Some(true))),
            has(technician(Some(false))),
        ),
        (
            "nothing and yes",
            Some(technician(None)),
            has(technician(Some(true))),
        ),
        (
            "nothing and no",
            Some(technician(None)),
            has(technician(Some(false))),
        ),
        (
            "no and nothing",
            Some(technician(Some(false))),
            has(technician(None)),
        ),
        (
            "nothing and nothing",
            Some(technician(None)),
            has(technician(None)),
        ),
        (
            "no and not listed",
            Some(technician(Some(false))),
            Some(ListContradiction::Lacks),
        ),
        (
            "no and unclear",
            Some(technician(Some(false))),
            Some(ListContradiction::Unclear),
        ),
        (
            "end user, and technician",
            Some(end_user(None)),
            has(technician(Some(false))),
        ),
        (
            "end user, and administrator",
            Some(end_user(None)),
            has(technician(Some(true))),
        ),
        ("end user, and nothing", Some(end_user(None)), has(end_user(None))),
        ("not found, and listed", None, has(technician(Some(false)))),
        ("not found, and unclear", None, Some(ListContradiction::Unclear)),
        ("not found, and not listed", None, Some(ListContradiction::Lacks)),
    ];
    let mut shown = Vec::new();
    for (what, found, listed) in cases {
        let mut world = FakeTenant::small();
        match found {
            Some(person) => world.people.insert(2, person),
            None => world.people.remove(&2),
        };
        let mut tenant = Tenant::new(world, []);
        tenant.listed.extend(listed.map(|listed| (2, listed)));
        shown.push(format!("{what}\n{}", attempt_summary(&tenant, &delete(2))));
    }
    insta::assert_snapshot!(shown.join("\n"));
}

/// The account is deleted concurrently, and a list still has it.
#[test]
fn rejected_deletion_does_not_prove_absence() {
    for (listed, is_already) in [
        (None, true),
        (Some(FakeTenant::small().people[&2].clone()), false),
    ] {
        let mut tenant = Tenant::new(FakeTenant::small(), []);
        tenant
            .listed
            .extend(listed.map(|person| (2, ListContradiction::Has(person))));
        let plan =
            futures::executor::block_on(crate::provisioning::planner::plan(&tenant, &delete(2))).unwrap();
        tenant.world.lock().unwrap().people.remove(&2);
        let mut execution = crate::provisioning::executor::Execution {
            tenant: &tenant,
            reports: Vec::new(),
        };
        let attempt = crate::provisioning::ChangeId(crate::model::SyncId::from_parts(
            time::macros::datetime!(2026-11-25 12:00 UTC),
            [0; 16],
        ));
        let ended = futures::executor::block_on(execution.run(attempt, &plan));
        match ended {
            Ok(outcome) => assert!(
                is_already && outcome.result == ChangeResult::AlreadyApplied,
                "{outcome:?}"
            ),
            Err(error) => {
                assert!(!is_already, "{error}");
                assert!(
                    matches!(error, ProvisioningError::Contradiction { .. }),
                    "{error}"
                );
                assert_eq!(error.extent(), ChangeExtent::Nothing);
            }
        }
    }
}

#[test]
fn account_in_one_source_only_is_not_missing() {
    let mut world = FakeTenant::small();
    world.people.remove(&2);
    let mut tenant = Tenant::new(world, []);
    tenant
        .listed
        .insert(2, ListContradiction::Has(FakeTenant::small().people[&2].clone()));
    for change in [grant(12, 2), update(id(2), &[("first_name", "X")]), delete(2)] {
        let error = make(&tenant, &FakeAuditLog::default(), &change).unwrap_err();
        assert!(
            matches!(error, ProvisioningError::Contradiction { .. }),
            "{error}"
        );
    }
}

/// Unknown attributes are written and not reported as already set.
#[test]
fn unknown_attributes_are_written() {
    let mut shown = Vec::new();
    for (silent, pairs) in [
        (false, &[("full_portal_access", "false")][..]),
        (true, &[("full_portal_access", "false")]),
        (true, &[("organization_id", "2")]),
        (true, &[("first_name", "Bo")]),
        (true, &[("first_name", "Bo"), ("full_portal_access", "false")]),
    ] {
        let mut world = FakeTenant::small();
        world.people.entry(901).and_modify(|bo| bo.silent = silent);
        let tenant = Tenant::new(world, []);
        shown.push(format!(
            "{pairs:?}\n{}",
            attempt_summary(&tenant, &update(id(901), pairs))
        ));
    }
    insta::assert_snapshot!(shown.join("\n"));
}
