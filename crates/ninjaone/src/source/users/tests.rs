use access_core::model::SyncScope;
use serde_json::{Value, json};

use super::*;
use crate::source::SourceOptions;
use crate::source::tests::{client, queue, queued_batches, row};

/// An emitter of all users whose lists have no rows, with this name of organization 2.
fn emitter(instance: Instance, organization: &str, sender: &EventSender) -> UserEmitter {
    let reader = UserReader {
        client: &client("http://127.0.0.1:9"),
        with_devices: true,
        selection: &Selection::new(SourceOptions { devices: true }, &SyncScope::default()),
        names: Arc::new([(2, organization.into())].into()),
        sender,
    };
    UserEmitter::new(&reader, JoinTable::default(), instance)
}

fn accept(emitter: &mut UserEmitter, json: Value) -> bool {
    emitter.accept(Row::Object(row(json)))
}

#[test]
fn users_are_sent_when_their_batch_is_full() {
    let (sender, mut events) = queue();
    let mut emitter = emitter(Instance::Current, "Alder", &sender);
    for id in 1..BATCH_ROWS {
        assert!(accept(&mut emitter, json!({"id": id})));
    }
    assert_eq!(queued_batches(&mut events), []);
    assert!(accept(&mut emitter, json!({"id": BATCH_ROWS})));
    assert_eq!(queued_batches(&mut events), [("resources", BATCH_ROWS as u64)]);
    assert!(emitter.finish().is_some());
    assert_eq!(queued_batches(&mut events), []);
}

/// The name of the organization is copied into each profile, so it counts for each user.
#[test]
fn users_with_long_texts_are_sent_early() {
    let user = json!({"id": 7, "userType": "END_USER", "organizationId": 2, "firstName": "Ada"});
    let organization = "n".repeat(1_000);
    let size = row::<UserRow>(user.clone()).bytes() + organization.len();
    for (room, is_sent) in [(size + 1, false), (size, true)] {
        let (sender, mut events) = queue();
        let mut emitter = emitter(Instance::Current, &organization, &sender);
        emitter.batch_bytes = BATCH_BYTES - room;
        assert!(accept(&mut emitter, user.clone()));
        let sent = queued_batches(&mut events);
        assert_eq!(sent == [("resources", 1)], is_sent, "{sent:?}");
        assert_eq!(emitter.batch_bytes == 0, is_sent);
    }
}

#[test]
fn reading_users_stops_without_a_receiver() {
    let (sender, events) = queue();
    drop(events);
    let mut emitter = emitter(Instance::Current, "Alder", &sender);
    emitter.batch_bytes = BATCH_BYTES;
    assert!(!accept(&mut emitter, json!({"id": 7})));
    assert!(emitter.stopped);
    emitter.batch_bytes = 0;
    accept(&mut emitter, json!({"id": 8}));
    assert!(emitter.finish().is_none());
}

/// Otherwise a small response with many users or much access could fill memory.
#[test]
fn memory_of_users_includes_their_access() {
    let kept = |instance, users: &[Value]| {
        let (sender, _events) = queue();
        let mut emitter = emitter(instance, "Alder", &sender);
        for user in users {
            assert!(accept(&mut emitter, user.clone()));
        }
        emitter.kept_bytes()
    };
    let bare = |id: u64| json!({"id": id});
    let one = kept(Instance::Current, &[bare(1)]);
    assert_eq!(one, USER_BYTES + UNLISTED_BYTES);
    assert_eq!(kept(Instance::Current, &[bare(1), bare(2)]), 2 * one);
    assert_eq!(kept(Instance::Current, &[bare(1), bare(1)]), one);
    let devices = json!({"id": 1, "assignedDeviceIds": [501, 502, 503]});
    assert_eq!(kept(Instance::Current, &[devices]) - one, 3 * GRANT_BYTES);
    let roles = json!({"id": 1, "userType": "TECHNICIAN", "roles": ["Service Desk", "Backup"]});
    assert_eq!(kept(Instance::Current, std::slice::from_ref(&roles)), one);
    let names = RoleName::from_row(&row(roles.clone()));
    let bytes: usize = names.iter().map(RoleName::bytes).sum();
    assert_eq!(kept(Instance::Older, &[roles]) - one, bytes as u64);
}

/// Rows of end users never say who administers the tenant.
#[test]
fn administrators_are_stated_by_rows_of_others_than_end_users() {
    for (user_type, flag, expected) in [
        ("END_USER", json!(false), false),
        ("TECHNICIAN", json!(false), true),
        ("TECHNICIAN", json!(true), true),
        ("TECHNICIAN", Value::Null, false),
    ] {
        let (sender, _events) = queue();
        let mut emitter = emitter(Instance::Current, "Alder", &sender);
        let user = json!({"id": 7, "userType": user_type, "administrator": flag});
        assert!(accept(&mut emitter, user));
        let finished = emitter.finish().unwrap();
        assert_eq!(
            finished.access_index.administrator_is_stated, expected,
            "{user_type} {flag}"
        );
    }
}

/// On an older instance type and name identify a role, so both must be stated.
#[test]
fn role_without_type_or_name_is_unstated() {
    let (sender, _events) = queue();
    let mut emitter = emitter(Instance::Older, "Alder", &sender);
    for user in [
        json!({"id": 1, "userType": "TECHNICIAN", "roles": ["Desk"]}),
        json!({"id": 2, "userType": "TECHNICIAN", "roles": []}),
        json!({"id": 3, "userType": "TECHNICIAN"}),
        json!({"id": 4, "roles": ["Desk"]}),
        json!({"id": 5}),
    ] {
        assert!(accept(&mut emitter, user));
    }
    let index = emitter.finish().unwrap().access_index;
    assert_eq!(index.unstated_roles, [3, 4, 5]);
    let roles: Vec<String> = index
        .role_names
        .iter()
        .map(|(role, holders)| format!("{} {}: {holders:?}", role.kind, role.name))
        .collect();
    assert_eq!(roles, ["TECHNICIAN Desk: [1]", "UNKNOWN Desk: [4]"]);
}

/// Readers of the profile must see that names are missing.
#[test]
fn names_of_organizations_are_clipped_with_a_mark() {
    assert_eq!(joined(&[]), None);
    assert_eq!(joined(&["Alder", "Birch"]).as_deref(), Some("Alder, Birch"));
    let first = "a".repeat(MAX_LABEL_BYTES - ", Birch".len());
    let fitting = format!("{first}, Birch");
    assert_eq!(joined(&[&first, "Birch"]), Some(fitting.clone()));
    let clipped = joined(&[&first, "Birch", "Cedar"]).unwrap();
    assert!(clipped.len() <= MAX_LABEL_BYTES && clipped.ends_with('…'));
    assert!(fitting.starts_with(clipped.trim_end_matches('…')));
}
