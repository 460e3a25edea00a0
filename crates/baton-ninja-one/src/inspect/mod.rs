//! `inspect`: what a finished sync says, from a file or a dataset, without a server.

mod asked;
mod commands;
mod how;
mod pager;
mod rows;
mod sheet;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use access_core::StatusCode;
use clap::ArgMatches;
use indicatif::MultiProgress;

use crate::exit::Failure;
use crate::logs;
use crate::place::Place;
use crate::settings::Settings;
use crate::sync::runtime;
use crate::system::stop_wanted;

use asked::Question;

pub(crate) use asked::subcommand;
pub(crate) use pager::Outlet;
pub(crate) use sheet::Form;

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

/// Does blocking work beside the signals, and waits until it has tidied up.
pub(crate) fn until_stopped(
    work: impl FnOnce(&AtomicBool) -> Result<(), Failure> + Send + 'static,
) -> Result<(), Failure> {
    let runtime = runtime()?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&stop);
    let done = runtime.block_on(async {
        let mut working = tokio::task::spawn_blocking(move || work(&stopping));
        tokio::select! {
            done = &mut working => done,
            () = stop_wanted() => {
                stop.store(true, Ordering::Relaxed);
                // Waited for, so that what was unpacked is gone.
                let _ = working.await;
                Ok(Err(Failure::found("stopped on request".to_owned(), None, StatusCode::Cancelled)))
            }
        }
    });
    runtime.shutdown_background();
    done.unwrap_or_else(|_| {
        Err(Failure::found(
            "the thread that reads ended unexpectedly".to_owned(),
            None,
            StatusCode::Internal,
        ))
    })
}
