//! `cargo xtask fuzz`: runs the targets of tests/fuzz. The fuzzer saves failing inputs in tests/fuzz/artifacts. After the fix, add
//! the input to the target's corpus as `regress-…`, where the usual tests replay it.

mod ledger;
mod slices;
mod sources;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use self::ledger::Ledger;
use self::slices::Target;
use self::sources::LocalCrates;
use crate::dist::host;
use crate::process::{Failure, cargo, run_ok, stdout_of, target_folder, workspace};

/// What is fuzzed, and how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Processor time of each target in minutes.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    minutes: u64,
    /// Count the time that targets with the same sources were run before.
    #[arg(long)]
    total: bool,
    /// Targets that run at a time.
    #[arg(long, default_value_t = 1, value_name = "TARGETS", value_parser = clap::value_parser!(u16).range(1..))]
    at_once: u16,
    /// Start nothing new after this many minutes.
    #[arg(long, value_name = "MINUTES")]
    stop_after: Option<u64>,
    /// Fuzz only this target.
    #[arg(long)]
    target: Option<String>,
}

/// Runs one target, or all, and prints how long each ran over all runs of the same sources.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let begin = Instant::now();
    require_tools()?;
    let known = stdout_of(&mut nightly("list"))?;
    let known: Vec<&str> = known
        .lines()
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    let only = options.target.as_deref();
    if let Some(only) = only.filter(|only| !known.contains(only)) {
        return Err(Failure::Unexpected(format!(
            "there is no target {only}; there are {}",
            known.join(", ")
        )));
    }
    require_lock_file()?;
    run_ok(nightly("build").args(build_options()).args(only))?;
    let ledger = Ledger::open(workspace().join("tests/fuzz/ledger.tsv"))?;
    let crates = LocalCrates::load()?;
    let minutes = |minutes: u64| Duration::from_secs(minutes.saturating_mul(60));
    // cargo-fuzz always names the platform.
    let programs = target_folder().join("fuzz").join(host()?).join("release");
    let mut targets = Vec::new();
    for name in known
        .into_iter()
        .filter(|name| only.is_none_or(|only| only == *name))
    {
        let program = programs.join(name);
        let sources = crates.digest(name)?;
        let before = if options.total {
            Duration::ZERO
        } else {
            ledger.total(name, &sources).processor
        };
        targets.push(Target {
            name: name.to_owned(),
            program,
            sources,
            enough: before.saturating_add(minutes(options.minutes)),
        });
    }
    let end = options
        .stop_after
        .and_then(|after| begin.checked_add(minutes(after)));
    let ledger = slices::run(&targets, ledger, options.at_once.into(), end, slices::slice)?;
    report(&targets, &ledger)
}

/// The table in docs/development/testing.md.
fn report(targets: &[Target], ledger: &Ledger) -> Result<(), Failure> {
    println!("| Target | Processor time | Inputs |\n|---|---|---|");
    let mut failed = Vec::new();
    let mut all = 0;
    for target in targets {
        let total = ledger.total(&target.name, &target.sources);
        let seconds = total.processor.as_secs();
        all += seconds;
        println!(
            "| `{}` | {} min {} s | {} |",
            target.name,
            seconds / 60,
            seconds % 60,
            total.inputs
        );
        if total.failed {
            failed.push(target.name.as_str());
        }
    }
    println!(
        "\n{} h {} min of processor time together",
        all / 3600,
        all / 60 % 60
    );
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::Unexpected(format!(
        "{} failed; the inputs are in tests/fuzz/artifacts",
        failed.join(", ")
    )))
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

/// cargo-fuzz would update an outdated lock file, and fuzz other versions of libraries than the program has.
fn require_lock_file() -> Result<(), Failure> {
    let manifest = "--manifest-path=tests/fuzz/Cargo.toml";
    let metadata = ["metadata", "--locked", "--format-version=1", manifest];
    stdout_of(&mut cargo(metadata)).map(drop)
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
