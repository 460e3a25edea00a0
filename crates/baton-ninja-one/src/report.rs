//! `report`: a finished sync as a review report.

use std::path::PathBuf;
use std::sync::Arc;

use access_core::ports::AccessSink;
use clap::{Arg, ArgMatches, Command};
use sink_html::{HtmlSink, HtmlSinkConfig};

use crate::exit::Failure;
use crate::export;
use crate::settings::Settings;

/// The command.
pub(crate) fn subcommand() -> Command {
    let path = clap::value_parser!(PathBuf);
    let from = Arg::new("from")
        .long("from")
        .required(true)
        .value_name("PLACE")
        .help("The c1z file, of any connector, or the folder or URL of a dataset");
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
        .help("The report to compare with and to carry on the chain of; without it the one that is replaced");
    let sync = Arg::new("sync")
        .long("sync")
        .value_name("ID")
        .help("The sync to show; without it the latest finished one, full ones first");
    let tenant = Arg::new("tenant")
        .long("tenant")
        .value_name("TEXT")
        .help("What the report says the tenant of a file is; without it the file's name");
    Command::new("report")
        .about("Write a sync as a review report: one HTML file that needs nothing else")
        .args([from, to, previous, sync, tenant])
}

/// Writes the report and prints what came of it.
pub(crate) fn run(settings: &Settings, chosen: &ArgMatches) -> Result<(), Failure> {
    let path = |name| chosen.get_one::<PathBuf>(name).cloned();
    let config = HtmlSinkConfig {
        previous: path("previous"),
        ..settings.html(path("to").unwrap_or_default())?
    };
    let sink: Arc<dyn AccessSink> = Arc::new(HtmlSink::new(config));
    export::into_sinks(settings, chosen, &[sink])
}
