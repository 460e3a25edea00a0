//! The connector binary: flags, configuration, wiring, logs, progress, exit codes. The only crate that uses all others.

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

/// Runs the program. Like in the reference, the exit code is the gRPC code of the failure (docs/reference/conductorone.md
/// §1.7). A panic ends with the code of an internal error, never with 101.
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
    let ended = runtime::panics::caught(|| run(arguments, &errors));
    let printed = output::standard_output::finish().map_err(|error| Failure::incomplete_output(&error));
    match ended.and_then(|code| printed.map(|()| code)) {
        Ok(code) => code,
        Err(failure) => failure.report(errors.get()),
    }
}

/// Runs a command. `errors` is set to the configured format once the settings are known.
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
    let validated = || validated(load()?, &matches);
    match Command::from_matches(&matches)? {
        Command::Default => run_default(&validated()?)?,
        Command::Sync => commands::sync::run(&validated()?)?,
        Command::Check => commands::check::run(&validated()?)?,
        Command::Init(args) => commands::init::run(&load()?, &args)?,
        Command::Inspect(args) => commands::inspect::run(&validated()?, args)?,
        Command::Diff(args) => return commands::diff::run(&validated()?, args),
        Command::Report(args) => commands::report::run(&validated()?, &args)?,
        Command::ApplyReview(args) => commands::apply_review::run(&validated()?, &args)?,
        Command::Review(args) => commands::review::run(&validated()?, &args)?,
        Command::Change(args) => change(&validated()?, &args)?,
        Command::Verify(args) => commands::verify::run(&validated()?, &args)?,
        Command::HistoryRebuild(args) => commands::history::run(&validated()?, &args)?,
        Command::Export(args) => commands::export::run(&validated()?, &args)?,
        Command::Convert(args) => commands::convert::run(&validated()?, args)?,
        // Not validated: a probe beside a running connector has all of its variables.
        Command::HealthCheck(args) => commands::health_check::run(&load()?, args)?,
        Command::Capabilities => {
            let settings = validated()?;
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

/// Loads the settings.
fn load(matches: &ArgMatches, errors: &Cell<ErrorFormat>) -> Result<Settings, Failure> {
    let environment: Environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .collect();
    let folder = std::env::current_dir().unwrap_or_default();
    let settings = Settings::load(innermost(matches), &environment, &folder)?;
    if matches!(settings.row_format(), Ok(OutputFormat::Json)) {
        errors.set(ErrorFormat::Json);
    }
    Ok(settings)
}

/// Validates the settings, alone and together with the command.
fn validated(settings: Settings, matches: &ArgMatches) -> Result<Settings, Failure> {
    settings.validate()?;
    access_core::memory::set_budget(settings.memory_budget()?);
    if matches.subcommand_name() != Some("capabilities") {
        runtime::machine::preflight(settings.threads_at_once()?)?;
    }
    if let Some(name) = matches.subcommand_name() {
        settings.on_demand()?.reject_beside(name)?;
    }
    Ok(settings)
}

/// Runs without a command: the service, the operation of one of ConductorOne's flags, or a sync.
fn run_default(settings: &Settings) -> Result<(), Failure> {
    if settings.serves()? {
        return commands::service::run(settings);
    }
    let on_demand = settings.on_demand()?;
    // This one only prints; all others start the log themselves.
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

/// Changes the tenant, or prints the schema of an account.
fn change(settings: &Settings, args: &ChangeArgs) -> Result<(), Failure> {
    let _context = if args.is_schema() {
        Some(CommandContext::new(settings)?)
    } else {
        None
    };
    commands::provision::run(settings, commands::provision::parse_request(settings, args)?)
}

/// The matches of the innermost subcommand, to which clap propagates global flags.
fn innermost(matches: &ArgMatches) -> &ArgMatches {
    matches
        .subcommand()
        .map_or(matches, |(_, inner)| innermost(inner))
}
