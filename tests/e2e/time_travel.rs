//! Queries about the past: `inspect --at`, `inspect history`, `diff --from --to`, and people who have left.
#![expect(clippy::format_collect, clippy::single_match_else, reason = "tests are plain")]

use std::fs;

use insta::assert_snapshot;
use ninjaone_sim::{SimConfig, Tenant};
use serde_json::{Value, json};

use crate::harness::{RunOutput, TestContext, edit_v1, workspace};

/// When the syncs of the four days ended.
const ENDED: [&str; 4] = [
    "2026-03-01 03:17:12.348690064",
    "2026-03-02 03:17:12",
    "2026-03-03 03:17:12.5",
    "2026-03-04 03:17:12",
];
/// Who comes and goes: Sofia Marchetti.
const SOFIA: u64 = 16;

/// The tenant on a day: on the second Sofia holds another role and has another phone number, on the third she is not there, on
/// the fourth she is as on the first.
fn tenant(day: usize) -> SimConfig {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(workspace().join("fixtures/msp")).unwrap() {
        let path = entry.unwrap().path();
        let mut content: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if let Some(rows) = content.as_array_mut() {
            match (name.as_str(), day) {
                ("technicians.json", 1) => {
                    let sofia = rows.iter_mut().find(|row| row["id"] == SOFIA).unwrap();
                    sofia["phone"] = json!("+39 06 555 0199");
                }
                ("technicians.json", 2) => rows.retain(|row| row["id"] != SOFIA),
                ("roles.json", 1) => {
                    let role = rows.iter_mut().find(|row| row["id"] == 3).unwrap();
                    let members = role["members"].as_array_mut().unwrap();
                    members.push(json!({ "id": SOFIA, "source": "MANUAL" }));
                }
                ("roles.json", 2) => {
                    for role in rows {
                        if let Some(members) = role["members"].as_array_mut() {
                            members.retain(|member| member["id"] != SOFIA);
                        }
                    }
                }
                _ => {}
            }
        }
        fs::write(folder.path().join(&name), content.to_string()).unwrap();
    }
    SimConfig::new(Tenant::folder(folder.path()).unwrap())
}

