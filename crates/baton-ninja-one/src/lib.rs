//! The connector binary: flags, configuration, wiring, logs, progress, exit codes. The only crate that knows all others.

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
pub mod fuzzing;
mod health;
mod inspect;
mod interruptible;
mod logs;
mod metrics;
mod place;
mod progress;
mod provision;
mod report;
mod review;
mod sealed;
mod service;
mod settings;
mod spans;
mod summary;
mod sync;
mod system;
mod table;
mod telemetry;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::ArgMatches;

pub use documents::generated_documents;

use console::{Text, escape_line, print};
use exit::Failure;
use settings::{Environment, Settings};

/// What writes, for people.
pub(crate) const PROGRAM: &str = concat!("baton-ninja-one ", env!("CARGO_PKG_VERSION"));

/// Runs the program; the exit code is the gRPC code of the failure, as in the reference (baton-runtime facts §1.7).
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match run(arguments) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn run(arguments: impl IntoIterator<Item = OsString>) -> Result<ExitCode, Failure> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let matches = match cli::command().try_get_matches_from(&arguments) {
        Ok(matches) => matches,
        Err(error) if !error.use_stderr() => {
            print(&Text::from_own_lines(&error.render().to_string()));
            return Ok(ExitCode::SUCCESS);
        }
        Err(error) => return Err(Failure::usage(&with_escaped(&arguments, error))),
    };
    if let Some(("completion", chosen)) = matches.subcommand() {
        print(&Text::from_own_lines(&cli::completion(chosen)));
        return Ok(ExitCode::SUCCESS);
    }
    if matches.subcommand_name() == Some("config") {
        print(&Text::from_own_lines(&config_schema::json()));
        return Ok(ExitCode::SUCCESS);
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
    if let Some(name) = matches.subcommand_name() {
        settings.on_demand()?.refuse_beside(name)?;
    }
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
        _ => match provision::wanted(&settings, &matches)? {
            Some(request) => provision::run(&settings, request)?,
            None => sync::run(&settings)?,
        },
    }
    Ok(ExitCode::SUCCESS)
}

/// The same error of the same arguments, in which line breaks and control characters are written out: they are quoted in
/// it, and may come from anywhere.
fn with_escaped(arguments: &[OsString], error: clap::Error) -> clap::Error {
    let escaped = arguments.iter().map(|argument| match argument.to_str() {
        Some(text) => OsString::from(escape_line(text).as_ref()),
        None => argument.clone(),
    });
    cli::command()
        .try_get_matches_from(escaped)
        .err()
        .filter(|escaped| escaped.kind() == error.kind())
        .unwrap_or(error)
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
