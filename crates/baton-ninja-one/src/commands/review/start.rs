//! `review start`: creates a sealed review of a report, with a file for each reviewer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use access_core::StatusCode;
use access_core::ports::{AccessSink, NoopObserver};
use access_review::{
    Assignee, FORMAT, Line, Plan, Review, ReviewFile, Scope, VERSION, parse_due, sha256_hex,
};
use clap::{Arg, ArgMatches, Command};
use serde::Serialize;
use sink_html::{
    HtmlSink, HtmlSinkConfig, ReviewFileSpec, ReviewReviewer, ReviewRole, ReviewScope, ReviewedReport,
    write_review_file,
};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::folder::COORDINATOR_FILE;
use super::folder::REPORT_FILE;
use super::folder::REVIEW_FILE;
use super::folder::SHEETS_FOLDER;
use super::report_lines::lines_of_report;
use super::report_lines::read_intact_report;
use super::sheet_file;
use crate::commands::context::CommandContext;
use crate::commands::export;
use crate::commands::export::ExportArgs;
use crate::failure::Failure;
use crate::output::console::Text;
use crate::output::console::print;
use crate::output::console::print_error;
use crate::output::text_table::counted;
use crate::runtime;
use crate::settings::{Output, Settings};

/// Columns of a plan, used to detect its separator.
const PLAN_COLUMNS: [&str; 5] = ["role", "organization", "person", "reviewer", "due"];

/// The command.
pub(super) fn subcommand() -> Command {
    let path = || clap::value_parser!(PathBuf);
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    Command::new("start")
        .about("Start a review: a folder with the sealed report, its lines, and a file for each reviewer")
        .args([
            text("report", "FILE", "The report to review")
                .value_parser(path())
                .conflicts_with("from")
                .required_unless_present("from"),
            export::from_argument()
                .help("The c1z file, or the folder or URL of a dataset, to make the report of"),
            export::sync_argument("review").requires("from"),
            export::tenant_argument().requires("from"),
            text(
                "previous",
                "FILE",
                "The report to compare with, for a review of --from",
            )
            .value_parser(path())
            .requires("from"),
            text(
                "plan",
                "FILE",
                "CSV of role, organization or person with reviewer and due day",
            )
            .value_parser(path())
            .conflicts_with("reviewer"),
            text(
                "reviewer",
                "NAME",
                "Who reviews all lines, where there is no plan",
            ),
            text(
                "coordinator",
                "NAME",
                "Who reviews what nobody else does, and settles conflicts [default: --requested-by]",
            ),
            text(
                "scope",
                "TRAITS",
                "What is reviewed: role, app, group, … with commas between, or all [default: app,role]",
            ),
            text("due", "DAY", "The last day for decisions, e.g. 2026-12-15"),
            text("title", "TEXT", "What people call the review"),
            text("to", "FOLDER", "The folder that is made")
                .short('o')
                .default_value("review")
                .value_parser(path()),
        ])
}

/// The arguments of `review start`.
#[derive(Debug, Clone)]
pub(crate) struct StartArgs {
    /// The report to review; by default one is created from `source`.
    report: Option<PathBuf>,
    source: ExportArgs,
    /// The report to compare with.
    previous: Option<PathBuf>,
    plan: Option<PathBuf>,
    reviewer: Option<String>,
    coordinator: Option<String>,
    scope: Option<String>,
    due: Option<String>,
    title: Option<String>,
    /// The folder to create.
    to: PathBuf,
}

impl StartArgs {
    pub(super) fn from_matches(matches: &ArgMatches) -> Self {
        let text = |name: &str| matches.get_one::<String>(name).cloned();
        let path = |name: &str| matches.get_one::<PathBuf>(name).cloned();
        Self {
            report: path("report"),
            source: ExportArgs::from_matches(matches),
            previous: path("previous"),
            plan: path("plan"),
            reviewer: text("reviewer"),
            coordinator: text("coordinator"),
            scope: text("scope"),
            due: text("due"),
            title: text("title"),
            to: path("to").unwrap_or_default(),
        }
    }
}

