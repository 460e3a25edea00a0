//! Arbitrary changes with arbitrary faults end as in a naive model, or in a true error.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::fakes::FakeAuditLog;
use super::fakes::FakeTenant;
use super::fakes::InjectedFault;
use super::fakes::Person;
use super::fakes::Tenant;
use super::{ACCOUNTS, END_USER, TECHNICIAN, make};
use crate::model::NativeId;
use crate::provisioning::{
    AccountRequest, AccountUpdate, AccountValue, AccountValues, Change, ChangeExtent, ChangeResult,
    EmailAddress, NamePart, Person as NewPerson, ProvisioningError, Selector, VerificationMethod,
};

fn fault() -> impl Strategy<Value = InjectedFault> {
    prop_oneof![
        4 => Just(InjectedFault::Fine),
        1 => Just(InjectedFault::NotSent),
        2 => Just(InjectedFault::LostBefore),
        2 => Just(InjectedFault::LostAfter),
        1 => Just(InjectedFault::Silent),
        1 => Just(InjectedFault::Lie),
    ]
}

fn id(numbers: &'static [u64]) -> impl Strategy<Value = Selector> {
    prop::sample::select(numbers).prop_map(|number| Selector::Id(NativeId::from_number(number)))
}

fn change() -> impl Strategy<Value = Change> {
    const PEOPLE: &[u64] = &[1, 2, 3, 901, 902, 1000, 1001, 4242];
    const ROLES: &[u64] = &[10, 11, 12, 13, 99];
    let create = (
        any::<bool>(),
        prop::sample::select(
            &[
                "new@example.com",
                "NEW@example.com",
                "ada@example.com",
                "other@example.net",
            ][..],
        ),
        prop::collection::vec(id(&[10, 11, 12, 13]), 0..3),
    );
    prop_oneof![
        3 => (id(ROLES), id(PEOPLE)).prop_map(|(role, principal)| Change::Grant { role, principal }),
        3 => (id(ROLES), id(PEOPLE)).prop_map(|(role, principal)| Change::Revoke { role, principal }),
        2 => create.prop_map(|(technician, email, roles)| Change::CreateAccount(AccountRequest {
            kind: if technician { TECHNICIAN } else { END_USER },
            person: NewPerson {
                given_name: NamePart::parse("New", 150).unwrap(),
                family_name: NamePart::parse("Person", 150).unwrap(),
                email: EmailAddress::parse(email).unwrap(),
            },
            values: AccountValues::default(),
            roles,
            ignored: Vec::new(),
        })),
        2 => (id(PEOPLE), any::<bool>(), any::<bool>()).prop_map(|(account, rename, portal)| Change::UpdateAccount {
            account,
            update: AccountUpdate([if rename {
                (ACCOUNTS.update_field("first_name").unwrap(), AccountValue::Text("Renamed".into()))
            } else {
                (ACCOUNTS.update_field("full_portal_access").unwrap(), AccountValue::Flag(portal))
            }].into_iter().collect()),
        }),
        2 => (id(PEOPLE), any::<bool>()).prop_map(|(account, allow_administrator)| Change::DeleteAccount { account, allow_administrator }),
    ]
}

fn number(selector: &Selector) -> u64 {
    match selector {
        Selector::Id(id) => id.as_number().unwrap(),
        Selector::Text(text) => panic!("{text} is no id"),
    }
}

/// The naive model: the expected state, or `None` if the change must be refused.
fn requested(world: &FakeTenant, change: &Change) -> Option<FakeTenant> {
    let mut after = world.clone();
    match change {
        Change::Grant { role, principal } => {
            let person = world.people.get(&number(principal))?;
            let role = after.roles.get_mut(&number(role))?;
            if role.holders.is_some_and(|holders| holders != person.kind) {
                return None;
            }
            role.members.insert(number(principal));
        }
        Change::Revoke { role, principal } => {
            if let Some(role) = after.roles.get_mut(&number(role)) {
                role.members.remove(&number(principal));
            }
        }
        Change::CreateAccount(request) => return created(after, request),
        Change::UpdateAccount { account, update } => {
            let person = after.people.get_mut(&number(account))?;
            if person.kind == TECHNICIAN && update.0.flag("full_portal_access").is_some() {
                return None;
            }
            if let Some(name) = update.0.text("first_name") {
                name.clone_into(&mut person.first);
            }
            person.portal = update.0.flag("full_portal_access").unwrap_or(person.portal);
        }
        Change::DeleteAccount {
            account,
            allow_administrator,
        } => {
            let account = number(account);
            if let Some(person) = after.people.remove(&account) {
                if person.administrator == Some(true) && !allow_administrator {
                    return None;
                }
                for role in after.roles.values_mut() {
                    role.members.remove(&account);
                }
            }
        }
    }
    Some(after)
}

