use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use access_core::StatusCode;
use access_core::model::{ResourceTypeId, RowKind, SyncId, SyncRun, SyncType};
use access_core::ports::{ApiUsage, SyncObserver};
use access_core::provisioning::ChangeResult;
use access_core::sync::{Ledger, SyncOutcome, SyncSummary};
use time::OffsetDateTime;

use super::definitions::ALL;
use super::definitions::PREFIX;
use super::*;

fn outcome(users: u64) -> SyncOutcome {
    let mut ledger = Ledger::default();
    let user = ResourceTypeId::from_static("user");
    let role = ResourceTypeId::from_static("role");
    ledger.written(RowKind::ResourceType, &user, 1);
    ledger.written(RowKind::Resource, &user, users);
    ledger.written(RowKind::Resource, &role, 2);
    ledger.written(RowKind::Grant, &role, 5);
    let now = OffsetDateTime::UNIX_EPOCH;
    SyncOutcome {
        summary: SyncSummary::new(
            SyncRun {
                id: SyncId::from_parts(now, [0; 16]),
                sync_type: SyncType::Full,
                started_at: now,
                tenant: "https://eu.ninjarmm.com".to_owned(),
                provenance: access_core::model::Provenance::default(),
            },
            now,
            ledger,
            BTreeMap::default(),
        ),
        warnings: Vec::new(),
        baselines: BTreeMap::default(),
        receipts: Vec::new(),
    }
}

fn used() -> Metrics {
    let metrics = Metrics::new();
    let clone = metrics.clone();
    let usage = ApiUsage {
        calls: 9,
        retries: 2,
        throttled: 1,
        bytes: 4096,
        waited: Duration::from_millis(1500),
    };
    clone.sync_finished(&outcome(3), &usage, Duration::from_secs(7));
    clone.sync_finished(&outcome(4), &usage, Duration::from_secs(90));
    clone.sync_failed(StatusCode::PermissionDenied);
    clone.api_used(&usage);
    clone.task_finished("full_sync", Ok(()));
    clone.task_finished("full_sync", Ok(()));
    clone.task_finished("grant", Err(StatusCode::NotFound));
    clone.provisioning("grant", Ok(ChangeResult::Changed));
    clone.provisioning("grant", Ok(ChangeResult::AlreadyApplied));
    clone.provisioning("delete_account", Err(StatusCode::FailedPrecondition));
    clone.uploaded(1000);
    clone.uploaded(24);
    metrics
}

/// Families in the order of the output, with sorted samples and masked times.
fn shown(text: &str) -> String {
    let mut families: Vec<Vec<String>> = Vec::new();
    for line in text.lines() {
        if line.starts_with("# HELP") || line == "# EOF" {
            families.push(Vec::new());
        }
        let masked = match line.split_once("_timestamp_seconds ") {
            Some((name, _)) if !line.starts_with('#') => format!("{name}_timestamp_seconds [NOW]"),
            _ => line.to_owned(),
        };
        families.last_mut().unwrap().push(masked);
    }
    for family in &mut families {
        if let Some(numbers) = family.get_mut(2..) {
            numbers.sort();
        }
    }
    families.concat().join("\n")
}

#[test]
fn metrics_as_text() {
    insta::assert_snapshot!(shown(&used().encode()));
}

#[test]
fn metrics_before_the_first_sync() {
    let text = Metrics::new().encode();
    assert!(
        text.contains("baton_ninja_one_syncs_total{result=\"ok\"} 0\n"),
        "{text}"
    );
    assert!(!text.contains("last_sync"), "{text}");
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn definitions_match_the_output() {
    let text = used().encode();
    let said: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .collect();
    let described: Vec<String> = ALL
        .iter()
        .map(|described| format!("{PREFIX}_{} {}", described.name, described.kind.as_str()))
        .collect();
    assert_eq!(said, described.iter().map(String::as_str).collect());
    for described in ALL {
        let start = format!("{PREFIX}_{}", described.name);
        let numbers = text.lines().filter(|line| line.starts_with(&start));
        for label in described.labels {
            let label = format!("{label}=\"");
            assert!(
                numbers.clone().all(|line| line.contains(&label)),
                "{start}: {label}"
            );
        }
    }
}

fn value(metrics: &Metrics, name: &str) -> String {
    let text = metrics.encode();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{PREFIX}_{name} ")));
    line.unwrap().to_owned()
}

/// A watchdog sees that a sync is running, and the time of its last progress.
#[test]
fn running_sync_shows_its_progress() {
    let metrics = Metrics::new();
    let progress_at = || value(&metrics, "sync_last_progress_timestamp_seconds");
    let running = || value(&metrics, "running_syncs");
    assert_eq!((running().as_str(), progress_at().as_str()), ("0", "0.0"));
    let progress = metrics.sync_started();
    assert_eq!(running(), "1");
    let usage = |bytes| ApiUsage {
        bytes,
        ..ApiUsage::default()
    };
    let activity = access_core::ports::Activity::default();
    progress.progress(&usage(10), &activity);
    let first = progress_at();
    let now = OffsetDateTime::now_utc().unix_timestamp().to_string();
    assert_eq!(
        first.get(..8),
        now.get(..8),
        "seconds since 1970, within 100 seconds"
    );
    std::thread::sleep(Duration::from_millis(20));
    // Unchanged counts: a stalled sync must not look alive.
    progress.progress(&usage(10), &activity);
    assert_eq!(progress_at(), first);
    progress.rows(RowKind::Grant, &ResourceTypeId::from_static("role"), 3);
    progress.progress(&usage(10), &activity);
    let second = progress_at();
    assert!(second > first);
    std::thread::sleep(Duration::from_millis(20));
    progress.phase(access_core::ports::Phase::Preparing);
    assert!(progress_at() > second);
    drop(progress);
    assert_eq!(running(), "0");
}
