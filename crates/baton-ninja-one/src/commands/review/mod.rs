//! `review`: starts a review, shows its status, and closes it with evidence.

mod close;
mod container;
pub(crate) mod files;
pub(crate) mod flags;
pub(crate) mod folder;
mod pack;
mod pack_verify;
mod pack_writer;
mod report_lines;
pub(crate) mod sheet_file;
pub(crate) mod source;
mod start;
mod status;
mod summary_page;

use clap::{ArgMatches, Command};

use self::close::CloseArgs;
pub(crate) use self::pack_verify::is_pack;
pub(crate) use self::pack_verify::verify;
use self::start::StartArgs;
use self::status::StatusArgs;
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

/// The arguments of `review`.
#[derive(Debug, Clone)]
pub(crate) enum ReviewArgs {
    Start(Box<StartArgs>),
    Status(StatusArgs),
    Close(Box<CloseArgs>),
}

impl ReviewArgs {
    pub(crate) fn from_matches(matches: &ArgMatches) -> Self {
        match matches.subcommand() {
            Some(("start", inner)) => Self::Start(Box::new(StartArgs::from_matches(inner))),
            Some(("close", inner)) => Self::Close(Box::new(CloseArgs::from_matches(inner))),
            // clap requires a subcommand; `status` is the only other one.
            Some((_, inner)) => Self::Status(StatusArgs::from_matches(inner)),
            None => Self::Status(StatusArgs::from_matches(matches)),
        }
    }
}

/// Runs a subcommand of `review`.
pub(crate) fn run(settings: &Settings, args: &ReviewArgs) -> Result<(), Failure> {
    match args {
        ReviewArgs::Start(args) => start::run(settings, args),
        ReviewArgs::Status(args) => status::run(settings, args),
        ReviewArgs::Close(args) => close::run(settings, args),
    }
}
