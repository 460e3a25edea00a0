//! `review close`: carries out or accounts for every decision, and writes the evidence to one file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use access_core::StatusCode;
use access_core::ports::{AccessSink, NoopObserver};
use access_core::sync::{SyncPipeline, SyncRequest};
use access_review::{
    Assessment, OpenMeans, Revocation, SheetFile, Subject, assess, decision_log, sha256_hex,
};
use clap::{Arg, ArgAction, ArgMatches, Command};
use ninjaone::{NinjaOneClient, NinjaOneSource};
use serde::Serialize;
use sink_html::{HtmlSink, HtmlSinkConfig, ReviewedReport};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::flags::LimitArgs;
use super::flags::WaiverArgs;
use super::flags::limits;
use super::flags::paths;
use super::flags::waivers;
use super::folder::REVIEW_FILE;
use super::folder::ReviewFolder;
use super::folder::SHEETS_FOLDER;
use super::pack::Pack;
use super::pack::PackReport;
use super::pack::PackRevocation;
use super::pack_writer::PackContents;
use super::report_lines::read_intact_report;
use super::sheet_file::parse_sheet;
use super::sheet_file::read_bytes;
use super::status::arguments;
use crate::commands::apply_review;
use crate::commands::apply_review::RevocationJob;
use crate::commands::apply_review::RevocationResult;
use crate::commands::apply_review::RevocationRow;
use crate::commands::context::CommandContext;
use crate::failure::Failure;
use crate::observability::spans;
use crate::output::console::Text;
use crate::output::console::print;
use crate::runtime;
use crate::runtime::system::KsuidGenerator;
use crate::runtime::system::SystemClock;
use crate::runtime::system::shutdown_signal;
use crate::settings::{Output, ProvisioningMode, Settings};

/// The command.
pub(super) fn subcommand() -> Command {
    let path = || clap::value_parser!(PathBuf);
    Command::new("close")
        .about("Close a review: carry out the decisions and write one evidence file")
        .args(arguments())
        .args([
            Arg::new("open-means")
                .long("open-means")
                .value_name("open|revoke")
                .value_parser(["open", "revoke"])
                .help("Meaning of undecided lines; required if there are any"),
            Arg::new("applied")
                .long("applied")
                .value_name("FILE")
                .value_parser(path())
                .help(
                    "Results that `apply-review --result` wrote, instead of carrying out the decisions now",
                ),
            Arg::new("accept-failures")
                .long("accept-failures")
                .action(ArgAction::SetTrue)
                .help("Close although revocations are left to do; the evidence names them"),
            Arg::new("after")
                .long("after")
                .value_name("REPORT")
                .value_parser(path())
                .help("The report of a sync after the revocations; with --provisioning it is made now"),
            Arg::new("to")
                .long("to")
                .short('o')
                .value_name("PACK")
                .value_parser(path())
                .help("The file of evidence [default: FOLDER.zip]"),
        ])
        .args(waivers())
        .args(limits())
}

/// The arguments of `review close`.
#[derive(Debug, Clone)]
pub(crate) struct CloseArgs {
    folder: PathBuf,
    /// Sheets outside the folder.
    sheets: Vec<PathBuf>,
    /// What undecided lines mean, if given.
    open_means: Option<OpenMeans>,
    /// Results of earlier revocations.
    applied: Option<PathBuf>,
    accept_failures: bool,
    /// The report after the revocations.
    after: Option<PathBuf>,
    /// The evidence file.
    to: Option<PathBuf>,
    waivers: WaiverArgs,
    limits: LimitArgs,
}

impl CloseArgs {
    pub(super) fn from_matches(matches: &ArgMatches) -> Self {
        let path = |name: &str| matches.get_one::<PathBuf>(name).cloned();
        Self {
            folder: path("folder").unwrap_or_default(),
            sheets: paths(matches, "sheet"),
            open_means: matches
                .get_one::<String>("open-means")
                .map(|word| match word.as_str() {
                    "revoke" => OpenMeans::Revoke,
                    _ => OpenMeans::Open,
                }),
            applied: path("applied"),
            accept_failures: matches.get_flag("accept-failures"),
            after: path("after"),
            to: path("to"),
            waivers: WaiverArgs::from_matches(matches),
            limits: LimitArgs::from_matches(matches),
        }
    }
}

