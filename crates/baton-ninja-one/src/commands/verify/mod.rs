//! `verify`: whether a dataset, reports, a review or an evidence pack are what was written.

mod dataset;
mod report;

use std::path::Path;

use access_core::StatusCode;
use clap::{Arg, ArgMatches, Command};
use indicatif::MultiProgress;

use crate::failure::Failure;
use crate::observability::logging;
use crate::settings::Settings;

/// The command `verify`.
pub(crate) fn subcommand() -> Command {
    let sha256 = Arg::new("sha256")
        .long("sha256")
        .value_name("HASH")
        .help("SHA-256 from an earlier verification; what it was computed from must still be there");
    let evidence = Arg::new("place")
        .value_name("PATH")
        .required(true)
        .num_args(1..)
        .help("A dataset (folder, s3://, gs:// or az://), reports (.html), the earliest first, the folder of a review, or an evidence pack (.zip)");
    Command::new("verify")
        .about("Verify the integrity of a dataset, reports or an evidence pack: every file, hash and link")
        .args([evidence, sha256])
}

/// Verifies a dataset or reports; anything that was altered is a failure.
pub(crate) fn run(settings: &Settings, chosen: &ArgMatches) -> Result<(), Failure> {
    let _telemetry = logging::start(settings, &MultiProgress::new())?;
    let known = known(chosen)?;
    let places: Vec<&Path> = chosen
        .get_many("place")
        .into_iter()
        .flatten()
        .map(String::as_ref)
        .collect();
    if let [folder] = places[..]
        && crate::commands::review::is_review(folder)
    {
        return crate::commands::review::verify_folder(settings, folder, known);
    }
    if let [pack] = places[..]
        && pack.is_file()
        && crate::commands::review::is_pack(pack)
    {
        return crate::commands::review::verify(settings, pack, known);
    }
    if places.iter().all(|place| place.is_file()) {
        return report::verify(&places, known, settings.output()?);
    }
    if places.len() > 1 {
        return Err(Failure::found(
            "verify one dataset at a time, or several reports".to_owned(),
            None,
            StatusCode::InvalidArgument,
        ));
    }
    dataset::verify(settings, chosen, known)
}

/// The hash that was kept, if there is one.
fn known(chosen: &ArgMatches) -> Result<Option<&str>, Failure> {
    let Some(text) = chosen.get_one::<String>("sha256") else {
        return Ok(None);
    };
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Some(text));
    }
    Err(Failure::found(
        format!("`{text}` is not a SHA-256 hash"),
        Some("give the 64 hexadecimal digits that `verify` or the report showed".to_owned()),
        StatusCode::InvalidArgument,
    ))
}
