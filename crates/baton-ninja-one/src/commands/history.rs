//! `history rebuild`: rebuilds the history of a dataset from its syncs.

use access_core::StatusCode;
use access_dataset::Rebuilt;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::commands::context::CommandContext;
use crate::failure::Failure;
use crate::output::console::{Text, print};
use crate::runtime::cancellation::run_cancellable;
use crate::settings::{Output, Settings};
use crate::sync_location::dataset_location;
use crate::wiring::formats;

/// The command `history`.
pub(crate) fn subcommand() -> Command {
    let dataset = Arg::new("place")
        .value_name("DATASET")
        .required(true)
        .help("The dataset: a folder, s3://, gs:// or az://");
    let gap = Arg::new("accept-gap")
        .long("accept-gap")
        .action(ArgAction::SetTrue)
        .help("Start after the last missing sync, if old syncs were removed");
    let rebuild = Command::new("rebuild")
        .about("Rebuild the history from all syncs; missing or modified files are restored if the result is the same")
        .args([dataset, gap]);
    Command::new("history")
        .about("Rebuild the history of a dataset")
        .subcommand_required(true)
        .subcommand(rebuild)
}

/// The arguments of `history rebuild`.
#[derive(Debug, Clone)]
pub(crate) struct RebuildArgs {
    dataset: String,
    /// Whether syncs may be missing at the start.
    accept_gap: bool,
}

impl RebuildArgs {
    pub(crate) fn from_matches(matches: &ArgMatches) -> Self {
        // clap requires `rebuild`, the only subcommand.
        let rebuild = matches.subcommand().map_or(matches, |(_, rebuild)| rebuild);
        Self {
            dataset: rebuild.get_one::<String>("place").cloned().unwrap_or_default(),
            accept_gap: rebuild.get_flag("accept-gap"),
        }
    }
}

/// Rebuilds a history; a result that differs from the published one is a failure.
pub(crate) fn run(settings: &Settings, args: &RebuildArgs) -> Result<(), Failure> {
    let _context = CommandContext::new(settings)?;
    let (location, temp_folder, output) = (
        dataset_location(settings, &args.dataset)?,
        settings.temp_folder()?,
        settings.output()?,
    );
    let rebuilt = run_cancellable(access_dataset::rebuild(
        &location,
        &formats(),
        &temp_folder,
        args.accept_gap,
    ))?;
    print(&match output {
        Output::Json => Text::from_json(&rebuilt),
        Output::Text => render(&rebuilt),
    });
    if rebuilt.different.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        format!("the rebuilt history of {location} does not match the published one"),
        Some("run `verify` to see which files were modified; another version of this program may also write different bytes".to_owned()),
        StatusCode::DataLoss,
    ))
}

fn render(rebuilt: &Rebuilt) -> Text {
    let mut text = Text::new();
    text.line(format_args!(
        "{} syncs since {}: {} files are the same",
        rebuilt.syncs,
        rebuilt.since,
        rebuilt.same.len()
    ));
    for path in &rebuilt.restored {
        text.line(format_args!("{path}: restored"));
    }
    for path in &rebuilt.different {
        text.line(format_args!("{path}: differs"));
    }
    text
}
