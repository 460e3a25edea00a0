//! The real program with a misbehaving tenant: exit codes, messages, files and folders.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Instant;

use ninjaone_sim::FaultRule;
use serde_json::Value;

use super::in_process_run::{Ended, Failed, Rows, Stage, config};
use super::oracle::judge;
use super::row_lines::{self, Lines};
use super::rows::Ledger;
use super::schedule::{Expect, Planned, single};
use super::sweep::{Picks, exhaustive, seed, sweep};
use crate::harness::{RunOutput, TestContext, name_tenant};

/// Where the program writes to.
#[derive(Debug, Clone, Copy)]
enum Scenario {
    /// A file that is there already.
    File,
    /// A file that is there already, and two datasets that are not.
    FileAndDatasets,
}

impl Scenario {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::File => &[],
            Self::FileAndDatasets => &[
                "--sink",
                "c1z=sync.c1z",
                "--sink",
                "parquet=lake",
                "--sink",
                "csv=tables",
            ],
        }
    }
}

/// One endpoint for every kind of fault; in the exhaustive form all.
fn plans(picks: &mut Picks) -> Vec<(String, (Scenario, Planned))> {
    let mut plans = Vec::new();
    let mut all = single(picks);
    if !exhaustive() {
        // The plans of one kind lie together, one for each endpoint.
        let offset = picks.below(7);
        all = all.into_iter().skip(offset).step_by(7).collect();
    }
    for plan in all {
        let scenario = *picks.one(&[Scenario::File, Scenario::File, Scenario::FileAndDatasets]);
        plans.push((format!("{scenario:?}: {}", plan.name), (scenario, plan)));
    }
    plans
}

/// A file of an earlier sync.
fn earlier() -> &'static [u8] {
    static EARLIER: OnceLock<Vec<u8>> = OnceLock::new();
    EARLIER.get_or_init(|| TestContext::bare().write_good_sync())
}

/// Its rows.
fn rows_before() -> &'static Lines {
    static ROWS: OnceLock<Lines> = OnceLock::new();
    ROWS.get_or_init(|| {
        let context = TestContext::bare();
        fs::write(context.path("sync.c1z"), earlier()).unwrap();
        row_lines::file(&context.path("sync.c1z"), None)
    })
}

fn judge_run(scenario: Scenario, plan: &Planned) -> Result<String, String> {
    let stage = Stage::default();
    let context = TestContext::with(&config(&stage, &plan.rules));
    fs::write(context.path("sync.c1z"), earlier()).unwrap();
    name_tenant(&context.path("sync.c1z"), context.base_url.as_ref().unwrap());
    let earlier = fs::read(context.path("sync.c1z")).unwrap();
    let mut arguments = vec!["--ninja-one-include-devices", "--output", "json"];
    arguments.extend(scenario.arguments());
    // A run with a transient fault may wait; one with a permanent fault need not.
    arguments.push(match plan.expect {
        Expect::Model => "--ninja-one-retry-seconds=60",
        _ => "--ninja-one-retry-seconds=0",
    });
    if plan.silent {
        arguments.push("--http-timeout-seconds=1");
    }
    let begin = Instant::now();
    let ran = context.run(&arguments);
    let took = begin.elapsed();
    let sim = context.sim();
    let calls = sim.ledger().calls();
    let (result, calls_reported) = if ran.code == Some(0) {
        let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
        let reported_calls = summary["source"]["calls"].as_u64().unwrap();
        (Ok(published(&context, scenario, &summary)?), reported_calls)
    } else {
        (Err(failed(&context, &ran, &earlier)?), calls.len() as u64)
    };
    let ended = Ended {
        result,
        calls,
        calls_reported,
        unfired: sim.faults().unfired(),
        base_url: sim.base_url(),
        took,
        before: Some(rows_before()),
    };
    judge(&stage, plan.expect, &ended)
}

