//! `verify`: whether a dataset is what was published; `history rebuild`: its history made again from its syncs.

use std::path::Path;

use access_core::StatusCode;
use access_dataset::{Location, Rebuilt, Verification};
use clap::{Arg, ArgAction, ArgMatches, Command};
use indicatif::MultiProgress;

use crate::console::{Text, print};
use crate::exit::Failure;
use crate::logs;
use crate::sealed;
use crate::settings::targets::C1Z_ENDING;
use crate::settings::{Output, Settings};
use crate::sync::{formats, runtime};
use crate::system::stop_wanted;

/// The commands' words.
pub(crate) fn subcommands() -> [Command; 2] {
    let place = || {
        Arg::new("place")
            .value_name("DATASET")
            .required(true)
            .help("The dataset: a folder, s3://, gs:// or az://")
    };
    let sha256 = Arg::new("sha256")
        .long("sha256")
        .value_name("HASH")
        .help("SHA-256 that an earlier verification told; what it stands for must still be there");
    let evidence = Arg::new("place")
        .value_name("PATH")
        .required(true)
        .num_args(1..)
        .help("A dataset (folder, s3://, gs:// or az://), reports (.html), the earliest first, the folder of a review, or an evidence pack (.zip)");
    let gap = Arg::new("accept-gap")
        .long("accept-gap")
        .action(ArgAction::SetTrue)
        .help("Begin after the last sync that is missing, where old ones were removed");
    let rebuild = Command::new("rebuild")
        .about("Make the history again from all syncs; what is missing or altered is put back if it comes out the same")
        .args([place(), gap]);
    [
        Command::new("verify")
            .about(
                "Check that a dataset, reports or an evidence pack are what was written: every file, every hash, every link",
            )
            .args([evidence, sha256]),
        Command::new("history")
            .about("The history of a dataset")
            .subcommand_required(true)
            .subcommand(rebuild),
    ]
}

/// Verifies a dataset or reports; anything that was altered is a failure.
pub(crate) fn verify(settings: &Settings, chosen: &ArgMatches) -> Result<(), Failure> {
    let _telemetry = logs::start(settings, &MultiProgress::new())?;
    let known = known(chosen)?;
    let places: Vec<&Path> = chosen
        .get_many("place")
        .into_iter()
        .flatten()
        .map(String::as_ref)
        .collect();
    if let [folder] = places[..]
        && crate::review::is_review(folder)
    {
        return crate::review::verify_folder(settings, folder, known);
    }
    if let [pack] = places[..]
        && pack.is_file()
        && crate::review::is_pack(pack)
    {
        return crate::review::verify(settings, pack, known);
    }
    if places.iter().all(|place| place.is_file()) {
        return sealed::verify(&places, known, settings.output()?);
    }
    if places.len() > 1 {
        return Err(Failure::found(
            "one dataset at a time can be verified, or several reports".to_owned(),
            None,
            StatusCode::InvalidArgument,
        ));
    }
    dataset(settings, chosen, known)
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

fn dataset(settings: &Settings, chosen: &ArgMatches, known: Option<&str>) -> Result<(), Failure> {
    let (place, temp_folder, output) = (
        place(settings, chosen)?,
        settings.temp_folder()?,
        settings.output()?,
    );
    let found = wait(access_dataset::verify(&place, &formats(), &temp_folder, known))?;
    print(&match output {
        Output::Json => Text::from_json(&found),
        Output::Text => verified(&found),
    });
    if found.findings.is_empty() {
        return Ok(());
    }
    Err(Failure::found(
        format!(
            "{place} is not what was published; {} findings",
            found.findings.len()
        ),
        Some("history files come back by `history rebuild`; other files only from a backup".to_owned()),
        StatusCode::DataLoss,
    ))
}

/// Rebuilds a history; one that comes out otherwise is a failure.
pub(crate) fn rebuild(settings: &Settings, chosen: &ArgMatches) -> Result<(), Failure> {
    let _telemetry = logs::start(settings, &MultiProgress::new())?;
    let (place, temp_folder, output) = (
        place(settings, chosen)?,
        settings.temp_folder()?,
        settings.output()?,
    );
    let gap = chosen.get_flag("accept-gap");
    let rebuilt = wait(access_dataset::rebuild(&place, &formats(), &temp_folder, gap))?;
    print(&match output {
        Output::Json => Text::from_json(&rebuilt),
        Output::Text => told(&rebuilt),
    });
    if rebuilt.different.is_empty() {
        return Ok(());
    }
    Err(Failure::found(
        format!("the syncs of {place} give another history than was published"),
        Some("`verify` tells which files were altered; another version of this program may write other bytes too".to_owned()),
        StatusCode::DataLoss,
    ))
}

fn place(settings: &Settings, chosen: &ArgMatches) -> Result<Location, Failure> {
    let text = chosen.get_one::<String>("place").map_or("", String::as_str);
    let place: Location = text.parse().map_err(|error: access_dataset::LocationError| {
        Failure::found(error.to_string(), None, StatusCode::InvalidArgument)
    })?;
    if matches!(&place, Location::Bucket(url) if url.prefix().ends_with(C1Z_ENDING)) {
        return Err(Failure::found(
            format!("{place} is a c1z file, which has no hashes to verify"),
            Some(format!("`inspect {place} syncs` reads all of it")),
            StatusCode::InvalidArgument,
        ));
    }
    if matches!(place, Location::Bucket(_)) {
        settings.check_proxies()?;
    }
    Ok(place.with_ca_file(settings.ca_file()?.as_deref()))
}

/// Waits for the work, or for a signal.
fn wait<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<T, Failure>
where
    Failure: From<E>,
{
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        tokio::select! {
            done = work => Ok(done?),
            () = stop_wanted() => Err(Failure::found("stopped on request".to_owned(), None, StatusCode::Cancelled)),
        }
    });
    runtime.shutdown_background();
    done
}

fn verified(found: &Verification) -> Text {
    let mut text = Text::new();
    text.line(format_args!(
        "{} syncs ({} linked), {} files, {} rows",
        found.syncs, found.linked, found.files, found.rows
    ));
    if found.beside > 0 {
        text.line(format_args!(
            "{} partial syncs beside them, to which no link leads",
            found.beside
        ));
    }
    if found.under_way > 0 {
        text.line(format_args!(
            "{} full syncs are being published or were interrupted; they are no evidence",
            found.under_way
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
