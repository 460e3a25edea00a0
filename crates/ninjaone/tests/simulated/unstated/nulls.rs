//! A tenant that writes `null` for everything that is empty, and the unchanged fixture.

use std::path::PathBuf;

use access_core::model::SyncType;
use access_core::sync::ShrinkGuard;
use ninjaone_sim::Tenant;
use serde_json::Value;

use super::sync::{config, sync};
use crate::fixture;
use crate::tenant::TestTenant;

/// Replaces everything empty or false by `null`.
fn with_nulls(value: &Value) -> Value {
    match value {
        Value::Bool(false) => Value::Null,
        Value::String(text) if text.is_empty() => Value::Null,
        Value::Array(list) if list.is_empty() => Value::Null,
        Value::Array(list) => list.iter().map(with_nulls).collect(),
        Value::Object(object) => {
            let fields = object.iter().map(|(key, value)| {
                // Instructions to the simulated tenant.
                let value = if key.starts_with('$') {
                    value.clone()
                } else {
                    with_nulls(value)
                };
                (key.clone(), value)
            });
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("ninjaone-unstated-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn null_for_empty_stays_complete_over_days() {
    let folder = folder("null");
    for file in [
        "technicians.json",
        "end-users.json",
        "roles.json",
        "organizations.json",
        "devices.json",
    ] {
        let rows: Value = fixture::rows(file)
            .into_iter()
            .map(|row| with_nulls(&row))
            .collect();
        std::fs::write(folder.join(file), rows.to_string()).unwrap();
    }
    std::fs::write(folder.join("tenant.json"), r#"{"name": "nulls"}"#).unwrap();
    let tenant = Tenant::folder(&folder).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let mut before = None;
    for day in 1..=3 {
        let synced = sync(
            &TestTenant::new(&config(&tenant, Vec::new())),
            before,
            ShrinkGuard::default(),
        );
        let summary = synced.outcome.unwrap().summary;
        assert_eq!(
            summary.run.sync_type,
            SyncType::Full,
            "day {day}: {:?}",
            summary.completeness
        );
        assert!(!summary.unstated.is_empty(), "unstated fields are named");
        before = synced.ids;
    }
}

#[test]
fn fixture_sync_is_full_and_names_dropped_rows() {
    let test_tenant = TestTenant::healthy();
    let summary = sync(&test_tenant, None, ShrinkGuard::default())
        .outcome
        .unwrap()
        .summary;
    assert_eq!(
        summary.run.sync_type,
        SyncType::Full,
        "{:?}",
        summary.completeness
    );
    let labels: Vec<_> = summary
        .left_out
        .rows
        .iter()
        .filter_map(|row| row.words.as_deref())
        .collect();
    assert!(
        labels.contains(&"Pat Departed <left.the.company@example.net>"),
        "{labels:?}"
    );
    let notes: Vec<String> = summary
        .unstated
        .iter()
        .map(|note| {
            format!(
                "{} {}: {} ({})",
                note.resource_type,
                note.field,
                note.count,
                note.examples.join(", ")
            )
        })
        .collect();
    insta::assert_snapshot!(notes.join("\n"));
}
