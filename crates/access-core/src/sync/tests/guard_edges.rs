//! Edge cases of the guard without a pipeline: each test kills a mutant that other tests missed.

use std::collections::BTreeMap;
use std::sync::Arc;

use time::OffsetDateTime;

use crate::model::*;
use crate::sync::comparison::{Comparer, Comparison, LostRow, TypeTally};
use crate::sync::current::{CurrentSync, EntitlementHolders};
use crate::sync::fan_out::SinkComparison;
use crate::sync::judgement::judge;
use crate::sync::validation::{ImplausibleSilence, RowValidator};
use crate::sync::{AcceptDrop, Ledger, ShrinkGuard, SyncError, SyncSummary};

const ROLE: &str = "role";

fn role() -> ResourceTypeId {
    ResourceTypeId::from_static(ROLE)
}

fn summary(complete: &[ResourceTypeId]) -> SyncSummary {
    let run = SyncRun {
        id: SyncId::from_parts(OffsetDateTime::UNIX_EPOCH, [7; 16]),
        sync_type: SyncType::Full,
        tenant: "https://tenant.example".to_owned(),
        started_at: OffsetDateTime::UNIX_EPOCH,
        provenance: Provenance::default(),
    };
    let complete = complete.iter().cloned();
    let complete = complete.map(|id| (id, Completeness::Complete)).collect();
    SyncSummary::new(run, OffsetDateTime::UNIX_EPOCH, Ledger::default(), complete)
}

fn tally(before: u64, kept: u64) -> TypeTally {
    TypeTally {
        before,
        kept,
        ..TypeTally::default()
    }
}

fn comparison(resources: TypeTally, grants: TypeTally) -> Comparison {
    let mut comparison = Comparison::default();
    let of_type = comparison.types.entry(role()).or_default();
    (of_type.resources, of_type.grants) = (resources, grants);
    comparison
}

fn sink(name: &str, unknown: bool) -> SinkComparison {
    SinkComparison {
        sink: name.to_owned(),
        comparison: None,
        unknown,
    }
}

fn suspects(implausible: bool) -> BTreeMap<ResourceTypeId, ImplausibleSilence> {
    let suspicious_types = ImplausibleSilence {
        field: "role ids".to_owned(),
        implausible,
    };
    BTreeMap::from([(role(), suspicious_types)])
}

/// Findings and sinks of the refusal, if any.
fn implausible(
    guard: &ShrinkGuard,
    sinks: Vec<SinkComparison>,
    suspects: &BTreeMap<ResourceTypeId, ImplausibleSilence>,
) -> Option<(usize, Vec<String>)> {
    let judgement = judge(guard, sinks, suspects, &mut summary(&[role()]));
    match judgement.implausible?.into_error(Vec::new()) {
        SyncError::Implausible { findings, sinks, .. } => Some((findings.len(), sinks)),
        other => panic!("{other}"),
    }
}

#[test]
fn implausible_silence_over_an_unknown_sync() {
    let guard = ShrinkGuard::default();
    let sinks = || vec![sink("known", false), sink("unknown", true)];
    let refused = implausible(&guard, sinks(), &suspects(true));
    assert_eq!(refused, Some((1, vec!["unknown".to_owned()])));
    // Every loss is visible, or nothing is implausible.
    assert_eq!(
        implausible(&guard, vec![sink("known", false)], &suspects(true)),
        None
    );
    assert_eq!(implausible(&guard, sinks(), &suspects(false)), None);
    assert_eq!(implausible(&guard, sinks(), &BTreeMap::new()), None);
    // The loss is accepted, or the guard is off.
    let acceptance = AcceptDrop {
        resource_type: Some(role()),
        since: None,
        standing: false,
    };
    let accepting = ShrinkGuard::new(50, vec![acceptance]);
    assert_eq!(implausible(&accepting, sinks(), &suspects(true)), None);
    assert_eq!(implausible(&ShrinkGuard::off(), sinks(), &suspects(true)), None);
}

#[test]
fn a_type_that_is_not_read_any_more() {
    let guard = ShrinkGuard::default();
    let nothing_read = summary(&[]);
    let losses = guard.losses(&comparison(tally(3, 0), tally(9, 0)), &nothing_read);
    let shown: Vec<_> = losses
        .iter()
        .map(|loss| (loss.kind, loss.before, loss.not_read))
        .collect();
    assert_eq!(shown, [(RowKind::Resource, 3, true)]);
    // A type without rows cannot lose any.
    let losses = guard.losses(&comparison(tally(0, 0), tally(9, 0)), &nothing_read);
    assert_eq!(losses, []);
}

