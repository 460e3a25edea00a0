//! `verify`: checks that a dataset, reports, a review or an evidence pack were not altered.

mod dataset;
mod report;

use std::path::Path;

use access_core::StatusCode;
use clap::{Arg, ArgMatches, Command};

use crate::commands::context::CommandContext;
use crate::failure::Failure;
use crate::settings::Settings;

/// The command `verify`.
pub(crate) fn subcommand() -> Command {
    let sha256 = Arg::new("sha256")
        .long("sha256")
        .value_name("HASH")
        .help("SHA-256 from an earlier verification; what it was computed from must still be there");
    let locations = Arg::new("place")
        .value_name("PATH")
        .required(true)
        .num_args(1..)
        .help("A dataset (folder, s3://, gs:// or az://), reports (.html), the earliest first, the folder of a review, or an evidence pack (.zip)");
    Command::new("verify")
        .about("Verify the integrity of a dataset, reports or an evidence pack: every file, hash and link")
        .args([locations, sha256])
}

/// The arguments of `verify`.
#[derive(Debug, Clone)]
pub(crate) struct VerifyArgs {
    locations: Vec<String>,
    /// The SHA-256 hash that an earlier verification showed.
    sha256: Option<String>,
}

impl VerifyArgs {
    /// # Errors
    /// [`Failure`] if the hash is invalid.
    pub(crate) fn from_matches(matches: &ArgMatches) -> Result<Self, Failure> {
        let locations = matches.get_many::<String>("place").into_iter().flatten();
        let sha256 = matches.get_one::<String>("sha256").cloned();
        Ok(Self {
            locations: locations.cloned().collect(),
            sha256: sha256.map(check_hash).transpose()?,
        })
    }
}

/// Verifies the locations; an alteration is a failure.
pub(crate) fn run(settings: &Settings, args: &VerifyArgs) -> Result<(), Failure> {
    let _context = CommandContext::new(settings)?;
    let known = args.sha256.as_deref();
    let paths: Vec<&Path> = args.locations.iter().map(String::as_ref).collect();
    if let [folder] = paths[..]
        && crate::commands::review::is_review(folder)
    {
        return crate::commands::review::verify_folder(settings, folder, known);
    }
    if let [pack] = paths[..]
        && pack.is_file()
        && crate::commands::review::is_pack(pack)
    {
        return crate::commands::review::verify(settings, pack, known);
    }
    if paths.iter().all(|path| path.is_file()) {
        return report::verify(&paths, known, settings.output()?);
    }
    let [location] = &args.locations[..] else {
        return Err(Failure::new(
            "verify one dataset at a time, or several reports".to_owned(),
            None,
            StatusCode::InvalidArgument,
        ));
    };
    dataset::verify(settings, location, known)
}

fn check_hash(text: String) -> Result<String, Failure> {
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text);
    }
    Err(Failure::new(
        format!("`{text}` is not a SHA-256 hash"),
        Some("give the 64 hexadecimal digits that `verify` or the report showed".to_owned()),
        StatusCode::InvalidArgument,
    ))
}
