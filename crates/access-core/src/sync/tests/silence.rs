//! Missing information removes nothing: rows that are missing but not denied make their type incomplete.

use std::future::pending;
use std::sync::Arc;

use crate::model::*;
use crate::ports::{Mention, SkipReason, SkippedRow, SkippedRows, SourceEvent};
use crate::sync::*;

use super::fakes::*;

fn principals(ids: &[&str]) -> Vec<NativeId> {
    ids.iter().map(|id| NativeId::new(id).unwrap()).collect()
}

fn unstated(scope: UnstatedScope, without_baseline: WithoutBaseline) -> SourceEvent {
    SourceEvent::Unstated(Unstated {
        scope,
        field: "members of roles".to_owned(),
        count: 1,
        examples: vec!["Desk (role 7)".to_owned()],
        without_baseline,
    })
}

/// Users 1 and 2, role 7 without grants, and other events.
fn source(events: Vec<SourceEvent>) -> ListSource {
    let mut source = ListSource::of(vec![
        AccessBatch::ResourceTypes(types()),
        AccessBatch::Resources(vec![user("1"), user("2"), role("7")]),
        AccessBatch::Entitlements(vec![assigned("7")]),
    ]);
    source.events.extend(events);
    source
}

/// A sink with users 1, 2 and more, role 7, and its grants.
fn held(users: &[&str], holders: &[&str]) -> Arc<ListSink> {
    let texts = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    Arc::new(ListSink {
        holds: Some(Earlier {
            users: texts(users),
            roles: texts(&["7"]),
            grants: texts(holders)
                .into_iter()
                .map(|user| ("7".to_owned(), user))
                .collect(),
            ..Earlier::default()
        }),
        ..ListSink::named("old")
    })
}

fn desk() -> EntitlementId {
    assigned("7").id
}

fn scopes() -> Vec<(&'static str, UnstatedScope)> {
    let user = || type_id("user");
    vec![
        ("holders", UnstatedScope::Holders(desk())),
        ("all grants", UnstatedScope::AllGrants(type_id("role"))),
        (
            "the grant",
            UnstatedScope::Grants {
                entitlement: desk(),
                principal_type: user(),
                principals: principals(&["1"]),
            },
        ),
        (
            "grants on the type",
            UnstatedScope::GrantsOn {
                resource_type: type_id("role"),
                principal_type: user(),
                principals: principals(&["1"]),
            },
        ),
    ]
}

#[test]
fn what_was_held_and_is_not_stated_is_no_removal() {
    for (name, scope) in scopes() {
        let sink = held(&["1", "2"], &["1"]);
        let source = source(vec![unstated(scope, WithoutBaseline::Complete)]);
        let outcome = run(&source, &[&sink], SyncScope::default(), pending()).unwrap();
        assert_eq!(outcome.summary.run.sync_type, SyncType::Partial, "{name}");
        let state = &outcome.summary.completeness[&type_id("role")];
        let Completeness::Incomplete { reason } = state else {
            panic!("{name}: {state:?}")
        };
        assert_eq!(
            reason,
            "1 grant of the last sync is now unknown (role:7:assigned held by user:1)"
        );
        assert_eq!(
            outcome.summary.completeness[&type_id("user")],
            Completeness::Complete
        );
    }
}

#[test]
fn what_is_denied_is_a_removal_whatever_else_is_silent() {
    // There were two grants, so the guard allows the loss of one.
    for scope in [
        UnstatedScope::Grants {
            entitlement: desk(),
            principal_type: type_id("user"),
            principals: principals(&["2"]),
        },
        UnstatedScope::Holders(assigned("8").id),
    ] {
        let sink = held(&["1", "2"], &["1", "2"]);
        let mut source = source(vec![SourceEvent::Batch(AccessBatch::Grants(vec![grants(
            "7",
            &["2"],
        )]))]);
        source.events.push(unstated(scope, WithoutBaseline::Complete));
        let outcome = run(&source, &[&sink], SyncScope::default(), pending()).unwrap();
        assert_eq!(outcome.summary.run.sync_type, SyncType::Full);
    }
}

#[test]
fn a_principal_who_is_gone_holds_nothing_any_more() {
    // User 3 is unlisted and the list of users is complete, so a role with only this user is empty.
    let sink = held(&["1", "2", "3"], &["3"]);
    let source = source(vec![unstated(
        UnstatedScope::Holders(desk()),
        WithoutBaseline::Complete,
    )]);
    let request = SyncRequest {
        guard: ShrinkGuard::off(),
        ..SyncRequest::default()
    };
    let outcome = run_as_asked(&source, &[&sink], &request, pending()).unwrap();
    assert_eq!(outcome.summary.run.sync_type, SyncType::Full);
}

/// The list of users lacks somebody whom a role still names: the two contradict each other.
#[test]
fn a_grant_to_an_unlisted_principal_is_not_denied() {
    let stated = || SourceEvent::Batch(AccessBatch::Grants(vec![grants("7", &["1", "3"])]));
    let run_with = |holders: &[&str], request: &SyncRequest| {
        let sink = held(&["1", "2", "3"], holders);
        run_as_asked(&source(vec![stated()]), &[&sink], request, pending()).unwrap()
    };
    let request = SyncRequest::default();
    let outcome = run_with(&["1", "3"], &request);
    assert_eq!(outcome.summary.run.sync_type, SyncType::Partial);
    assert!(matches!(
        outcome.summary.completeness[&type_id("role")],
        Completeness::Incomplete { .. }
    ));
    assert_eq!(
        outcome.summary.completeness[&type_id("user")],
        Completeness::Complete
    );
    // Nobody held it before: an old leftover of the tenant.
    let outcome = run_with(&["1"], &request);
    assert_eq!(outcome.summary.run.sync_type, SyncType::Full);
    // Accepted once, so that a leftover does not end in partial syncs for ever.
    let accepting = SyncRequest {
        guard: ShrinkGuard::new(
            50,
            vec![AcceptDrop {
                resource_type: Some(type_id("role")),
                since: None,
                standing: false,
            }],
        ),
        ..SyncRequest::default()
    };
    let outcome = run_with(&["1", "3"], &accepting);
    assert_eq!(outcome.summary.run.sync_type, SyncType::Full);
    assert_eq!(outcome.summary.guard.accepted[0].loss.unstated, 1);
}