#[derive(Serialize)]
struct Started<'a> {
    folder: String,
    review_id: &'a str,
    sha256: &'a str,
    report_sha256: &'a str,
    tenant: &'a str,
    sync_id: &'a str,
    scope: String,
    lines: usize,
    unassigned: usize,
    due: Option<&'a str>,
    coordinator: &'a str,
    reviewers: &'a [Assignee],
}

/// Creates the folder and prints its contents.
pub(super) fn run(settings: &Settings, args: &StartArgs) -> Result<(), Failure> {
    let output = settings.output()?;
    let scope: Scope = args
        .scope
        .as_ref()
        .map_or_else(|| Ok(Scope::default()), |text| text.parse())
        .map_err(|error: access_review::ScopeError| invalid_plan(error.to_string()))?;
    if let Some(due) = args.due.as_ref().filter(|due| parse_due(due).is_none()) {
        return Err(invalid_plan(format!("`{due}` is not a date, e.g. 2026-12-15")));
    }
    let plan = match (&args.plan, &args.reviewer) {
        (Some(path), _) => read_plan(path)?,
        (None, Some(reviewer)) => one_reviewer(reviewer.clone()),
        (None, None) => Plan::default(),
    };
    let to = &args.to;
    let _context = CommandContext::new(settings)?;
    let new_folder = NewFolder::beside(to)?;
    let report_path = new_folder.path().join(REPORT_FILE);
    match &args.report {
        Some(report) => {
            read_intact_report(report)?;
            std::fs::copy(report, &report_path).map_err(|error| cannot_create(to, &error))?;
        }
        None => write_report(settings, args, &report_path)?,
    }
    let report = read_intact_report(&report_path)?;
    let seal = &report.verification.seal;
    let mut lines = lines_of_report(&report, &scope);
    let (reviewers, unused) = plan.assign(&mut lines);
    for row in unused {
        let mut text = Text::new();
        text.line(format_args!(
            "note: row {} of the plan selects no line: {}",
            row.row, row.reviewer
        ));
        print_error(&text);
    }
    let mut review = Review {
        format: FORMAT.to_owned(),
        version: VERSION,
        program: crate::cli::version::PROGRAM.to_owned(),
        id: String::new(),
        title: args
            .title
            .clone()
            .unwrap_or_else(|| format!("Access review of {}", seal.tenant)),
        started_at: OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default(),
        tenant: seal.tenant.clone(),
        sync_id: seal.sync_id.clone(),
        sync_started_at: seal.started_at.clone(),
        report_sha256: report.verification.fingerprint.clone(),
        scope,
        due: args.due.clone(),
        coordinator: args
            .coordinator
            .clone()
            .map_or_else(|| settings.requested_by(), Ok)?,
        reviewers,
        files: Vec::new(),
        lines,
    };
    let width = review.reviewers.len().to_string().len().max(2);
    for (n, reviewer) in (1..).zip(&mut review.reviewers) {
        reviewer.file = format!("reviewer-{n:0width$}-{}.html", slug(&reviewer.name));
    }
    review.id = review.expected_id();
    write_files(&report, &mut review, new_folder.path())?;
    let bytes = serde_json::to_vec_pretty(&review).map_err(|error| invalid_plan(error.to_string()))?;
    super::files::write_new(&new_folder.path().join(REVIEW_FILE), &bytes)?;
    std::fs::create_dir(new_folder.path().join(SHEETS_FOLDER)).map_err(|error| cannot_create(to, &error))?;
    new_folder.publish(to)?;
    let sha256 = sha256_hex(&bytes);
    let started = Started {
        folder: to.display().to_string(),
        review_id: &review.id,
        sha256: &sha256,
        report_sha256: &review.report_sha256,
        tenant: &review.tenant,
        sync_id: &review.sync_id,
        scope: review.scope.to_string(),
        lines: review.lines.len(),
        unassigned: review.lines.iter().filter(|line| line.assigned.is_none()).count(),
        due: review.due.as_deref(),
        coordinator: &review.coordinator,
        reviewers: &review.reviewers,
    };
    print(&match output {
        Output::Json => Text::from_json(&started),
        Output::Text => render_summary(&started),
    });
    Ok(())
}

