//! Decides without the code under test what is allowed: from the plan, the model, and the tenant's ledger of calls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::time::Duration;

use ninjaone_sim::Call;

use super::in_process_run::{ATTEMPTS, Ended, Failed, Rows, Stage, run};
use super::model::{self, Expected, Verdict};
use super::row_lines::Lines;
use super::schedule::Expect;

/// The longest that a run may take beyond silences.
const MAX_RUN_TIME: Duration = Duration::from_secs(30);
/// Further calls after a redirect within the instance, and after a refused token.
const FOLLOW_UPS: usize = 4;

/// Checks a run. Returns how it ended; the error is the problem.
pub(crate) fn judge(stage: &Stage, expect: Expect, ended: &Ended) -> Result<String, String> {
    if !ended.unfired.is_empty() {
        return Err(format!("planned and never struck: {:?}", ended.unfired));
    }
    let silence = stage.timeout * ATTEMPTS;
    if ended.took > MAX_RUN_TIME.max(silence + silence) {
        return Err(format!("it took {:?}", ended.took));
    }
    calls(ended)?;
    let verdict = model::expect(&ended.calls, &ended.base_url, stage.devices);
    let held_back = match (&verdict, ended.before) {
        (Verdict::Rows(expected), Some(before)) => {
            // Incomplete types delete nothing.
            ended.result.is_err() && refused_as_shrunk(before, &expected.lines)
        }
        _ => false,
    };
    match (&ended.result, expect, verdict) {
        (Err(failed), Expect::Model | Expect::AtLeast, Verdict::Rows(_)) if held_back => {
            let is_refusal = failed.code == 9 && failed.message.contains("too much is missing");
            if !is_refusal || failed.published || failed.hint.is_none() {
                return Err(format!(
                    "too much is gone, and it says {}: {}",
                    failed.code, failed.message
                ));
            }
            Ok("held back".to_owned())
        }
        (Ok(rows), Expect::Model, Verdict::Rows(expected))
            if ended.before.is_some_and(|before| {
                rows.incomplete.is_empty() && refused_as_shrunk(before, &expected.lines)
            }) =>
        {
            Err("it was published although too much is gone".to_owned())
        }
        (Err(failed), Expect::Fails(classes), _) | (Err(failed), Expect::Model, Verdict::Fails(classes)) => {
            failure(failed, classes, &ended.base_url)
        }
        (Ok(rows), Expect::Model | Expect::AtLeast, Verdict::Rows(expected)) => {
            published(rows, &expected, expect == Expect::AtLeast)
        }
        (Ok(rows), Expect::Degrades, Verdict::Rows(expected)) => {
            let stray: Vec<&String> = rows
                .lines
                .iter()
                .filter(|line| !healthy().contains(*line) && line.contains("\"device"))
                .filter(|line| !line.contains("tenant/"))
                .collect();
            if !rows.incomplete.contains("device") || !stray.is_empty() {
                return Err(format!(
                    "devices are not told to be incomplete, or wrong: {stray:?}"
                ));
            }
            same(&Expected::core(&rows.lines), &Expected::core(&expected.lines))?;
            Ok("published, devices incomplete".to_owned())
        }
        (Ok(_), _, verdict) => Err(format!(
            "it was published, where {expect:?} and the model says {}",
            short(&verdict)
        )),
        (Err(failed), _, verdict) => Err(format!(
            "it failed with {}: {}\nwhere {expect:?} and the model says {}",
            failed.code,
            failed.message,
            short(&verdict)
        )),
    }
}

/// Whether more than half of the resources or grants of a type, or all, are gone, by their ids; or an entitlement lost all of
/// its holders who still exist, of whom there were enough.
fn refused_as_shrunk(before: &Lines, now: &Lines) -> bool {
    let (now, before) = (ids(now), ids(before));
    let of_type = before.iter().any(|(what, before)| {
        let kept = now.get(what).map_or(0, |now| now.intersection(before).count());
        kept == 0 || 2 * kept < before.len()
    });
    of_type || emptied(&before, &now)
}

/// Whether an entitlement lost all remaining holders: five, or two for the tenant's own.
fn emptied(before: &BTreeMap<String, BTreeSet<String>>, now: &BTreeMap<String, BTreeSet<String>>) -> bool {
    let none = BTreeSet::new();
    let users = now.get("resource user").unwrap_or(&none);
    let mut holders: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (what, grants) in before.iter().filter(|(what, _)| what.starts_with("grant ")) {
        for grant in grants {
            let (entitlement, user) = grant.rsplit_once(":user:").unwrap();
            if users.contains(&format!("user/{user}")) {
                let (before, kept) = holders.entry(entitlement.to_owned()).or_default();
                *before += 1;
                *kept += u64::from(now.get(what).is_some_and(|now| now.contains(grant)));
            }
        }
    }
    holders.into_iter().any(|(entitlement, (before, kept))| {
        let enough = if entitlement.starts_with("tenant:") { 2 } else { 5 };
        kept == 0 && before >= enough
    })
}

