//! `inspect`: what a finished sync says, from a file or a dataset, without a server.

mod args;
mod columns;
mod history;
mod provenance;
mod queries;
pub(crate) mod timeline;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use access_core::StatusCode;
use access_core::ports::AccessSnapshot;
use access_core::query;
use clap::ArgMatches;
use indicatif::MultiProgress;

use crate::commands::inspect::timeline::Timeline;
use crate::failure::Failure;
use crate::observability::logging;
use crate::runtime::cancellation::cancel_on_signal;
use crate::settings::Settings;
use crate::sync_location::SyncLocation;

use args::InspectCommand;

pub(crate) use crate::output::pager::OutputTarget;
pub(crate) use crate::output::rows::Cell;
pub(crate) use crate::output::rows::Column;
pub(crate) use crate::output::rows::OPTIONAL;
pub(crate) use crate::output::rows::OutputClosed;
pub(crate) use crate::output::rows::OutputFormat;
pub(crate) use crate::output::rows::RowPrinter;
pub(crate) use crate::output::rows::data;
pub(crate) use crate::output::rows::people;
pub(crate) use crate::output::rows::shown;
pub(crate) use args::subcommand;

/// The location where none is given, as everywhere else.
pub(crate) const DEFAULT_FILE: &str = "sync.c1z";

/// Answers on standard output.
pub(crate) fn run(settings: &Settings, chosen: &ArgMatches) -> Result<(), Failure> {
    let _telemetry = logging::start(settings, &MultiProgress::new())?;
    let form = settings.sheet_form()?;
    let asked = args::InspectArgs::of(chosen)?;
    let settings = settings.clone();
    cancel_on_signal(move |stop| {
        let place = location(asked.place.as_deref())?;
        match &asked.question {
            InspectCommand::Syncs => {
                refuse_time(&asked, "`syncs` lists all syncs")?;
                let syncs = place.syncs(&settings, stop)?;
                let mut outlet = OutputTarget::of(form, asked.paged);
                let listed = queries::syncs(&syncs, &asked.view, form, &mut outlet, stop);
                outlet.close();
                return listed;
            }
            InspectCommand::History(_) if asked.sync.is_some() => {
                refuse_time(&asked, "`history` goes through all syncs")?;
            }
            _ => {}
        }
        if let InspectCommand::History(text) = &asked.question {
            let timeline = place.timeline(&settings, stop)?;
            let syncs = match &asked.at {
                Some(at) => timeline.at(at)? + 1,
                None => timeline.latest()? + 1,
            };
            let history = history::read(&timeline, syncs, text, stop)?;
            let mut outlet = OutputTarget::of(form, asked.paged);
            let shown = queries::history(history, &asked.view, form, &mut outlet, stop);
            outlet.close();
            return shown;
        }
        let (snapshot, heading) = match &asked.at {
            Some(at) => {
                let timeline = place.timeline(&settings, stop)?;
                let n = timeline.at(at)?;
                (timeline.open(n, stop)?, Some(timeline.introduce(n)))
            }
            None => (place.open(&settings, asked.sync.as_deref(), stop)?, None),
        };
        let mut outlet = OutputTarget::of(form, asked.paged);
        let answered = queries::answer(&asked, heading, snapshot.as_ref(), form, &mut outlet, stop);
        outlet.close();
        answered.map_err(|failure| {
            let sync = snapshot.sync().run.id.to_string();
            when_it_was_there(
                failure,
                &asked.question,
                || place.timeline(&settings, stop),
                &sync,
                stop,
            )
        })
    })
}

/// The location that is named, or the file in this folder.
pub(crate) fn location(named: Option<&str>) -> Result<SyncLocation, Failure> {
    if let Some(named) = named {
        return SyncLocation::named(named)
            .map_err(|failure| meant_a_command(failure, named))
            .and_then(|place| match &place {
                SyncLocation::File(path) if !path.exists() && meant(named).is_some() => {
                    let failure = Failure::found(
                        format!("there is no file or folder `{named}`"),
                        None,
                        StatusCode::NotFound,
                    );
                    Err(meant_a_command(failure, named))
                }
                _ => Ok(place),
            });
    }
    if !Path::new(DEFAULT_FILE).exists() {
        return Err(Failure::found(
            format!("there is no {DEFAULT_FILE} in this folder"),
            Some("name a c1z file or a dataset, or create one with `baton-ninja-one sync`".to_owned()),
            StatusCode::NotFound,
        ));
    }
    SyncLocation::named(DEFAULT_FILE)
}

/// The command that was probably meant by a location that is not there.
fn meant(named: &str) -> Option<String> {
    let command = subcommand();
    let commands = command.get_subcommands().map(clap::Command::get_name);
    query::nearest(named, commands).map(str::to_owned)
}

fn meant_a_command(failure: Failure, named: &str) -> Failure {
    match meant(named) {
        Some(command) => Failure::found(
            failure.message().to_owned(),
            Some(format!("did you mean `inspect {command}`?")),
            failure.status(),
        ),
        None => failure,
    }
}

fn refuse_time(asked: &args::InspectArgs, why: &str) -> Result<(), Failure> {
    let flag = match (&asked.sync, &asked.at) {
        (Some(_), _) => "--sync",
        (None, Some(_)) => "--at",
        (None, None) => return Ok(()),
    };
    Err(Failure::found(
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
    stop: &Arc<AtomicBool>,
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
        return history::explain_absence(failure, &timeline, sync, stop, find, |row| {
            (row.display_name.to_string(), row.id.to_string())
        });
    }
    let find = |snapshot: &dyn AccessSnapshot| history::find_role(snapshot, text);
    history::explain_absence(failure, &timeline, sync, stop, find, |subject| {
        (subject.name.clone(), subject.id.to_string())
    })
}