fn created(mut after: FakeTenant, request: &AccountRequest) -> Option<FakeTenant> {
    let roles: BTreeSet<u64> = request.roles.iter().map(number).collect();
    let check_role_kind = |role: &u64| {
        after
            .roles
            .get(role)
            .is_some_and(|role| role.holders.is_none_or(|holders| holders == request.kind))
    };
    if !roles.iter().all(check_role_kind) {
        return None;
    }
    let same: Vec<&Person> = after
        .people
        .values()
        .filter(|person| request.person.email.is(&person.email))
        .collect();
    match same.as_slice() {
        [] => {}
        same if same.iter().any(|person| person.kind == request.kind) => return Some(after),
        _ => return None,
    }
    let id = after.next_id;
    after.next_id += 1;
    let person = Person {
        kind: request.kind,
        first: "New".to_owned(),
        last: "Person".to_owned(),
        email: request.person.email.to_string(),
        organization: None,
        portal: false,
        administrator: Some(false),
        scim: false,
        disabled: false,
        silent: false,
    };
    after.people.insert(id, person);
    for role in roles {
        after.roles.entry(role).and_modify(|role| {
            role.members.insert(id);
        });
    }
    Some(after)
}

fn is_membership(change: &Change) -> bool {
    matches!(change, Change::Grant { .. } | Change::Revoke { .. })
}

fn is_of_no_role(world: &FakeTenant, change: &Change) -> bool {
    matches!(change, Change::Revoke { role, .. } if !world.roles.contains_key(&number(role)))
}

/// Whether the tenant reports enough to know that nothing is left to do.
fn is_said(world: &FakeTenant, change: &Change) -> bool {
    match change {
        Change::Grant { role, .. } | Change::Revoke { role, .. } => {
            world.roles.get(&number(role)).is_none_or(|role| !role.silent)
        }
        Change::CreateAccount(request) => request
            .roles
            .iter()
            .all(|role| world.roles.get(&number(role)).is_none_or(|role| !role.silent)),
        _ => true,
    }
}

/// Reported assigned and missing roles are true; possibly missing ones are not checked.
fn partly_true(now: &FakeTenant, error: &ProvisioningError) {
    let ProvisioningError::PartiallyApplied { account, granted, .. } = error else {
        panic!("{error}")
    };
    let account = account.id.id.as_number().unwrap();
    assert!(now.people.contains_key(&account), "{error}");
    for (id, role) in &now.roles {
        let label = format!("role:{id}:assigned");
        if granted.iter().any(|granted| granted.contains(&label)) {
            assert!(role.members.contains(&account), "{error}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn changes_match_the_model_or_report_a_true_error(
        changes in prop::collection::vec((change(), prop::collection::vec(fault(), 0..12)), 1..8),
        refuses_repeats: bool,
        silent in prop::sample::subsequence(vec![10_u64, 11, 12, 13], 0..3),
    ) {
        let mut world = FakeTenant::small();
        for role in &silent {
            world.roles.entry(*role).and_modify(|role| role.silent = true);
        }
        let mut tenant = Tenant::new(world, []);
        tenant.refuses_repeats = refuses_repeats;
        for (change, faults) in changes {
            let before = tenant.world.lock().unwrap().clone();
            let calm = faults.iter().all(|fault| *fault == InjectedFault::Fine);
            *tenant.faults.lock().unwrap() = faults.into();
            tenant.writes.lock().unwrap().clear();
            let audit_log = FakeAuditLog::default();
            let result = make(&tenant, &audit_log, &change);
            let now = tenant.world.lock().unwrap().clone();
            let requested = requested(&before, &change);
            let writes = tenant.writes.lock().unwrap().len();
            match (&result, &requested) {
                (Ok(outcome), Some(requested)) => {
                    // An accepted, unverified change may be false.
                    let accepted = outcome.steps.iter().any(|step| step.verified == VerificationMethod::NotVerifiable);
                    prop_assert!(!accepted || !is_said(&before, &change) || is_of_no_role(&before, &change), "{:?}", outcome);
                    prop_assert!(now == *requested || accepted, "{:?}", outcome);
                    prop_assert!(outcome.result != ChangeResult::AlreadyApplied || before == now, "{:?}", outcome);
                    prop_assert!(outcome.result == ChangeResult::AlreadyApplied || writes > 0);
                    // With missing information or an unlisted role, a write is sent.
                    let asks = outcome.result == ChangeResult::Accepted
                        || !outcome.warnings.is_empty() && is_membership(&change);
                    prop_assert!(before != now || writes == 0 || asks, "a needless write");
                    let already = outcome.result == ChangeResult::AlreadyApplied && is_membership(&change);
                    prop_assert!(!already || is_said(&before, &change), "{:?}", outcome);
                }
                (Ok(outcome), None) => prop_assert!(false, "should have been refused: {:?}", outcome),
                (Err(error), requested) => match error.extent() {
                    ChangeExtent::Nothing => {
                        prop_assert_eq!(&now, &before, "{}", error);
                        prop_assert!(!calm || requested.is_none() || !is_said(&before, &change), "{}", error);
                        prop_assert!(requested.is_some() || writes == 0, "written although refused: {}", error);
                    }
                    ChangeExtent::Part => partly_true(&now, error),
                    ChangeExtent::All => prop_assert!(false, "the diary has room"),
                    ChangeExtent::Unknown => {
                        let done = requested.as_ref() == Some(&now);
                        let begun = now.people.len() > before.people.len();
                        prop_assert!(done || begun || now == before, "{}", error);
                    }
                },
            }
            let lines = audit_log.lines.lock().unwrap();
            prop_assert!(lines.last().is_some_and(|line| line.contains(r#""event":"finished""#)));
            prop_assert_eq!(lines.len(), if writes == 0 { 1 } else { 2 });
        }
    }
}
