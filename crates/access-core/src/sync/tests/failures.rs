//! Failed runs: nothing is published partially.

use std::error::Error as _;
use std::future::{pending, ready};
use std::sync::Arc;

use crate::model::*;
use crate::sync::*;
use crate::{Diagnostic, StatusCode};

use super::fakes::*;

#[test]
fn a_sink_that_fails_before_publishing_aborts_all() {
    for stage in [SinkStage::Begin, SinkStage::Write, SinkStage::Prepare] {
        for position in 0..2 {
            let good = Arc::new(ListSink::named("good"));
            let bad = Arc::new(ListSink::failing("bad", stage));
            let sinks = if position == 0 {
                [&bad, &good]
            } else {
                [&good, &bad]
            };
            let error = run(&ListSource::small(), &sinks, SyncScope::default(), pending()).unwrap_err();

            assert_eq!(error.to_string(), format!("cannot {stage} bad"));
            assert_eq!(error.source().unwrap().to_string(), "disk full");
            assert_eq!(error.status(), StatusCode::Unavailable);
            assert!(error.retryable());
            assert!(!good.log().published && !bad.log().published, "{stage:?}");
            let opened = stage != SinkStage::Begin || position == 1;
            assert_eq!(good.log().aborted, opened, "{stage:?} at {position}");
        }
    }
}

#[test]
fn publish_failure_aborts_later_sinks_and_names_earlier_ones() {
    let (first, bad, last) = (
        Arc::new(ListSink::named("first")),
        Arc::new(ListSink::failing("bad", SinkStage::Publish)),
        Arc::new(ListSink::named("last")),
    );
    let error = run(
        &ListSource::small(),
        &[&first, &bad, &last],
        SyncScope::default(),
        pending(),
    )
    .unwrap_err();
    assert_eq!(error.to_string(), "cannot publish bad; already published: first");
    assert!(first.log().published && last.log().aborted && !last.log().published);

    let error = run(
        &ListSource::small(),
        &[&bad, &last],
        SyncScope::default(),
        pending(),
    )
    .unwrap_err();
    assert_eq!(error.to_string(), "cannot publish bad");
}

#[test]
fn sink_that_loses_a_row_fails_the_sync() {
    let sink = Arc::new(ListSink {
        loses_a_row: true,
        ..ListSink::named("leaky")
    });
    let error = run(&ListSource::small(), &[&sink], SyncScope::default(), pending()).unwrap_err();
    assert_eq!(error.to_string(), "leaky has 6 rows, but 7 were written to it");
    assert!(sink.log().aborted && !sink.log().published);
}

#[test]
fn a_source_that_fails_aborts_all() {
    let sink = Arc::new(ListSink::named("a"));
    let source = ListSource {
        end: End::Fails,
        ..ListSource::small()
    };
    let error = run(&source, &[&sink], SyncScope::default(), pending()).unwrap_err();
    assert_eq!(error.to_string(), "the tenant went away");
    assert!(error.retryable());
    assert!(sink.log().aborted && !sink.log().published && sink.log().prepared.is_none());
}

#[test]
fn cancellation_leaves_no_trace() {
    let sink = Arc::new(ListSink::named("a"));
    let source = ListSource {
        end: End::Hangs,
        ..ListSource::small()
    };
    let mut polls = 0;
    let after_some_polls = futures::future::poll_fn(move |context| {
        polls += 1;
        context.waker().wake_by_ref();
        if polls > 20 {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    });
    let error = run(&source, &[&sink], SyncScope::default(), after_some_polls).unwrap_err();
    assert!(matches!(error, SyncError::Cancelled));
    assert_eq!(sink.log().rows.len(), 4, "the rows before the hang had arrived");
    assert!(sink.log().aborted && !sink.log().published);
}

#[test]
fn stopped_before_it_began() {
    let sink = Arc::new(ListSink::named("a"));
    let error = run(&ListSource::small(), &[&sink], SyncScope::default(), ready(())).unwrap_err();
    assert!(matches!(error, SyncError::Cancelled));
    assert!(!error.retryable());
    assert!(!sink.log().published);
}

#[test]
fn grants_of_one_entitlement_come_together_or_not_at_all() {
    let mut source = ListSource::of(vec![
        AccessBatch::ResourceTypes(types()),
        AccessBatch::Resources(vec![user("1"), user("2"), role("7"), role("8")]),
        AccessBatch::Entitlements(vec![assigned("7"), assigned("8")]),
        AccessBatch::Grants(vec![
            grants("7", &["1"]),
            grants("7", &["2"]),
            grants("8", &["1"]),
        ]),
    ]);
    let sink = Arc::new(ListSink::named("a"));
    run(&source, &[&sink], SyncScope::default(), pending()).expect("several groups in a row are fine");

    source
        .events
        .push(crate::ports::SourceEvent::Batch(AccessBatch::Grants(vec![
            grants("7", &["2"]),
        ])));
    let error = run(&source, &[&sink], SyncScope::default(), pending()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the source broke its contract: grants of role:7:assigned came after grants of another entitlement"
    );
    assert_eq!(error.status(), StatusCode::Internal);
}

#[test]
fn resource_trait_must_match_its_type() {
    let source = ListSource::of(vec![
        AccessBatch::ResourceTypes(types()),
        AccessBatch::Resources(vec![resource("user", "1", ResourceTrait::Role)]),
    ]);
    let error = run(
        &source,
        &[&Arc::new(ListSink::named("a"))],
        SyncScope::default(),
        pending(),
    )
    .unwrap_err();
    insta::assert_snapshot!(error, @"the source broke its contract: a resource of type user has a trait that its type does not have");
}

#[test]
fn unknown_type_in_filter_is_refused_before_sinks_open() {
    let sink = Arc::new(ListSink::named("a"));
    let scope = SyncScope {
        types: Some([type_id("rolle")].into()),
        ..SyncScope::default()
    };
    let error = run(&ListSource::small(), &[&sink], scope, pending()).unwrap_err();
    assert_eq!(error.to_string(), "invalid resource type 'rolle' in filter");
    assert_eq!(error.hint().unwrap(), "this connector has the types user, role");
    assert_eq!(sink.begun.load(std::sync::atomic::Ordering::Relaxed), 0);
}
