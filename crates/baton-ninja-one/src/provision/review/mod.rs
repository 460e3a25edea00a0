//! `apply-review`: the decisions of a review, carried out one by one through the same rules as a single change.

mod names;
mod sheet;
mod words;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use access_core::StatusCode;
use access_core::ports::Provisioner;
use access_core::provisioning::{Change, Done, Provisioning, ProvisioningError, Selector};
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde::Serialize;

use self::sheet::{Decision, Sheet};
use super::{Wired, ask, to_its_end, until_stopped, wired};
use crate::console::print;
use crate::exit::Failure;
use crate::logs;
use crate::settings::{Output, ProvisioningMode, Settings};
use crate::sync::runtime;
use crate::system::{RandomIds, SystemClock, stop_wanted};

/// The command.
pub(crate) fn subcommand() -> Command {
    let file = Arg::new("sheet")
        .required(true)
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help("The review sheet that a report exported");
    let of = Arg::new("of")
        .long("of")
        .value_name("TENANT")
        .help("What the sheet calls the tenant, where that is not its address");
    let yes = Arg::new("yes")
        .long("yes")
        .short('y')
        .action(ArgAction::SetTrue)
        .help("Do not ask for confirmation at a terminal");
    Command::new("apply-review")
        .about("Revoke what a review decided to revoke")
        .args([file, of, yes])
}

/// What came of a decision to revoke.
#[derive(Debug, Serialize)]
struct Row {
    line: u64,
    entitlement_id: String,
    principal: String,
    /// The tenant's name for the principal, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The tenant's name for the entitlement, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<String>,
    reviewer: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    note: String,
    result: RowResult,
    #[serde(skip_serializing_if = "Option::is_none")]
    change_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip)]
    status: Option<StatusCode>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum RowResult {
    /// It would be revoked.
    Planned,
    /// It is revoked.
    Revoked,
    /// There was nothing to revoke any more.
    Already,
    /// It was accepted, and could not be verified.
    Accepted,
    /// The sheet calls the role or the person otherwise than the tenant does.
    Refused,
    /// It could not be revoked.
    Failed,
    /// It was not tried, because the one before it failed in a way that all would, or because of a wish to stop.
    NotTried,
}

/// Carries a sheet out and says what came of it.
pub(crate) fn run(settings: &Settings, chosen: &ArgMatches) -> Result<(), Failure> {
    let output = settings.output()?;
    let path = chosen.get_one::<PathBuf>("sheet").cloned().unwrap_or_default();
    let sheet = sheet::read(&path)?;
    let _telemetry = logs::start(settings, &indicatif::MultiProgress::new())?;
    let wired = wired(settings, false)?;
    same_tenant(&sheet, &wired, chosen.get_one::<String>("of"))?;
    let wanted: Vec<&Decision> = sheet
        .decisions
        .iter()
        .filter(|decision| decision.revoke)
        .collect();
    let requested_by = settings.requested_by()?;
    let runtime = runtime()?;
    let dry = wired.mode == ProvisioningMode::DryRun;
    let mut rows = runtime.block_on(names::look_up(&wired.provisioner, &wanted));
    let agreed = names::all_agree(&rows);
    if agreed.is_ok() {
        if !dry && !wanted.is_empty() && !chosen.get_flag("yes") {
            ask(&words::intention(wanted.len(), &wired.provisioner.tenant()))?;
        }
        runtime.block_on(carry_out(&wired, &wanted, &mut rows, &requested_by));
    }
    runtime.shutdown_background();
    print(&match output {
        Output::Text => words::text(&sheet, &rows, dry),
        Output::Json => words::json(&sheet, &rows, dry),
    });
    agreed.and_then(|()| failed(&rows))
}

/// A decision about one tenant says nothing of another, even where ids are the same.
fn same_tenant(sheet: &Sheet, wired: &Wired, called: Option<&String>) -> Result<(), Failure> {
    let tenant = wired.provisioner.tenant();
    let expected = called.unwrap_or(&tenant);
    if sheet.decisions.is_empty() || sheet.tenant == *expected {
        return Ok(());
    }
    Err(Failure::found(
        format!(
            "the sheet is of the tenant {}, and this is {expected}",
            sheet.tenant
        ),
        Some("if the sheet means this tenant, say so with --of and the name that it uses".to_owned()),
        StatusCode::FailedPrecondition,
    ))
}

