//! Changes from the command line: the reference's flags and the readable subcommands, over one use case.

mod apply_review;
mod attributes;
mod audit_file;
mod request;
mod schema;
mod words;

use std::io::IsTerminal;

use access_core::ports::{AuditLog, NoAudit, Provisioner};
use access_core::provisioning::{Outcome, Plan, Provisioning, ProvisioningError, placeholder};
use access_core::{Classified, StatusCode};
use clap::ArgMatches;
use indicatif::MultiProgress;
use ninjaone::{NinjaOneClient, NinjaOneProvisioner, Writes};

use crate::console::{Text, print};
use crate::exit::Failure;
use crate::interruptible::answer_unless_stopped;
use crate::logs;
use crate::settings::{Output, ProvisioningMode, Settings};
use crate::sync::runtime;
use crate::system::{RandomIds, SystemClock, stop_wanted};

pub(crate) use audit_file::AuditFile;
use request::Request;

pub(crate) use apply_review::{
    Job, RevocationResult, RevocationRow, Verification, apply, read_results, revocations,
    run as apply_review, subcommand as apply_review_subcommand,
};
pub(crate) use request::{account_switches, subcommands};
pub(crate) use schema::{account_fields as documented_account_fields, account_form};

/// What the flags or the subcommand ask for, if they ask for a change.
///
/// # Errors
/// [`Failure`] if they make no sense.
pub(crate) fn wanted(settings: &Settings, matches: &ArgMatches) -> Result<Option<Request>, Failure> {
    let allow_administrator = settings.allow_admin_delete()?;
    let request = match matches.subcommand() {
        Some((name, chosen)) => request::of_subcommand(name, chosen, allow_administrator)?,
        None => request::of_flags(&settings.on_demand()?, allow_administrator)?,
    };
    Ok(request)
}

/// Does what is asked for and says what came of it.
pub(crate) fn run(settings: &Settings, request: Request) -> Result<(), Failure> {
    let output = settings.output()?;
    let (change, from_flag, confirmed) = match request {
        Request::Change {
            change,
            on_demand,
            yes,
        } => (change, on_demand, yes),
        Request::AccountSchema => {
            print(&Text::from_own_lines(&schema::account_creation()));
            return Ok(());
        }
        Request::ActionSchemas => {
            print(&Text::from_own_lines(&schema::actions()));
            return Ok(());
        }
    };
    let _telemetry = logs::start(settings, &MultiProgress::new())?;
    let Wired {
        provisioner,
        audit,
        mode,
    } = wired(settings, from_flag)?;
    let provisioning = Provisioning {
        provisioner: &provisioner,
        audit: audit.as_ref(),
        clock: &SystemClock,
        ids: &RandomIds,
        requested_by: settings.requested_by()?,
    };
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        if mode == ProvisioningMode::DryRun {
            let plan = until_stopped(provisioning.plan(&change)).await?;
            print(&preview(&provisioner, &plan, output));
            return Ok(());
        }
        let plan = until_stopped(provisioning.prepare(&change)).await?;
        if plan.step.is_some() && !confirmed && !from_flag {
            confirm(&provisioner, &plan)?;
        }
        let outcome = to_its_end(provisioning.carry_out(&plan)).await?;
        report(&plan, &outcome, output);
        Ok(())
    });
    runtime.shutdown_background();
    done
}

/// What changes are made with.
struct Wired {
    provisioner: NinjaOneProvisioner,
    audit: Box<dyn AuditLog>,
    mode: ProvisioningMode,
}

/// Puts it together, unless changes are not allowed.
fn wired(settings: &Settings, from_flag: bool) -> Result<Wired, Failure> {
    let mode = settings.provisioning_mode(from_flag)?;
    if mode == ProvisioningMode::Off {
        return Err(Failure::found(
            "provisioning is not enabled".to_owned(),
            Some("say --provisioning to allow changes, or --dry-run to see what would be done".to_owned()),
            StatusCode::FailedPrecondition,
        ));
    }
    let mut config = settings.client()?;
    config.writes = if mode == ProvisioningMode::On {
        Writes::On
    } else {
        Writes::Off
    };
    let provisioner = NinjaOneProvisioner::new(NinjaOneClient::new(config)?);
    let audit: Box<dyn AuditLog> = match settings.audit_log()? {
        Some(path) if mode == ProvisioningMode::On => Box::new(AuditFile::open(&path)?),
        _ => Box::new(NoAudit),
    };
    Ok(Wired {
        provisioner,
        audit,
        mode,
    })
}

/// Looking into a change can be stopped at any time.
async fn until_stopped<T, E: Classified + 'static>(
    looking: impl Future<Output = Result<T, E>>,
) -> Result<T, Failure> {
    tokio::select! {
        found = looking => Ok(found?),
        () = stop_wanted() => {
            Err(Failure::found("stopped on request; nothing was changed".to_owned(), None, StatusCode::Cancelled))
        }
    }
}

/// A change that has begun is seen to its end, which the client's timeouts bound; who asks twice is obeyed.
async fn to_its_end(
    change: impl Future<Output = Result<Outcome, ProvisioningError>>,
) -> Result<Outcome, Failure> {
    let asked_twice = async {
        stop_wanted().await;
        tracing::warn!("a change is under way and is finished first; ask again to break off");
        stop_wanted().await;
    };
    tokio::select! {
        outcome = change => Ok(outcome?),
        () = asked_twice => Err(Failure::found(
            "broken off on request; it is not known whether the change was made".to_owned(),
            Some("run the same command again: it looks first, and does only what is missing".to_owned()),
            StatusCode::Cancelled,
        )),
    }
}

fn preview(provisioner: &NinjaOneProvisioner, plan: &Plan, output: Output) -> Text {
    let steps = plan.steps(&placeholder());
    let requests: Vec<_> = steps.iter().map(|step| provisioner.preview(step)).collect();
    match output {
        Output::Text => words::preview(plan, &requests),
        Output::Json => words::preview_json(plan, &steps, &requests),
    }
}

fn confirm(provisioner: &NinjaOneProvisioner, plan: &Plan) -> Result<(), Failure> {
    ask(&words::intention(plan, &provisioner.tenant()))
}

/// Asks a person at a terminal. Where there is none, `--provisioning` is all the consent it takes.
fn ask(intention: &Text) -> Result<(), Failure> {
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Ok(());
    }
    let intention = intention.clone();
    let asking = move || crate::console::ask(&intention, "Go on? [y/N]").unwrap_or_default();
    let Some(answer) = answer_unless_stopped(asking) else {
        return Err(Failure::found(
            "stopped on request; nothing was changed".to_owned(),
            None,
            StatusCode::Cancelled,
        ));
    };
    if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::found(
        "not confirmed; nothing was changed".to_owned(),
        None,
        StatusCode::Cancelled,
    ))
}

fn report(plan: &Plan, outcome: &Outcome, output: Output) {
    tracing::info!(
        change = %outcome.change_id,
        wanted = plan.label(),
        changed = outcome.result == access_core::provisioning::Done::Changed,
        "provisioning"
    );
    print(&match output {
        Output::Text => words::outcome(outcome),
        Output::Json => words::outcome_json(outcome),
    });
}