fn render_summary(started: &Started<'_>) -> Text {
    let mut text = Text::new();
    text.line(format_args!(
        "Started a review of {} of {}, sync {}, in {}",
        counted(started.lines as u64, "line", "lines"),
        started.tenant,
        started.sync_id,
        started.folder
    ));
    if let Some(due) = started.due {
        text.line(format_args!("  due      {due}"));
    }
    for reviewer in started.reviewers {
        let due = reviewer.due.as_deref().or(started.due).unwrap_or("no day");
        text.line(format_args!(
            "  {:>12}  {} (due {due}): {}",
            counted(reviewer.lines as u64, "line", "lines"),
            reviewer.name,
            reviewer.file
        ));
    }
    text.line(format_args!(
        "  {:>12}  {}: {COORDINATOR_FILE} (all lines; {} without another reviewer)",
        counted(started.lines as u64, "line", "lines"),
        started.coordinator,
        started.unassigned
    ));
    text.line(format_args!("  report SHA-256 {}", started.report_sha256));
    text.line(format_args!("  review SHA-256 {}", started.sha256));
    text.line("Record the hashes elsewhere, e.g. in the ticket of the review");
    text
}

fn invalid_plan(message: String) -> Failure {
    Failure::new(message, None, StatusCode::InvalidArgument)
}

fn cannot_create(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        format!("cannot create the review in {}: {error}", folder.display()),
        None,
        StatusCode::FailedPrecondition,
    )
}

fn read_plan(path: &Path) -> Result<Plan, Failure> {
    let bytes = sheet_file::read_bytes(path)?;
    let records = sheet_file::records(path, &bytes, &PLAN_COLUMNS)?;
    Plan::parse(&records).map_err(|error| {
        let hint = access_core::Diagnostic::hint(&error);
        Failure::new(
            format!("{}: {error}", path.display()),
            hint,
            StatusCode::InvalidArgument,
        )
    })
}

fn one_reviewer(reviewer: String) -> Plan {
    Plan {
        rows: vec![access_review::PlanRow {
            row: 1,
            role: String::new(),
            organization: String::new(),
            person: String::new(),
            reviewer,
            due: None,
        }],
    }
}

fn write_report(settings: &Settings, args: &StartArgs, to: &Path) -> Result<(), Failure> {
    let config = HtmlSinkConfig {
        previous: args.previous.clone(),
        ..settings.html(to.to_owned())?
    };
    let sink: Arc<dyn AccessSink> = Arc::new(HtmlSink::new(config));
    let runtime = runtime::start()?;
    let written = runtime.block_on(export::run_export(settings, &args.source, &[sink], &NoopObserver));
    runtime.shutdown_background();
    written.map(|_| ())
}

