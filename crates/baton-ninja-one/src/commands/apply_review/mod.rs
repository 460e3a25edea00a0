//! `apply-review`: carries out the decisions of a review one by one, with the rules of single changes. Sheets are not
//! trusted: they are checked against the report, and the report against the current tenant.

mod names;
mod order;
mod render;
mod replay;
mod result;

use std::path::PathBuf;

use access_core::StatusCode;
use access_core::ports::{AuditError, AuditLog, Provisioner};
use access_core::provisioning::{
    AuditEntry, Change, ChangeResult, DecisionReference, Provisioning, ProvisioningError, Selector,
};
use access_review::{Line, OpenMeans, Review, assess};
use async_trait::async_trait;
use clap::{Arg, ArgAction, ArgMatches, Command};

pub(crate) use self::order::RevocationJob;
use self::order::{RevocationOrder, now};
pub(crate) use self::render::revocations;
pub(crate) use self::replay::read_results;
pub(crate) use self::result::RevocationResult;
pub(crate) use self::result::RevocationRow;
pub(crate) use self::result::Verification;
use self::result::{AppliedRevocations, fails_for_all_rows};
use super::provision;
use super::provision::NOTHING_CHANGED;
use super::provision::ProvisioningContext;
use super::provision::build_context;
use super::provision::confirm_on_terminal;
use crate::commands::context::CommandContext;
use crate::commands::review::flags::LimitArgs;
use crate::commands::review::flags::WaiverArgs;
use crate::commands::review::flags::limits;
use crate::commands::review::flags::paths;
use crate::commands::review::flags::waivers;
use crate::commands::review::folder::RESULTS_FILE;
use crate::commands::review::folder::read_sheets;
use crate::commands::review::source::ReviewSource;
use crate::failure::Failure;
use crate::output::console::print;
use crate::runtime;
use crate::runtime::cancellation::{Cancellation, cancel_on_signal};
use crate::runtime::system::KsuidGenerator;
use crate::runtime::system::SystemClock;
use crate::settings::{Output, ProvisioningMode, Settings};

/// The command.
pub(crate) fn subcommand() -> Command {
    let path = || clap::value_parser!(PathBuf);
    let sheets = Arg::new("sheet")
        .required(true)
        .num_args(1..)
        .value_name("SHEET")
        .value_parser(path())
        .help("The sheets that reviewers exported");
    let report = Arg::new("report")
        .long("report")
        .value_name("FILE")
        .value_parser(path())
        .help("The report that was reviewed; the sheets are checked against it");
    let review = Arg::new("review")
        .long("review")
        .value_name("FOLDER")
        .value_parser(path())
        .conflicts_with("report")
        .help("The folder of `review start`; the sheets are checked against it");
    let without = Arg::new("without-report")
        .long("without-report")
        .action(ArgAction::SetTrue)
        .conflicts_with_all(["report", "review"])
        .help("Check the sheets only against the tenant: not against seal, scope or age");
    let result = Arg::new("result")
        .long("result")
        .value_name("FILE")
        .value_parser(path())
        .help("Write the result of each revocation to this file, for `review close --applied`");
    Command::new("apply-review")
        .about("Revoke what a review decided to revoke")
        .args([sheets, report, review, without, result])
        .args(waivers())
        .args(limits())
}

/// The arguments of `apply-review`.
#[derive(Debug, Clone)]
pub(crate) struct ApplyReviewArgs {
    sheets: Vec<PathBuf>,
    report: Option<PathBuf>,
    review: Option<PathBuf>,
    without_report: bool,
    result: Option<PathBuf>,
    waivers: WaiverArgs,
    limits: LimitArgs,
}

impl ApplyReviewArgs {
    pub(crate) fn from_matches(matches: &ArgMatches) -> Self {
        let path = |name: &str| matches.get_one::<PathBuf>(name).cloned();
        Self {
            sheets: paths(matches, "sheet"),
            report: path("report"),
            review: path("review"),
            without_report: matches.get_flag("without-report"),
            result: path("result"),
            waivers: WaiverArgs::from_matches(matches),
            limits: LimitArgs::from_matches(matches),
        }
    }
}

