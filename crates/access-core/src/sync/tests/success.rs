//! Successful runs.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex};

use futures::executor::block_on;

use crate::model::*;
use crate::ports::*;
use crate::sync::*;

use super::fakes::*;

#[test]
fn every_sink_gets_the_same_rows_and_all_are_published() {
    let (a, b) = (Arc::new(ListSink::named("a")), Arc::new(ListSink::named("b")));
    let outcome = run(&ListSource::small(), &[&a, &b], SyncScope::default(), pending()).unwrap();

    assert_eq!(a.log(), b.log());
    assert!(a.log().published && !a.log().aborted);
    assert_eq!(
        outcome
            .receipts
            .iter()
            .map(|receipt| receipt.sink.as_str())
            .collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert_eq!(outcome.summary.run.sync_type, SyncType::Full);
    assert_eq!(outcome.summary.written(RowKind::Grant), 1);
    insta::assert_json_snapshot!(outcome);
}

/// Counts the calls of the observer.
#[derive(Default)]
struct Counting(Mutex<BTreeMap<String, u64>>);

impl SyncObserver for Counting {
    fn rows(&self, kind: RowKind, resource_type: &ResourceTypeId, count: u64) {
        let key = format!("{kind} of {resource_type}");
        *self.0.lock().unwrap().entry(key).or_default() += count;
    }
}

#[test]
fn observers_see_every_row() {
    let sinks = [Arc::new(ListSink::named("a")) as Arc<dyn AccessSink>];
    let watched = Counting::default();
    let pipeline = SyncPipeline {
        source: &ListSource::small(),
        sinks: &sinks,
        clock: &Fixed,
        ids: &Fixed,
        observer: &watched,
    };
    block_on(pipeline.run(&SyncRequest::default(), pending())).unwrap();
    insta::assert_debug_snapshot!(watched.0.lock().unwrap(), @r#"
    {
        "entitlement of role": 1,
        "grant of role": 1,
        "resource of role": 1,
        "resource of user": 2,
        "resource type of role": 1,
        "resource type of user": 1,
    }
    "#);
}

#[test]
fn dangling_rows_are_dropped_and_counted() {
    let mut source = ListSource::of(vec![
        AccessBatch::ResourceTypes(types()),
        AccessBatch::Resources(vec![
            user("1"),
            user("1"),
            role("7"),
            resource("ghost", "1", ResourceTrait::App),
        ]),
        AccessBatch::Entitlements(vec![assigned("7"), assigned("7"), assigned("8")]),
        AccessBatch::Grants(vec![grants("7", &["1", "1", "99"]), grants("8", &["1"])]),
    ]);
    source.events.push(SourceEvent::Skipped(SkippedRows {
        kind: RowKind::Resource,
        resource_type: type_id("user"),
        reason: SkipReason::UnusableId,
        count: 2,
        rows: Vec::new(),
    }));
    let sink = Arc::new(ListSink::named("a"));
    let outcome = run(&source, &[&sink], SyncScope::default(), pending()).unwrap();
    insta::assert_json_snapshot!(outcome.summary.ledger);
    let written: u64 = sink.log().rows.iter().map(AccessBatch::rows).sum();
    assert_eq!(written, outcome.summary.ledger.total_written());
}

#[test]
fn principal_outside_the_filter_is_out_of_scope() {
    let source = ListSource::of(vec![
        AccessBatch::ResourceTypes(vec![resource_type("role", TraitKind::Role)]),
        AccessBatch::Resources(vec![role("7")]),
        AccessBatch::Entitlements(vec![assigned("7")]),
        AccessBatch::Grants(vec![grants("7", &["1"])]),
    ]);
    let scope = SyncScope {
        types: Some([type_id("role")].into()),
        ..SyncScope::default()
    };
    let outcome = run(&source, &[&Arc::new(ListSink::named("a"))], scope, pending()).unwrap();
    let line = outcome.summary.ledger.line(RowKind::Grant, &type_id("role"));
    assert_eq!(line.dropped.get(&DropReason::OutOfScope), Some(&1));
    assert_eq!(outcome.summary.run.sync_type, SyncType::Partial);
    assert_eq!(
        outcome.summary.completeness.keys().collect::<Vec<_>>(),
        [&type_id("role")]
    );
}

#[test]
fn clipped_names_are_reported() {
    let mut long = user("1");
    long.display_name = DisplayName::new(&"x".repeat(5000));
    let source = ListSource::of(vec![
        AccessBatch::ResourceTypes(types()),
        AccessBatch::Resources(vec![long]),
    ]);
    let outcome = run(
        &source,
        &[&Arc::new(ListSink::named("a"))],
        SyncScope::default(),
        pending(),
    )
    .unwrap();
    insta::assert_snapshot!(outcome.warnings[0].message, @"1 user resources have a name or description longer than readers accept; it was clipped");
}

#[test]
fn a_degraded_type_is_marked() {
    let mut source = ListSource::small();
    let state = Completeness::Incomplete {
        reason: "403".to_owned(),
    };
    source
        .events
        .push(SourceEvent::Completeness(type_id("role"), state.clone()));
    let outcome = run(
        &source,
        &[&Arc::new(ListSink::named("a"))],
        SyncScope::default(),
        pending(),
    )
    .unwrap();
    assert_eq!(outcome.summary.completeness[&type_id("role")], state);
    assert_eq!(
        outcome.summary.completeness[&type_id("user")],
        Completeness::Complete
    );
}

#[test]
fn a_grant_whose_id_just_fits_is_written() {
    // `role:7:assigned:user:` and the principal.
    let most = MAX_ID_BYTES - 21;
    let ids = [most, most + 1].map(|length| "x".repeat(length));
    let source = ListSource::of(vec![
        AccessBatch::ResourceTypes(types()),
        AccessBatch::Resources(vec![user(&ids[0]), user(&ids[1]), role("7")]),
        AccessBatch::Entitlements(vec![assigned("7")]),
        AccessBatch::Grants(vec![grants("7", &[&ids[0], &ids[1]])]),
    ]);
    let sink = Arc::new(ListSink::named("a"));
    let outcome = run(&source, &[&sink], SyncScope::default(), pending()).unwrap();
    let line = outcome.summary.ledger.line(RowKind::Grant, &type_id("role"));
    assert_eq!((line.received, line.written), (2, 1));
    assert_eq!(line.dropped.get(&DropReason::IdTooLong), Some(&1));
    let grants_written = sink.log().rows.into_iter().filter_map(|batch| match batch {
        AccessBatch::Grants(groups) => Some(groups),
        _ => None,
    });
    let written: Vec<GrantGroup> = grants_written.flatten().collect();
    assert_eq!(written, [grants("7", &[&ids[0]])]);
    assert_eq!(
        written[0].ids().next().unwrap().unwrap().as_str().len(),
        MAX_ID_BYTES
    );
}

#[test]
fn empty_batches_do_not_reach_the_sinks() {
    let source = ListSource::of(vec![
        AccessBatch::ResourceTypes(types()),
        AccessBatch::Resources(vec![user("1")]),
        AccessBatch::Resources(vec![user("1")]),
        AccessBatch::Resources(Vec::new()),
    ]);
    let sink = Arc::new(ListSink::named("a"));
    run(&source, &[&sink], SyncScope::default(), pending()).unwrap();
    assert_eq!(sink.log().rows.len(), 2);
}

#[test]
fn the_ledger_has_no_grants_if_they_are_out_of_scope() {
    let skipped = |kind| {
        SourceEvent::Skipped(SkippedRows {
            kind,
            resource_type: type_id("role"),
            reason: SkipReason::UnusableId,
            count: 3,
            rows: Vec::new(),
        })
    };
    for (depth, grants, skipped_grants) in [(AccessDepth::WithoutGrants, 0, 0), (AccessDepth::Full, 4, 3)] {
        let mut source = ListSource::small();
        source
            .events
            .extend([skipped(RowKind::Grant), skipped(RowKind::Resource)]);
        let scope = SyncScope {
            depth,
            ..SyncScope::default()
        };
        let outcome = run(&source, &[&Arc::new(ListSink::named("a"))], scope, pending()).unwrap();
        let ledger = &outcome.summary.ledger;
        let line = ledger.line(RowKind::Grant, &type_id("role"));
        assert_eq!((line.received, line.dropped_total()), (grants, skipped_grants));
        assert_eq!(
            ledger.line(RowKind::Resource, &type_id("role")).dropped_total(),
            3
        );
        assert_eq!(outcome.summary.written(RowKind::Resource), 3);
    }
}

#[test]
fn a_summary_is_the_next_syncs_baseline() {
    let outcome = run(
        &ListSource::small(),
        &[&Arc::new(ListSink::named("a"))],
        SyncScope::default(),
        pending(),
    )
    .unwrap();
    let expected = Baseline {
        sync_id: Some(outcome.summary.run.id),
        resources: [(type_id("role"), 1), (type_id("user"), 2)].into(),
        grants: [(type_id("role"), 1)].into(),
    };
    assert_eq!(outcome.summary.baseline(), expected);
}

#[test]
fn every_drop_reason_has_a_text() {
    let reasons = [
        DropReason::UnusableId,
        DropReason::WrongShape,
        DropReason::Duplicate,
        DropReason::UnknownResourceType,
        DropReason::UnknownResource,
        DropReason::UnknownEntitlement,
        DropReason::UnknownPrincipal,
        DropReason::IdTooLong,
        DropReason::OutOfScope,
    ];
    let words = reasons.map(|reason| format!("{} = {reason}", serde_json::to_value(reason).unwrap()));
    insta::assert_snapshot!(words.join("\n"));
}

#[test]
fn summary_has_row_counts_and_duration() {
    let mut source = ListSource::small();
    source.events.push(SourceEvent::Skipped(SkippedRows {
        kind: RowKind::Resource,
        resource_type: type_id("device"),
        reason: SkipReason::UnusableId,
        count: 2,
        rows: Vec::new(),
    }));
    let run = run(
        &source,
        &[&Arc::new(ListSink::named("a"))],
        SyncScope::default(),
        pending(),
    );
    let mut summary = run.unwrap().summary;
    let written = summary.written_by_type(RowKind::Resource);
    assert_eq!(written, [(&type_id("role"), 1), (&type_id("user"), 2)].into());
    summary.ended_at = summary.run.started_at + time::Duration::milliseconds(1500);
    assert_eq!(summary.duration(), std::time::Duration::from_millis(1500));
}
