//! `review status`: merges the returned sheets and shows progress, late reviewers and contradictions.

use std::path::{Path, PathBuf};

use access_core::StatusCode;
use access_review::{Decision, Progress, assess};
use clap::{Arg, ArgMatches, Command};
use serde::Serialize;

use super::flags::WaiverArgs;
use super::flags::paths;
use super::flags::waivers;
use super::folder::REVIEW_FILE;
use super::folder::ReviewFolder;
use crate::failure::Failure;
use crate::output::console::Text;
use crate::output::console::print;
use crate::settings::{Output, Settings};

/// Maximum number of listed findings of one kind.
const MAX_LISTED: usize = 50;

/// The command.
pub(super) fn subcommand() -> Command {
    Command::new("status")
        .about("Merge the returned sheets of a review, and show late reviewers and contradictions")
        .args(arguments())
        .args(waivers())
}

/// The arguments for the folder, and for sheets outside it.
pub(super) fn arguments() -> [Arg; 2] {
    let path = || clap::value_parser!(PathBuf);
    [
        Arg::new("folder")
            .required(true)
            .value_name("FOLDER")
            .value_parser(path())
            .help("The folder of the review"),
        Arg::new("sheet")
            .num_args(0..)
            .value_name("SHEET")
            .value_parser(path())
            .help("Returned sheets, in addition to those in its folder sheets/"),
    ]
}

/// The arguments of `review status`.
#[derive(Debug, Clone)]
pub(crate) struct StatusArgs {
    folder: PathBuf,
    /// Sheets outside the folder.
    sheets: Vec<PathBuf>,
    waivers: WaiverArgs,
}

impl StatusArgs {
    pub(super) fn from_matches(matches: &ArgMatches) -> Self {
        Self {
            folder: matches.get_one::<PathBuf>("folder").cloned().unwrap_or_default(),
            sheets: paths(matches, "sheet"),
            waivers: WaiverArgs::from_matches(matches),
        }
    }
}

#[derive(Serialize)]
struct Status<'a> {
    review_id: &'a str,
    sha256: &'a str,
    title: &'a str,
    tenant: &'a str,
    due: Option<&'a str>,
    sheets: usize,
    lines: usize,
    keep: usize,
    revoke: usize,
    open: usize,
    reviewers: Vec<Progress>,
    findings: Vec<String>,
}

/// Prints the progress of a review.
pub(super) fn run(settings: &Settings, args: &StatusArgs) -> Result<(), Failure> {
    let output = settings.output()?;
    let folder = ReviewFolder::open(&args.folder)?;
    let sheets = folder.sheets(&args.sheets)?;
    let conditions = args.waivers.conditions();
    let assessment = assess(&folder.review, &sheets, conditions);
    let review = &folder.review;
    // Missing sheets are progress, not a finding.
    let is_pending = |finding: &&access_review::Finding| {
        !matches!(
            finding.problem,
            access_review::Problem::Missing(_) | access_review::Problem::Open(_)
        )
    };
    let status = Status {
        review_id: &review.id,
        sha256: &folder.sha256,
        title: &review.title,
        tenant: &review.tenant,
        due: review.due.as_deref(),
        sheets: sheets.len(),
        lines: review.lines.len(),
        keep: assessment.count(Decision::Keep),
        revoke: assessment.count(Decision::Revoke),
        open: assessment.open(),
        reviewers: assessment.progress(review, conditions.now),
        findings: assessment
            .findings
            .iter()
            .filter(is_pending)
            .map(ToString::to_string)
            .collect(),
    };
    print(&match output {
        Output::Json => Text::from_json(&status),
        Output::Text => render_status(&status),
    });
    Ok(())
}

/// Whether a path is the folder of a review.
pub(crate) fn is_review(path: &Path) -> bool {
    path.join(REVIEW_FILE).is_file()
}

/// Verifies the folder of a review and prints the findings; an alteration is a failure. `known` is a hash recorded earlier,
/// of the review or of its report.
pub(crate) fn verify_folder(settings: &Settings, path: &Path, known: Option<&str>) -> Result<(), Failure> {
    let output = settings.output()?;
    let folder = ReviewFolder::open(path)?;
    let review = &folder.review;
    let is_known = |hash: &&str| {
        !hash.eq_ignore_ascii_case(&folder.sha256) && !hash.eq_ignore_ascii_case(&review.report_sha256)
    };
    if let Some(hash) = known.filter(is_known) {
        return Err(Failure::new(
            format!(
                "{}: neither the review nor its report has the SHA-256 {hash}",
                path.display()
            ),
            Some("compare with a backup and with the hash you recorded".to_owned()),
            StatusCode::DataLoss,
        ));
    }
    let mut text = Text::new();
    text.line(format_args!(
        "{}: {} of {}, {} lines, sync {}",
        path.display(),
        review.title,
        review.tenant,
        review.lines.len(),
        review.sync_id
    ));
    text.line(format_args!("  review SHA-256 {}", folder.sha256));
    text.line(format_args!("  report SHA-256 {}", review.report_sha256));
    text.line("  unaltered since it was written");
    print(&match output {
        Output::Text => text,
        Output::Json => Text::from_json(&serde_json::json!({
            "path": path.display().to_string(),
            "review_id": review.id,
            "sha256": folder.sha256,
            "report_sha256": review.report_sha256,
            "findings": [],
        })),
    });
    Ok(())
}

fn render_status(status: &Status<'_>) -> Text {
    let mut text = Text::new();
    text.line(format_args!("{}, {}", status.title, status.tenant));
    text.line(format_args!(
        "{} of {} lines decided: {} keep, {} revoke; {} open; {} sheets",
        status.keep + status.revoke,
        status.lines,
        status.keep,
        status.revoke,
        status.open,
        status.sheets
    ));
    for row in &status.reviewers {
        let due = row.due.as_deref().unwrap_or("no day");
        let late = if row.late { ", LATE" } else { "" };
        let conflicts = match row.conflicts {
            0 => String::new(),
            conflicts => format!(", {conflicts} in conflict"),
        };
        text.line(format_args!(
            "  {:6} of {:6}  {} (due {due}{late}){conflicts}",
            row.decided,
            row.lines,
            row.reviewer.as_deref().unwrap_or("nobody assigned")
        ));
    }
    text.line(format_args!("  review SHA-256 {}", status.sha256));
    if !status.findings.is_empty() {
        text.blank();
    }
    for finding in status.findings.iter().take(MAX_LISTED) {
        text.line(format_args!("  {finding}"));
    }
    if status.findings.len() > MAX_LISTED {
        text.line(format_args!("  and {} more", status.findings.len() - MAX_LISTED));
    }
    text
}
