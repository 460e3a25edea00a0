//! `history rebuild`: the history of a dataset, made again from its syncs.

use access_core::StatusCode;
use access_dataset::Rebuilt;
use clap::{Arg, ArgAction, ArgMatches, Command};
use indicatif::MultiProgress;

use crate::failure::Failure;
use crate::observability::logging;
use crate::output::console::{Text, print};
use crate::runtime::run_cancellable;
use crate::settings::{Output, Settings};
use crate::sync_location::dataset_location;
use crate::wiring::formats;

/// The command `history`.
pub(crate) fn subcommand() -> Command {
    let place = Arg::new("place")
        .value_name("DATASET")
        .required(true)
        .help("The dataset: a folder, s3://, gs:// or az://");
    let gap = Arg::new("accept-gap")
        .long("accept-gap")
        .action(ArgAction::SetTrue)
        .help("Start after the last missing sync, if old syncs were removed");
    let rebuild = Command::new("rebuild")
        .about("Rebuild the history from all syncs; missing or modified files are restored if the result is the same")
        .args([place, gap]);
    Command::new("history")
        .about("Rebuild the history of a dataset")
        .subcommand_required(true)
        .subcommand(rebuild)
}

/// Rebuilds a history; one that comes out otherwise is a failure.
pub(crate) fn run(settings: &Settings, chosen: &ArgMatches) -> Result<(), Failure> {
    let _telemetry = logging::start(settings, &MultiProgress::new())?;
    let (place, temp_folder, output) = (
        dataset_location(settings, chosen)?,
        settings.temp_folder()?,
        settings.output()?,
    );
    let gap = chosen.get_flag("accept-gap");
    let rebuilt = run_cancellable(access_dataset::rebuild(&place, &formats(), &temp_folder, gap))?;
    print(&match output {
        Output::Json => Text::from_json(&rebuilt),
        Output::Text => told(&rebuilt),
    });
    if rebuilt.different.is_empty() {
        return Ok(());
    }
    Err(Failure::found(
        format!("the rebuilt history of {place} does not match the published one"),
        Some("run `verify` to see which files were modified; another version of this program may also write different bytes".to_owned()),
        StatusCode::DataLoss,
    ))
}

fn told(rebuilt: &Rebuilt) -> Text {
    let mut text = Text::new();
    text.line(format_args!(
        "{} syncs since {}: {} files are the same",
        rebuilt.syncs,
        rebuilt.since,
        rebuilt.same.len()
    ));
    for path in &rebuilt.restored {
        text.line(format_args!("{path}: put back"));
    }
    for path in &rebuilt.different {
        text.line(format_args!("{path}: comes out otherwise"));
    }
    text
}
