//! `cargo xtask mutants`: cargo-mutants changes the mapping, the client, the provisioning and the pipeline, one expression at a
//! time, and the tests of the crate must fail. A mutant that survives needs a test, or a reason in docs/development/testing.md.

use std::process::{Command, Stdio};

use crate::process::{Failure, run_ok, target_folder, workspace};

/// Time limit of the tests with a mutant; without one they take a few seconds. Fixed, so that load does not cause timeouts.
const TEST_TIMEOUT_SECONDS: u32 = 60;

/// The files to mutate, and the tests of the same crate that must fail.
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

/// Tests the mutants of all areas or of one package; optionally only a shard such as `0/4`, or some files.
pub(crate) fn run(package: Option<&str>, shard: Option<&str>, files: &[String]) -> Result<(), Failure> {
    require_tool()?;
    let areas: Vec<&Area> = AREAS
        .iter()
        .filter(|area| package.is_none_or(|only| only == area.package))
        .collect();
    if areas.is_empty() {
        return Err(Failure::Unexpected(format!(
            "no mutants are configured for {}; packages with mutants: {}",
            package.unwrap_or_default(),
            AREAS.map(|area| area.package).join(", ")
        )));
    }
    let mut failures = Vec::new();
    for area in areas {
        if let Err(failure) = run_ok(&mut mutants(area, shard, files)) {
            failures.push(format!("{}: {failure}", area.package));
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    // All areas run, even after a failure.
    Err(Failure::Unexpected(failures.join("; ")))
}

fn mutants(area: &Area, shard: Option<&str>, files: &[String]) -> Command {
    let limit = TEST_TIMEOUT_SECONDS.to_string();
    let mut command = Command::new("cargo");
    command
        .args(["mutants", "--package", area.package, "--no-shuffle"])
        .args(["--timeout", &limit, "--minimum-test-timeout", &limit])
        .arg("--output")
        .arg(target_folder().join("mutants").join(area.package))
        .current_dir(workspace())
        // cargo-mutants uses a copy of the tree with its own target folder.
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

fn require_tool() -> Result<(), Failure> {
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