/// Closes a review and prints its evidence.
pub(super) fn run(settings: &Settings, args: &CloseArgs) -> Result<(), Failure> {
    let output = settings.output()?;
    let folder = ReviewFolder::open(&args.folder)?;
    let review = &folder.review;
    let (sheets, sheet_bytes) = read_with_bytes(&folder, &args.sheets)?;
    let to = args.to.clone().unwrap_or_else(|| default_pack(&folder.path));
    if exists(&to)? {
        return Err(Failure::new(
            format!("{} exists already; evidence is never replaced", to.display()),
            Some("name another file with --to".to_owned()),
            StatusCode::AlreadyExists,
        ));
    }
    let waivers = match args.open_means {
        Some(_) => args.waivers.with_open_lines(),
        None => args.waivers.clone(),
    };
    let conditions = waivers.conditions();
    let assessment = assess(review, &sheets, conditions);
    let open_means = args.open_means.unwrap_or(OpenMeans::Open);
    if args.open_means.is_none() && assessment.open() > 0 {
        undecided_failure(&waivers, &assessment)?;
    }
    waivers.require_accepted(&assessment)?;
    let revocations = assessment.revocations(open_means);
    let _context = CommandContext::new(settings)?;
    let Some(rows) = revocation_rows(settings, args, &folder, &sheets, &revocations)? else {
        return Ok(());
    };
    let after = report_after(settings, args, &folder, &rows)?;
    let held = after.as_ref().map(|(report, _)| access_in_report(report));
    let by_line: BTreeMap<&str, &Subject> = review
        .lines
        .iter()
        .map(|line| (line.id.as_str(), &line.subject))
        .collect();
    let revocations: Vec<PackRevocation> = rows
        .into_iter()
        .map(|row| PackRevocation {
            held_after: held
                .as_ref()
                .zip(by_line.get(row.line_id.as_str()))
                .map(|(held, subject)| held.contains(*subject)),
            row,
        })
        .collect();
    if !args.accept_failures {
        require_nothing_left(&revocations)?;
    }
    let contents = PackContents {
        review,
        review_bytes: read(&folder.path.join(REVIEW_FILE))?,
        before: read(&folder.report())?,
        after: after.map(|(report, bytes)| (pack_report(&report), bytes)),
        sheets: &sheets,
        sheet_bytes,
        assessment: &assessment,
        decisions: decision_log(review, &sheets, &assessment, open_means),
        revocations,
        open_means,
        closed_at: conditions.now.format(&Rfc3339).unwrap_or_default(),
        closed_by: settings.requested_by()?,
        accepted: assessment.findings.iter().map(ToString::to_string).collect(),
    };
    let (pack, bytes) = contents.write()?;
    super::files::write_new(&to, &bytes)?;
    let closed = OutputClosed {
        pack: to.display().to_string(),
        sha256: sha256_hex(&bytes),
        contents: &pack,
    };
    print(&match output {
        Output::Json => Text::from_json(&closed),
        Output::Text => render_summary(&closed),
    });
    Ok(())
}

#[derive(Serialize)]
struct OutputClosed<'a> {
    pack: String,
    sha256: String,
    #[serde(flatten)]
    contents: &'a Pack,
}

fn render_summary(closed: &OutputClosed<'_>) -> Text {
    let pack = closed.contents;
    let counts = &pack.counts;
    let mut text = Text::new();
    text.line(format_args!("Closed {}, {}", pack.title, pack.tenant));
    text.line(format_args!(
        "  {} lines: {} kept, {} to revoke, {} undecided ({})",
        counts.lines,
        counts.keep,
        counts.revoke,
        counts.open,
        match pack.open_means.as_str() {
            "revoke" => "revoked",
            _ => "left as they are",
        }
    ));
    text.line(format_args!(
        "  {} revocations: {} revoked, {} already gone, {} not verified, {} by hand, {} not carried out; {} still held",
        counts.revocations,
        counts.revoked,
        counts.already_gone,
        counts.not_verified,
        counts.by_hand,
        counts.not_carried_out,
        counts.still_held
    ));
    text.line(format_args!("  evidence {}", closed.pack));
    text.line(format_args!("  SHA-256  {}", closed.sha256));
    text.line("Record the hash elsewhere, e.g. in the ticket of the review");
    text
}

/// The failure for undecided lines without `--open-means`.
fn undecided_failure(waivers: &WaiverArgs, assessment: &Assessment) -> Result<(), Failure> {
    // Other findings come first: they may be why lines are undecided.
    let is_other = |finding: &&&access_review::Finding| {
        finding.problem.waiver() != Some(access_review::Waiver::Incomplete)
    };
    if waivers
        .unaccepted(assessment)
        .iter()
        .any(|finding| is_other(&finding))
    {
        return waivers.require_accepted(assessment);
    }
    Err(Failure::new(
        format!(
            "{} of {} lines are undecided",
            assessment.open(),
            assessment.states.len()
        ),
        Some("choose --open-means open or --open-means revoke".to_owned()),
        StatusCode::FailedPrecondition,
    ))
}

