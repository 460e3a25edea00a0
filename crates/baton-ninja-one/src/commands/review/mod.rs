//! `review`: a review from its start over returned sheets to the evidence of what came of it.

mod close;
mod container;
pub(crate) mod files;
pub(crate) mod flags;
pub(crate) mod folder;
mod pack;
mod pack_verify;
pub(crate) mod sheet_file;
pub(crate) mod source;
mod start;
mod status;
mod summary_page;

use clap::{ArgMatches, Command};

pub(crate) use self::pack_verify::is_pack;
pub(crate) use self::pack_verify::verify;
pub(crate) use self::status::is_review;
pub(crate) use self::status::verify_folder;
use crate::failure::Failure;
use crate::settings::Settings;

/// The command.
pub(crate) fn subcommand() -> Command {
    Command::new("review")
        .about("Run access reviews: start, follow, close with evidence")
        .subcommand_required(true)
        .subcommand(start::subcommand())
        .subcommand(status::subcommand())
        .subcommand(close::subcommand())
}

/// Does what is asked for.
pub(crate) fn run(settings: &Settings, chosen: &ArgMatches) -> Result<(), Failure> {
    match chosen.subcommand() {
        Some(("start", chosen)) => start::run(settings, chosen),
        Some(("status", chosen)) => status::run(settings, chosen),
        Some(("close", chosen)) => close::run(settings, chosen),
        // A subcommand is required, and there are no others.
        _ => Ok(()),
    }
}
