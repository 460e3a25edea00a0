//! Syncs that lost too much are not published; syncs that miss something are not full.

use std::future::pending;
use std::sync::Arc;

use crate::model::*;
use crate::ports::SourceEvent;
use crate::sync::*;
use crate::{Classified, StatusCode};

use super::in_memory::*;

/// A sink that holds so many users, roles and grants of roles.
fn holding(label: &'static str, users: u64, roles: u64, grants: u64) -> Arc<ListSink> {
    Arc::new(ListSink {
        holds: Some(Baseline {
            sync_id: None,
            resources: [(type_id("user"), users), (type_id("role"), roles)].into(),
            grants: [(type_id("role"), grants)].into(),
        }),
        ..ListSink::named(label)
    })
}

fn guarded(accepted: Accepted) -> SyncRequest {
    SyncRequest {
        guard: ShrinkGuard::new(50, accepted),
        ..SyncRequest::default()
    }
}

fn accepting(types: &[&'static str]) -> SyncRequest {
    guarded(Accepted::Types(types.iter().map(|name| type_id(name)).collect()))
}

#[test]
fn what_lost_too_much_is_kept_aside_by_all_and_published_by_none() {
    // The source has two users, one role, one grant.
    let (old, new) = (holding("old", 5, 1, 3), Arc::new(ListSink::named("new")));
    let error = run(
        &ListSource::small(),
        &[&new, &old],
        SyncScope::default(),
        pending(),
    )
    .unwrap_err();
    assert_eq!(error.status(), StatusCode::FailedPrecondition);
    insta::assert_snapshot!(format!("{error}\n{}", error.hint().unwrap()), @r"
    not published, because too much is gone: resources of type user went from 5 to 2, grants of type role went from 3 to 1 since the last sync in old
    look at what was kept aside in a drawer and a drawer; if the loss is real, let one run through with --accept-drop role,user
    ");
    for sink in [&old, &new] {
        let log = sink.log();
        assert!(log.set_aside && log.aborted && !log.published && log.prepared.is_none());
    }
}

#[test]
fn what_was_named_may_go() {
    for (request, published) in [
        (accepting(&[]), false),
        (accepting(&["user"]), false),
        (accepting(&["user", "role"]), true),
        (guarded(Accepted::All), true),
        (
            SyncRequest {
                guard: ShrinkGuard::off(),
                ..SyncRequest::default()
            },
            true,
        ),
        (
            SyncRequest {
                guard: ShrinkGuard::new(70, Accepted::Types([].into())),
                ..SyncRequest::default()
            },
            true,
        ),
    ] {
        let sink = holding("old", 5, 1, 3);
        let ran = run_as_asked(&ListSource::small(), &[&sink], &request, pending());
        assert_eq!(ran.is_ok(), published, "{request:?}");
        assert_eq!(sink.log().published, published, "{request:?}");
    }
}

#[test]
fn an_unknown_type_cannot_be_named() {
    let sink = Arc::new(ListSink::named("a"));
    let error = run_as_asked(&ListSource::small(), &[&sink], &accepting(&["robot"]), pending()).unwrap_err();
    assert_eq!(error.to_string(), "invalid resource type 'robot' in accept-drop");
    assert_eq!(error.status(), StatusCode::InvalidArgument);
}

#[test]
fn a_sink_that_cannot_keep_it_does_not_hide_why() {
    let sink = Arc::new(ListSink {
        holds: holding("", 9, 9, 9).holds.clone(),
        ..ListSink::failing("full", SinkStage::Prepare)
    });
    let error = run(&ListSource::small(), &[&sink], SyncScope::default(), pending()).unwrap_err();
    assert!(
        matches!(&error, SyncError::Shrunk { kept, .. } if kept.is_empty()),
        "{error:?}"
    );
    assert!(error.hint().unwrap().starts_with("look at the tenant;"));
    assert!(sink.log().aborted);
}

#[test]
fn a_sync_with_a_filter_is_nobodys_deletion() {
    let scope = SyncScope {
        types: Some([type_id("role")].into()),
        ..SyncScope::default()
    };
    let sink = holding("old", 500, 1, 3);
    let outcome = run(&ListSource::small(), &[&sink], scope, pending()).unwrap();
    assert_eq!(outcome.summary.run.sync_type, SyncType::Partial);
    assert!(sink.log().published);
}

#[test]
fn a_sync_that_misses_something_is_partial() {
    let mut source = ListSource::small();
    let reason = "403".to_owned();
    source.events.push(SourceEvent::Completeness(
        type_id("role"),
        Completeness::Incomplete { reason },
    ));
    let sink = holding("old", 2, 500, 500);
    let outcome = run(&source, &[&sink], SyncScope::default(), pending()).unwrap();
    assert_eq!(outcome.summary.run.sync_type, SyncType::Partial);
    assert_eq!(sink.log().prepared, Some(SyncType::Partial));
}
