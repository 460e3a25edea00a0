//! `cargo xtask mutants`: cargo-mutants breaks the mapping, the reading, the provisioning and the pipeline, a place at a time, and
//! the tests of the crate have to notice. What they do not is a test that is missing, or explained in docs/development/testing.md.

use std::process::{Command, Stdio};

use crate::process::{Failure, succeed, target_folder, workspace};

/// Seconds that the tests may take with a mutant; they take a few without. Fixed, so that a busy machine kills nothing.
const LONGEST: u32 = 60;

/// What is broken, and which tests of the same crate have to notice.
struct Area {
    package: &'static str,
    files: &'static [&'static str],
    tests: &'static [&'static str],
}

const AREAS: [Area; 2] = [
    Area {
        package: "access-core",
        files: &[
            "crates/access-core/src/model/**",
            "crates/access-core/src/provisioning/**",
            "crates/access-core/src/sync/**",
        ],
        tests: &["--lib"],
    },
    Area {
        package: "ninjaone",
        files: &[
            "crates/ninjaone/src/client/**",
            "crates/ninjaone/src/mapping/**",
            "crates/ninjaone/src/api/**",
            "crates/ninjaone/src/client/**",
            "crates/ninjaone/src/provisioner/**",
            "crates/ninjaone/src/source/**",
        ],
        tests: &["--lib", "--test", "simulated"],
    },
];

/// Tests the mutants of all areas, or of one package; of those a shard such as `0/4`. Files narrow it further.
pub(crate) fn run(package: Option<&str>, shard: Option<&str>, files: &[String]) -> Result<(), Failure> {
    refuse_without_tool()?;
    let areas: Vec<&Area> = AREAS
        .iter()
        .filter(|area| package.is_none_or(|only| only == area.package))
        .collect();
    if areas.is_empty() {
        return Err(Failure::Unexpected(format!(
            "no mutants are made of {}; of these they are: {}",
            package.unwrap_or_default(),
            AREAS.map(|area| area.package).join(", ")
        )));
    }
    let mut failures = Vec::new();
    for area in areas {
        if let Err(failure) = succeed(&mut mutants(area, shard, files)) {
            failures.push(format!("{}: {failure}", area.package));
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    // Every area is run, whatever the one before left.
    Err(Failure::Unexpected(failures.join("; ")))
}

fn mutants(area: &Area, shard: Option<&str>, files: &[String]) -> Command {
    let limit = LONGEST.to_string();
    let mut command = Command::new("cargo");
    command
        .args(["mutants", "--package", area.package, "--no-shuffle"])
        .args(["--timeout", &limit, "--minimum-test-timeout", &limit])
        .arg("--output")
        .arg(target_folder().join("mutants").join(area.package))
        .current_dir(workspace())
        // It works on a copy of the tree with a target folder of its own.
        .env_remove("CARGO_TARGET_DIR")
        .env("CARGO_PROFILE_DEV_DEBUG", "none");
    if files.is_empty() {
        for file in area.files {
            command.args(["--file", file]);
        }
    }
    for file in files {
        command.args(["--file", file]);
    }
    if let Some(shard) = shard {
        command.args(["--shard", shard]);
    }
    command.arg("--").args(area.tests);
    command
}

fn refuse_without_tool() -> Result<(), Failure> {
    let mut version = Command::new("cargo");
    version
        .args(["mutants", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if version.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(Failure::Unexpected(
        "NO MUTANT WAS TESTED: missing cargo-mutants (cargo install cargo-mutants --locked)".to_owned(),
    ))
}