fn published(context: &TestContext, scenario: Scenario, summary: &Value) -> Result<Rows, String> {
    let completeness = summary["sync"]["completeness"].as_object().unwrap();
    let incomplete: BTreeSet<String> = completeness
        .iter()
        .filter(|(_, state)| state["state"] == "incomplete")
        .map(|(id, _)| id.clone())
        .collect();
    if let Scenario::FileAndDatasets = scenario {
        // Only a full sync becomes the latest.
        let latest = [pointer(context, "lake"), pointer(context, "tables")];
        if latest != [incomplete.is_empty(); 2] {
            return Err(format!("of the datasets these have a latest sync: {latest:?}"));
        }
    }
    let mut dropped = Ledger::new();
    let mut balances = true;
    for line in summary["sync"]["ledger"].as_array().unwrap() {
        let text = |key: &str| line[key].as_str().unwrap();
        let mut left = line["received"].as_u64().unwrap() - line["written"].as_u64().unwrap();
        for (reason, count) in line["dropped"].as_object().unwrap() {
            let words = reason
                .split('_')
                .map(|word| word[..1].to_uppercase() + &word[1..]);
            let key = format!(
                "{} {} {}",
                text("kind"),
                text("resource_type"),
                words.collect::<String>()
            );
            dropped.insert(key, count.as_u64().unwrap());
            left -= count.as_u64().unwrap();
        }
        balances &= left == 0;
    }
    Ok(Rows {
        warnings: Vec::new(),
        lines: row_lines::file(&context.path("sync.c1z"), summary["sync"]["id"].as_str()),
        dropped,
        balances,
        incomplete,
    })
}

fn pointer(context: &TestContext, dataset: &str) -> bool {
    fn found(folder: &Path) -> bool {
        fs::read_dir(folder).is_ok_and(|entries| {
            entries
                .filter_map(Result::ok)
                .any(|entry| entry.file_name() == "latest.json" || found(&entry.path()))
        })
    }
    found(&context.path(dataset))
}

fn failed(context: &TestContext, ran: &RunOutput, earlier: &[u8]) -> Result<Failed, String> {
    let code = ran.code.and_then(|code| u8::try_from(code).ok());
    // With --output json the error is one object, the last line of standard error.
    let last = ran.stderr.lines().last().unwrap_or_default();
    let error = serde_json::from_str::<Value>(last).unwrap_or_default()["error"].take();
    let text = |key: &str| error[key].as_str().map(str::to_owned);
    let message = text("message").ok_or_else(|| format!("no error is told: {}", ran.stderr))?;
    let untouched = fs::read(context.path("sync.c1z")).unwrap() == earlier;
    Ok(Failed {
        code: code.ok_or("it did not end by itself")?,
        message,
        hint: text("hint"),
        published: !untouched || pointer(context, "lake") || pointer(context, "tables"),
    })
}

#[test]
fn the_program_under_every_fault() {
    let plans = plans(&mut Picks::new(seed().wrapping_add(1)));
    sweep(
        "fault_injection::processes::the_program_under_every_fault",
        &plans,
        || (),
        |(), (scenario, plan)| judge_run(*scenario, plan),
    );
}

#[test]
fn a_broken_field_is_absent_from_files_too() {
    let mut picks = Picks::new(seed().wrapping_add(2));
    let mut broken = super::fields::broken(&mut picks);
    let max_cases = if exhaustive() { 400 } else { 30 };
    while broken.len() > max_cases {
        broken.swap_remove(picks.below(broken.len()));
    }
    let cases: Vec<(String, FaultRule)> = broken
        .into_iter()
        .map(|broken| (broken.name, broken.rule))
        .collect();
    sweep(
        "fault_injection::processes::a_broken_field_is_absent_from_files_too",
        &cases,
        || (),
        |(), rule| {
            let plan = Planned {
                name: String::new(),
                rules: vec![rule.clone()],
                expect: Expect::Model,
                silent: false,
            };
            judge_run(Scenario::File, &plan)
        },
    );
}
