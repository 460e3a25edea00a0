//! `cargo xtask fuzz`: every target of tests/fuzz for a while. What fails is kept by the fuzzer under tests/fuzz/artifacts; once
//! mended, it belongs into the target's corpus as `regress-…`, where the usual tests replay it.

use std::fs;
use std::process::{Command, Stdio};

use crate::process::{Failure, said, succeed, target_folder, workspace};

/// Memory that one input may take, in MiB, the fuzzer's own included.
const MOST_MEMORY: u32 = 1024;
/// Seconds that one input may take.
const LONGEST: u32 = 20;

/// Runs one target, or all.
pub(crate) fn run(minutes: u64, only: Option<&str>) -> Result<(), Failure> {
    refuse_without_tools()?;
    let known = said(&mut nightly("list"))?;
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
        one(target, minutes)?;
    }
    Ok(())
}

fn one(target: &str, minutes: u64) -> Result<(), Failure> {
    // New inputs go into the first folder; the committed ones are only read.
    let found = target_folder().join("fuzz-corpus").join(target);
    fs::create_dir_all(&found).map_err(|source| Failure::file(&found, source))?;
    let committed = workspace().join("tests/fuzz/corpus").join(target);
    let mut fuzz = nightly("run");
    fuzz.args(building())
        .arg(target)
        .arg(found)
        .arg(committed)
        .arg("--");
    let dictionary = workspace().join("tests/fuzz/dictionaries").join(target);
    if dictionary.exists() {
        fuzz.arg(format!("-dict={}", dictionary.display()));
    }
    succeed(fuzz.args([
        format!("-max_total_time={}", minutes * 60),
        format!("-rss_limit_mb={MOST_MEMORY}"),
        format!("-timeout={LONGEST}"),
        "-max_len=65536".to_owned(),
        "-print_final_stats=1".to_owned(),
    ]))
}

/// `cargo fuzz`, on nightly. The variable of the cargo that runs xtask would lead back to its toolchain.
fn nightly(what: &str) -> Command {
    let mut command = Command::new("cargo");
    command
        .args(["+nightly", "fuzz", what, "--fuzz-dir", "tests/fuzz"])
        .current_dir(workspace())
        .env_remove("CARGO")
        .env_remove("RUSTUP_TOOLCHAIN");
    command
}

/// No sanitizer: there is no unsafe code of ours, and without one inputs run several times as fast. Overflows and broken
/// debug assertions are found all the same.
fn building() -> [String; 4] {
    let folder = target_folder().join("fuzz");
    [
        "--sanitizer=none".to_owned(),
        "--codegen-units=16".to_owned(),
        "--target-dir".to_owned(),
        folder.display().to_string(),
    ]
}

fn refuse_without_tools() -> Result<(), Failure> {
    let works = |command: &mut Command| {
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    };
    let mut missing = Vec::new();
    if !works(
        Command::new("rustc")
            .arg("+nightly")
            .arg("--version")
            .env_remove("RUSTUP_TOOLCHAIN"),
    ) {
        missing.push("nightly Rust (rustup toolchain install nightly --profile minimal)");
    }
    if !works(Command::new("cargo").args(["fuzz", "--version"])) {
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
