//! Syncs that lost too much are not published; incomplete syncs are not full.

use std::future::pending;
use std::sync::Arc;

use crate::model::*;
use crate::ports::SourceEvent;
use crate::sync::*;
use crate::{Diagnostic, StatusCode};

use super::fakes::*;

/// A sink with users 1 to `users`, roles 7 to `6 + roles`, and that many grants of role 7, from user 1.
fn holding(label: &'static str, users: u64, roles: u64, grants: u64) -> Arc<ListSink> {
    let ids = |first: u64, count: u64| (first..first + count).map(|id| id.to_string()).collect();
    let holders: Vec<String> = ids(1, grants);
    holding_exactly(
        label,
        Earlier {
            users: ids(1, users),
            roles: ids(7, roles),
            grants: holders.into_iter().map(|user| ("7".to_owned(), user)).collect(),
            ..Earlier::default()
        },
    )
}

fn holding_exactly(label: &'static str, held: Earlier) -> Arc<ListSink> {
    Arc::new(ListSink {
        holds: Some(held),
        ..ListSink::named(label)
    })
}

fn earlier_id() -> SyncId {
    SyncId::from_parts(time::macros::datetime!(2026-11-23 12:00 UTC), [3; 16])
}

fn accepting_as(accepted: Vec<AcceptDrop>) -> SyncRequest {
    SyncRequest {
        guard: ShrinkGuard::new(50, accepted),
        ..SyncRequest::default()
    }
}

fn acceptance(resource_type: Option<&'static str>) -> AcceptDrop {
    AcceptDrop {
        resource_type: resource_type.map(type_id),
        since: None,
        standing: false,
    }
}

