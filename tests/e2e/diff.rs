//! `diff`: differences between two syncs, from every type of location.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use access_dataset::Table;
use insta::assert_snapshot;
use ninjaone_sim::{GeneratedSize, SimConfig, Tenant};
use serde_json::Value;

use crate::datasets::files;
use crate::harness::TestContext;
use crate::support::dataset::{latest, rows};

/// Syncs a tenant to a c1z and datasets of this name in a test's folder.
fn sync(context: &TestContext, tenant: &TestContext, name: &str) {
    let location =
        |kind: &str, end: &str| format!("{kind}={}", context.path(&format!("{name}{end}")).display());
    let sinks = [
        location("c1z", ".c1z"),
        location("parquet", "-lake"),
        location("csv", "-csv"),
    ];
    let flags: Vec<&str> = sinks.iter().flat_map(|sink| ["--sink", sink]).collect();
    let ran = tenant.run(&[&flags[..], &["--accept-drop", "all"]].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

/// Two syncs of a tenant to the same locations, and a change in between: one role granted, another revoked.
fn changed_in_between() -> TestContext {
    let context = TestContext::msp();
    sync(&context, &context, "place");
    for change in [
        &["grant", "role:3", "--to", "user:16", "-p"][..],
        &["revoke", "role:3", "--from", "user:7", "-p", "--yes"],
    ] {
        let ran = context.run(change);
        assert_eq!(ran.code, Some(0), "{change:?}: {}", ran.stderr);
    }
    sync(&context, &context, "place");
    context
}

/// The changes that `diff` reports as JSON, and its exit code.
fn changes_and_code(context: &TestContext, arguments: &[&str]) -> (Vec<Value>, Option<i32>) {
    let ran = context.run(&[&["diff", "--output", "json", "--exit-code"], arguments].concat());
    assert!(ran.code < Some(2), "{arguments:?}: {}", ran.stderr);
    let lines = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap());
    (lines.collect(), ran.code)
}

/// Without ids and times of syncs.
fn normalized_output(context: &TestContext, arguments: &[&str]) -> String {
    let ran = context.run(arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let lines = ran.stdout.lines().map(|line| match line.split_once(": sync ") {
        Some((location, rest)) => {
            let kind = rest
                .split_once('(')
                .and_then(|(_, rest)| rest.split_once(')'))
                .unwrap()
                .0;
            format!("{location}: sync [SYNC] ({kind}), ended [TIME]\n")
        }
        None => format!("{line}\n"),
    });
    lines.collect()
}

#[test]
fn two_syncs_of_a_tenant() {
    let context = changed_in_between();
    assert_snapshot!("diff_table", normalized_output(&context, &["diff", "place.c1z"]));
    assert_snapshot!(
        "diff_csv",
        normalized_output(&context, &["diff", "place-lake", "--output", "csv"])
    );
    let syncs: Vec<String> = {
        let ran = context.run(&["inspect", "place.c1z", "syncs", "--output", "json"]);
        let ids = ran.stdout.lines().map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            row["sync_id"].as_str().unwrap().to_owned()
        });
        ids.collect()
    };
    let (old, new) = (syncs[0].as_str(), syncs[1].as_str());
    let (expected, code) = changes_and_code(&context, &["place.c1z"]);
    assert_eq!((expected.len(), code), (2, Some(1)));
    // The same two, from wherever they are.
    for arguments in [
        &["place-lake"][..],
        &["place-csv"],
        &["place.c1z", "--old-sync", old],
        &["place.c1z", "--new-sync", new],
        &["place.c1z", "place.c1z", "--old-sync", old],
        &["place.c1z", "place-lake", "--old-sync", old],
        &["place-csv", "place.c1z", "--old-sync", old, "--new-sync", new],
        &["place-csv", "place-lake", "--old-sync", old, "--new-sync", new],
    ] {
        assert_eq!(
            changes_and_code(&context, arguments),
            (expected.clone(), Some(1)),
            "{arguments:?}"
        );
    }
    // Compared in reverse, added rows are removed.
    let (back, _) = changes_and_code(&context, &["place.c1z", "place.c1z", "--new-sync", old]);
    let kinds = |rows: &[Value]| {
        rows.iter()
            .map(|row| row["change"].to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(&expected), ["\"added\"", "\"removed\""]);
    assert_eq!(kinds(&back), ["\"removed\"", "\"added\""]);
}

#[test]
fn a_sync_equals_itself() {
    let context = changed_in_between();
    let locations = ["place.c1z", "place-lake", "place-csv"];
    for old in locations {
        for new in locations {
            assert_eq!(
                changes_and_code(&context, &[old, new]),
                (Vec::new(), Some(0)),
                "{old} {new}"
            );
        }
    }
    assert_snapshot!(
        "diff_nothing",
        normalized_output(&context, &["diff", "place.c1z", "place-lake"])
    );
    // Without `--exit-code` the code is 0.
    assert_eq!(context.run(&["diff", "place.c1z"]).code, Some(0));
}

/// Records of one kind: key, then field, then value.
type Records = BTreeMap<Vec<String>, BTreeMap<String, String>>;

/// The records of a dataset that a comparison looks at, and the fields that it does, by the documents' words.
fn records(context: &TestContext, lake: &str, subject: &str) -> Records {
    const NOT_COMPARED: [&str; 14] = [
        "sync_id",
        "synced_at",
        "tenant",
        "grants",
        "role_names",
        "organization_name",
        "notify_all_clients",
        "resource_display_name",
        "grant_id",
        "entitlement_slug",
        "entitlement_display_name",
        "principal_login",
        "principal_display_name",
        "profile",
    ];
    let files = files(&context.path(lake));
    let manifest = latest(&files).unwrap();
    let (table, key): (_, &[&str]) = match subject {
        "user" => (Table::Users, &["resource_type_id", "user_id"]),
        "resource" => (Table::Resources, &["resource_type_id", "resource_id"]),
        "entitlement" => (Table::Entitlements, &["entitlement_id"]),
        _ => (
            Table::Grants,
            &["entitlement_id", "principal_type_id", "principal_id"],
        ),
    };
    let of_a_grant = ["resource_type_id", "resource_id", "immutable"];
    let mut records = Records::new();
    for mut row in rows(&files, &manifest, table) {
        let key: Vec<String> = key
            .iter()
            .map(|name| row.remove(*name).unwrap().unwrap())
            .collect();
        if subject == "resource" && key[0] == "user" {
            continue;
        }
        let mut fields = BTreeMap::new();
        for (name, value) in &row {
            let repeated = subject == "grant" && of_a_grant.contains(&name.as_str());
            if let (false, false, Some(value)) = (NOT_COMPARED.contains(&name.as_str()), repeated, value) {
                fields.insert(name.clone(), value.clone());
            }
        }
        let profile = row
            .get("profile")
            .cloned()
            .flatten()
            .unwrap_or_else(|| "{}".to_owned());
        let profile: BTreeMap<String, Value> = serde_json::from_str(&profile).unwrap();
        let columns: BTreeSet<&str> = row.keys().map(String::as_str).collect();
        for (name, value) in profile {
            if !columns.contains(name.as_str()) {
                fields.insert(format!("profile.{name}"), value.to_string());
            }
        }
        records.insert(key, fields);
    }
    records
}

/// Applies differences to records; their old values must match.
fn apply(records: &mut Records, subject: &str, changes: &[Value]) {
    for change in changes.iter().filter(|change| change["subject"] == subject) {
        let key: Vec<String> = {
            let names: &[&str] = match subject {
                "user" => &["resource_type_id", "user_id"],
                "resource" => &["resource_type_id", "resource_id"],
                "entitlement" => &["entitlement_id"],
                _ => &["entitlement_id", "principal_type_id", "principal_id"],
            };
            names
                .iter()
                .map(|name| change["key"][name].as_str().unwrap().to_owned())
                .collect()
        };
        match change["change"].as_str().unwrap() {
            "removed" => {
                records.remove(&key).unwrap();
                continue;
            }
            "added" => assert!(records.insert(key.clone(), BTreeMap::new()).is_none(), "{key:?}"),
            _ => assert!(records.contains_key(&key), "{key:?}"),
        }
        let record = records.get_mut(&key).unwrap();
        for field in change["fields"].as_array().unwrap() {
            let name = field["field"].as_str().unwrap();
            let value = |side: &str| {
                let text = field[side].as_str()?;
                // As the test prints lists.
                let list: Option<Vec<String>> = serde_json::from_str(text).ok();
                Some(
                    match list.filter(|_| ["sources", "grantable_to"].contains(&name)) {
                        Some(list) => format!("[{}]", list.join(", ")),
                        None => text.to_owned(),
                    },
                )
            };
            assert_eq!(record.get(name).cloned(), value("old"), "{key:?} {name}");
            match value("new") {
                Some(value) => record.insert(name.to_owned(), value),
                None => record.remove(name),
            };
        }
    }
}

/// A small random tenant.
fn generated(seed: u64, end_users: u32, grants: u64) -> TestContext {
    TestContext::with(&SimConfig::new(
        Tenant::generated(GeneratedSize {
            seed,
            technicians: 7,
            end_users,
            roles: 4,
            grants,
            organizations: 3,
            devices: 0,
            role_of_everyone: false,
        })
        .unwrap(),
    ))
}

#[test]
fn the_difference_applied_to_the_old_side_is_the_new_side() {
    let context = TestContext::bare();
    let tenants = [
        TestContext::msp(),
        generated(1, 20, 60),
        generated(2, 24, 75),
        generated(3, 12, 30),
    ];
    for (n, tenant) in tenants.iter().enumerate() {
        sync(&context, tenant, &format!("t{n}"));
    }
    let mut seen = BTreeMap::new();
    for old in 0..tenants.len() {
        for new in (0..tenants.len()).filter(|new| *new != old) {
            let locations = [format!("t{old}.c1z"), format!("t{new}-csv")];
            let (changes, code) = changes_and_code(&context, &[&locations[0], &locations[1]]);
            assert_eq!(code, Some(1));
            for subject in ["user", "resource", "entitlement", "grant"] {
                let mut records = records(&context, &format!("t{old}-lake"), subject);
                apply(&mut records, subject, &changes);
                assert_eq!(
                    records,
                    self::records(&context, &format!("t{new}-lake"), subject),
                    "{old} to {new}: {subject}"
                );
            }
            for change in &changes {
                let what = format!("{} {}", change["subject"], change["change"]);
                *seen.entry(what).or_insert(0) += 1;
            }
        }
    }
    // A grant on both sides is unchanged as long as no grant is indirect.
    assert_eq!(seen.len(), 11, "{seen:?}");
}

#[test]
fn types_that_were_not_read_are_not_removed() {
    let context = changed_in_between();
    let ran = context.run(&["--file", "part.c1z", "--sync-resource-types", "role"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let (changes, code) = changes_and_code(&context, &["place.c1z", "part.c1z"]);
    assert_eq!((changes, code), (Vec::new(), Some(0)));
    assert_snapshot!(
        "diff_partial",
        normalized_output(&context, &["diff", "place.c1z", "part.c1z"])
    );
}

#[test]
fn impossible_comparisons() {
    let context = TestContext::msp();
    sync(&context, &context, "place");
    fs::write(context.path("notes.txt"), "The quarterly report.\n").unwrap();
    let id = latest(&files(&context.path("place-lake"))).unwrap().sync.id;
    for (name, arguments) in [
        ("no_place", &["diff"][..]),
        ("one_sync", &["diff", "place.c1z"]),
        ("one_sync_of_dataset", &["diff", "place-lake"]),
        ("foreign", &["diff", "place.c1z", "notes.txt"]),
        ("nowhere", &["diff", "nowhere.c1z", "place.c1z"]),
        (
            "no_such_sync",
            &[
                "diff",
                "place.c1z",
                "place-lake",
                "--old-sync",
                "000000000000000000000000000",
            ],
        ),
    ] {
        let ran = context.run(&[arguments, &["--exit-code"]].concat());
        assert!(ran.code > Some(1), "{name}: no error may look like a difference");
        assert_eq!(ran.stdout, "", "{name}");
        let shown = context.error_snapshot(&ran).replace(&id, "[SYNC]");
        assert_snapshot!(format!("diff_{name}"), shown);
    }
}
