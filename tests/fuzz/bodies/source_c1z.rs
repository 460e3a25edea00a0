//! Rows of a c1z as the fuzzer makes them up, in a file that is whole (docs/development/testing.md). It uses what the crate shows to all:
//! the fuzz target includes this file, and so does the test that replays the corpus.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "the fuzzer learns of what is wrong by a panic"
)]

#[path = "pipeline.rs"]
mod pipeline;

use std::path::Path;
use std::sync::OnceLock;

use access_core::sync::SyncError;
use baton_proto::connector_v2 as v2;
use baton_proto::prost::Message;
use c1z::Limits;
use rusqlite::{Connection, params};
use source_c1z::{C1zSource, C1zSourceConfig, UnknownTenant};
use tokio::runtime::{Builder, Runtime};

use pipeline::run_pipeline;

const SYNC: &str = "2vU7QmBvvjK3kdYyV0000000001";
const LIMITS: Limits = Limits {
    decoded_bytes: 16 << 20,
    window_bytes: 8 << 20,
};
const TYPES: [&str; 4] = ["user", "group", "role", ""];
const TABLES: &str = "
    create table v1_resource_types (id integer primary key, external_id text, data blob, sync_id text,
        discovered_at datetime);
    create table v1_resources (id integer primary key, resource_type_id text, external_id text,
        parent_resource_type_id text, parent_resource_id text, data blob, sync_id text, discovered_at datetime);
    create table v1_entitlements (id integer primary key, resource_type_id text, resource_id text, external_id text,
        data blob, sync_id text, discovered_at datetime);
    create table v1_grants (id integer primary key, resource_type_id text, resource_id text, entitlement_id text,
        principal_resource_type_id text, principal_resource_id text, external_id text, data blob, expansion blob,
        needs_expansion integer not null default 0, sync_id text, discovered_at datetime);
    create table v1_sync_runs (id integer primary key, sync_id text, started_at datetime, ended_at datetime,
        sync_token text, sync_type text not null default 'full', grants_backfilled integer not null default 1);";
const INDEX: &str = "create index idx_grants_entitlement_id_principal_id_v1 on v1_grants
    (entitlement_id, principal_resource_type_id, principal_resource_id);";

/// A program that makes rows: the first byte says what the tables are like, and then each instruction makes one row.
///
/// # Panics
/// If reading the file breaks a promise.
pub fn rows(input: &[u8]) {
    let mut input = Bytes(input);
    let like = input.byte();
    let connection = Connection::open_in_memory().expect("memory");
    connection.execute_batch(TABLES).expect("valid statements");
    if like & 1 == 0 {
        connection.execute_batch(INDEX).expect("a valid statement");
    }
    let run =
        "insert into v1_sync_runs (sync_id, started_at, ended_at, grants_backfilled) values (?, ?, ?, ?)";
    let times = ("2026-11-24 12:00:00", "2026-11-24 12:00:07");
    connection
        .execute(run, params![SYNC, times.0, times.1, like >> 1 & 1])
        .expect("a valid row");
    let mut count = 0;
    while !input.0.is_empty() && count < 200 {
        make(&connection, &mut input);
        count += 1;
    }
    let folder = tempfile::tempdir_in(fast_folder()).expect("a folder");
    let path = seal(&connection, folder.path());
    let opened = C1zSource::open(C1zSourceConfig {
        path,
        temp_folder: folder.path().to_owned(),
        limits: LIMITS,
        sync: None,
        tenant: Some("https://tenant.example".to_owned()),
        unknown_tenant: UnknownTenant::Refuse,
    });
    let Ok(source) = opened else { return };
    match runtime().block_on(run_pipeline(&source)) {
        Ok(()) | Err(SyncError::Source(_)) => {}
        // Whatever the file says, our own promises hold.
        Err(error) => panic!("{error} {error:?}"),
    }
}

fn make(connection: &Connection, input: &mut Bytes<'_>) {
    let (what, raw) = (input.byte(), input.byte());
    // Raw rows hold arbitrary bytes; the others are well-formed, so that they refer to each other.
    let raw = (raw % 4 == 0).then(|| input.text().to_vec());
    match what % 8 {
        0 => resource_type(connection, input, raw),
        1 | 2 => resource(connection, input, raw),
        3 | 4 => entitlement(connection, input, raw),
        _ => grant(connection, input, raw),
    }
}

fn resource_type(connection: &Connection, input: &mut Bytes<'_>, raw: Option<Vec<u8>>) {
    let id = input.resource_type();
    let message = v2::ResourceType {
        id: id.clone(),
        traits: vec![i32::from(input.byte() % 8)],
        ..v2::ResourceType::default()
    };
    let sql = "insert into v1_resource_types (external_id, data, sync_id) values (?, ?, ?)";
    let data = raw.unwrap_or_else(|| message.encode_to_vec());
    connection
        .execute(sql, params![id, data, SYNC])
        .expect("a valid row");
}