async fn carry_out(wired: &Wired, wanted: &[&Decision], rows: &mut [Row], requested_by: &str) {
    let stopped = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&stopped);
    let watch = tokio::spawn(async move {
        stop_wanted().await;
        stopping.store(true, Ordering::Relaxed);
    });
    // Whoever could not be looked up for a reason that all share is followed by rows that were not tried.
    let mut hopeless = rows.iter().any(|row| row.status.is_some_and(would_fail_again));
    for (decision, row) in wanted.iter().zip(rows) {
        let is_due = row.result == RowResult::NotTried;
        if is_due && !hopeless && !stopped.load(Ordering::Relaxed) {
            let who = format!("{requested_by}, review by {}", decision.reviewer);
            if let Err(failure) = revoke(wired, decision, who, row).await {
                hopeless = would_fail_again(failure.status());
                row.fail(&failure);
            }
        }
    }
    watch.abort();
}

/// What goes wrong with one because of the tenant or the client goes wrong with all.
fn would_fail_again(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::Unauthenticated
            | StatusCode::PermissionDenied
            | StatusCode::Unavailable
            | StatusCode::DeadlineExceeded
            | StatusCode::ResourceExhausted
            | StatusCode::Cancelled
    )
}

async fn revoke(wired: &Wired, decision: &Decision, who: String, row: &mut Row) -> Result<(), Failure> {
    let provisioning = Provisioning {
        provisioner: &wired.provisioner,
        audit: wired.audit.as_ref(),
        clock: &SystemClock,
        ids: &RandomIds,
        requested_by: who,
    };
    let change = change(decision)?;
    if wired.mode == ProvisioningMode::DryRun {
        let plan = until_stopped(provisioning.plan(&change)).await?;
        row.result = if plan.step.is_some() {
            RowResult::Planned
        } else {
            RowResult::Already
        };
        return Ok(());
    }
    let plan = until_stopped(provisioning.prepare(&change)).await?;
    let outcome = to_its_end(provisioning.carry_out(&plan)).await?;
    row.change_id = Some(outcome.change_id.to_string());
    row.result = match outcome.result {
        Done::Changed => RowResult::Revoked,
        Done::Already => RowResult::Already,
        Done::Accepted => RowResult::Accepted,
    };
    Ok(())
}

fn change(decision: &Decision) -> Result<Change, ProvisioningError> {
    let vocabulary = ninjaone::vocabulary();
    Ok(Change::Revoke {
        role: Selector::entitlement(&decision.entitlement, &vocabulary)?,
        principal: Selector::principal(&decision.principal_type, &decision.principal, &vocabulary)?,
    })
}

impl Row {
    fn of(decision: &Decision) -> Self {
        Self {
            line: decision.line,
            entitlement_id: decision.entitlement.clone(),
            principal: format!("{}:{}", decision.principal_type, decision.principal),
            name: None,
            access: None,
            reviewer: decision.reviewer.clone(),
            note: decision.note.clone(),
            result: RowResult::NotTried,
            change_id: None,
            error: None,
            status: None,
        }
    }

    fn fail(&mut self, failure: &Failure) {
        self.result = RowResult::Failed;
        self.error = Some(failure.message().to_owned());
        self.status = Some(failure.status());
    }
}

/// The exit code is that of the first row that failed.
fn failed(rows: &[Row]) -> Result<(), Failure> {
    let left = rows
        .iter()
        .filter(|row| matches!(row.result, RowResult::Failed | RowResult::NotTried))
        .count();
    if left == 0 {
        return Ok(());
    }
    let first = rows.iter().find_map(|row| row.status);
    Err(Failure::found(
        format!("{left} of {} revocations are not carried out", rows.len()),
        Some("mend what is told above and run the same command again: it looks first, and does only what is missing".to_owned()),
        first.unwrap_or(StatusCode::Cancelled),
    ))
}
