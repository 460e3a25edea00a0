//! Every developer command of the workspace, so that nobody needs to remember a script: `cargo xtask --help`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks to its user"
)]

mod bench;
mod demo;
mod dependencies;
mod dist;
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
    /// Start a simulated tenant, run the real connector against it, leave the result in out/demo.
    Demo,
    /// Run every test of the workspace.
    Test {
        /// Passed on to `cargo test`, e.g. a filter.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Run the queries of docs/guides/query-datasets.md on real datasets. Needs Python, and Java for Spark.
    Feed,
    /// Let the reference SDK read, change and write our files, and be ConductorOne for a day. Needs Go.
    Interop,
    /// Look at review reports in a real browser. Needs Chromium and Node.js.
    ReportTests,
    /// Take the README's picture of the demo's report. Needs Chromium and Node.js.
    ReportPicture,
    /// Fuzz what reads bytes of others. Needs nightly Rust and cargo-fuzz.
    Fuzz {
        /// How long each target runs.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
        minutes: u64,
        /// Only this target.
        #[arg(long)]
        target: Option<String>,
    },
    /// Break the code in hundreds of places and see that tests notice. Needs cargo-mutants, and an hour or more.
    Mutants {
        /// Only this package.
        #[arg(long)]
        package: Option<String>,
        /// Only this part, such as 0/4.
        #[arg(long)]
        shard: Option<String>,
        /// Only these files.
        #[arg(long)]
        file: Vec<String>,
    },
    /// Check formatting and lints.
    Lint,
    /// Lint and test: what has to pass before a change lands.
    Ci,
    /// Regenerate the generated parts of docs/.
    Docs {
        /// Build the documents as a site instead, into out/site. Needs mdbook.
        #[arg(long)]
        site: bool,
    },
    /// Write the manual pages into out/man.
    Man,
    /// Build what is handed out, into out/dist: a static program, its SBOM, checksums.
    Dist {
        /// The profile to build with; what is not a release says so in its name.
        #[arg(long, default_value = "release")]
        profile: String,
    },
    /// Check licences, bans, duplicates and sources of dependencies (deny.toml). Needs cargo-deny.
    Deny {
        /// Ask for known vulnerabilities too; that needs the internet.
        #[arg(long)]
        advisories: bool,
    },
    /// List what is in the program: uses of unsafe code, build scripts, licences.
    Audit,
    /// Measure; the figures belong in docs/reference/performance.md.
    Bench {
        #[command(subcommand)]
        what: bench::Bench,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Demo => demo::run(),
        Command::Test { rest } => process::test(&rest),
        Command::Feed => test_analytics::run(),
        Command::Interop => test_interop::run(),
        Command::ReportTests => test_report::tests(),
        Command::ReportPicture => test_report::picture(),
        Command::Fuzz { minutes, target } => fuzz::run(minutes, target.as_deref()),
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
        Command::Bench { what } => bench::run(&what),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