#[test]
fn a_user_without_an_id_may_be_the_one_who_is_missing() {
    let sink = held(&["1", "2", "3"], &["3"]);
    let source = source(vec![unstated(
        UnstatedScope::Resources(type_id("user")),
        WithoutBaseline::Complete,
    )]);
    let outcome = run(&source, &[&sink], SyncScope::default(), pending()).unwrap();
    let incomplete: Vec<&str> = outcome
        .summary
        .completeness
        .iter()
        .filter(|(_, state)| matches!(state, Completeness::Incomplete { .. }))
        .map(|(id, _)| id.as_str())
        .collect();
    assert_eq!(incomplete, ["role", "user"]);
}

#[test]
fn missing_info_without_prior_grants_keeps_the_sync_full() {
    for (name, scope) in scopes() {
        let sink = held(&["1", "2"], &[]);
        let events = vec![
            unstated(scope.clone(), WithoutBaseline::Complete),
            unstated(scope, WithoutBaseline::Incomplete),
        ];
        let outcome = run(&source(events), &[&sink], SyncScope::default(), pending()).unwrap();
        assert_eq!(outcome.summary.run.sync_type, SyncType::Full, "{name}");
        let [note] = outcome.summary.unstated.as_slice() else {
            panic!("{:?}", outcome.summary.unstated)
        };
        assert_eq!((note.count, note.examples.len()), (2, 2));
    }
}

#[test]
fn unexpected_missing_info_needs_a_baseline() {
    for (without_baseline, sync_type) in [
        (WithoutBaseline::Complete, SyncType::Full),
        (WithoutBaseline::Incomplete, SyncType::Partial),
    ] {
        let sink = Arc::new(ListSink::named("new"));
        let source = source(vec![unstated(UnstatedScope::Holders(desk()), without_baseline)]);
        let outcome = run(&source, &[&sink], SyncScope::default(), pending()).unwrap();
        assert_eq!(outcome.summary.run.sync_type, sync_type);
    }
}

#[test]
fn acceptance_covers_unstated_rows() {
    let sink = held(&["1", "2"], &["1"]);
    let source = source(vec![unstated(
        UnstatedScope::Holders(desk()),
        WithoutBaseline::Complete,
    )]);
    let acceptance = AcceptDrop {
        resource_type: Some(type_id("role")),
        since: None,
        standing: false,
    };
    let request = SyncRequest {
        guard: ShrinkGuard::new(50, vec![acceptance]),
        ..SyncRequest::default()
    };
    let outcome = run_as_asked(&source, &[&sink], &request, pending()).unwrap();
    assert_eq!(outcome.summary.run.sync_type, SyncType::Full);
    insta::assert_json_snapshot!(outcome.summary.guard.accepted);
}

#[test]
fn another_id_scheme_is_refused_before_anything_is_written() {
    let sink = Arc::new(ListSink {
        origin: SyncOrigin {
            id_scheme: Some(IdScheme::new("numeric")),
            ..SyncOrigin::default()
        },
        ..ListSink::named("old")
    });
    let mut source = ListSource::small();
    source
        .events
        .insert(0, SourceEvent::IdScheme(IdScheme::new("role-name")));
    let error = run(&source, &[&sink], SyncScope::default(), pending()).unwrap_err();
    assert!(matches!(error, SyncError::Location { .. }), "{error:?}");
    assert!(sink.log().rows.is_empty() && sink.log().aborted);
    source.events[0] = SourceEvent::IdScheme(IdScheme::new("numeric"));
    let outcome = run(&source, &[&sink], SyncScope::default(), pending()).unwrap();
    assert_eq!(
        outcome.summary.run.provenance.id_scheme,
        Some(IdScheme::new("numeric"))
    );
}

#[test]
fn dropped_rows_are_listed_by_name() {
    let mut source = ListSource::small();
    source.events.pop();
    let gone = ResourceId::new(type_id("user"), NativeId::new("4242").unwrap());
    source.events.extend([
        SourceEvent::Mention(Mention {
            resource: gone,
            words: "Pat Departed <pat@example.net>".to_owned(),
        }),
        SourceEvent::Batch(AccessBatch::Grants(vec![grants("7", &["1", "4242", "1"])])),
        SourceEvent::Batch(AccessBatch::Grants(vec![grants("99", &["1"])])),
        SourceEvent::Skipped(SkippedRows {
            kind: RowKind::Resource,
            resource_type: type_id("user"),
            reason: SkipReason::UnusableId,
            count: 3,
            rows: vec![SkippedRow {
                words: Some("No Id".to_owned()),
                ..SkippedRow::default()
            }],
        }),
    ]);
    let sink = Arc::new(ListSink::named("a"));
    let outcome = run(&source, &[&sink], SyncScope::default(), pending()).unwrap();
    insta::assert_json_snapshot!(outcome.summary.left_out);
}
