//! `report`: writes a finished sync as a review report.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use access_core::StatusCode;
use access_core::model::SyncType;
use access_core::ports::{AccessSink, NoopObserver};
use clap::{Arg, ArgMatches, Command};
use sink_html::{HtmlSink, HtmlSinkConfig};
use tempfile::TempDir;

use crate::commands::export;
use crate::commands::export::ExportArgs;
use crate::failure::Failure;
use crate::runtime;
use crate::runtime::cancellation::run_blocking_cancellable;
use crate::settings::Settings;
use crate::sync_location::SyncListing;
use crate::sync_location::SyncLocation;
use crate::targets;

/// The command.
pub(crate) fn subcommand() -> Command {
    let path = clap::value_parser!(PathBuf);
    let to = Arg::new("to")
        .short('o')
        .long("to")
        .value_name("FILE")
        .default_value("report.html")
        .value_parser(path.clone())
        .help("The report");
    let previous = Arg::new("previous")
        .long("previous")
        .value_name("FILE")
        .value_parser(path)
        .help("Report to compare with, and whose chain to continue. Default: the replaced report, or one of the full sync before");
    Command::new("report")
        .about("Write a sync as a review report: one self-contained HTML file")
        .args([
            export::from_argument().required(true),
            to,
            previous,
            export::sync_argument("show"),
            export::tenant_argument(),
        ])
}

/// The arguments of `report`.
#[derive(Debug, Clone)]
pub(crate) struct ReportArgs {
    source: ExportArgs,
    /// The report to write.
    to: PathBuf,
    /// The report to compare with.
    previous: Option<PathBuf>,
}

impl ReportArgs {
    pub(crate) fn from_matches(matches: &ArgMatches) -> Self {
        let path = |name| matches.get_one::<PathBuf>(name).cloned();
        Self {
            source: ExportArgs::from_matches(matches),
            to: path("to").unwrap_or_default(),
            previous: path("previous"),
        }
    }
}

/// Writes the report and prints the result. Without a given report to compare with, the report of the previous full sync is
/// created, if the location has one: it is reproducible, and so is its hash.
pub(crate) fn run(settings: &Settings, args: &ReportArgs) -> Result<(), Failure> {
    let to = local_file(&args.to)?;
    // Checked before the previous report is created.
    sink_html::refuse_target(&to).map_err(|error| {
        Failure::from(error).with_message(|message| format!("cannot open report {}: {message}", to.display()))
    })?;
    let mut config = HtmlSinkConfig {
        previous: args.previous.as_deref().map(local_file).transpose()?,
        ..settings.html(to)?
    };
    let nothing_there = match config.path.metadata() {
        Ok(file) => file.len() == 0,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => {
            let message = format!("cannot look at {}: {error}", config.path.display());
            return Err(Failure::new(message, None, StatusCode::from_io_error(&error)));
        }
    };
    let earlier = if config.previous.is_none() && nothing_there {
        create_previous_report(settings, &args.source)?
    } else {
        None
    };
    if let Some((_, report)) = &earlier {
        config.previous = Some(report.clone());
    }
    let sink: Arc<dyn AccessSink> = Arc::new(HtmlSink::new(config));
    export::export_to_sinks(settings, &args.source, &[sink])
}

/// Checks that a path names a local file.
fn local_file(path: &Path) -> Result<PathBuf, Failure> {
    match path.to_str() {
        None => Ok(path.to_owned()),
        Some(text) => targets::local_file(text, "a report")
            .map_err(|problem| Failure::new(problem, None, StatusCode::InvalidArgument)),
    }
}

/// Creates the report of the full sync before the requested one, in a temporary folder.
fn create_previous_report(
    settings: &Settings,
    source: &ExportArgs,
) -> Result<Option<(TempDir, PathBuf)>, Failure> {
    let (location, own) = (SyncLocation::parse(&source.from)?, settings.clone());
    let syncs = run_blocking_cancellable(move |cancellation| location.syncs(&own, cancellation))?;
    let Some(before) = previous_full_sync(&syncs, source.sync.as_deref()) else {
        return Ok(None);
    };
    let before = ExportArgs {
        sync: Some(before.to_owned()),
        ..source.clone()
    };
    let parent = settings.temp_folder()?;
    let folder = private_folder(&parent).map_err(|error| {
        let message = format!(
            "cannot create a temporary folder in {}: {error}",
            parent.display()
        );
        Failure::new(message, None, StatusCode::FailedPrecondition)
    })?;
    let path = folder.path().join("before.html");
    let sink: Arc<dyn AccessSink> = Arc::new(HtmlSink::new(settings.html(path.clone())?));
    let runtime = runtime::start()?;
    let written = runtime.block_on(export::run_export(settings, &before, &[sink], &NoopObserver));
    runtime.shutdown_background();
    written?;
    Ok(Some((folder, path)))
}

/// Compares syncs by their start.
fn previous_full_sync<'a>(syncs: &'a [SyncListing], sync_id: Option<&str>) -> Option<&'a str> {
    let is_selected = |sync: &SyncListing| sync_id.map_or(sync.latest, |id| sync.id == id);
    let at = syncs.iter().position(is_selected)?;
    let is_full = |sync: &&SyncListing| sync.sync_type == SyncType::Full.as_str() && sync.ended_at.is_some();
    syncs[..at].iter().rfind(is_full).map(|sync| sync.id.as_str())
}

/// Creates a folder that only its owner can read.
pub(crate) fn private_folder(parent: &Path) -> std::io::Result<TempDir> {
    let mut folder = tempfile::Builder::new();
    folder.prefix("baton-ninja-one-report-");
    #[cfg(unix)]
    folder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    folder.tempdir_in(parent)
}
