//! `review status`: returned sheets merged, who is late, what contradicts.

use std::path::PathBuf;

use access_review::{Decision, Progress, assess};
use clap::{Arg, ArgMatches, Command};
use serde::Serialize;

use super::flags::{Accepted, paths, waivers};
use super::folder::ReviewFolder;
use crate::console::{Text, print};
use crate::exit::Failure;
use crate::settings::{Output, Settings};

/// Findings of one kind that are listed.
const MAX_LISTED: usize = 50;

/// The command.
pub(super) fn subcommand() -> Command {
    Command::new("status")
        .about("Merge the returned sheets of a review and say who is late and what contradicts")
        .args(arguments())
        .args(waivers())
}

/// The folder, and sheets that are not in it.
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
            .help("Returned sheets, beside those in its folder sheets/"),
    ]
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

/// Says how far a review is.
pub(super) fn run(settings: &Settings, chosen: &ArgMatches) -> Result<(), Failure> {
    let output = settings.output()?;
    let folder = ReviewFolder::open(&paths(chosen, "folder").remove(0))?;
    let sheets = folder.sheets(&paths(chosen, "sheet"))?;
    let conditions = Accepted::from_flags(chosen).conditions();
    let assessment = assess(&folder.review, &sheets, conditions);
    let review = &folder.review;
    // What is not back yet is progress, not a finding.
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
        Output::Text => words(&status),
    });
    Ok(())
}

fn words(status: &Status<'_>) -> Text {
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
