//! `diff`: what differs between two finished syncs, wherever they are.

mod inputs;
mod render;

use std::process::ExitCode;

use access_core::StatusCode;
use access_dataset::{DatasetError, differences};
use clap::{Arg, ArgAction, ArgMatches, Command};
use indicatif::MultiProgress;

use crate::commands::inspect::OutputTarget;
use crate::failure::Failure;
use crate::observability::logging;
use crate::runtime::cancellation::cancel_on_signal;
use crate::settings::Settings;
use inputs::DiffArgs;
use inputs::DiffInputs;
use render::DiffPrinter;

/// What `--exit-code` says of syncs that differ, as git does.
const DIFFERENT: u8 = 1;

/// The command.
pub(crate) fn subcommand() -> Command {
    let place =
        |name: &'static str, help: &'static str| Arg::new(name).value_name(name.to_uppercase()).help(help);
    let sync = |name: &'static str, help: &'static str| Arg::new(name).long(name).value_name("ID").help(help);
    let time =
        |name: &'static str, help: &'static str| Arg::new(name).long(name).value_name("TIME").help(help);
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    Command::new("diff")
        .about("Compare two finished syncs: users, roles and other resources, entitlements, grants")
        .args([
            place("old", "A c1z file of any connector, or a dataset: its folder or URL [default: sync.c1z]"),
            place("new", "The location of the newer sync [default: OLD]"),
            sync("old-sync", "The older sync [default: with one location, the full sync before the newer one; else the latest of OLD]"),
            sync("new-sync", "The newer sync [default: the latest finished one, full ones first]"),
            time("from", "The older sync is the latest full one that had ended at this time: 2026-03-03 (the end of that day), 2026-03-03T10:15, 2026-03-03T10:15+02:00; UTC by default").conflicts_with("old-sync"),
            time("to", "The newer sync is the latest full one that had ended at this time").conflicts_with("new-sync"),
            flag("exit-code", "Exit with 1 if anything differs or NEW lacks a resource type of OLD, else with 0"),
            flag("no-pager", "Write to the terminal without a pager ($PAGER, else less)"),
        ])
}

/// Tells the differences on standard output.
pub(crate) fn run(settings: &Settings, chosen: &ArgMatches) -> Result<ExitCode, Failure> {
    let _telemetry = logging::start(settings, &MultiProgress::new())?;
    let form = settings.sheet_form()?;
    let asked = DiffArgs::of(chosen)?;
    let (paged, by_code) = (!chosen.get_flag("no-pager"), chosen.get_flag("exit-code"));
    let settings = settings.clone();
    let differ = cancel_on_signal(move |stop| {
        let DiffInputs { mut old, mut new } = DiffInputs::open(&settings, asked, stop)?;
        for note in new.notes(&old) {
            tracing::warn!("{note}");
        }
        let mut outlet = OutputTarget::of(form, paged);
        let mut telling = DiffPrinter::new(form, &mut outlet, stop);
        telling.begin(&old.label, &new.label);
        let compared = differences(&mut *old.snapshot, &mut *new.snapshot, &mut |change| {
            // Whoever stops reading wants no more.
            telling.change(&change).map_err(|_| DatasetError::Stopped)
        });
        let differ = telling.end(&new.notes(&old));
        outlet.close();
        match compared {
            // A type that is not there any more is a difference, though nobody can say which of its rows are gone.
            Ok(()) | Err(DatasetError::Stopped) => Ok(differ || !new.unread(&old).is_empty()),
            Err(error) => Err(error.into()),
        }
    })?;
    Ok(if by_code && differ {
        ExitCode::from(DIFFERENT)
    } else {
        ExitCode::SUCCESS
    })
}

/// A pair of syncs that cannot be compared.
fn refused(message: String, hint: &str) -> Failure {
    Failure::found(message, Some(hint.to_owned()), StatusCode::FailedPrecondition)
}
