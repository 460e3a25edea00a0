//! The developer commands of the workspace: `cargo xtask --help`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks to its user"
)]

mod bench;
mod demo;
mod dependencies;
mod dist;
mod files;
mod fuzz;
mod mutants;
mod process;
mod process_stats;
mod python;
mod sbom;
mod simulator;
mod site;
mod test_analytics;
mod test_interop;
mod test_report;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Developer commands of baton-ninja-one.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the connector against a simulated tenant; the results are in out/demo.
    Demo,
    /// Run every test of the workspace.
    Test {
        /// Arguments for `cargo test`, e.g. a filter.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run the queries of docs/guides/query-datasets.md on datasets. Needs Python, and Java for Spark.
    Feed,
    /// Test our files and service mode against the reference SDK. Needs Go.
    Interop,
    /// Test review reports in a real browser. Needs Chromium and Node.js.
    ReportTests,
    /// Take the README's screenshot of the demo's report. Needs Chromium and Node.js.
    ReportPicture,
    /// Fuzz the parsers of untrusted input. Needs nightly Rust and cargo-fuzz.
    Fuzz(fuzz::Options),
    /// Run mutation tests. Needs cargo-mutants and at least an hour.
    Mutants {
        /// Mutate only this package.
        #[arg(long)]
        package: Option<String>,
        /// Run only this shard, e.g. 0/4.
        #[arg(long)]
        shard: Option<String>,
        /// Mutate only these files.
        #[arg(long)]
        file: Vec<String>,
    },
    /// Check formatting and lints.
    Lint,
    /// Run lints and tests, which must pass before a change lands.
    Ci,
    /// Regenerate the generated parts of docs/.
    Docs {
        /// Build the documentation site in out/site instead. Needs mdbook.
        #[arg(long)]
        site: bool,
    },
    /// Write the manual pages to out/man.
    Man,
    /// Build a release in out/dist: static program, SBOM, checksums.
    Dist {
        /// Build profile; the file name shows any profile but `release`.
        #[arg(long, default_value = "release")]
        profile: String,
    },
    /// Check licenses, bans, duplicates and sources of dependencies (deny.toml). Needs cargo-deny.
    Deny {
        /// Also check for known vulnerabilities, which needs the internet.
        #[arg(long)]
        advisories: bool,
    },
    /// List the program's dependencies: unsafe code, build scripts, licenses.
    Audit,
    /// Run a benchmark; the results belong in docs/reference/performance.md.
    Bench {
        #[command(subcommand)]
        benchmark: bench::Bench,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Demo => demo::run(),
        Command::Test { arguments } => process::test(&arguments),
        Command::Feed => test_analytics::run(),
        Command::Interop => test_interop::run(),
        Command::ReportTests => test_report::tests(),
        Command::ReportPicture => test_report::picture(),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Mutants { package, shard, file } => {
            mutants::run(package.as_deref(), shard.as_deref(), &file)
        }
        Command::Lint => process::lint(),
        Command::Ci => process::lint().and_then(|()| process::test(&[])),
        Command::Docs { site: true } => site::build(),
        Command::Docs { site: false } => process::docs(),
        Command::Man => process::man(),
        Command::Dist { profile } => dist::run(&profile),
        Command::Deny { advisories } => dependencies::deny(advisories),
        Command::Audit => dependencies::audit().map(|text| print!("{text}")),
        Command::Bench { benchmark } => bench::run(&benchmark),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
