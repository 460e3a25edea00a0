//! The program runs day after day over a tenant that omits fields or sends them unreadable, at random. No access may end in the
//! history of a dataset, and `diff` may show none as removed, because nothing was denied.

use access_dataset::Table;
use ninjaone_sim::{Edit, Fault, FaultRule, Rows, To, When};
use serde_json::{Value, json};

use super::fields::{DTOS, Dto};
use super::sweep::{Picks, exhaustive, seed};
use crate::datasets::files;
use crate::harness::TestContext;
use crate::support::dataset::{latest, rows};

const SINKS: [&str; 4] = ["--sink", "c1z=sync.c1z", "--sink", "parquet=lake"];

/// The replacement for an unknown field: absent, or an object, which no field expects.
fn unknown_field(picks: &mut Picks) -> (String, FaultRule) {
    let listed: Vec<&Dto> = DTOS.iter().filter(|dto| !dto.lists.is_empty()).collect();
    let dto = picks.one(&listed);
    let (path, within) = *picks.one(dto.lists);
    let key = *picks.one(dto.keys);
    let (word, to) = picks
        .one(&[
            ("absent", To::Absent),
            ("null", To::Value(Value::Null)),
            ("object", To::Value(json!({ "x": 1 }))),
        ])
        .clone();
    let at = *picks.one(&[Rows::Every, Rows::Nth(0), Rows::Nth(1)]);
    let edit = Edit {
        list: "",
        rows: at,
        field: format!("{within}/{key}"),
        to,
    };
    let rule = FaultRule {
        method: None,
        path: path.to_owned(),
        when: When::Always,
        fault: Fault::Edit(edit),
    };
    (format!("{path} {within}/{key} is {word} in {at:?}"), rule)
}

/// Grants in the history that have ended, and those that `diff` calls removed since the first sync.
fn ended(context: &TestContext, first: &str) -> Vec<String> {
    let files = files(&context.path("lake"));
    let manifest = latest(&files).unwrap();
    let history = rows(&files, &manifest, Table::GrantsHistory);
    let mut ended: Vec<String> = history
        .iter()
        .filter(|row| row["valid_to"].is_some())
        .map(|row| {
            format!(
                "history: {} {}",
                row["entitlement_id"].as_deref().unwrap_or_default(),
                row["principal_id"].as_deref().unwrap_or_default()
            )
        })
        .collect();
    for arguments in [
        &["diff", "lake", "--output", "json"][..],
        &["diff", first, "sync.c1z", "--output", "json"],
    ] {
        let ran = context.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.stderr);
        let removed = ran.stdout.lines().filter(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["change"] == "removed"
        });
        ended.extend(removed.map(|line| format!("diff: {line}")));
    }
    ended
}

#[test]
fn missing_access_that_was_not_denied_is_kept() {
    let mut picks = Picks::new(seed().wrapping_add(3));
    let context = TestContext::msp();
    for _ in 0..2 {
        let ran = context.run(&SINKS);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    }
    std::fs::copy(context.path("sync.c1z"), context.path("first.c1z")).unwrap();
    let (mut full, mut partial, mut refused) = (0, 0, 0);
    for day in 0..if exhaustive() { 600 } else { 40 } {
        let faults: Vec<(String, FaultRule)> =
            (0..=picks.below(3)).map(|_| unknown_field(&mut picks)).collect();
        context.sim().faults().clear();
        for (_, rule) in &faults {
            context.sim().faults().add(rule.clone());
        }
        let named: Vec<&str> = faults.iter().map(|(name, _)| name.as_str()).collect();
        let named = format!("SEED={} day {day}: {}", seed(), named.join("; "));
        let ran = context.run(&[&SINKS[..], &["--output", "json"]].concat());
        match ran.code {
            Some(0) => {
                let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
                let is_full = summary["sync"]["sync_type"] == "full";
                full += u32::from(is_full);
                partial += u32::from(!is_full);
            }
            Some(9 | 15) => refused += 1,
            other => panic!("{named}: {other:?} {}", ran.stderr),
        }
        assert_eq!(ended(&context, "first.c1z"), Vec::<String>::new(), "{named}");
    }
    // The test proves something only if every result occurred.
    assert!(
        full > 0 && partial > 0,
        "{full} full, {partial} partial, {refused} refused"
    );
}