fn accepting(types: &[&'static str]) -> SyncRequest {
    accepting_as(types.iter().map(|name| acceptance(Some(name))).collect())
}

#[test]
fn all_sinks_quarantine_a_loss_and_none_publishes() {
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
    not published, because too much is missing: 1 of 3 grants of type role are left, 2 of 5 resources of type user are left since the last sync in old
    check what was quarantined in a drawer and a drawer; if the loss is real, publish it with --accept-drop role,user
    ");
    for sink in [&old, &new] {
        let log = sink.log();
        assert!(log.quarantine && log.aborted && !log.published && log.prepared.is_none());
    }
}

#[test]
fn accepted_loss_is_published_and_recorded() {
    for (request, published) in [
        (accepting(&[]), false),
        (accepting(&["user"]), false),
        (accepting(&["user", "role"]), true),
        (accepting_as(vec![acceptance(None)]), true),
        (
            SyncRequest {
                guard: ShrinkGuard::off(),
                ..SyncRequest::default()
            },
            true,
        ),
        (
            SyncRequest {
                guard: ShrinkGuard::new(70, Vec::new()),
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
    let sink = holding("old", 5, 1, 3);
    let outcome = run_as_asked(
        &ListSource::small(),
        &[&sink],
        &accepting(&["user", "role"]),
        pending(),
    )
    .unwrap();
    insta::assert_json_snapshot!(outcome.summary.guard.accepted);
    assert!(outcome.warnings.is_empty(), "{:?}", outcome.warnings);
}

#[test]
fn acceptance_covers_only_its_loss() {
    let held = Earlier {
        sync_id: Some(earlier_id()),
        ..holding("", 5, 1, 3).holds.clone().unwrap()
    };
    let other = SyncId::from_parts(time::macros::datetime!(2026-11-20 12:00 UTC), [3; 16]);
    let all = |since, standing| {
        accepting_as(vec![AcceptDrop {
            resource_type: None,
            since,
            standing,
        }])
    };
    for (request, published) in [
        (all(None, false), true),
        (all(None, true), false),
        (all(Some(earlier_id()), true), true),
        (all(Some(other), true), false),
        (all(Some(other), false), false),
    ] {
        let sink = holding_exactly("old", held.clone());
        let ran = run_as_asked(&ListSource::small(), &[&sink], &request, pending());
        assert_eq!(ran.is_ok(), published, "{request:?}");
    }
    let sink = holding_exactly("old", held);
    let error = run_as_asked(&ListSource::small(), &[&sink], &all(None, true), pending()).unwrap_err();
    insta::assert_snapshot!(error.hint().unwrap(), @"check what was quarantined in a drawer; if the loss is real, publish it with --accept-drop role@3MVUOyEypSibckWd4Fl9qipCnYp,user@3MVUOyEypSibckWd4Fl9qipCnYp (in a variable or a file only this form counts)");
}

#[test]
fn unneeded_acceptance_is_reported() {
    let sink = Arc::new(ListSink::named("a"));
    let outcome = run_as_asked(&ListSource::small(), &[&sink], &accepting(&["robot"]), pending()).unwrap();
    insta::assert_snapshot!(outcome.warnings[0].message, @"--accept-drop robot was not needed: no such loss was found");
}

#[test]
fn replacing_every_row_is_a_complete_loss() {
    let held = Earlier {
        users: vec!["101".to_owned(), "102".to_owned()],
        roles: vec!["7".to_owned()],
        grants: vec![("7".to_owned(), "101".to_owned())],
        ..Earlier::default()
    };
    let sink = holding_exactly("old", held);
    let error = run(&ListSource::small(), &[&sink], SyncScope::default(), pending()).unwrap_err();
    insta::assert_snapshot!(error, @"not published, because too much is missing: 0 of 1 grants of type role are left, 0 of 2 resources of type user are left since the last sync in old");
}

#[test]
fn a_type_that_is_not_read_any_more_is_a_loss() {
    let held = Earlier {
        robots: 3,
        ..holding("", 2, 1, 1).holds.clone().unwrap()
    };
    let sink = holding_exactly("old", held.clone());
    let error = run(&ListSource::small(), &[&sink], SyncScope::default(), pending()).unwrap_err();
    insta::assert_snapshot!(error, @"not published, because too much is missing: type robot is not read any more (3 resources before) since the last sync in old");
    let sink = holding_exactly("old", held);
    run_as_asked(&ListSource::small(), &[&sink], &accepting(&["robot"]), pending()).unwrap();
    assert!(sink.log().published);
}

#[test]
fn an_entitlement_that_all_its_holders_lost_is_a_loss() {
    let many: Vec<String> = (1..=100).map(|id| id.to_string()).collect();
    let names: Vec<&str> = many.iter().map(String::as_str).collect();
    let source = |holders_of_8: &[&str]| {
        ListSource::of(vec![
            AccessBatch::ResourceTypes(types()),
            AccessBatch::Resources(
                names
                    .iter()
                    .map(|id| user(id))
                    .chain([role("7"), role("8")])
                    .collect(),
            ),
            AccessBatch::Entitlements(vec![assigned("7"), assigned("8")]),
            AccessBatch::Grants(vec![grants("7", &names), grants("8", holders_of_8)]),
        ])
    };
    let held = |holders_of_8: u64| Earlier {
        users: many.clone(),
        roles: vec!["7".to_owned(), "8".to_owned()],
        grants: many
            .iter()
            .map(|user| ("7".to_owned(), user.clone()))
            .chain((1..=holders_of_8).map(|user| ("8".to_owned(), user.to_string())))
            .collect(),
        ..Earlier::default()
    };
    let sink = holding_exactly("old", held(5));
    let error = run(&source(&["50"]), &[&sink], SyncScope::default(), pending()).unwrap_err();
    insta::assert_snapshot!(error, @"not published, because too much is missing: role:8:assigned lost all of its 5 holders since the last sync in old");
    // Fewer may lose it on one day.
    let sink = holding_exactly("old", held(4));
    run(&source(&[]), &[&sink], SyncScope::default(), pending()).unwrap();
}

#[test]
fn a_failed_quarantine_does_not_hide_the_loss() {
    let sink = Arc::new(ListSink {
        holds: holding("", 9, 9, 9).holds.clone(),
        ..ListSink::failing("full", SinkStage::Prepare)
    });
    let error = run(&ListSource::small(), &[&sink], SyncScope::default(), pending()).unwrap_err();
    assert!(
        matches!(&error, SyncError::Shrunk { kept, .. } if kept.is_empty()),
        "{error:?}"
    );
    assert!(error.hint().unwrap().starts_with("check the tenant;"));
    assert!(sink.log().aborted);
}

#[test]
fn a_filtered_sync_removes_nothing() {
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
fn an_incomplete_type_makes_the_sync_partial() {
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
