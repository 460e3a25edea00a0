//! The CI workflows call xtask commands, with minimal permissions and a timeout.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::harness::workspace;

/// Workflows with their names.
fn workflows() -> Vec<(String, Value)> {
    let entries = fs::read_dir(workspace().join(".github/workflows")).unwrap();
    let workflows = entries.map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let parsed = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, parsed)
    });
    workflows.collect()
}

/// Commands of `cargo xtask`, as clap names the variants of its enum.
fn xtask_commands() -> BTreeSet<String> {
    let source = fs::read_to_string(workspace().join("xtask/src/main.rs")).unwrap();
    let (_, variants) = source.split_once("\nenum Command {\n").unwrap();
    let (variants, _) = variants.split_once("\n}\n").unwrap();
    let names = variants.lines().filter_map(|line| {
        let line = line.strip_prefix("    ")?;
        line.starts_with(|first: char| first.is_ascii_uppercase())
            .then(|| line.split(|c: char| !c.is_ascii_alphanumeric()).next())?
    });
    let kebab = |name: &str| {
        let mut text = String::new();
        for letter in name.chars() {
            if letter.is_ascii_uppercase() && !text.is_empty() {
                text.push('-');
            }
            text.push(letter.to_ascii_lowercase());
        }
        text
    };
    names.map(kebab).collect()
}

#[test]
fn jobs_are_bounded_and_call_xtask() {
    let commands = xtask_commands();
    assert!(
        commands.contains("report-tests") && commands.contains("ci"),
        "{commands:?}"
    );
    let mut called = BTreeSet::new();
    for (name, workflow) in workflows() {
        assert_eq!(
            workflow["permissions"]["contents"], "read",
            "{name}: rights by default"
        );
        for (id, job) in workflow["jobs"].as_object().unwrap() {
            assert!(job["timeout-minutes"].is_u64(), "{name}: {id} has no time limit");
            for step in job["steps"].as_array().unwrap() {
                if let Some(action) = step["uses"].as_str() {
                    assert!(
                        action.starts_with("actions/"),
                        "{name}: {action} is nobody's we know"
                    );
                }
                let run = step["run"].as_str().unwrap_or_default();
                let lines = run
                    .lines()
                    .filter_map(|line| line.trim().strip_prefix("cargo xtask "));
                called.extend(lines.map(|rest| rest.split_whitespace().next().unwrap().to_owned()));
                // Text of an event is data: in a script it would be code.
                assert!(
                    !run.contains("${{ github."),
                    "{name}: {id} puts an event's text into a script"
                );
            }
            let matrix = job["strategy"]["matrix"]["command"].as_array();
            called.extend(
                matrix
                    .into_iter()
                    .flatten()
                    .map(|word| word.as_str().unwrap().to_owned()),
            );
        }
    }
    called.remove("${{");
    let unknown: Vec<&String> = called.difference(&commands).collect();
    assert!(unknown.is_empty(), "there is no cargo xtask {unknown:?}");
    for needed in [
        "lint",
        "test",
        "dist",
        "deny",
        "interop",
        "feed",
        "report-tests",
        "fuzz",
    ] {
        assert!(called.contains(needed), "no workflow runs cargo xtask {needed}");
    }
}
