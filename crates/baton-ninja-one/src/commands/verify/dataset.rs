//! `verify` for datasets: every file, every hash, every link.

use access_core::StatusCode;
use access_dataset::Verification;
use clap::ArgMatches;

use crate::failure::Failure;
use crate::output::console::{Text, print};
use crate::output::text_table::{counted, format_thousands};
use crate::runtime::run_cancellable;
use crate::settings::{Output, Settings};
use crate::sync_location::dataset_location;
use crate::wiring::formats;

/// Verifies a dataset, and prints what was found; anything that was altered is a failure.
pub(super) fn verify(settings: &Settings, chosen: &ArgMatches, known: Option<&str>) -> Result<(), Failure> {
    let (place, temp_folder, output) = (
        dataset_location(settings, chosen)?,
        settings.temp_folder()?,
        settings.output()?,
    );
    let found = run_cancellable(access_dataset::verify(&place, &formats(), &temp_folder, known))?;
    print(&match output {
        Output::Json => Text::from_json(&found),
        Output::Text => verified(&found),
    });
    if found.findings.is_empty() {
        return Ok(());
    }
    Err(Failure::found(
        format!(
            "{place} does not match what was published; {}",
            counted(found.findings.len() as u64, "finding", "findings")
        ),
        Some("restore history files with `history rebuild`, and other files from a backup".to_owned()),
        StatusCode::DataLoss,
    ))
}

fn verified(found: &Verification) -> Text {
    let mut text = Text::new();
    text.line(format_args!(
        "{} ({} linked), {}, {}",
        counted(found.syncs, "sync", "syncs"),
        format_thousands(found.linked),
        counted(found.files, "file", "files"),
        counted(found.rows, "row", "rows"),
    ));
    if found.beside > 0 {
        text.line(format_args!(
            "{} beside them, to which no link leads",
            counted(found.beside, "partial sync", "partial syncs")
        ));
    }
    if found.under_way > 0 {
        text.line(format_args!(
            "{} being published or interrupted; not evidence",
            counted(found.under_way, "full sync", "full syncs")
        ));
    }
    if let (Some(latest), Some(sha256)) = (&found.latest, &found.sha256) {
        text.line(format_args!("latest {latest}, SHA-256 of its manifest {sha256}"));
    }
    for finding in &found.findings {
        text.line(format_args!("{}: {}", finding.path, finding.problem));
    }
    if found.findings.is_empty() {
        text.line("everything is as it was published");
    }
    text
}