/// Checks sheets, carries out their decisions and prints the results.
pub(crate) fn run(settings: &Settings, args: &ApplyReviewArgs) -> Result<(), Failure> {
    let output = settings.output()?;
    let folder = args.review.as_ref();
    let source = match (&args.report, folder) {
        (Some(report), _) => ReviewSource::Report(report),
        (None, Some(folder)) => ReviewSource::Folder(folder),
        (None, None) if args.without_report => ReviewSource::Sheets,
        (None, None) => {
            return Err(Failure::new(
                "the reviewed report is not named".to_owned(),
                Some(
                    "name it with --report FILE, or the folder of the review with --review FOLDER".to_owned(),
                ),
                StatusCode::InvalidArgument,
            ));
        }
    };
    let sheets = read_sheets(&args.sheets)?;
    let review = source.load(&sheets)?;
    let assessment = assess(&review, &sheets, args.waivers.conditions());
    args.waivers.require_accepted(&assessment)?;
    let _context = CommandContext::new(settings)?;
    let job = RevocationJob {
        review: &review,
        sheets: &sheets,
        revocations: assessment.revocations(OpenMeans::Open),
        results: folder.map(|folder| folder.join(RESULTS_FILE)),
        is_sealed: !matches!(source, ReviewSource::Sheets),
    };
    let applied = apply(settings, &args.limits, &job)?;
    if let Some(path) = &args.result
        && !applied.dry_run
    {
        applied.write(path)?;
    }
    print(&match output {
        Output::Text => render::text(&review, &assessment, &applied),
        Output::Json => render::json(&review, &assessment, &applied),
    });
    applied.outcome()
}

/// Carries out the revocations of a job, each at most once, after checking that the tenant is the reviewed one.
pub(crate) fn apply(
    settings: &Settings,
    limits: &LimitArgs,
    job: &RevocationJob<'_>,
) -> Result<AppliedRevocations, Failure> {
    let context = build_context(settings, false)?;
    let tenant = context.provisioner.tenant();
    if !job.review.lines.is_empty() {
        require_same_tenant(job.review, &tenant, limits.tenant.as_deref())?;
    }
    let max = limits.max_revocations;
    if job.revocations.len() as u64 > max {
        return Err(Failure::new(
            format!(
                "{} revocations are more than the {max} that one run may make; nothing was changed",
                job.revocations.len()
            ),
            Some(format!(
                "if all are intended, use --max-revocations {}",
                job.revocations.len()
            )),
            StatusCode::FailedPrecondition,
        ));
    }
    let requested_by = settings.requested_by()?;
    let dry_run = context.mode == ProvisioningMode::DryRun;
    let orders: Vec<RevocationOrder<'_>> = job
        .revocations
        .iter()
        .map(|revocation| RevocationOrder::new(job, revocation, &requested_by))
        .collect();
    let recorded = replay::RecordedResults::read(settings, job, limits.history.as_deref())?;
    let runtime = runtime::start()?;
    let mut rows = runtime.block_on(names::look_up(&context.provisioner, &orders));
    let agreed = names::require_matching_names(&rows);
    let mut confirmed = Ok(());
    if agreed.is_ok() {
        let due = rows
            .iter()
            .filter(|row| row.result == RevocationResult::NotTried)
            .count();
        if !dry_run && due > 0 && !limits.yes {
            confirmed = confirm_on_terminal(&render::confirmation(due, &tenant));
        }
        if confirmed.is_ok() {
            runtime.block_on(execute(&context, &orders, &recorded, &mut rows, &requested_by));
        }
    }
    runtime.shutdown_background();
    confirmed?;
    let applied = AppliedRevocations {
        dry_run,
        rows,
        history: limits.history.clone(),
        agreed,
    };
    if let Some(path) = job.results.as_ref().filter(|_| !dry_run) {
        applied.append(path)?;
    }
    Ok(applied)
}

