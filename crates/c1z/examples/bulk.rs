//! Writes a synthetic file of 100k users, 200 roles and a number of grants, and prints what each step cost:
//! `cargo run --release -p c1z --example bulk -- 1000000 1 /tmp/bulk.c1z pebble`; the arguments are the number of grants, a zstd level or `-`, the file, and the storage engine.
#![expect(clippy::print_stdout, reason = "an example reports to its user")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use baton_proto::connector_v2::{Entitlement, Resource, ResourceId, ResourceType};
use c1z::{
    Compression, ExistingFilePolicy, GrantTemplate, Limits, Retention, StorageEngine, SyncHeader, Target,
    Writer, WriterOptions,
};
use time::OffsetDateTime;

const USERS: u64 = 100_000;
const ROLES: u64 = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let grants: u64 = arguments.get(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let level: Option<i32> = arguments.get(2).and_then(|text| text.parse().ok());
    let path = arguments.get(3).map_or("bulk.c1z", String::as_str);

    let engine = match arguments.get(4).map(String::as_str) {
        Some("pebble") => Some(StorageEngine::Pebble),
        _ => None,
    };

    let begin = Instant::now();
    let options = WriterOptions {
        temp_folder: std::env::temp_dir(),
        engine,
        retention: Retention::default(),
        compression: Compression { level, threads: 2 },
        limits: Limits::default(),
        stop: Arc::new(AtomicBool::new(false)),
    };
    let started_at = OffsetDateTime::now_utc();
    let header = SyncHeader {
        sync_id: "2vU7QmBvvjK3kdYyV0000000001".into(),
        sync_type: "full",
        started_at,
    };
    let target = Target::open(Path::new(path), ExistingFilePolicy::Replace)?;
    let mut writer = Writer::begin(target, header, options)?;
    for name in ["user", "role"] {
        writer.put_resource_type(&ResourceType {
            id: name.into(),
            ..ResourceType::default()
        })?;
    }
    for user in 0..USERS {
        writer.put_resource(resource("user", user))?;
    }
    let users = grants / ROLES;
    for role in 0..ROLES {
        let resource = resource("role", role);
        writer.put_resource(resource.clone())?;
        let entitlement = Entitlement {
            id: format!("role:{role}:assigned"),
            resource: Some(resource),
            ..Entitlement::default()
        };
        writer.put_entitlement(&entitlement)?;
        let holders: Vec<String> = (0..users)
            .map(|n| ((role * 7919 + n * 99_991) % USERS).to_string())
            .collect();
        let template = GrantTemplate::new(&entitlement, "user", &[]);
        writer.put_grants(&template, holders.iter().map(String::as_str))?;
    }
    let written = begin.elapsed();
    let published = writer.prepare(OffsetDateTime::now_utc())?.publish()?;
    println!(
        "rows {:.2?}, whole {:.2?}, {} bytes, {} rows",
        written,
        begin.elapsed(),
        published.bytes,
        published.rows
    );
    Ok(())
}

fn resource(resource_type: &str, number: u64) -> Resource {
    let id = ResourceId {
        resource_type: resource_type.into(),
        resource: number.to_string(),
        baton_resource: false,
    };
    Resource {
        id: Some(id),
        display_name: format!("Some {resource_type} named {number}"),
        ..Resource::default()
    }
}