fn resource(connection: &Connection, input: &mut Bytes<'_>, raw: Option<Vec<u8>>) {
    let id = input.resource_id();
    let message = v2::Resource {
        id: Some(id.clone()),
        parent_resource_id: (input.byte() & 1 == 0).then(|| input.resource_id()),
        ..v2::Resource::default()
    };
    let sql = "insert into v1_resources (resource_type_id, external_id, data, sync_id) values (?, ?, ?, ?)";
    let data = raw.unwrap_or_else(|| message.encode_to_vec());
    connection
        .execute(sql, params![id.resource_type, id.resource, data, SYNC])
        .expect("a valid row");
}

fn entitlement(connection: &Connection, input: &mut Bytes<'_>, raw: Option<Vec<u8>>) {
    let id = input.resource_id();
    let message = v2::Entitlement {
        id: entitlement_id(&id),
        resource: Some(v2::Resource {
            id: Some(id.clone()),
            ..v2::Resource::default()
        }),
        slug: "member".to_owned(),
        ..v2::Entitlement::default()
    };
    let sql = "insert into v1_entitlements (resource_type_id, resource_id, external_id, data, sync_id) \
               values (?, ?, ?, ?, ?)";
    let data = raw.unwrap_or_else(|| message.encode_to_vec());
    connection
        .execute(
            sql,
            params![id.resource_type, id.resource, message.id, data, SYNC],
        )
        .expect("a valid row");
}

fn grant(connection: &Connection, input: &mut Bytes<'_>, raw: Option<Vec<u8>>) {
    let (on, to) = (input.resource_id(), input.resource_id());
    let like = input.byte();
    let entitlement = if like & 1 == 0 {
        entitlement_id(&on)
    } else {
        String::from_utf8_lossy(input.text()).into_owned()
    };
    let expansion = (like & 2 == 0).then(|| {
        let ids = (0..input.byte() % 4)
            .map(|_| entitlement_id(&input.resource_id()))
            .collect();
        v2::GrantExpandable {
            entitlement_ids: ids,
            shallow: like & 4 == 0,
            resource_type_ids: (0..input.byte() % 3).map(|_| input.resource_type()).collect(),
        }
    });
    let mut message = v2::Grant {
        id: format!("{entitlement}:{}:{}", to.resource_type, to.resource),
        ..v2::Grant::default()
    };
    if like & 8 == 0 {
        let source = |id| {
            (
                entitlement_id(&id),
                v2::grant_sources::GrantSource {
                    is_direct: like & 16 == 0,
                },
            )
        };
        message.sources = Some(v2::GrantSources {
            sources: (0..input.byte() % 3)
                .map(|_| source(input.resource_id()))
                .collect(),
        });
    }
    let mut column = expansion.as_ref().map(Message::encode_to_vec);
    match like >> 5 & 3 {
        0 => message
            .annotations
            .extend(expansion.as_ref().map(baton_proto::pack)),
        1 => column = Some(input.text().to_vec()),
        _ => {}
    }
    let sql = "insert into v1_grants (resource_type_id, resource_id, entitlement_id, principal_resource_type_id, \
               principal_resource_id, external_id, data, expansion, needs_expansion, sync_id) \
               values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let data = raw.unwrap_or_else(|| message.encode_to_vec());
    let row = params![
        on.resource_type,
        on.resource,
        entitlement,
        to.resource_type,
        to.resource,
        message.id,
        data,
        column,
        column.is_some(),
        SYNC
    ];
    connection.execute(sql, row).expect("a valid row");
}

fn entitlement_id(on: &v2::ResourceId) -> String {
    format!("{}:{}:member", on.resource_type, on.resource)
}

/// The rest of the input; zeros after its end.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// A length byte and that number of bytes.
    fn text(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte()).min(self.0.len());
        let (text, rest) = self.0.split_at(len);
        self.0 = rest;
        text
    }

    /// Most often one of a few, so that rows refer to each other.
    fn resource_type(&mut self) -> String {
        match self.byte() {
            255 => String::from_utf8_lossy(self.text()).into_owned(),
            few => TYPES[usize::from(few % 4)].to_owned(),
        }
    }

    fn resource_id(&mut self) -> v2::ResourceId {
        let resource_type = self.resource_type();
        let resource = match self.byte() {
            255 => String::from_utf8_lossy(self.text()).into_owned(),
            few => (few % 8).to_string(),
        };
        v2::ResourceId {
            resource_type,
            resource,
            baton_resource: false,
        }
    }
}

fn seal(connection: &Connection, folder: &Path) -> std::path::PathBuf {
    let database = folder.join("database");
    let name = database.to_str().expect("a plain name");
    connection
        .execute("vacuum into ?", [name])
        .expect("room for a file");
    let bytes = std::fs::read(database).expect("the file is there");
    let frame = zstd::bulk::compress(&bytes, 1).expect("memory is there");
    let path = folder.join("sync.c1z");
    std::fs::write(&path, [b"C1ZF\0", frame.as_slice()].concat()).expect("room for a file");
    path
}

/// Memory where there is some for files.
fn fast_folder() -> std::path::PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Builder::new_current_thread().build().expect("a runtime"))
}