#[test]
fn a_loss_in_json_omits_what_does_not_apply() {
    let guard = ShrinkGuard::default();
    let json = |losses: Vec<crate::sync::Loss>| serde_json::to_value(&losses[0]).unwrap();
    let unread = json(guard.losses(&comparison(tally(3, 0), tally(0, 0)), &summary(&[])));
    assert_eq!(unread["not_read"], true);
    let shrunk = json(guard.losses(&comparison(tally(3, 0), tally(0, 0)), &summary(&[role()])));
    assert_eq!(shrunk.get("not_read"), None);
}

#[test]
fn standing_acceptance_is_found_by_type_only() {
    let seen = SyncId::from_parts(OffsetDateTime::UNIX_EPOCH, [7; 16]);
    let stands = |named: &ResourceTypeId, since, standing| {
        let acceptance = AcceptDrop {
            resource_type: Some(named.clone()),
            since,
            standing,
        };
        ShrinkGuard::new(50, vec![acceptance]).has_standing_acceptance(&role())
    };
    let user = ResourceTypeId::from_static("user");
    assert!(stands(&role(), None, true));
    assert!(!stands(&role(), None, false));
    assert!(!stands(&role(), Some(seen), true));
    assert!(!stands(&role(), Some(seen), false));
    assert!(!stands(&user, None, true));
}

#[test]
fn a_tally_names_five_rows_at_most() {
    let mut current = CurrentSync::default();
    let scope = UnstatedScope::Resources(role());
    current.unstated.add(&current.resources, scope);
    let mut comparer = Comparer::new(Arc::new(current), None);
    for id in 1..=7 {
        comparer.add_resource(ROLE, &id.to_string());
    }
    let comparison = comparer.finish();
    let tally = &comparison.types[&role()].resources;
    assert_eq!((tally.before, tally.kept, tally.lost()), (7, 0, 7));
    assert_eq!(self::tally(7, 3).lost(), 4);
    let named: Vec<_> = (1..=5)
        .map(|id| LostRow::Resource(format!("role:{id}")))
        .collect();
    assert_eq!(tally.examples, named);
}

/// An entitlement that is missing, or whose principals are, was not emptied: the loss is the resource or the
/// principals.
#[test]
fn removed_entitlements_are_not_emptied() {
    let user = ResourceTypeId::from_static("user");
    let mut current = CurrentSync::default();
    let id = NativeId::new("7").unwrap();
    current.resources.insert(&user, &id);
    let kept = EntitlementId::new("role:1:assigned").unwrap();
    let holders = EntitlementHolders::new(role());
    current.entitlements.insert(kept.clone(), Arc::new(holders));
    let current = Arc::new(current);
    let emptied = |entitlement: &str, principal: &str| {
        let mut comparer = Comparer::new(Arc::clone(&current), None);
        comparer.add_grant(entitlement, "user", principal);
        comparer.finish().emptied
    };
    assert_eq!(emptied("role:1:assigned", "7"), BTreeMap::from([(kept, 1)]));
    assert_eq!(emptied("role:2:assigned", "7"), BTreeMap::new());
    assert_eq!(emptied("role:1:assigned", "8"), BTreeMap::new());
    assert_eq!(emptied("role:2:assigned", "8"), BTreeMap::new());
}

/// The JSON of a comparison is bounded: the first emptied entitlements are listed, the others counted.
#[test]
fn emptied_entitlements_in_json_are_bounded() {
    let emptied = |count: u32| Comparison {
        emptied: (0..count)
            .map(|n| (EntitlementId::new(&format!("role:{n}:assigned")).unwrap(), 5))
            .collect(),
        ..Comparison::default()
    };
    let json = serde_json::to_value(emptied(1_000)).unwrap();
    assert_eq!(json["emptied"].as_object().unwrap().len(), 1_000);
    assert!(json.get("emptied_not_named").is_none());
    let json = serde_json::to_value(emptied(1_003)).unwrap();
    assert_eq!(json["emptied"].as_object().unwrap().len(), 1_000);
    assert_eq!(json["emptied_not_named"], 3);
}

fn silence(field: &str, scope: UnstatedScope, without_baseline: WithoutBaseline) -> Unstated {
    Unstated {
        scope,
        field: field.to_owned(),
        count: 1,
        examples: vec![field.to_owned()],
        without_baseline,
    }
}

