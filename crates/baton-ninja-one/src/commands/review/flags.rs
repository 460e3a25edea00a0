//! Flags shared by the commands of reviews.

use std::path::PathBuf;

use access_core::StatusCode;
use access_review::{Assessment, Conditions, Finding, Waiver};
use clap::{Arg, ArgAction, ArgMatches};
use time::{Duration, OffsetDateTime};

use crate::failure::Failure;
use crate::output::console::Text;
use crate::output::console::print_error;

/// Default maximum age of a sync whose decisions are carried out.
const MAX_AGE: Duration = Duration::days(60);
/// Default maximum number of revocations in one run.
const MAX_REVOCATIONS: u64 = 50;
/// Maximum number of listed findings.
const MAX_LISTED: usize = 20;

/// Flags that accept problems of sheets.
pub(crate) fn waivers() -> [Arg; 4] {
    [
        Arg::new("incomplete-review")
            .long("incomplete-review")
            .action(ArgAction::SetTrue)
            .help("Accept undecided lines, sheets without sign-off and sheets without a header"),
        Arg::new("max-age")
            .long("max-age")
            .value_name("DAYS")
            .value_parser(parse_days)
            .help("Maximum age of the reviewed sync, e.g. 90d [default: 60d]"),
        Arg::new("edited-sheet")
            .long("edited-sheet")
            .action(ArgAction::SetTrue)
            .help("Accept a sheet whose rows were edited after the export"),
        Arg::new("accept-reviewer")
            .long("accept-reviewer")
            .action(ArgAction::Append)
            .value_name("NAME")
            .help("Accept decisions of a reviewer who is not assigned to the lines"),
    ]
}

/// Flags that limit what a run carries out.
pub(crate) fn limits() -> [Arg; 4] {
    [
        Arg::new("max-revocations")
            .long("max-revocations")
            .value_name("N")
            .value_parser(clap::value_parser!(u64))
            .help("Maximum number of revocations in this run [default: 50]"),
        Arg::new("history")
            .long("history")
            .value_name("LOCATION")
            .help("Dataset or c1z file whose later syncs show what was granted again since the review"),
        Arg::new("of")
            .long("of")
            .value_name("TENANT")
            .help("Name of the tenant in the sheet, if it is not its address"),
        Arg::new("yes")
            .long("yes")
            .short('y')
            .action(ArgAction::SetTrue)
            .help("Do not ask for confirmation at a terminal"),
    ]
}

/// The values of [`limits`].
#[derive(Debug, Clone)]
pub(crate) struct LimitArgs {
    /// Maximum number of revocations in this run.
    pub(crate) max_revocations: u64,
    /// A dataset or c1z file with later syncs.
    pub(crate) history: Option<String>,
    /// The name of the tenant in the sheet.
    pub(crate) tenant: Option<String>,
    /// Whether to skip the confirmation.
    pub(crate) yes: bool,
}

impl LimitArgs {
    pub(crate) fn from_matches(matches: &ArgMatches) -> Self {
        let text = |name: &str| matches.get_one::<String>(name).cloned();
        Self {
            max_revocations: matches
                .get_one::<u64>("max-revocations")
                .copied()
                .unwrap_or(MAX_REVOCATIONS),
            history: text("history"),
            tenant: text("of"),
            yes: matches.get_flag("yes"),
        }
    }
}

/// Paths of returned sheets.
pub(crate) fn paths(matches: &ArgMatches, name: &str) -> Vec<PathBuf> {
    matches
        .get_many::<PathBuf>(name)
        .into_iter()
        .flatten()
        .cloned()
        .collect()
}

fn parse_days(text: &str) -> Result<i64, String> {
    let digits = text.trim().trim_end_matches(['d', 'D']);
    let days = digits.parse::<u32>().ok().filter(|_| !digits.is_empty());
    days.map(i64::from)
        .ok_or_else(|| format!("`{text}` is not a number of days, e.g. 90d"))
}

/// The values of [`waivers`].
#[derive(Debug, Clone)]
pub(crate) struct WaiverArgs {
    incomplete: bool,
    edited: bool,
    reviewers: Vec<String>,
    max_age: Duration,
}

