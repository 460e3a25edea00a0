//! `inspect`: what a finished sync says, from a file or a dataset, without a server.

mod asked;
mod commands;
mod history;
mod how;
mod pager;
mod rows;
mod sheet;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use access_core::StatusCode;
use access_core::explore;
use access_core::ports::AccessSnapshot;
use clap::ArgMatches;
use indicatif::MultiProgress;

use crate::exit::Failure;
use crate::interruptible::until_stopped;
use crate::logs;
use crate::place::Place;
use crate::settings::Settings;
use crate::timeline::Timeline;

use asked::Question;

pub(crate) use asked::subcommand;
pub(crate) use pager::Outlet;
pub(crate) use sheet::{Cell, Closed, Column, Form, OPTIONAL, Sheet, data, people, shown};

/// The location where none is given, as everywhere else.
pub(crate) const DEFAULT_FILE: &str = "sync.c1z";

/// Answers on standard output.
pub(crate) fn run(settings: &Settings, chosen: &ArgMatches) -> Result<(), Failure> {
    let _telemetry = logs::start(settings, &MultiProgress::new())?;
    let form = settings.sheet_form()?;
    let asked = asked::Asked::of(chosen)?;
    let settings = settings.clone();
    until_stopped(move |stop| {
        let place = location(asked.place.as_deref())?;
        match &asked.question {
            Question::Syncs => {
                refuse_time(&asked, "`syncs` lists all syncs")?;
                let syncs = place.syncs(&settings, stop)?;
                let mut outlet = Outlet::of(form, asked.paged);
                let listed = commands::syncs(&syncs, &asked.view, form, &mut outlet, stop);
                outlet.close();
                return listed;
            }
            Question::History(_) if asked.sync.is_some() => {
                refuse_time(&asked, "`history` goes through all syncs")?;
            }
            _ => {}
        }
        if let Question::History(text) = &asked.question {
            let timeline = place.timeline(&settings, stop)?;
            let syncs = match &asked.at {
                Some(at) => timeline.at(at)? + 1,
                None => timeline.latest()? + 1,
            };
            let history = history::read(&timeline, syncs, text, stop)?;
            let mut outlet = Outlet::of(form, asked.paged);
            let shown = commands::history(history, &asked.view, form, &mut outlet, stop);
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
        let mut outlet = Outlet::of(form, asked.paged);
        let answered = commands::answer(&asked, heading, snapshot.as_ref(), form, &mut outlet, stop);
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
pub(crate) fn location(named: Option<&str>) -> Result<Place, Failure> {
    if let Some(named) = named {
        return Place::named(named)
            .map_err(|failure| meant_a_command(failure, named))
            .and_then(|place| match &place {
                Place::File(path) if !path.exists() && meant(named).is_some() => {
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
            Some("name a c1z file or a dataset, or run `baton-ninja-one` first to make one".to_owned()),
            StatusCode::NotFound,
        ));
    }
    Place::named(DEFAULT_FILE)
}

/// The command that was probably meant by a location that is not there.
fn meant(named: &str) -> Option<String> {
    let command = subcommand();
    let commands = command.get_subcommands().map(clap::Command::get_name);
    explore::nearest(named, commands).map(str::to_owned)
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

fn refuse_time(asked: &asked::Asked, why: &str) -> Result<(), Failure> {
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
    question: &Question,
    timeline: impl FnOnce() -> Result<Timeline, Failure>,
    sync: &str,
    stop: &Arc<AtomicBool>,
) -> Failure {
    let text = match question {
        Question::Access(text) | Question::Who(text) if failure.status() == StatusCode::NotFound => text,
        _ => return failure,
    };
    let Ok(timeline) = timeline() else { return failure };
    if matches!(question, Question::Access(_)) {
        let find = |snapshot: &dyn AccessSnapshot| explore::principal(snapshot, text);
        return history::explain_absence(failure, &timeline, sync, stop, find, |row| {
            (row.display_name.to_string(), row.id.to_string())
        });
    }
    let find = |snapshot: &dyn AccessSnapshot| history::find_role(snapshot, text);
    history::explain_absence(failure, &timeline, sync, stop, find, |subject| {
        (subject.name.clone(), subject.id.to_string())
    })
}
