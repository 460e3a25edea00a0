//! `verify` for datasets: every file, every hash, every link.

use access_core::StatusCode;
use access_dataset::Verification;

use crate::failure::Failure;
use crate::output::console::{Text, print};
use crate::output::text_table::{counted, format_thousands};
use crate::runtime::cancellation::run_cancellable;
use crate::settings::{Output, Settings};
use crate::sync_location::dataset_location;
use crate::wiring::formats;

/// Verifies a dataset and prints the findings; an alteration is a failure.
pub(super) fn verify(settings: &Settings, location: &str, known: Option<&str>) -> Result<(), Failure> {
    let (location, temp_folder, output) = (
        dataset_location(settings, location)?,
        settings.temp_folder()?,
        settings.output()?,
    );
    let verification = run_cancellable(access_dataset::verify(&location, &formats(), &temp_folder, known))?;
    print(&match output {
        Output::Json => Text::from_json(&verification),
        Output::Text => render(&verification),
    });
    if verification.findings.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        format!(
            "{location} does not match what was published; {}",
            counted(verification.findings.len() as u64, "finding", "findings")
        ),
        Some("restore history files with `history rebuild`, and other files from a backup".to_owned()),
        StatusCode::DataLoss,
    ))
}

fn render(verification: &Verification) -> Text {
    let mut text = Text::new();
    text.line(format_args!(
        "{} ({} linked), {}, {}",
        counted(verification.syncs, "sync", "syncs"),
        format_thousands(verification.linked),
        counted(verification.files, "file", "files"),
        counted(verification.rows, "row", "rows"),
    ));
    if verification.beside > 0 {
        text.line(format_args!(
            "{} beside them, to which no link leads",
            counted(verification.beside, "partial sync", "partial syncs")
        ));
    }
    if verification.under_way > 0 {
        text.line(format_args!(
            "{} being published or interrupted; not evidence",
            counted(verification.under_way, "full sync", "full syncs")
        ));
    }
    if let (Some(latest), Some(sha256)) = (&verification.latest, &verification.sha256) {
        text.line(format_args!("latest {latest}, SHA-256 of its manifest {sha256}"));
    }
    for finding in &verification.findings {
        text.line(format_args!("{}: {}", finding.path, finding.problem));
    }
    if verification.findings.is_empty() {
        text.line("everything is as it was published");
    }
    text
}