/// One suspicious field is named per type: an implausible one if there is any, otherwise the first.
#[test]
fn an_implausible_field_is_named_first() {
    let suspicious = |fields: &[(&str, WithoutBaseline)]| {
        let scope = SyncScope::default();
        let mut validator = RowValidator::new(&scope);
        for (field, without_baseline) in fields {
            validator.unstated(silence(
                field,
                UnstatedScope::AllGrants(role()),
                *without_baseline,
            ));
        }
        let rows = validator.finish();
        let found = rows.suspicious_types.into_values().next();
        found.map(|found| (found.field, found.implausible))
    };
    let (plain, odd, absurd) = (
        ("plain", WithoutBaseline::Complete),
        ("odd", WithoutBaseline::Incomplete),
        ("absurd", WithoutBaseline::Implausible),
    );
    let other = ("other", WithoutBaseline::Implausible);
    let named = |field: &str, implausible| Some((field.to_owned(), implausible));
    assert_eq!(suspicious(&[plain]), None);
    assert_eq!(suspicious(&[plain, odd]), named("odd", false));
    assert_eq!(suspicious(&[odd, absurd]), named("absurd", true));
    assert_eq!(suspicious(&[absurd, odd]), named("absurd", true));
    assert_eq!(suspicious(&[absurd, other]), named("absurd", true));
    assert_eq!(
        suspicious(&[odd, ("late", WithoutBaseline::Incomplete)]),
        named("odd", false)
    );
}

/// Notes are counted by type and field, and at most 200 of them are kept.
#[test]
fn notes_are_bounded_and_kept_apart() {
    let scope = SyncScope::default();
    let mut validator = RowValidator::new(&scope);
    let user = ResourceTypeId::from_static("user");
    for resource_type in [role(), user.clone(), role()] {
        let scope = UnstatedScope::AllGrants(resource_type);
        validator.unstated(silence("flag", scope, WithoutBaseline::Complete));
    }
    validator.unstated(silence(
        "other",
        UnstatedScope::AllGrants(role()),
        WithoutBaseline::Complete,
    ));
    let notes = validator.finish().unstated;
    let shown: Vec<_> = notes
        .iter()
        .map(|note| (note.resource_type.as_str(), note.field.as_str(), note.count))
        .collect();
    assert_eq!(
        shown,
        [("role", "flag", 2), ("user", "flag", 1), ("role", "other", 1)]
    );

    let mut validator = RowValidator::new(&scope);
    for number in 0..250 {
        let scope = UnstatedScope::AllGrants(role());
        validator.unstated(silence(&number.to_string(), scope, WithoutBaseline::Complete));
    }
    assert_eq!(validator.finish().unstated.len(), 200);
}

/// A run held in memory is a previous sync like any other.
#[test]
fn a_run_is_compared_with_itself_without_loss() {
    let user = ResourceTypeId::from_static("user");
    let mut current = CurrentSync::default();
    for id in ["7", "8"] {
        current.resources.insert(&user, &NativeId::new(id).unwrap());
    }
    let assigned = EntitlementId::new("role:1:assigned").unwrap();
    let mut holders = EntitlementHolders::new(role());
    holders.holders = Box::new([1]);
    current.entitlements.insert(assigned.clone(), Arc::new(holders));
    let listed: Vec<_> = current
        .resources()
        .into_iter()
        .map(|(of, id)| (of.as_str(), id))
        .collect();
    assert_eq!(listed, [("user", "7".to_owned()), ("user", "8".to_owned())]);
    let held: Vec<_> = current.holders().collect();
    assert_eq!(held, [(&assigned, [1].as_slice())]);

    let current = Arc::new(current);
    let mut comparer = Comparer::new(Arc::clone(&current), None);
    comparer.add_sync(&current);
    let comparison = comparer.finish();
    let of_type = |resource_type: &ResourceTypeId| {
        let found = &comparison.types[resource_type];
        [&found.resources, &found.grants].map(|tally| (tally.before, tally.kept))
    };
    assert_eq!(of_type(&user), [(2, 2), (0, 0)]);
    assert_eq!(of_type(&role()), [(0, 0), (1, 1)]);
}

/// A grant on a listed role is not excused by roles that may exist unlisted.
#[test]
fn unlisted_roles_excuse_grants_on_unlisted_roles() {
    let user = ResourceTypeId::from_static("user");
    let mut current = CurrentSync::default();
    for (resource_type, id) in [(&user, "7"), (&role(), "1")] {
        current
            .resources
            .insert(resource_type, &NativeId::new(id).unwrap());
    }
    let scope = UnstatedScope::Resources(role());
    current.unstated.add(&current.resources, scope);
    let listed = EntitlementId::new("role:1:assigned").unwrap();
    current
        .entitlements
        .insert(listed, Arc::new(EntitlementHolders::new(role())));
    let mut comparer = Comparer::new(Arc::new(current), None);
    comparer.add_grant("role:1:assigned", "user", "7");
    comparer.add_grant("role:2:assigned", "user", "7");
    let grants = &comparer.finish().types[&role()].grants;
    assert_eq!((grants.before, grants.kept, grants.unstated), (2, 0, 1));
}