/// Writes the files of the reviewers and the coordinator, and records every file with its hash.
fn write_files(report: &ReviewedReport, review: &mut Review, folder: &Path) -> Result<(), Failure> {
    let report_path = folder.join(REPORT_FILE);
    let bytes = std::fs::read(&report_path).map_err(|error| cannot_create(folder, &error))?;
    let mut files = vec![ReviewFile {
        name: REPORT_FILE.to_owned(),
        sha256: sha256_hex(&bytes),
    }];
    let owners = std::iter::once(None).chain((0..review.reviewers.len()).map(Some));
    for owner in owners {
        let name = owner.map_or_else(
            || COORDINATOR_FILE.to_owned(),
            |index| review.reviewers[index].file.clone(),
        );
        let is_shown = |line: &Line| owner.is_none() || line.assigned == owner;
        let mut lines = review.lines.iter();
        let keep: Vec<bool> = report
            .grants
            .iter()
            .map(|grant| review.scope.includes(&grant.trait_kind) && lines.next().is_some_and(is_shown))
            .collect();
        let shown: Vec<&Line> = review.lines.iter().filter(|line| is_shown(line)).collect();
        let scope = review_scope(review, owner, &shown);
        let file = ReviewFileSpec {
            report: &report_path,
            path: &folder.join(&name),
            program: crate::cli::version::PROGRAM,
            schema: ninjaone::REPORT_SCHEMA,
            keep: &keep,
        };
        let written = write_review_file(&file, scope)?;
        files.push(ReviewFile {
            name,
            sha256: sha256_hex(&written),
        });
    }
    review.files = files;
    Ok(())
}

fn review_scope(review: &Review, owner: Option<usize>, lines: &[&Line]) -> ReviewScope {
    let own = owner.and_then(|index| review.reviewers.get(index));
    let mut assigned: Vec<(i64, u64)> = Vec::new();
    for line in lines {
        let index = line
            .assigned
            .and_then(|index| i64::try_from(index).ok())
            .unwrap_or(-1);
        match assigned.last_mut() {
            Some((last, count)) if *last == index => *count += 1,
            _ => assigned.push((index, 1)),
        }
    }
    ReviewScope {
        id: review.id.clone(),
        title: review.title.clone(),
        report_sha256: review.report_sha256.clone(),
        due: own.and_then(|own| own.due.clone()).or_else(|| review.due.clone()),
        role: if own.is_some() {
            ReviewRole::Reviewer
        } else {
            ReviewRole::Coordinator
        },
        reviewer: own.map(|own| own.name.clone()),
        scope: review.scope.to_string(),
        lines: lines.len() as u64,
        reviewers: review
            .reviewers
            .iter()
            .map(|reviewer| ReviewReviewer {
                name: reviewer.name.clone(),
                due: reviewer.due.clone().or_else(|| review.due.clone()),
                lines: reviewer.lines as u64,
                file: reviewer.file.clone(),
            })
            .collect(),
        assigned,
    }
}

/// Converts a name to a part of a file name.
fn slug(name: &str) -> String {
    let name = name.split('<').next().unwrap_or(name).to_lowercase();
    let words: Vec<&str> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let slug: String = words.join("-").chars().take(40).collect();
    if slug.is_empty() {
        "reviewer".to_owned()
    } else {
        slug
    }
}

/// A temporary folder beside the target, renamed when it is complete.
struct NewFolder(tempfile::TempDir);

impl NewFolder {
    fn beside(to: &Path) -> Result<Self, Failure> {
        let is_free = match std::fs::read_dir(to) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        };
        if !is_free {
            return Err(Failure::new(
                format!("{} exists already and is not an empty folder", to.display()),
                Some("name another folder with --to; a review is never replaced".to_owned()),
                StatusCode::AlreadyExists,
            ));
        }
        let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
        let new_folder = tempfile::Builder::new()
            .prefix(".review-")
            .tempdir_in(parent.unwrap_or(Path::new(".")));
        new_folder.map(Self).map_err(|error| cannot_create(to, &error))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn publish(self, to: &Path) -> Result<(), Failure> {
        std::fs::rename(self.0.path(), to).map_err(|error| cannot_create(to, &error))?;
        // The folder was renamed.
        let _ = self.0.keep();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_file_names() {
        for (name, expected) in [
            ("Priya R.", "priya-r"),
            ("Zoë <z@example.com>", "zo"),
            ("日本", "reviewer"),
            ("../../etc/passwd", "etc-passwd"),
            ("", "reviewer"),
        ] {
            assert_eq!(slug(name), expected);
        }
    }
}
