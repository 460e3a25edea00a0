//! `cargo xtask fuzz`: runs the targets of tests/fuzz. The fuzzer saves failing inputs in tests/fuzz/artifacts. After the fix, add
//! the input to the target's corpus as `regress-…`, where the usual tests replay it.

use std::fs;
use std::process::{Command, Stdio};

use crate::process::{Failure, run_ok, stdout_of, target_folder, workspace};

/// Memory limit of one input, including the fuzzer's own.
const MAX_MEMORY_MIB: u32 = 1024;
/// Time limit of one input.
const INPUT_TIMEOUT_SECONDS: u32 = 20;

/// Runs one target, or all.
pub(crate) fn run(minutes: u64, only: Option<&str>) -> Result<(), Failure> {
    require_tools()?;
    let known = stdout_of(&mut nightly("list"))?;
    let known: Vec<&str> = known
        .lines()
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    if let Some(only) = only.filter(|only| !known.contains(only)) {
        return Err(Failure::Unexpected(format!(
            "there is no target {only}; there are {}",
            known.join(", ")
        )));
    }
    for target in known.iter().filter(|name| only.is_none_or(|only| only == **name)) {
        println!("fuzzing {target} for {minutes} min");
        fuzz_target(target, minutes)?;
    }
    Ok(())
}

fn fuzz_target(target: &str, minutes: u64) -> Result<(), Failure> {
    // New inputs go into the first folder; the committed ones are only read.
    let found = target_folder().join("fuzz-corpus").join(target);
    fs::create_dir_all(&found).map_err(|source| Failure::file(&found, source))?;
    let committed = workspace().join("tests/fuzz/corpus").join(target);
    let mut fuzz = nightly("run");
    fuzz.args(build_options())
        .arg(target)
        .arg(found)
        .arg(committed)
        .arg("--");
    let dictionary = workspace().join("tests/fuzz/dictionaries").join(target);
    if dictionary.exists() {
        fuzz.arg(format!("-dict={}", dictionary.display()));
    }
    run_ok(fuzz.args([
        format!("-max_total_time={}", minutes * 60),
        format!("-rss_limit_mb={MAX_MEMORY_MIB}"),
        format!("-timeout={INPUT_TIMEOUT_SECONDS}"),
        "-max_len=65536".to_owned(),
        "-print_final_stats=1".to_owned(),
    ]))
}

/// `cargo fuzz` on nightly. The variables of the cargo that runs xtask would select its toolchain instead.
fn nightly(subcommand: &str) -> Command {
    let mut command = Command::new("cargo");
    command
        .args(["+nightly", "fuzz", subcommand, "--fuzz-dir", "tests/fuzz"])
        .current_dir(workspace())
        .env_remove("CARGO")
        .env_remove("RUSTUP_TOOLCHAIN");
    command
}

/// No sanitizer: we have no unsafe code, and inputs run several times as fast without one. Overflows and failed debug
/// assertions are found nevertheless.
fn build_options() -> [String; 4] {
    let folder = target_folder().join("fuzz");
    [
        "--sanitizer=none".to_owned(),
        "--codegen-units=16".to_owned(),
        "--target-dir".to_owned(),
        folder.display().to_string(),
    ]
}

fn require_tools() -> Result<(), Failure> {
    let succeeds = |command: &mut Command| {
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    };
    let mut missing = Vec::new();
    if !succeeds(
        Command::new("rustc")
            .arg("+nightly")
            .arg("--version")
            .env_remove("RUSTUP_TOOLCHAIN"),
    ) {
        missing.push("nightly Rust (rustup toolchain install nightly --profile minimal)");
    }
    if !succeeds(Command::new("cargo").args(["fuzz", "--version"])) {
        missing.push("cargo-fuzz (cargo install cargo-fuzz --locked)");
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::Unexpected(format!(
        "NOTHING WAS FUZZED: missing {}",
        missing.join(" and ")
    )))
}
