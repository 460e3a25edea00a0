//! The connector binary: flags, configuration, wiring, logs, progress, exit codes. The only crate that knows all others.

mod bucket_c1z;
mod cli;
mod commands;
mod config_schema;
mod failure;
#[cfg(any(test, fuzzing))]
#[path = "../../../tests/fuzz/bodies/baton_ninja_one.rs"]
pub mod fuzzing;
mod generated_docs;
mod health;
mod observability;
mod output;
mod runtime;
mod secrets;
mod settings;
mod sinks;
mod sync_location;
mod targets;
mod wiring;

use std::cell::Cell;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::ArgMatches;

pub use config_schema::config_schema;
pub use generated_docs::generated_documents;

use cli::usage::CommandLine;
use commands::Command;
use commands::context::CommandContext;
use commands::inspect::OutputFormat;
use commands::provision::ChangeArgs;
use failure::ErrorFormat;
use failure::Failure;
use output::console::Text;
use output::console::print;
use output::console::print_help;
use settings::{Environment, Settings};

/// Runs the program; the exit code is the gRPC code of the failure, as in the reference (docs/reference/conductorone.md §1.7).
/// Whatever panics ends with the code of an internal error, never with 101.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    runtime::system::forbid_core_dumps();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if commands::completion::answer(&arguments, cli::command) {
        return ExitCode::SUCCESS;
    }
    let preferences = cli::usage::preferences(&arguments);
    output::console::set_color(preferences.color);
    let errors = Cell::new(preferences.errors);
    match runtime::panics::caught(|| run(arguments, &errors)) {
        Ok(code) => code,
        Err(failure) => failure.report(errors.get()),
    }
}

/// Runs a command. `errors` is set to the form that the settings ask for once they are known.
fn run(arguments: Vec<OsString>, errors: &Cell<ErrorFormat>) -> Result<ExitCode, Failure> {
    secrets::register_arguments(&arguments);
    let matches = match cli::usage::read(arguments)? {
        CommandLine::Parsed(matches) => matches,
        CommandLine::Answered(text) => {
            print_help(&text);
            return Ok(ExitCode::SUCCESS);
        }
    };
    let load = || load(&matches, errors);
    let judged = || judged(load()?, &matches);
    match Command::from_matches(&matches)? {
        Command::Default => run_default(&judged()?)?,
        Command::Sync => commands::sync::run(&judged()?)?,
        Command::Check => commands::check::run(&judged()?)?,
        Command::Init(args) => commands::init::run(&load()?, &args)?,
        Command::Inspect(args) => commands::inspect::run(&judged()?, args)?,
        Command::Diff(args) => return commands::diff::run(&judged()?, args),
        Command::Report(args) => commands::report::run(&judged()?, &args)?,
        Command::ApplyReview(args) => commands::apply_review::run(&judged()?, &args)?,
        Command::Review(args) => commands::review::run(&judged()?, &args)?,
        Command::Change(args) => change(&judged()?, &args)?,
        Command::Verify(args) => commands::verify::run(&judged()?, &args)?,
        Command::HistoryRebuild(args) => commands::history::run(&judged()?, &args)?,
        Command::Export(args) => commands::export::run(&judged()?, &args)?,
        Command::Convert(args) => commands::convert::run(&judged()?, args)?,
        // A probe beside a running connector shares its variables, whatever those ask for.
        Command::HealthCheck(args) => commands::health_check::run(&load()?, args)?,
        Command::Capabilities => {
            let settings = judged()?;
            let _context = CommandContext::new(&settings)?;
            let json = commands::capabilities::json(settings.source_options()?.devices);
            print(&Text::from_own_lines(&json));
        }
        Command::Config => print(&Text::from_own_lines(&commands::config::json())),
        Command::Completion(shell) => print(&Text::from_own_lines(&commands::completion::script(shell))),
        Command::Man(folder) => {
            let mut text = Text::new();
            text.line(format_args!(
                "Wrote {} manual pages to {}",
                commands::man::write(&folder)?,
                folder.display()
            ));
            print(&text);
        }
        Command::Help(words) => print_help(&cli::usage::help(&words)?),
        Command::Version => print_help(&cli::command().render_version().into()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Gathers the settings.
fn load(matches: &ArgMatches, errors: &Cell<ErrorFormat>) -> Result<Settings, Failure> {
    let environment: Environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .collect();
    let folder = std::env::current_dir().unwrap_or_default();
    let settings = Settings::load(innermost(matches), &environment, &folder)?;
    if matches!(settings.sheet_form(), Ok(OutputFormat::Json)) {
        errors.set(ErrorFormat::Json);
    }
    Ok(settings)
}

/// The settings, all of which make sense, also beside the command.
fn judged(settings: Settings, matches: &ArgMatches) -> Result<Settings, Failure> {
    settings.judge()?;
    access_core::memory::set_budget(settings.memory_budget()?);
    if matches.subcommand_name() != Some("capabilities") {
        runtime::machine::preflight(settings.threads_at_once()?)?;
    }
    if let Some(name) = matches.subcommand_name() {
        settings.on_demand()?.refuse_beside(name)?;
    }
    Ok(settings)
}

/// What happens without a command: the service, what one of ConductorOne's flags asks for, or a sync.
fn run_default(settings: &Settings) -> Result<(), Failure> {
    if settings.serves()? {
        return commands::service::run(settings);
    }
    let on_demand = settings.on_demand()?;
    // Printed without a tenant; all others start the log themselves.
    let _context = if on_demand.list_action_schemas {
        Some(CommandContext::new(settings)?)
    } else {
        None
    };
    if on_demand.lists_actions_of_a_type() {
        print(&Text::from_own_lines("[]\n"));
        return Ok(());
    }
    match commands::provision::request_from_flags(settings)? {
        Some(request) => commands::provision::run(settings, request),
        None => commands::sync::run(settings),
    }
}

/// One change to the tenant, or the schema of an account.
fn change(settings: &Settings, args: &ChangeArgs) -> Result<(), Failure> {
    let _context = if args.is_schema() {
        Some(CommandContext::new(settings)?)
    } else {
        None
    };
    commands::provision::run(settings, commands::provision::parse_request(settings, args)?)
}

/// Flags work before and after subcommands; clap hands them down to the innermost one's matches.
fn innermost(matches: &ArgMatches) -> &ArgMatches {
    matches
        .subcommand()
        .map_or(matches, |(_, inner)| innermost(inner))
}
