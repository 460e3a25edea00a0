//! The feed of events under faults: every event comes, or the reading fails and its cursor stays where it was. What is
//! skipped once is never read again.

use std::collections::BTreeSet;

use access_core::Diagnostic;
use access_core::ports::{EventCursor, EventFeed, EventPage, SourceError};
use ninjaone::{NinjaOneEventFeed, WritePolicy};
use ninjaone_sim::{Edit, Fault, FaultRule, Rows, Sim, To, When};
use serde_json::json;
use time::OffsetDateTime;

use super::fields::{dto_keys, replacements};
use super::in_process_run::{Stage, client, config, runtime};
use super::schedule::{Nature, kinds};
use super::sweep::{Picks, exhaustive, seed, sweep};

const ACTIVITIES: &str = "/v2/activities";

/// The events that may be missing.
enum ExpectedEvents {
    /// Nothing.
    All,
    /// Nothing, or it fails with 15.
    AllOrDamaged,
    /// The event of the broken row.
    AllButOne,
    /// It fails with one of these.
    Fails(&'static [u8]),
}

struct Case {
    rule: FaultRule,
    expected: ExpectedEvents,
}

fn rule(when: When, fault: Fault) -> FaultRule {
    FaultRule {
        method: None,
        path: ACTIVITIES.to_owned(),
        when,
        fault,
    }
}

/// Broken fields of an activity, and of the object around the list.
fn broken() -> Vec<(String, Case)> {
    let mut cases = Vec::new();
    for (word, to) in replacements() {
        for key in dto_keys("Activity") {
            let edit = Edit {
                list: "/activities",
                rows: Rows::Nth(1),
                field: format!("/{key}"),
                to: to.clone(),
            };
            // An id that looks like one leads the reading astray: it may notice.
            let expected = if *key == "id" {
                ExpectedEvents::AllOrDamaged
            } else {
                ExpectedEvents::AllButOne
            };
            if *key != "id"
                || !matches!(to, To::Value(ref value) if value.is_number() || *value == json!(" 7 "))
            {
                let expected = if *key == "id" {
                    ExpectedEvents::AllButOne
                } else {
                    expected
                };
                cases.push((
                    format!("activity {key} is {word}"),
                    Case {
                        rule: rule(When::Nth(1), Fault::Edit(edit)),
                        expected,
                    },
                ));
            }
        }
        for when in [When::Nth(1), When::Nth(2), When::Always] {
            for (field, rows) in [("/activities", Rows::Every), ("", Rows::Every)] {
                // No activities are none, and an object with an id is one.
                let an_answer =
                    field == "/activities" && ["empty list", "list of odd things"].contains(&word);
                if an_answer || (word, field) == ("absent", "") {
                    continue;
                }
                let edit = Edit {
                    list: "",
                    rows,
                    field: field.to_owned(),
                    to: to.clone(),
                };
                cases.push((
                    format!("page {field} is {word} at {when:?}"),
                    Case {
                        rule: rule(when, Fault::Edit(edit)),
                        expected: ExpectedEvents::AllOrDamaged,
                    },
                ));
            }
        }
    }
    cases
}

/// Faults of the call.
fn faults() -> Vec<(String, Case)> {
    let mut cases = Vec::new();
    for kind in kinds().into_iter().filter(|kind| kind.name != "silent") {
        for when in [When::First(1), When::Nth(2), When::Always] {
            let expected = match (kind.nature, when) {
                (Nature::Answer, _) => continue,
                (Nature::Passes(classes), When::Always) | (Nature::Final(classes), _) => {
                    ExpectedEvents::Fails(classes)
                }
                (Nature::Passes(_), _) => ExpectedEvents::All,
            };
            // Texts are bounded by the size of the answer; names are read from lists.
            if !matches!(kind.fault, Fault::HugeName(_) | Fault::InvalidUtf8) {
                cases.push((
                    format!("{} at {when:?}", kind.name),
                    Case {
                        rule: rule(when, kind.fault.clone()),
                        expected,
                    },
                ));
            }
        }
    }
    cases
}

fn read(rules: &[FaultRule]) -> (Result<EventPage, SourceError>, Vec<FaultRule>) {
    let stage = Stage::default();
    let sim = Sim::start(&config(&stage, rules)).unwrap();
    let feed = NinjaOneEventFeed::new(client(&sim.base_url(), stage.timeout, WritePolicy::Disabled));
    let runtime = runtime();
    let begin = EventCursor::Since(OffsetDateTime::UNIX_EPOCH);
    let page = runtime.block_on(feed.events(&begin, 1000));
    runtime.shutdown_background();
    (page, sim.faults().unfired())
}

fn ids(page: &EventPage) -> BTreeSet<String> {
    page.events
        .iter()
        .map(|event| format!("{} {:?}", event.id, event.at))
        .collect()
}

fn judged(all: &BTreeSet<String>, case: &Case) -> Result<String, String> {
    let (page, unfired) = read(std::slice::from_ref(&case.rule));
    if !unfired.is_empty() {
        return Err("planned and never struck".to_owned());
    }
    match (&page, &case.expected) {
        (Ok(page), ExpectedEvents::All | ExpectedEvents::AllOrDamaged) if ids(page) == *all => {
            Ok("all events".to_owned())
        }
        (Ok(page), ExpectedEvents::AllButOne) if all.difference(&ids(page)).count() <= 1 => {
            let strange = ids(page).difference(all).count();
            if strange <= 1 {
                Ok("all but one at the most".to_owned())
            } else {
                Err("strange events".to_owned())
            }
        }
        (Err(error), ExpectedEvents::AllOrDamaged) if error.status().number() == 15 => {
            Ok("failed with 15".to_owned())
        }
        (Err(error), ExpectedEvents::Fails(classes)) if classes.contains(&error.status().number()) => {
            Ok(format!("failed with {}", error.status().number()))
        }
        (Ok(page), _) => Err(format!(
            "{} events of {}, up to {}",
            page.events.len(),
            all.len(),
            page.cursor
        )),
        (Err(error), _) => Err(format!("{}: {error}", error.status().number())),
    }
}

#[test]
fn no_event_is_skipped() {
    let healthy = read(&[]).0.unwrap();
    let all = ids(&healthy);
    assert!(all.len() > 8, "{all:?}");
    let mut cases = broken();
    cases.extend(faults());
    let mut picks = Picks::new(seed().wrapping_add(4));
    let expected = if exhaustive() { usize::MAX } else { 200 };
    while cases.len() > expected {
        cases.swap_remove(picks.below(cases.len()));
    }
    sweep(
        "fault_injection::events::no_event_is_skipped",
        &cases,
        || (),
        |(), case| judged(&all, case),
    );
}