impl WaiverArgs {
    pub(crate) fn from_matches(matches: &ArgMatches) -> Self {
        let reviewers = matches
            .get_many::<String>("accept-reviewer")
            .into_iter()
            .flatten();
        Self {
            incomplete: matches.get_flag("incomplete-review"),
            edited: matches.get_flag("edited-sheet"),
            reviewers: reviewers.map(|name| name.trim().to_lowercase()).collect(),
            max_age: matches
                .get_one::<i64>("max-age")
                .map_or(MAX_AGE, |days| Duration::days(*days)),
        }
    }

    pub(crate) fn conditions(&self) -> Conditions {
        Conditions {
            now: OffsetDateTime::now_utc(),
            max_age: Some(self.max_age),
        }
    }

    /// Same, with undecided lines accepted: `review close` defines their meaning.
    pub(crate) fn with_open_lines(&self) -> Self {
        Self {
            incomplete: true,
            ..self.clone()
        }
    }

    fn accepts(&self, finding: &Finding) -> bool {
        match finding.problem.waiver() {
            Some(Waiver::Incomplete) => self.incomplete,
            Some(Waiver::Edited) => self.edited,
            Some(Waiver::Reviewer) => match &finding.problem {
                access_review::Problem::Reviewer(name) => {
                    self.reviewers.contains(&name.trim().to_lowercase())
                }
                _ => false,
            },
            Some(Waiver::Age) | None => false,
        }
    }

    /// Findings that no flag accepts.
    pub(crate) fn unaccepted<'a>(&self, assessment: &'a Assessment) -> Vec<&'a Finding> {
        let findings = assessment.findings.iter();
        findings.filter(|finding| !self.accepts(finding)).collect()
    }

    /// Lists the findings that are not accepted, and fails if there are any.
    pub(crate) fn require_accepted(&self, assessment: &Assessment) -> Result<(), Failure> {
        let unaccepted = self.unaccepted(assessment);
        let Some(first) = unaccepted.first() else {
            return Ok(());
        };
        let mut text = Text::new();
        if unaccepted.len() > 1 {
            for finding in unaccepted.iter().take(MAX_LISTED) {
                text.line(format_args!("  {finding}"));
            }
            if unaccepted.len() > MAX_LISTED {
                text.line(format_args!("  and {} more", unaccepted.len() - MAX_LISTED));
            }
            print_error(&text);
        }
        let message = if unaccepted.len() == 1 {
            format!("the review is refused: {first}; nothing was changed")
        } else {
            format!(
                "the review is refused for {} reasons, listed above; nothing was changed",
                unaccepted.len()
            )
        };
        Err(Failure::new(
            message,
            Some(hint(&unaccepted)),
            StatusCode::FailedPrecondition,
        ))
    }
}

/// The hint for the most important finding: contradictions first, then findings that a flag accepts.
fn hint(unaccepted: &[&Finding]) -> String {
    let waiver = |finding: &&&Finding| finding.problem.waiver().is_none();
    if unaccepted.iter().any(|finding| waiver(&finding)) {
        return "have the lines decided in the report that the sheet is checked against, and export the sheet again".to_owned();
    }
    let has = |needed: Waiver| {
        unaccepted
            .iter()
            .any(|finding| finding.problem.waiver() == Some(needed))
    };
    let hint = if has(Waiver::Edited) {
        "export the sheet again, or accept the edits with --edited-sheet"
    } else if has(Waiver::Reviewer) {
        "have the assigned reviewer decide, or accept the deputy with --accept-reviewer NAME"
    } else if has(Waiver::Age) {
        "review a newer sync, or accept this one with --max-age"
    } else if unaccepted
        .iter()
        .any(|finding| finding.problem == access_review::Problem::NoHeader)
    {
        "export the sheet again from the report, or accept one without a header with --incomplete-review"
    } else {
        "have the rest decided and signed off, or carry out a part with --incomplete-review"
    };
    hint.to_owned()
}