/// A folder with the four syncs in `sync.c1z` and in the dataset `lake`, and their ids.
fn four_days() -> (TestContext, Vec<String>) {
    let copies = TestContext::bare();
    let file = copies.path("sync.c1z");
    let mut context = TestContext::with(&tenant(0));
    for day in 0..ENDED.len() {
        if day > 0 {
            context = context.on_another_day(&tenant(day));
        }
        let mut command = context.command(&["--file", file.to_str().unwrap(), "--accept-drop", "all"]);
        command.env("BATON_KEEP_SYNC_COUNT", "10");
        let ran = context.finish(&mut command);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    }
    edit_v1(&file, |connection| {
        for (day, ended) in ENDED.iter().enumerate() {
            let started = ended.replace(":17:", ":16:");
            let sql = "update v1_sync_runs set started_at = ?, ended_at = ? where id = (select id from v1_sync_runs order by id limit 1 offset ?)";
            let changed = connection
                .execute(
                    sql,
                    rusqlite::params![started, ended, i64::try_from(day).unwrap()],
                )
                .unwrap();
            assert_eq!(changed, 1);
        }
    });
    let syncs = copies.run(&["inspect", "syncs", "--output", "json"]);
    let ids: Vec<String> = syncs
        .stdout
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["sync_id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(ids.len(), ENDED.len(), "{}{}", syncs.stdout, syncs.stderr);
    for id in &ids {
        let ran = copies.run(&[
            "export",
            "--from",
            "sync.c1z",
            "--sync",
            id,
            "--sink",
            "parquet=lake",
            "--accept-drop",
            "all",
        ]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    }
    (copies, ids)
}

fn normalized_output(ran: &RunOutput, ids: &[String]) -> String {
    let mut text = format!("exit {}\n{}{}", ran.code.unwrap_or(-1), ran.stdout, ran.stderr);
    for (day, id) in ids.iter().enumerate() {
        text = text.replace(id.as_str(), &format!("[SYNC {}]", day + 1));
    }
    text
}

#[test]
fn the_past_can_be_inspected() {
    let (context, ids) = four_days();
    // Which of the syncs is the latest at a time.
    for (at, day) in [
        ("2026-03-01", Some(0)),
        ("2026-03-02", Some(1)),
        ("2026-03-03", Some(2)),
        ("2026-03-04", Some(3)),
        ("2099-01-01", Some(3)),
        ("2026-02-28", None),
        // Exactly when it ended, as shown and as it is.
        ("2026-03-01T03:17:12", Some(0)),
        ("2026-03-01 03:17:12 UTC", Some(0)),
        ("2026-03-01T03:17:12.348690064Z", Some(0)),
        ("2026-03-01T03:17:12.348690063Z", None),
        ("2026-03-01T03:17:11", None),
        ("2026-03-02T03:17:12", Some(1)),
        ("2026-03-02T03:17", Some(0)),
        ("2026-03-02T03:18", Some(1)),
        ("2026-03-02T05:17:12+02:00", Some(1)),
        ("2026-03-02T05:17:11+02:00", Some(0)),
        ("2026-03-01T22:17:12-05:00", Some(1)),
    ] {
        for location in ["sync.c1z", "lake"] {
            let ran = context.run(&["inspect", location, "--at", at, "--output", "json"]);
            match day {
                Some(day) => {
                    assert_eq!(ran.code, Some(0), "{location} {at}: {}", ran.stderr);
                    let stats: Value = serde_json::from_str(&ran.stdout).unwrap();
                    assert_eq!(stats["sync"]["sync_id"], *ids[day], "{location} {at}");
                }
                None => {
                    assert_eq!((ran.code, ran.stdout.as_str()), (Some(5), ""), "{location} {at}");
                    let first = "the first one ended at 2026-03-01 03:17:12 UTC";
                    assert!(ran.stderr.contains(first), "{location} {at}: {}", ran.stderr);
                }
            }
        }
    }
    for (name, arguments) in [
        (
            "access",
            &["access", "sofia.marchetti@example.com", "--at", "2026-03-02"][..],
        ),
        (
            "gone",
            &["access", "sofia.marchetti@example.com", "--at", "2026-03-03"],
        ),
        (
            "not_yet",
            &["access", "nobody.at.all@example.com", "--at", "2026-03-03"],
        ),
        ("homonyms", &["access", "Daniel Kowalski", "--at", "2026-03-01"]),
        ("history", &["history", "sofia.marchetti@example.com"]),
        ("history_then_gone", &["history", "user:16", "--at", "2026-03-03"]),
        (
            "history_of_role",
            &["history", "role:3", "--columns", "seen at,change,what,id"],
        ),
        ("history_of_nobody", &["history", "nobody at all"]),
        ("history_of_several", &["history", "Daniel Kowalski"]),
    ] {
        let outputs: Vec<String> = ["sync.c1z", "lake"]
            .into_iter()
            .map(|location| {
                normalized_output(&context.run(&[&["inspect", location], arguments].concat()), &ids)
            })
            .collect();
        assert_eq!(outputs[0], outputs[1], "{name}");
        assert_snapshot!(format!("time_{name}"), outputs[0]);
    }
    // For programs: exact times, and the same from every location.
    let of_programs = context.run(&["inspect", "history", "user:16", "--output", "json"]);
    let rows: Vec<Value> = of_programs
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let changes: Vec<&str> = rows.iter().map(|row| row["change"].as_str().unwrap()).collect();
    assert!(changes.starts_with(&["first seen"]), "{changes:?}");
    for change in ["gained", "changed", "left", "returned"] {
        assert!(changes.contains(&change), "{changes:?}");
    }
    assert_eq!(rows[0]["seen_at"], "2026-03-01T03:17:12.348690064Z");
    let csv = ["inspect", "lake", "history", "user:16", "--output", "csv"];
    assert_eq!(context.run(&csv).stdout.lines().count(), rows.len() + 1);
}

#[test]
fn two_points_in_time_are_compared() {
    let (context, ids) = four_days();
    for (name, arguments) in [
        ("two_days", &["--from", "2026-03-01", "--to", "2026-03-02"][..]),
        ("over_a_gap", &["--from", "2026-03-01", "--to", "2026-03-04"]),
        ("from_only", &["--from", "2026-03-02"]),
        ("to_only", &["--to", "2026-03-02T12:00Z"]),
        (
            "same_sync",
            &["--from", "2026-03-02T04:00", "--to", "2026-03-02T05:00"],
        ),
        (
            "before_the_first",
            &["--from", "2026-02-28", "--to", "2026-03-02"],
        ),
        ("backwards", &["--from", "2026-03-02", "--to", "2026-03-01"]),
        (
            "both_ways_to_say_it",
            &["--from", "2026-03-02", "--old-sync", &ids[0]],
        ),
    ] {
        let outputs: Vec<String> = ["sync.c1z", "lake"]
            .into_iter()
            .map(|location| {
                let ran = context.run(&[&["diff", location], arguments].concat());
                let lines = normalized_output(&ran, &ids);
                let lines = lines.lines().filter(|line| !line.starts_with(r#"{"level""#));
                lines
                    .map(|line| format!("{}\n", line.replace(location, "[PLACE]")))
                    .collect()
            })
            .collect();
        assert_eq!(outputs[0], outputs[1], "{name}");
        assert_snapshot!(format!("time_diff_{name}"), outputs[0]);
    }
    // Without a location it is the file of this folder.
    let named = context.run(&["diff", "sync.c1z", "--from", "2026-03-01", "--to", "2026-03-02"]);
    let default = context.run(&["diff", "--from", "2026-03-01", "--to", "2026-03-02"]);
    assert_eq!((named.code, named.stdout), (default.code, default.stdout));
}

#[test]
fn invalid_times_are_refused() {
    let context = TestContext::bare();
    fs::write(context.path("sync.c1z"), "").unwrap();
    for text in [
        "yesterday",
        "2026-02-30",
        "2026-13-01",
        "03.03.2026",
        "2026-03-03T25:00",
        "2026-03-03T10:15 CET",
        "",
    ] {
        for arguments in [
            &["inspect", "users", "--at", text][..],
            &["inspect", "history", "zoe", "--at", text],
            &["diff", "--from", text],
            &["diff", "--to", text],
        ] {
            let ran = context.run(arguments);
            assert_eq!(
                (ran.code, ran.stdout.as_str()),
                (Some(3), ""),
                "{arguments:?}: {}",
                ran.stderr
            );
            let flag = arguments[arguments.len() - 2];
            assert!(
                ran.stderr
                    .contains(&format!("error: {flag}: `{text}` is not a valid time")),
                "{arguments:?}: {}",
                ran.stderr
            );
        }
    }
    for arguments in [
        &["inspect", "syncs", "--at", "2026-03-03"][..],
        &[
            "inspect",
            "history",
            "zoe",
            "--sync",
            "000000000000000000000000000",
        ],
    ] {
        let ran = context.run(arguments);
        assert_eq!(ran.code, Some(3), "{arguments:?}: {}", ran.stderr);
    }
}
