//! The file itself: every row of the fixture tenant.

use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use baton_proto::connector_v2 as v2;
use baton_proto::prost::Message;
use baton_proto::prost_types::{Any, Struct, value::Kind};
use c1z::{C1zError, Limits, Reader};
use insta::assert_snapshot;
use ninjaone_sim::{SimConfig, Tenant};

use crate::harness::TestContext;

/// A row as its table, its bytes, and its content for people.
pub(crate) struct Row {
    pub(crate) bytes: Vec<u8>,
    pub(crate) shown: String,
}

pub(crate) fn read_rows(path: &Path) -> Vec<Row> {
    let temp = tempfile::tempdir().unwrap();
    let reader = Reader::open(path, temp.path(), Limits::default(), &AtomicBool::new(false)).unwrap();
    let sync = reader.latest_finished().unwrap();
    let mut rows = Vec::new();

    reader
        .resource_types::<C1zError>(&sync.sync_id, |row: v2::ResourceType| {
            rows.push(Row {
                bytes: row.encode_to_vec(),
                shown: resource_type(&row),
            });
            Ok(())
        })
        .unwrap();
    reader
        .resources::<C1zError>(&sync.sync_id, |row: v2::Resource| {
            rows.push(Row {
                bytes: row.encode_to_vec(),
                shown: resource(&row),
            });
            Ok(())
        })
        .unwrap();
    reader
        .entitlements::<C1zError>(&sync.sync_id, |row: v2::Entitlement| {
            rows.push(Row {
                bytes: row.encode_to_vec(),
                shown: entitlement(&row),
            });
            Ok(())
        })
        .unwrap();
    reader
        .grants::<C1zError>(&sync.sync_id, |row: v2::Grant| {
            rows.push(Row {
                bytes: row.encode_to_vec(),
                shown: grant(&row),
            });
            Ok(())
        })
        .unwrap();
    rows
}

/// All rows of the context's `sync.c1z`, in order, without the tenant's address.
pub(crate) fn rows_of(context: &TestContext) -> String {
    let rows = read_rows(&context.path("sync.c1z"));
    let mut shown: Vec<&str> = rows.iter().map(|row| row.shown.as_str()).collect();
    shown.sort_unstable();
    shown
        .join("\n")
        .replace(context.base_url.as_deref().unwrap(), "[TENANT]")
}

/// Rows of the context's file in short, for other programs' reading of it.
pub(crate) fn reference_lines(context: &TestContext) -> Vec<String> {
    let temp = tempfile::tempdir().unwrap();
    let path = context.path("sync.c1z");
    let reader = Reader::open(&path, temp.path(), Limits::default(), &AtomicBool::new(false)).unwrap();
    let sync = reader.latest_finished().unwrap().sync_id;
    let mut lines = Vec::new();
    let text = |id: Option<&v2::ResourceId>| id.map(|id| id.resource.clone()).unwrap_or_default();
    reader
        .resources::<C1zError>(&sync, |row: v2::Resource| {
            lines.push(format!("resource {} {:?}", id(row.id.as_ref()), row.display_name));
            Ok(())
        })
        .unwrap();
    reader
        .entitlements::<C1zError>(&sync, |row: v2::Entitlement| {
            let on = text(row.resource.as_ref().and_then(|resource| resource.id.as_ref()));
            lines.push(format!("entitlement {} on {on}", row.id));
            Ok(())
        })
        .unwrap();
    reader
        .grants::<C1zError>(&sync, |row: v2::Grant| {
            let entitlement = row.entitlement.as_ref().map(|entitlement| entitlement.id.clone());
            let to = text(row.principal.as_ref().and_then(|principal| principal.id.as_ref()));
            lines.push(format!(
                "grant {} of {} to {to}",
                row.id,
                entitlement.unwrap_or_default()
            ));
            Ok(())
        })
        .unwrap();
    lines
}

/// Compares rows, showing only the first that differs.
pub(crate) fn assert_same_rows(a: &str, b: &str, what: &str) {
    for (a, b) in a.lines().zip(b.lines()) {
        assert_eq!(a, b, "{what}");
    }
    assert_eq!(a.lines().count(), b.lines().count(), "{what}");
}

fn resource_type(row: &v2::ResourceType) -> String {
    format!(
        "resource type {} {:?} {:?}{}",
        row.id,
        row.display_name,
        row.traits,
        annotations(&row.annotations)
    )
}

fn id(id: Option<&v2::ResourceId>) -> String {
    id.map_or_else(String::new, |id| format!("{}/{}", id.resource_type, id.resource))
}

fn resource(row: &v2::Resource) -> String {
    let mut text = format!("resource {} {:?}", id(row.id.as_ref()), row.display_name);
    if !row.description.is_empty() {
        let _ = write!(text, " {:?}", row.description);
    }
    if let Some(status) = &row.status {
        let _ = write!(text, " status={}({})", status.status, status.details);
    }
    if let Some(profile) = &row.profile {
        let _ = write!(text, " profile={}", fields(profile));
    }
    text + &annotations(&row.annotations)
}

fn fields(profile: &Struct) -> String {
    let fields: Vec<String> = profile
        .fields
        .iter()
        .map(|(key, value)| match &value.kind {
            Some(Kind::StringValue(text)) => format!("{key}: {text:?}"),
            Some(Kind::BoolValue(flag)) => format!("{key}: {flag}"),
            Some(Kind::NumberValue(number)) => format!("{key}: {number}"),
            other => format!("{key}: {other:?}"),
        })
        .collect();
    format!("{{{}}}", fields.join(", "))
}

