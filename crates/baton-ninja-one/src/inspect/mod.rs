//! `inspect`: what a finished sync says, from a file or a dataset, without a server.

mod asked;
mod commands;
mod how;
mod pager;
mod rows;
mod sheet;

use clap::ArgMatches;
use indicatif::MultiProgress;

use crate::exit::Failure;
use crate::interruptible::until_stopped;
use crate::logs;
use crate::place::Place;
use crate::settings::Settings;

use asked::Question;

pub(crate) use asked::subcommand;
pub(crate) use pager::Outlet;
pub(crate) use sheet::{Cell, Closed, Column, Form, Sheet, data, people, shown};

/// Answers on standard output.
pub(crate) fn run(settings: &Settings, chosen: &ArgMatches) -> Result<(), Failure> {
    let _telemetry = logs::start(settings, &MultiProgress::new())?;
    let form = settings.sheet_form()?;
    let asked = asked::Asked::of(chosen)?;
    let settings = settings.clone();
    until_stopped(move |stop| {
        let place = Place::named(&asked.place)?;
        if matches!(asked.question, Question::Syncs) {
            let syncs = place.syncs(&settings, stop)?;
            let mut outlet = Outlet::of(form, asked.paged);
            commands::syncs(&syncs, form, &mut outlet, stop);
            outlet.close();
            return Ok(());
        }
        let snapshot = place.open(&settings, asked.sync.as_deref(), stop)?;
        let mut outlet = Outlet::of(form, asked.paged);
        let answered = commands::answer(&asked.question, snapshot.as_ref(), form, &mut outlet, stop);
        outlet.close();
        answered
    })
}