/// The ids of resources and grants, by what they are and their type.
fn ids(lines: &Lines) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in lines {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        for (kind, end) in [("resource", '/'), ("grant", ':')] {
            if let Some(id) = line[kind].as_str() {
                let of = id.split(end).next().unwrap_or_default();
                found
                    .entry(format!("{kind} {of}"))
                    .or_default()
                    .insert(id.to_owned());
            }
        }
    }
    found
}

/// Lines of types that are complete: of these the tenant's words decide everything.
fn complete<'a>(lines: &'a Lines, incomplete: &BTreeSet<String>) -> BTreeSet<&'a String> {
    let is_complete = |line: &&String| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let id = ["resource", "entitlement", "grant"]
            .iter()
            .find_map(|kind| line[*kind].as_str());
        let of = id.and_then(|id| id.split(['/', ':']).next()).unwrap_or_default();
        !incomplete.contains(of)
    };
    lines.iter().filter(is_complete).collect()
}

fn short(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Rows(expected) => format!("{} rows", expected.lines.len()),
        Verdict::Fails(classes) => format!("failure {classes:?}"),
    }
}

/// Rows of the tenant without anything wrong.
fn healthy() -> &'static Lines {
    static HEALTHY: OnceLock<Lines> = OnceLock::new();
    HEALTHY.get_or_init(|| {
        let ended = run(&Stage::default(), &[]);
        ended.result.ok().map(|rows| rows.lines).unwrap_or_default()
    })
}

fn published(rows: &Rows, expected: &Expected, at_least: bool) -> Result<String, String> {
    if !rows.balances {
        return Err("the ledger does not balance".to_owned());
    }
    if expected.devices_incomplete && !rows.incomplete.contains("device") {
        return Err("devices are called complete, and their list cannot be read".to_owned());
    }
    if at_least {
        let lost: Vec<&String> = expected.lines.difference(&rows.lines).collect();
        // Rows read before the tenant changed may show the older state, and nothing else may differ.
        let older = lost.len() <= 3;
        return if older {
            Ok("published".to_owned())
        } else {
            Err(format!("lost {lost:?}"))
        };
    }
    same(
        &complete(&rows.lines, &rows.incomplete),
        &complete(&expected.lines, &rows.incomplete),
    )?;
    if !rows.incomplete.is_empty() {
        let incomplete: Vec<&str> = rows.incomplete.iter().map(String::as_str).collect();
        return Ok(format!("published, not complete: {}", incomplete.join(", ")));
    }
    if rows.dropped != expected.dropped {
        return Err(format!(
            "left out are {:?}, not {:?}",
            rows.dropped, expected.dropped
        ));
    }
    Ok("published".to_owned())
}

fn same(seen: &BTreeSet<&String>, expected_rows: &BTreeSet<&String>) -> Result<(), String> {
    let clip = |lines: Vec<&&String>| -> Vec<String> {
        lines
            .iter()
            .take(3)
            .map(|line| line.chars().take(600).collect())
            .collect()
    };
    let (more, less) = (
        seen.difference(expected_rows).collect(),
        expected_rows.difference(seen).collect::<Vec<_>>(),
    );
    if seen == expected_rows {
        return Ok(());
    }
    Err(format!(
        "not in the model:\n  {}\nin the model only:\n  {}",
        clip(more).join("\n  "),
        clip(less).join("\n  ")
    ))
}

/// An error names what failed, where, and what to do, on one line each, and has the expected class.
fn failure(failed: &Failed, classes: &[u8], base_url: &str) -> Result<String, String> {
    let Failed {
        code,
        message,
        hint,
        published,
    } = failed;
    let complaint = if *published {
        "something was published"
    } else if !classes.contains(code) {
        "the class is another one"
    } else if !message.contains(base_url) {
        "it does not say where"
    } else if hint.is_none() {
        "it does not say what to do"
    } else if message.chars().any(char::is_control) || message.len() > 2000 {
        "it is not one short line"
    } else {
        return Ok(format!("failed with {code}"));
    };
    Err(format!(
        "{complaint} (wanted {classes:?}): {code}: {message}\n  hint: {hint:?}"
    ))
}

/// No request is repeated beyond the retry budget, and all calls are counted.
fn calls(ended: &Ended) -> Result<(), String> {
    let mut requests: BTreeMap<String, usize> = BTreeMap::new();
    for Call {
        method, path, query, ..
    } in &ended.calls
    {
        *requests.entry(format!("{method} {path} {query:?}")).or_default() += 1;
    }
    let refused = ended.calls.iter().filter(|call| call.status == 401).count();
    for (question, times) in &requests {
        let sign_ins = if question.contains("oauth") { refused } else { 0 };
        if *times > ATTEMPTS as usize + FOLLOW_UPS + sign_ins {
            return Err(format!("{question} was asked {times} times"));
        }
    }
    if ended.calls_reported != ended.calls.len() as u64 {
        return Err(format!(
            "{} calls were made and {} told",
            ended.calls.len(),
            ended.calls_reported
        ));
    }
    Ok(())
}