fn default_pack(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".zip");
    folder.with_file_name(name)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    super::folder::read(path).map_err(|error| {
        Failure::new(
            format!("cannot read {}: {error}", path.display()),
            None,
            StatusCode::FailedPrecondition,
        )
    })
}

/// The sheets with the bytes that were read, so that the evidence contains what was assessed.
fn read_with_bytes(
    folder: &ReviewFolder,
    others: &[PathBuf],
) -> Result<(Vec<SheetFile>, Vec<Vec<u8>>), Failure> {
    let (mut sheets, mut contents): (Vec<SheetFile>, Vec<Vec<u8>>) = (Vec::new(), Vec::new());
    for path in folder.sheet_paths(others)? {
        let bytes = read_bytes(&path)?;
        let sheet = parse_sheet(&path, &bytes)?;
        if !sheets.iter().any(|other| other.sha256 == sheet.sha256) {
            sheets.push(sheet);
            contents.push(bytes);
        }
    }
    if sheets.is_empty() {
        return Err(Failure::new(
            "no sheet was returned".to_owned(),
            Some(format!(
                "put the exported sheets into {}",
                folder.path.join(SHEETS_FOLDER).display()
            )),
            StatusCode::FailedPrecondition,
        ));
    }
    Ok((sheets, contents))
}

/// Whether a file exists, or why that is not known.
fn exists(path: &Path) -> Result<bool, Failure> {
    path.try_exists().map_err(|error| {
        Failure::new(
            format!("cannot look at {}: {error}", path.display()),
            None,
            StatusCode::FailedPrecondition,
        )
    })
}

/// A row for each revocation, carried out now or earlier. `None` after a dry run, which was printed.
fn revocation_rows(
    settings: &Settings,
    args: &CloseArgs,
    folder: &ReviewFolder,
    sheets: &[SheetFile],
    revocations: &[Revocation],
) -> Result<Option<Vec<RevocationRow>>, Failure> {
    let mut known = apply_review::read_results(&folder.results())?;
    if let Some(path) = &args.applied {
        if !exists(path)? {
            return Err(Failure::new(
                format!("there is no file {}", path.display()),
                None,
                StatusCode::NotFound,
            ));
        }
        let applied = apply_review::read_results(path)?;
        require_decisions(folder, revocations, &applied, path)?;
        known.extend(applied);
    } else {
        match settings.provisioning_mode(false)? {
            ProvisioningMode::Off => {}
            mode => {
                let job = RevocationJob {
                    review: &folder.review,
                    sheets,
                    revocations: revocations.to_vec(),
                    results: Some(folder.results()),
                    is_sealed: true,
                };
                let applied = apply_review::apply(settings, &args.limits, &job)?;
                if mode == ProvisioningMode::DryRun {
                    let mut text = apply_review::revocations(&applied.rows);
                    text.line("Nothing was changed, and no evidence was written");
                    print(&text);
                    return applied.outcome().map(|()| None);
                }
                known.extend(applied.rows);
            }
        }
    }
    let rows: Option<Vec<RevocationRow>> = revocations
        .iter()
        .map(|revocation| {
            let id = folder.review.lines[revocation.line].id.as_str();
            let mut own = known.iter().filter(|row| row.line_id == id).rev();
            // An earlier success stays, even if a later run finds nothing left to revoke, or access that was granted again.
            let done = own.clone().find(|row| row.result == RevocationResult::Revoked);
            done.or_else(|| own.next()).cloned()
        })
        .collect();
    rows.map(Some).ok_or_else(|| {
        Failure::new(
            "the decided revocations were not carried out".to_owned(),
            Some("carry it out now with --provisioning, or pass what `apply-review --result` wrote with --applied".to_owned()),
            StatusCode::FailedPrecondition,
        )
    })
}

/// Fails if revocations remain: they can still be carried out, by a retry or by hand, before the review is closed.
fn require_nothing_left(revocations: &[PackRevocation]) -> Result<(), Failure> {
    let left: Vec<&PackRevocation> = revocations
        .iter()
        .filter(|revocation| revocation.is_left())
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    print(&apply_review::revocations(
        left.iter().map(|revocation| &revocation.row),
    ));
    Err(Failure::new(
        format!(
            "of {} revocations {} are left to do; the review is not closed",
            revocations.len(),
            left.len()
        ),
        Some("do what is listed above and run the same command again, or close the review as it is with --accept-failures".to_owned()),
        StatusCode::FailedPrecondition,
    ))
}

