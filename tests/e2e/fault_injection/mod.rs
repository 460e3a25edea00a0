//! Fault injection: scenarios × schedules × oracles.
//!
//! A *schedule* is one or more planned faults ([`schedule`]: every endpoint × every fault × position, and random ones;
//! [`fields`]: every field of every object × every replacement). A *scenario* is how the tenant is read: in this process
//! ([`in_process_run`]), or by the real program with real sinks ([`processes`]). The *oracle* decides whether a result is
//! allowed ([`oracle`]), with a [`model`] that reads the tenant's answers a second time, independently.
//!
//! `MISBEHAVE=all` runs everything; otherwise `SEED` selects positions. A failure prints how to repeat it.

mod amplification;
mod broken_http;
mod changes;
mod ended_access;
mod events;
mod fields;
pub(crate) mod in_process_run;
mod memory;
mod model;
mod oracle;
mod others_c1z;
mod others_datasets;
mod processes;
mod row_lines;
mod rows;
mod schedule;
mod sweep;
mod texts;

use std::time::Duration;

use ninjaone_sim::{Edit, Fault, FaultRule, Rows, When};

use fields::Broken;
pub(crate) use fields::dto_keys;
use in_process_run::{Rehearsal, Stage, run};
use oracle::judge;
use schedule::{Endpoint, Expect, Planned};
use sweep::{Picks, exhaustive, seed, sweep};

fn judge_run(_: &mut (), plan: &Planned) -> Result<String, String> {
    let stage = Stage {
        timeout: if plan.silent {
            Duration::from_millis(600)
        } else {
            Stage::default().timeout
        },
        ..Stage::default()
    };
    judge(&stage, plan.expect, &run(&stage, &plan.rules))
}

fn named(plans: Vec<Planned>) -> Vec<(String, Planned)> {
    plans.into_iter().map(|plan| (plan.name.clone(), plan)).collect()
}

#[test]
fn every_endpoint_under_every_fault() {
    let mut plans = schedule::single(&mut Picks::new(seed()));
    plans.extend(schedule::of_pages_and_time());
    plans.extend(schedule::of_patience());
    sweep(
        "fault_injection::every_endpoint_under_every_fault",
        &named(plans),
        || (),
        judge_run,
    );
}

#[test]
fn several_faults_at_once() {
    let mut picks = Picks::new(seed());
    let count = if exhaustive() { 2000 } else { 80 };
    let plans = (0..count)
        .map(|number| schedule::random(&mut picks, number))
        .collect();
    sweep(
        "fault_injection::several_faults_at_once",
        &named(plans),
        || (),
        judge_run,
    );
}

/// Faults in answers do not change the tenant, so it can be reused.
fn read_anyway(rehearsal: &mut Rehearsal, rule: &FaultRule) -> Result<String, String> {
    let ended = rehearsal.run(std::slice::from_ref(rule));
    judge(rehearsal.stage(), Expect::Model, &ended)
}

fn cases(broken: Vec<Broken>) -> Vec<(String, FaultRule)> {
    broken
        .into_iter()
        .map(|broken| (broken.name, broken.rule))
        .collect()
}

#[test]
fn every_field_of_every_object() {
    let broken = fields::broken(&mut Picks::new(seed()));
    sweep(
        "fault_injection::every_field_of_every_object",
        &cases(broken),
        Rehearsal::default,
        read_anyway,
    );
}

#[test]
fn entries_that_are_not_rows() {
    sweep(
        "fault_injection::entries_that_are_not_rows",
        &cases(fields::no_rows(&mut Picks::new(seed()))),
        Rehearsal::default,
        read_anyway,
    );
}

#[test]
fn healthy_and_older_tenants_match_the_model() {
    for older in [false, true] {
        for page in [1, 4, 1000] {
            for devices in [false, true] {
                let stage = Stage {
                    devices,
                    page,
                    older,
                    ..Stage::default()
                };
                let ended = run(&stage, &[]);
                // With pages of one the last one is full, and an end user points to an organization beyond it: the list may
                // have been cut there.
                let expected = match page {
                    1 => "published, not complete: organization",
                    _ => "published",
                };
                assert_eq!(
                    judge(&stage, Expect::Model, &ended).unwrap(),
                    expected,
                    "{stage:?}"
                );
                let pages = |path: &str| ended.calls.iter().filter(|call| call.path == path).count();
                // An instance counts as older only if three lists are missing, twice.
                let lists = if older { 3 + 2 * 3 } else { 5 };
                let formula = lists + pages(model::ORGANIZATIONS) + pages(model::DEVICES);
                assert_eq!(ended.calls.len(), formula, "{stage:?}");
                assert_eq!(
                    pages(model::ORGANIZATIONS),
                    9_usize.div_ceil(page) + 1,
                    "{stage:?}"
                );
            }
        }
    }
}

/// Sign-in needs only a token; other faults in its answer do not matter.
#[test]
fn every_field_of_a_sign_in() {
    let mut cases = Vec::new();
    for key in [
        "access_token",
        "expires_in",
        "scope",
        "token_type",
        "refresh_token",
    ] {
        for (word, to) in fields::replacements() {
            if key == "refresh_token" && word == "absent" {
                continue;
            }
            let odd_token = key == "access_token" && word != "digits in a text";
            let edit = Edit {
                list: "",
                rows: Rows::Every,
                field: format!("/{key}"),
                to,
            };
            cases.push((
                format!("{key} is {word}"),
                Planned {
                    name: String::new(),
                    rules: vec![FaultRule {
                        method: None,
                        path: Endpoint::Token.path().to_owned(),
                        when: When::First(1),
                        fault: Fault::Edit(edit),
                    }],
                    expect: if odd_token {
                        Expect::Fails(&[15, 16])
                    } else {
                        Expect::Model
                    },
                    silent: false,
                },
            ));
        }
    }
    sweep(
        "fault_injection::every_field_of_a_sign_in",
        &cases,
        || (),
        judge_run,
    );
}
