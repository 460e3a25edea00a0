//! `inspect`: what a finished sync says, from a file or a dataset, without a server.

mod args;
mod columns;
mod history;
mod provenance;
mod queries;
mod row_output;
pub(crate) mod timeline;

use std::path::Path;

use access_core::StatusCode;
use access_core::ports::AccessSnapshot;
use access_core::query;

use crate::commands::context::CommandContext;
use crate::commands::inspect::timeline::Timeline;
use crate::failure::Failure;
use crate::runtime::cancellation::Cancellation;
use crate::runtime::cancellation::run_blocking_cancellable;
use crate::settings::Settings;
use crate::sync_location::SyncLocation;

use args::InspectCommand;

pub(crate) use crate::output::format::OutputFormat;
pub(crate) use crate::output::pager::OutputClosed;
pub(crate) use crate::output::pager::OutputTarget;
pub(crate) use crate::output::rows::Cell;
pub(crate) use crate::output::rows::Column;
pub(crate) use crate::output::rows::OPTIONAL;
pub(crate) use crate::output::rows::RowPrinter;
pub(crate) use crate::output::rows::data;
pub(crate) use crate::output::rows::people;
pub(crate) use crate::output::rows::shown;
pub(crate) use args::InspectArgs;
pub(crate) use args::subcommand;

/// The location where none is given, as everywhere else.
pub(crate) const DEFAULT_FILE: &str = "sync.c1z";

/// Answers on standard output.
pub(crate) fn run(settings: &Settings, args: InspectArgs) -> Result<(), Failure> {
    let _context = CommandContext::new(settings)?;
    let form = settings.sheet_form()?;
    let settings = settings.clone();
    run_blocking_cancellable(move |cancellation| {
        let sync_location = location(args.location.as_deref())?;
        match &args.command {
            InspectCommand::Syncs => {
                refuse_time(&args, "`syncs` lists all syncs")?;
                let syncs = sync_location.syncs(&settings, cancellation)?;
                let mut output = OutputTarget::open(form, args.paged);
                let listed = queries::print_syncs(&syncs, &args.view, form, &mut output, cancellation);
                output.close();
                return listed;
            }
            InspectCommand::History(_) if args.sync.is_some() => {
                refuse_time(&args, "`history` goes through all syncs")?;
            }
            _ => {}
        }
        if let InspectCommand::History(text) = &args.command {
            let timeline = sync_location.timeline(&settings, cancellation)?;
            let syncs = match &args.at {
                Some(at) => timeline.at(at)? + 1,
                None => timeline.latest()? + 1,
            };
            let history = history::read(&timeline, syncs, text, cancellation)?;
            let mut output = OutputTarget::open(form, args.paged);
            let shown = queries::print_history(history, &args.view, form, &mut output, cancellation);
            output.close();
            return shown;
        }
        let (snapshot, heading) = match &args.at {
            Some(at) => {
                let timeline = sync_location.timeline(&settings, cancellation)?;
                let n = timeline.at(at)?;
                (timeline.open(n, cancellation)?, Some(timeline.introduce(n)))
            }
            None => (
                sync_location.open(&settings, args.sync.as_deref(), cancellation)?,
                None,
            ),
        };
        let mut output = OutputTarget::open(form, args.paged);
        let answered = queries::run(&args, heading, snapshot.as_ref(), form, &mut output, cancellation);
        output.close();
        answered.map_err(|failure| {
            let sync = snapshot.sync().run.id.to_string();
            when_it_was_there(
                failure,
                &args.command,
                || sync_location.timeline(&settings, cancellation),
                &sync,
                cancellation,
            )
        })
    })
}

/// The location that is named, or the file in this folder.
pub(crate) fn location(named: Option<&str>) -> Result<SyncLocation, Failure> {
    if let Some(named) = named {
        return SyncLocation::parse(named)
            .map_err(|failure| meant_a_command(failure, named))
            .and_then(|sync_location| match &sync_location {
                SyncLocation::File(path) if !path.exists() && meant(named).is_some() => {
                    let failure = Failure::new(
                        format!("there is no file or folder `{named}`"),
                        None,
                        StatusCode::NotFound,
                    );
                    Err(meant_a_command(failure, named))
                }
                _ => Ok(sync_location),
            });
    }
    if !Path::new(DEFAULT_FILE).exists() {
        return Err(Failure::new(
            format!("there is no {DEFAULT_FILE} in this folder"),
            Some("name a c1z file or a dataset, or create one with `baton-ninja-one sync`".to_owned()),
            StatusCode::NotFound,
        ));
    }
    SyncLocation::parse(DEFAULT_FILE)
}

/// The command that was probably meant by a location that is not there.
fn meant(named: &str) -> Option<String> {
    let command = subcommand();
    let commands = command.get_subcommands().map(clap::Command::get_name);
    query::nearest(named, commands).map(str::to_owned)
}

fn meant_a_command(failure: Failure, named: &str) -> Failure {
    match meant(named) {
        Some(command) => Failure::new(
            failure.message().to_owned(),
            Some(format!("did you mean `inspect {command}`?")),
            failure.status(),
        ),
        None => failure,
    }
}

fn refuse_time(args: &InspectArgs, why: &str) -> Result<(), Failure> {
    let flag = match (&args.sync, &args.at) {
        (Some(_), _) => "--sync",
        (None, Some(_)) => "--at",
        (None, None) => return Ok(()),
    };
    Err(Failure::new(
        format!("{why}; {flag} does not apply"),
        Some(format!("leave {flag} out")),
        StatusCode::InvalidArgument,
    ))
}

/// Adds to the failure to find somebody or something when it was there.
fn when_it_was_there(
    failure: Failure,
    question: &InspectCommand,
    timeline: impl FnOnce() -> Result<Timeline, Failure>,
    sync: &str,
    cancellation: &Cancellation,
) -> Failure {
    let text = match question {
        InspectCommand::Access(text) | InspectCommand::Who(text)
            if failure.status() == StatusCode::NotFound =>
        {
            text
        }
        _ => return failure,
    };
    let Ok(timeline) = timeline() else { return failure };
    if matches!(question, InspectCommand::Access(_)) {
        let find = |snapshot: &dyn AccessSnapshot| query::resolve_principal(snapshot, text);
        return history::explain_absence(failure, &timeline, sync, cancellation, find, |row| {
            (row.display_name.to_string(), row.id.to_string())
        });
    }
    let find = |snapshot: &dyn AccessSnapshot| history::find_role(snapshot, text);
    history::explain_absence(failure, &timeline, sync, cancellation, find, |subject| {
        (subject.name.clone(), subject.id.to_string())
    })
}