fn entitlement(row: &v2::Entitlement) -> String {
    let grantable: Vec<&str> = row.grantable_to.iter().map(|row| row.id.as_str()).collect();
    format!(
        "entitlement {} on {} {:?} {:?} slug={} purpose={} grantable to {}{}",
        row.id,
        id(row.resource.as_ref().and_then(|resource| resource.id.as_ref())),
        row.display_name,
        row.description,
        row.slug,
        row.purpose,
        grantable.join(","),
        annotations(&row.annotations)
    )
}

fn grant(row: &v2::Grant) -> String {
    let entitlement = row
        .entitlement
        .as_ref()
        .map(|entitlement| entitlement.id.as_str());
    let principal = row.principal.as_ref().and_then(|principal| principal.id.as_ref());
    format!(
        "grant {} of {} to {}{}",
        row.id,
        entitlement.unwrap_or_default(),
        id(principal),
        annotations(&row.annotations)
    )
}

fn annotations(list: &[Any]) -> String {
    let shown: Vec<String> = list.iter().map(|any| format!(" [{}]", annotation(any))).collect();
    shown.concat()
}

fn annotation(any: &Any) -> String {
    let name = any.type_url.rsplit('.').next().unwrap_or_default();
    match name {
        "UserTrait" => format!("{:?}", v2::UserTrait::decode(any.value.as_slice()).unwrap()),
        "RawId" => format!("RawId {}", v2::RawId::decode(any.value.as_slice()).unwrap().id),
        _ => format!("{name} {} bytes", any.value.len()),
    }
}

#[test]
fn every_row_of_the_fixture_tenant() {
    let context = TestContext::msp();
    let ran = context.run(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    context.assert_only_files(&["sync.c1z"]);
    assert_snapshot!(rows_of(&context));
}

#[test]
fn every_row_with_devices() {
    let context = TestContext::msp();
    assert_eq!(context.run(&["--ninja-one-include-devices"]).code, Some(0));
    let rows = rows_of(&context);
    let devices: Vec<&str> = rows.lines().filter(|line| line.contains("device")).collect();
    assert_snapshot!(devices.join("\n"));
}

#[test]
fn two_runs_write_the_same_bytes_for_every_row() {
    let context = TestContext::msp();
    for file in ["a.c1z", "b.c1z"] {
        assert_eq!(context.run(&["--file", file]).code, Some(0));
    }
    let [a, b] = ["a.c1z", "b.c1z"].map(|file| read_rows(&context.path(file)));
    assert!(a.len() > 150);
    assert!(a.iter().map(|row| &row.bytes).eq(b.iter().map(|row| &row.bytes)));
}

#[test]
fn an_older_instance() {
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap().with_version("11.0.70"));
    config.behavior.transport.old_instance = true;
    let context = TestContext::with(&config);
    let ran = context.run(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(ran.stdout.matches("older NinjaOne instance").count(), 1);
    let rows = rows_of(&context);
    let roles: Vec<&str> = rows.lines().filter(|line| line.contains("role")).collect();
    assert_snapshot!(roles.join("\n"));
}

#[test]
fn the_file_keeps_two_full_syncs_by_default() {
    let syncs = |context: &TestContext| {
        let temp = tempfile::tempdir().unwrap();
        let path = context.path("sync.c1z");
        let reader = Reader::open(&path, temp.path(), Limits::default(), &AtomicBool::new(false)).unwrap();
        reader.syncs().unwrap().len()
    };
    let context = TestContext::msp();
    for expected in [1, 2, 2] {
        assert_eq!(context.run(&[]).code, Some(0));
        assert_eq!(syncs(&context), expected);
    }
    let mut command = context.command(&[]);
    assert_eq!(
        context.finish(command.env("BATON_KEEP_SYNC_COUNT", "3")).code,
        Some(0)
    );
    assert_eq!(syncs(&context), 3);
    let mut command = context.command(&[]);
    assert_eq!(
        context.finish(command.env("BATON_SKIP_CLEANUP", "true")).code,
        Some(0)
    );
    assert_eq!(syncs(&context), 4);
}

#[test]
fn the_summary_for_people_and_for_programs() {
    let context = TestContext::msp();
    let ran = context.run(&[]);
    let text: Vec<&str> = ran
        .stdout
        .lines()
        .skip(1)
        .filter(|line| !line.starts_with("  sync ") && !line.starts_with("  file "))
        .collect();
    assert_snapshot!("summary_text", text.join("\n"));

    let ran = context.run(&["--output", "json"]);
    let mut summary: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    for varying in ["id", "started_at", "ended_at"] {
        summary["sync"][varying] = "[VARIES]".into();
    }
    summary["duration_seconds"] = "[VARIES]".into();
    for phase in ["reading", "comparing", "preparing", "publishing"] {
        summary["phase_seconds"][phase] = "[VARIES]".into();
    }
    summary["source"]["tenant"] = "[TENANT]".into();
    summary["sync"]["tenant"] = "[TENANT]".into();
    summary["sinks"][0]["bytes"] = "[VARIES]".into();
    summary["sync"]["guard"]["compared"][0]["sync_id"] = "[VARIES]".into();
    assert_snapshot!("summary_json", serde_json::to_string_pretty(&summary).unwrap());
}
