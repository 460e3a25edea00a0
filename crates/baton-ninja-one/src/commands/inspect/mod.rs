//! `inspect`: queries a finished sync in a file or a dataset, without a server.

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

/// The default location, as for all commands.
pub(crate) const DEFAULT_FILE: &str = "sync.c1z";

/// Runs a query and prints its rows.
pub(crate) fn run(settings: &Settings, args: InspectArgs) -> Result<(), Failure> {
    let _context = CommandContext::new(settings)?;
    let format = settings.row_format()?;
    let settings = settings.clone();
    run_blocking_cancellable(move |cancellation| {
        let sync_location = location(args.location.as_deref())?;
        match &args.command {
            InspectCommand::Syncs => {
                reject_time_flags(&args, "`syncs` lists all syncs")?;
                let syncs = sync_location.syncs(&settings, cancellation)?;
                let mut output = OutputTarget::open(format, args.paged);
                let printed = queries::print_syncs(&syncs, &args.view, format, &mut output, cancellation);
                output.close();
                return printed;
            }
            InspectCommand::History(_) if args.sync.is_some() => {
                reject_time_flags(&args, "`history` goes through all syncs")?;
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
            let mut output = OutputTarget::open(format, args.paged);
            let shown = queries::print_history(history, &args.view, format, &mut output, cancellation);
            output.close();
            return shown;
        }
        let (snapshot, heading) = match &args.at {
            Some(at) => {
                let timeline = sync_location.timeline(&settings, cancellation)?;
                let n = timeline.at(at)?;
                (timeline.open(n, cancellation)?, Some(timeline.describe(n)))
            }
            None => (
                sync_location.open(&settings, args.sync.as_deref(), cancellation)?,
                None,
            ),
        };
        let mut output = OutputTarget::open(format, args.paged);
        let result = queries::run(
            &args,
            heading,
            snapshot.as_ref(),
            format,
            &mut output,
            cancellation,
        );
        output.close();
        result.map_err(|failure| {
            let sync = snapshot.sync().run.id.to_string();
            explain_when_it_existed(
                failure,
                &args.command,
                || sync_location.timeline(&settings, cancellation),
                &sync,
                cancellation,
            )
        })
    })
}

/// Whether there certainly is no file or folder.
fn is_missing(path: &Path) -> bool {
    matches!(path.try_exists(), Ok(false))
}

/// The named location, or the default file.
pub(crate) fn location(named: Option<&str>) -> Result<SyncLocation, Failure> {
    if let Some(named) = named {
        return SyncLocation::parse(named)
            .map_err(|failure| with_subcommand_hint(failure, named))
            .and_then(|sync_location| match &sync_location {
                SyncLocation::File(path) if is_missing(path) && similar_subcommand(named).is_some() => {
                    let failure = Failure::new(
                        format!("there is no file or folder `{named}`"),
                        None,
                        StatusCode::NotFound,
                    );
                    Err(with_subcommand_hint(failure, named))
                }
                _ => Ok(sync_location),
            });
    }
    if is_missing(Path::new(DEFAULT_FILE)) {
        return Err(Failure::new(
            format!("there is no {DEFAULT_FILE} in this folder"),
            Some("name a c1z file or a dataset, or create one with `baton-ninja-one sync`".to_owned()),
            StatusCode::NotFound,
        ));
    }
    SyncLocation::parse(DEFAULT_FILE)
}

/// The subcommand that was probably meant by a missing location.
fn similar_subcommand(named: &str) -> Option<String> {
    let command = subcommand();
    let commands = command.get_subcommands().map(clap::Command::get_name);
    query::nearest(named, commands).map(str::to_owned)
}

fn with_subcommand_hint(failure: Failure, named: &str) -> Failure {
    match similar_subcommand(named) {
        Some(command) => Failure::new(
            failure.message().to_owned(),
            Some(format!("did you mean `inspect {command}`?")),
            failure.status(),
        ),
        None => failure,
    }
}

fn reject_time_flags(args: &InspectArgs, why: &str) -> Result<(), Failure> {
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

/// Adds to a failed lookup when the subject existed.
fn explain_when_it_existed(
    failure: Failure,
    command: &InspectCommand,
    timeline: impl FnOnce() -> Result<Timeline, Failure>,
    sync: &str,
    cancellation: &Cancellation,
) -> Failure {
    let text = match command {
        InspectCommand::Access(text) | InspectCommand::Who(text)
            if failure.status() == StatusCode::NotFound =>
        {
            text
        }
        _ => return failure,
    };
    let Ok(timeline) = timeline() else { return failure };
    if matches!(command, InspectCommand::Access(_)) {
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