/// A decision about one tenant does not hold for another, even with equal ids.
fn require_same_tenant(review: &Review, tenant: &str, tenant_override: Option<&str>) -> Result<(), Failure> {
    let expected = tenant_override.unwrap_or(tenant);
    if review.tenant == expected {
        return Ok(());
    }
    Err(Failure::new(
        format!(
            "the review is of the tenant {}, but this is {expected}",
            review.tenant
        ),
        Some("if it is the same tenant, pass its name in the review with --of".to_owned()),
        StatusCode::FailedPrecondition,
    ))
}

async fn execute(
    context: &ProvisioningContext,
    orders: &[RevocationOrder<'_>],
    recorded: &replay::RecordedResults,
    rows: &mut [RevocationRow],
    requested_by: &str,
) {
    let cancellation = Cancellation::on_signal().await;
    // After a failure that every later row would share, the remaining rows are not tried.
    let mut fails_for_all = rows.iter().any(|row| row.status.is_some_and(fails_for_all_rows));
    for (order, row) in orders.iter().zip(rows) {
        let is_due = row.result == RevocationResult::NotTried;
        if is_due && !fails_for_all && !cancellation.is_cancelled() {
            let requester = format!("{requested_by}, review by {}", order.statement.reviewer);
            if let Err(failure) = revoke(context, order, recorded, requester, row).await {
                fails_for_all = fails_for_all_rows(failure.status());
                row.fail(&failure);
            }
        }
    }
}

async fn revoke(
    context: &ProvisioningContext,
    order: &RevocationOrder<'_>,
    recorded: &replay::RecordedResults,
    requester: String,
    row: &mut RevocationRow,
) -> Result<(), Failure> {
    let audit = DecisionAudit {
        log: context.audit.as_ref(),
        reference: &order.reference,
    };
    let provisioning = Provisioning {
        provisioner: &context.provisioner,
        audit: &audit,
        clock: &SystemClock,
        ids: &KsuidGenerator,
        requested_by: requester,
    };
    let change = change(order.line)?;
    if context.mode == ProvisioningMode::DryRun {
        let plan = cancel_on_signal(provisioning.plan(&change), NOTHING_CHANGED).await?;
        if plan.step.is_none() {
            row.result = RevocationResult::Already;
        } else if let Some(reason) = recorded.granted_again(order.line) {
            row.refuse(reason);
        } else {
            row.result = RevocationResult::Planned;
        }
        return Ok(());
    }
    let plan = cancel_on_signal(provisioning.prepare(&change), NOTHING_CHANGED).await?;
    if plan.step.is_some()
        && let Some(reason) = recorded.granted_again(order.line)
    {
        row.refuse(reason);
        return Ok(());
    }
    let outcome = provision::execute(&provisioning, &plan).await?;
    row.at = Some(now());
    row.change_id = Some(outcome.change_id.to_string());
    row.result = match outcome.result {
        ChangeResult::Changed => RevocationResult::Revoked,
        ChangeResult::AlreadyApplied => RevocationResult::Already,
        ChangeResult::Accepted => RevocationResult::Accepted,
    };
    row.verified = outcome.steps.last().map(|step| step.verified.into());
    row.request_ids = outcome
        .steps
        .iter()
        .filter_map(|step| step.request_id.clone())
        .collect();
    Ok(())
}

fn change(line: &Line) -> Result<Change, ProvisioningError> {
    let terms = ninjaone::provisioning_terms();
    let subject = &line.subject;
    Ok(Change::Revoke {
        role: Selector::parse_entitlement(&subject.entitlement_id, &terms)?,
        principal: Selector::parse_principal(&subject.principal_type, &subject.principal_id, &terms)?,
    })
}

/// An audit log that adds the decision to every entry.
struct DecisionAudit<'a> {
    log: &'a dyn AuditLog,
    reference: &'a DecisionReference,
}

#[async_trait]
impl AuditLog for DecisionAudit<'_> {
    async fn append(&self, entry: &AuditEntry) -> Result<(), AuditError> {
        let entry = AuditEntry {
            decision: Some(self.reference.clone()),
            ..entry.clone()
        };
        self.log.append(&entry).await
    }
}
