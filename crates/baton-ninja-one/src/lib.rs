//! The connector binary: flags, configuration, wiring, logs, progress, exit codes. The only crate that knows all others.

mod bucket_c1z;
mod capabilities;
mod check;
mod cli;
mod config_schema;
mod console;
mod convert;
mod diff;
mod documents;
mod evidence;
mod exit;
mod export;
#[cfg(any(test, fuzzing))]
#[path = "../../../tests/fuzz/bodies/baton_ninja_one.rs"]
pub mod fuzzing;
mod health;
mod inspect;
mod interruptible;
mod logs;
mod machine;
mod memory_probe;
mod metrics;
mod panics;
mod place;
mod progress;
mod provision;
mod report;
mod review;
mod sealed;
mod secrets;
mod service;
mod settings;
mod spans;
mod summary;
mod sync;
mod system;
mod table;
mod task_logs;
mod telemetry;
mod usage;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::ArgMatches;
use indicatif::MultiProgress;

pub use documents::generated_documents;

use console::{Text, print};
use exit::Failure;
use settings::{Environment, Settings};
use usage::CommandLine;

/// What writes, for people.
pub(crate) const PROGRAM: &str = concat!("baton-ninja-one ", env!("CARGO_PKG_VERSION"));

/// Runs the program; the exit code is the gRPC code of the failure, as in the reference (docs/reference/conductorone.md §1.7).
/// Whatever panics ends with the code of an internal error, never with 101.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    system::forbid_core_dumps();
    let arguments = arguments.into_iter().collect();
    match panics::caught(|| run(arguments)) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn run(arguments: Vec<OsString>) -> Result<ExitCode, Failure> {
    secrets::register_arguments(&arguments);
    let matches = match usage::read(arguments)? {
        CommandLine::Parsed(matches) => matches,
        CommandLine::Answered(text) => {
            print(&Text::from_own_lines(&text));
            return Ok(ExitCode::SUCCESS);
        }
    };
    match matches.subcommand() {
        Some(("completion", chosen)) => {
            print(&Text::from_own_lines(&cli::completion(chosen)));
            return Ok(ExitCode::SUCCESS);
        }
        Some(("config", _)) => {
            print(&Text::from_own_lines(&config_schema::json()));
            return Ok(ExitCode::SUCCESS);
        }
        Some(("version", _)) => {
            print(&Text::from_own_lines(&cli::command().render_version()));
            return Ok(ExitCode::SUCCESS);
        }
        _ => {}
    }
    let environment: Environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .collect();
    let folder = std::env::current_dir().unwrap_or_default();
    let settings = Settings::load(innermost(&matches), &environment, &folder)?;
    if let Some(("health-check", chosen)) = matches.subcommand() {
        // A probe beside a running connector shares its variables, whatever those ask for.
        health::probe(&settings, chosen)?;
        return Ok(ExitCode::SUCCESS);
    }
    settings.judge()?;
    access_core::memory::set_budget(settings.memory_budget()?);
    if matches.subcommand_name() != Some("capabilities") {
        machine::preflight(settings.threads_at_once()?)?;
    }
    if let Some(name) = matches.subcommand_name() {
        settings.on_demand()?.refuse_beside(name)?;
    }
    // These print what is known without a tenant; the others start the log themselves.
    let _telemetry = match matches.subcommand_name() {
        Some("capabilities" | "create-account") | None if prints_only(&settings, &matches)? => {
            logs::start(&settings, &MultiProgress::new())?
        }
        _ => None,
    };
    match matches.subcommand_name() {
        Some("capabilities") => {
            let json = capabilities::json(settings.source_options()?.devices);
            print(&Text::from_own_lines(&json));
        }
        Some("check") => check::run(&settings)?,
        Some("convert") => convert::run(&settings, subcommand(&matches))?,
        Some("diff") => return diff::run(&settings, subcommand(&matches)),
        Some("report") => report::run(&settings, subcommand(&matches))?,
        Some("apply-review") => provision::apply_review(&settings, subcommand(&matches))?,
        Some("review") => review::run(&settings, subcommand(&matches))?,
        Some("inspect") => inspect::run(&settings, subcommand(&matches))?,
        Some("export") => export::run(&settings, subcommand(&matches))?,
        Some("verify") => evidence::verify(&settings, subcommand(&matches))?,
        Some("history") => evidence::rebuild(&settings, innermost(&matches))?,
        None if settings.serves()? => service::run(&settings)?,
        None if settings.on_demand()?.lists_actions_of_a_type() => print(&Text::from_own_lines("[]\n")),
        _ => match provision::wanted(&settings, &matches)? {
            Some(request) => provision::run(&settings, request)?,
            None => sync::run(&settings)?,
        },
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a command prints what is known without a tenant.
fn prints_only(settings: &Settings, matches: &ArgMatches) -> Result<bool, Failure> {
    Ok(match matches.subcommand() {
        Some(("create-account", chosen)) => chosen.get_flag("schema"),
        Some(_) => true,
        None => !settings.serves()? && settings.on_demand()?.list_action_schemas,
    })
}

/// Flags work before and after subcommands; clap hands them down to the innermost one's matches.
fn innermost(matches: &ArgMatches) -> &ArgMatches {
    matches
        .subcommand()
        .map_or(matches, |(_, inner)| innermost(inner))
}

/// The matches of the command itself, which may have commands of its own.
fn subcommand(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, inner)| inner)
}
