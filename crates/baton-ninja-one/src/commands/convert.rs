//! `convert`: writes a sync of a c1z file to a file of the other format.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use access_core::{StatusCode, error_chain};
use c1z::{C1zError, Compression, Converted, Retention, WriterOptions};
use clap::{Arg, ArgMatches, Command};
use serde_json::json;
use source_c1z::C1zSourceError;

use crate::commands::context::CommandContext;
use crate::commands::export::sync_argument;
use crate::failure::Failure;
use crate::output::console::Text;
use crate::output::console::print;
use crate::output::text_table::format_thousands;
use crate::output::text_table::size;
use crate::runtime::cancellation::run_blocking_cancellable;
use crate::settings::{Output, Settings};
use crate::sync_location;
use crate::targets::{self, C1zTarget};

/// The command.
pub(crate) fn subcommand() -> Command {
    let file = |name: &'static str, help: &'static str| {
        let path = clap::value_parser!(PathBuf);
        let argument = Arg::new(name).value_name(name.to_uppercase());
        argument.value_parser(path).required(true).help(help)
    };
    Command::new("convert")
        .about(
            "Write a sync of a c1z file, of any connector, as a file of the other format: v1 as v3, v3 as v1",
        )
        .args([
            file("from", "The c1z file"),
            file("to", "The new file; nothing may be there"),
            sync_argument("convert"),
        ])
}

/// The arguments of `convert`.
#[derive(Debug, Clone)]
pub(crate) struct ConvertArgs {
    from: PathBuf,
    to: PathBuf,
    /// The sync to convert; the latest finished one by default.
    sync: Option<String>,
}

impl ConvertArgs {
    pub(crate) fn from_matches(matches: &ArgMatches) -> Self {
        let path = |name: &str| matches.get_one::<PathBuf>(name).cloned().unwrap_or_default();
        Self {
            from: path("from"),
            to: path("to"),
            sync: matches.get_one::<String>("sync").cloned(),
        }
    }
}

/// Writes the new file and prints its contents.
pub(crate) fn run(settings: &Settings, args: ConvertArgs) -> Result<(), Failure> {
    let _context = CommandContext::new(settings)?;
    let ConvertArgs { from, to, sync } = args;
    let target = check_paths(&from, &to)?;
    let (temp_folder, limits) = (settings.temp_folder()?, settings.limits()?);
    let (engine, output) = (settings.storage_engine()?, settings.output()?);
    let source = from.clone();
    let own = settings.clone();
    let converted = run_blocking_cancellable(move |cancellation| {
        let copy = match &target {
            C1zTarget::File(_) => None,
            C1zTarget::Bucket(url) => Some(cancellation.block_on(sync_location::copy(url, &own))?),
        };
        let source = copy.as_ref().map_or(source.as_path(), |copy| copy.path());
        let options = WriterOptions {
            temp_folder,
            engine,
            retention: Retention::default(),
            compression: Compression::default(),
            limits,
            stop: Arc::clone(cancellation.flag()),
        };
        let converted = c1z::convert(source, &to, sync.as_deref(), options).map_err(failure);
        converted.map_err(|failure| match &copy {
            Some(copy) => copy.explain(failure),
            None => failure,
        })
    })?;
    print(&match output {
        Output::Json => Text::from_json(&in_json(&from, &converted)),
        Output::Text => text(&from, &converted),
    });
    Ok(())
}

/// Opens the input, and checks the path of the output.
fn check_paths(from: &Path, to: &Path) -> Result<C1zTarget, Failure> {
    let refuse = |problem| Failure::new(problem, None, StatusCode::InvalidArgument);
    if let Some(to) = to.to_str() {
        targets::local_file(to, "the new file").map_err(refuse)?;
    }
    match from.to_str() {
        Some(from) => targets::c1z(from).map_err(refuse),
        None => Ok(C1zTarget::File(from.to_owned())),
    }
}

fn failure(error: C1zError) -> Failure {
    let hint = match &error {
        C1zError::Exists { .. } => "name another file, or move that one away first",
        C1zError::SameFormat { .. } => {
            "copy the file, or choose the other format with --storage-engine (BATON_STORAGE_ENGINE)"
        }
        C1zError::NoSuchSync { .. } => "`baton-ninja-one inspect FILE syncs` lists the syncs of a file",
        C1zError::MissingIds { .. } => "write the file again with the connector that wrote it",
        C1zError::NoFolder { .. } => "create the folder, or name another",
        // Other errors are about reading, and name the input.
        _ => return C1zSourceError::from(error).into(),
    };
    Failure::new(
        error_chain(&error),
        Some(hint.to_owned()),
        StatusCode::from_number(error.status()).unwrap_or(StatusCode::Unknown),
    )
}

fn text(from: &Path, converted: &Converted) -> Text {
    let Converted { sync, published, .. } = converted;
    let mut text = Text::new();
    text.line(format_args!(
        "Converted {} ({}) to {} ({}, {})",
        from.display(),
        converted.from.format(),
        published.path.display(),
        converted.to.format(),
        size(published.bytes),
    ));
    text.blank();
    text.line(format_args!("  sync  {} ({})", sync.sync_id, sync.sync_type));
    text.line(format_args!("  rows  {}", format_thousands(published.rows)));
    let mut notes = Vec::new();
    if converted.left_out > 0 {
        notes.push(format!(
            "  syncs that are not in it: {} (a file is converted sync by sync; --sync names one)",
            format_thousands(converted.left_out as u64)
        ));
    }
    if converted.merged > 0 {
        notes.push(format!(
            "  grants that became one with another of the same principal and entitlement: {}",
            format_thousands(converted.merged)
        ));
    }
    if !notes.is_empty() {
        text.blank();
        for note in notes {
            text.line(note);
        }
    }
    text
}

fn in_json(from: &Path, converted: &Converted) -> serde_json::Value {
    let Converted { sync, published, .. } = converted;
    json!({
        "from": { "path": from, "format": converted.from.format() },
        "to": { "path": published.path, "format": converted.to.format(), "bytes": published.bytes },
        "sync": { "id": sync.sync_id, "type": sync.sync_type, "started_at": sync.started_at, "ended_at": sync.ended_at },
        "rows": published.rows,
        "syncs_left_out": converted.left_out,
        "grants_merged": converted.merged,
    })
}