/// Fails if there are results without a decision: they belong to another review.
fn require_decisions(
    folder: &ReviewFolder,
    revocations: &[Revocation],
    applied: &[RevocationRow],
    path: &Path,
) -> Result<(), Failure> {
    let decided: BTreeSet<&str> = revocations
        .iter()
        .map(|revocation| folder.review.lines[revocation.line].id.as_str())
        .collect();
    match applied.iter().find(|row| !decided.contains(row.line_id.as_str())) {
        None => Ok(()),
        Some(row) => Err(Failure::new(
            format!(
                "{}: {} from {} (line {}) is a revocation that no decision of this review asks for",
                path.display(),
                row.entitlement_id,
                row.principal,
                row.line_id
            ),
            None,
            StatusCode::FailedPrecondition,
        )),
    }
}

/// The report after the revocations: a given one, or one that is created now. `None` if there was nothing to revoke.
fn report_after(
    settings: &Settings,
    args: &CloseArgs,
    folder: &ReviewFolder,
    rows: &[RevocationRow],
) -> Result<Option<(ReviewedReport, Vec<u8>)>, Failure> {
    if let Some(path) = &args.after {
        let report = read_intact_report(path)?;
        require_later_sync(folder, &report, rows)?;
        return Ok(Some((report, read(path)?)));
    }
    if settings.provisioning_mode(false)? == ProvisioningMode::On {
        let parent = settings.temp_folder()?;
        let temporary = crate::commands::report::private_folder(&parent).map_err(|error| {
            let message = format!(
                "cannot create a temporary folder in {}: {error}",
                parent.display()
            );
            Failure::new(message, None, StatusCode::FailedPrecondition)
        })?;
        let path = temporary.path().join("after.html");
        sync_into(settings, folder, &path)?;
        let report = read_intact_report(&path)?;
        return Ok(Some((report, read(&path)?)));
    }
    if rows.is_empty() {
        return Ok(None);
    }
    Err(Failure::new(
        "no report shows the tenant after the revocations".to_owned(),
        Some("sync again with --sink html=after.html and pass it with --after".to_owned()),
        StatusCode::FailedPrecondition,
    ))
}

/// Checks that a report shows the results of the revocations: same tenant, and a later sync.
fn require_later_sync(
    folder: &ReviewFolder,
    report: &ReviewedReport,
    rows: &[RevocationRow],
) -> Result<(), Failure> {
    let seal = &report.verification.seal;
    let time = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    let refuse = |message: String| {
        Err(Failure::new(
            message,
            Some("sync again with --sink html=after.html and pass it with --after".to_owned()),
            StatusCode::FailedPrecondition,
        ))
    };
    if seal.tenant != folder.review.tenant {
        return refuse(format!(
            "the report of --after is of another tenant, {}",
            seal.tenant
        ));
    }
    let began = time(&seal.started_at);
    let last = rows
        .iter()
        .filter_map(|row| time(row.at.as_deref()?))
        .chain(time(&folder.review.sync_started_at))
        .max();
    if began.zip(last).is_some_and(|(began, last)| began <= last) {
        return refuse(format!(
            "the sync of the --after report began at {}, before the last revocation",
            seal.started_at
        ));
    }
    Ok(())
}

/// Syncs the tenant into a report that follows the reviewed one.
fn sync_into(settings: &Settings, folder: &ReviewFolder, path: &Path) -> Result<(), Failure> {
    let config = HtmlSinkConfig {
        previous: Some(folder.report()),
        ..settings.html(path.to_owned())?
    };
    let sinks: [Arc<dyn AccessSink>; 1] = [Arc::new(HtmlSink::new(config))];
    let client = NinjaOneClient::new(settings.client()?)?;
    let tenant = client.tenant();
    let source = NinjaOneSource::new(client, settings.source_options()?);
    let pipeline = SyncPipeline {
        source: &source,
        sinks: &sinks,
        clock: &SystemClock,
        ids: &KsuidGenerator,
        observer: &NoopObserver,
    };
    let request = SyncRequest {
        scope: settings.scope()?,
        sync_type: None,
        identity: None,
        guard: settings.shrink_guard()?,
        provenance: settings.provenance()?,
    };
    let runtime = runtime::start()?;
    let outcome = runtime.block_on(spans::sync(&tenant, pipeline.run(&request, shutdown_signal())));
    runtime.shutdown_background();
    outcome?;
    Ok(())
}

fn pack_report(report: &ReviewedReport) -> PackReport {
    let seal = &report.verification.seal;
    PackReport {
        sync_id: seal.sync_id.clone(),
        started_at: seal.started_at.clone(),
        report_sha256: report.verification.fingerprint.clone(),
    }
}

/// The access in a report.
pub(super) fn access_in_report(report: &ReviewedReport) -> BTreeSet<Subject> {
    report
        .grants
        .iter()
        .map(|grant| Subject {
            entitlement_id: grant.entitlement_id.clone(),
            principal_type: grant.principal_type.clone(),
            principal_id: grant.principal_id.clone(),
        })
        .collect()
}
