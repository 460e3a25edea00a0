use access_core::model::AccessBatch;
use serde_json::{Value, json};

use super::*;
use crate::source::tests::{queue, queued, queued_batches, row};

/// Drops every role.
struct Discard;

impl RoleConsumer for Discard {
    fn consume(&mut self, _: Role) -> bool {
        true
    }
}

fn role_row(id: u64, members: &[u64]) -> Row<RoleRow> {
    let members: Vec<Value> = members.iter().map(|id| json!({"id": id})).collect();
    Row::Object(row(
        json!({"id": id, "name": "Desk", "type": "TECHNICIAN", "members": members}),
    ))
}

fn emit(access: bool, sender: &EventSender) -> RoleReader<Emit> {
    RoleReader::new(Emit {
        batch: BatchBuffer::default(),
        access,
        users: Arc::default(),
        sender: sender.clone(),
        failure: None,
    })
}

/// Otherwise a small response with many roles, long texts or many members could fill memory.
#[test]
fn memory_of_roles_includes_texts_and_members() {
    let kept = |name: &str, members: usize| {
        let members = vec![json!({"id": 7}); members];
        let mut reader = RoleReader::new(Discard);
        assert!(reader.accept(Row::Object(row(
            json!({"id": 1, "name": name, "members": members})
        ))));
        reader.kept_bytes()
    };
    let bare = kept("", 0);
    assert_eq!(bare, ROLE_BYTES);
    assert_eq!(kept(&"n".repeat(100), 0) - bare, 100 * TEXT_COPIES);
    assert_eq!(kept("", 1) - bare, size_of::<u64>() as u64);
}

#[test]
fn memory_of_every_role_counts() {
    let members: Vec<u64> = (1..=100).collect();
    let mut reader = RoleReader::new(Discard);
    assert!(reader.accept(role_row(1, &members)));
    let one = reader.kept_bytes();
    assert!(reader.accept(role_row(2, &members)));
    assert_eq!(reader.kept_bytes(), 2 * one);
    // The same role again is not kept.
    assert!(reader.accept(role_row(2, &members)));
    assert_eq!(reader.kept_bytes(), 2 * one);
}

#[test]
fn repeated_members_are_skipped_once_each() {
    let mut reader = RoleReader::new(Discard);
    assert!(reader.accept(role_row(4, &[7, 12, 7, 9, 7, 12])));
    let skips: Vec<_> = reader.members.skips.by_reason().collect();
    let [(SkipReason::Duplicate, skip)] = skips.as_slice() else {
        panic!("{skips:?}");
    };
    let principals: Vec<String> = skip
        .rows
        .iter()
        .map(|row| {
            format!(
                "{} {}",
                row.entitlement.as_ref().unwrap(),
                row.principal.as_ref().unwrap()
            )
        })
        .collect();
    assert_eq!(skip.count, 3);
    assert_eq!(
        principals,
        [
            "role:4:assigned user:7",
            "role:4:assigned user:7",
            "role:4:assigned user:12"
        ]
    );
}

/// Small roles share a batch.
#[test]
fn roles_are_sent_when_their_batch_is_full() {
    let (sender, mut events) = queue();
    let mut reader = emit(false, &sender);
    for id in 1..BATCH_ROWS as u64 {
        assert!(reader.accept(role_row(id, &[])));
    }
    assert_eq!(queued_batches(&mut events), []);
    assert!(reader.accept(role_row(BATCH_ROWS as u64, &[])));
    assert_eq!(queued_batches(&mut events), [("resources", BATCH_ROWS as u64)]);
}

/// A role of all users comes in parts, with the role and its entitlement before its first members.
#[test]
fn members_of_a_large_role_are_sent_in_parts() {
    let (sender, mut events) = queue();
    let members: Vec<u64> = (1..=2 * BATCH_ROWS as u64 + 1).collect();
    let mut reader = emit(true, &sender);
    assert!(reader.accept(role_row(1, &members)));
    let full = ("grants", BATCH_ROWS as u64);
    assert_eq!(
        queued_batches(&mut events),
        [("resources", 1), ("entitlements", 1), full, full]
    );
    assert!(reader.accept(role_row(2, &[7])));
    assert_eq!(queued_batches(&mut events), []);
    assert!(reader.consumer.batch.flush_from_thread(&sender));
    let rest = queued(&mut events);
    let [_, _, SourceEvent::Batch(AccessBatch::Grants(groups))] = rest.as_slice() else {
        panic!("{rest:?}");
    };
    let grants: Vec<(String, usize)> = groups
        .iter()
        .map(|group| (group.entitlement.to_string(), group.principals.len()))
        .collect();
    assert_eq!(
        grants,
        [
            ("role:1:assigned".to_owned(), 1),
            ("role:2:assigned".to_owned(), 1)
        ]
    );
}

/// Nobody needs the rest of the list.
#[test]
fn reading_roles_stops_without_a_receiver() {
    let many: Vec<u64> = (1..=BATCH_ROWS as u64).collect();
    for (access, members, first_refused) in [(true, many.as_slice(), 1), (false, &[], BATCH_ROWS as u64)] {
        let (sender, events) = queue();
        drop(events);
        let mut reader = emit(access, &sender);
        for id in 1..first_refused {
            assert!(reader.accept(role_row(id, members)));
        }
        assert!(!reader.accept(role_row(first_refused, members)));
        assert!(matches!(reader.consumer.failure, Some(NinjaOneError::Stopped)));
    }
}

/// A member whom no list of users has is only known from the role.
#[test]
fn mention_of_an_unlisted_member_stops_without_a_receiver() {
    let (sender, mut events) = queue();
    let mut reader = emit(true, &sender);
    reader.consumer.users = Arc::new(IdSet::from_sorted(vec![7]));
    let with_labels = |id| {
        let members = json!([{"id": 7, "name": "Ada"}, {"id": 8, "name": "Pat"}]);
        Row::Object(row(json!({"id": id, "members": members})))
    };
    assert!(reader.accept(with_labels(1)));
    assert_eq!(
        queued(&mut events),
        [SourceEvent::Mention(Mention {
            resource: ResourceId::new(user_type(), NativeId::from_number(8)),
            words: "Pat".to_owned(),
        })]
    );
    drop(events);
    assert!(!reader.accept(with_labels(2)));
}

/// A member without an id beside known ones may be normal; a role of which no member is known is not.
#[tokio::test]
async fn role_without_any_known_member_is_never_normal() {
    let (sender, mut events) = queue();
    let mut reader = RoleReader::new(Discard);
    for (id, members) in [
        (1, json!([{"id": 7}, {"name": "Pat"}])),
        (2, json!([{"name": "Pat"}])),
        (3, json!([])),
        (4, Value::Null),
    ] {
        assert!(reader.accept(Row::Object(row(json!({"id": id, "members": members})))));
    }
    reader.report(true, &sender).await.unwrap();
    let notes: Vec<String> = queued(&mut events)
        .into_iter()
        .filter_map(|event| match event {
            SourceEvent::Unstated(unstated) => Some(format!(
                "{}: {}, {:?}",
                unstated.examples.join(" "),
                unstated.field,
                unstated.without_baseline
            )),
            _ => None,
        })
        .collect();
    insta::assert_snapshot!(notes.join("\n"), @"
    Role 1 (role 1): ids of members of roles, Complete
    Role 2 (role 2): ids of members of roles, Incomplete
    Role 4 (role 4): members of roles, Complete
    ");
}
