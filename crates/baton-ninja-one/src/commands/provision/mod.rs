//! Changes from the command line, through the reference's flags or subcommands.

mod args;
mod attributes;
mod audit_log;
mod error;
mod render;
mod schema;

use std::io::IsTerminal;
use std::time::Duration;

use access_core::StatusCode;
use access_core::ports::{AuditLog, NoopAuditLog, Provisioner};
use access_core::provisioning::{Outcome, Plan, Provisioning, placeholder};
use ninjaone::{NinjaOneClient, NinjaOneProvisioner, WritePolicy};

use crate::commands::context::CommandContext;
use crate::failure::Failure;
use crate::output::console::Text;
use crate::output::console::print;
use crate::runtime;
use crate::runtime::cancellation::{cancel_on_signal, prompt_cancellable};
use crate::runtime::system::KsuidGenerator;
use crate::runtime::system::SystemClock;
use crate::runtime::system::shutdown_signal;
use crate::settings::{Output, ProvisioningMode, Settings};

use args::Request;
pub(crate) use audit_log::AuditFile;

pub(crate) use args::ChangeArgs;
pub(crate) use args::ChangeCommand;
pub(crate) use args::account_switches;
pub(crate) use args::subcommand;
pub(crate) use schema::account_fields as documented_account_fields;
pub(crate) use schema::account_form;

/// The message of a change that is stopped before it begins.
pub(crate) const NOTHING_CHANGED: &str = "stopped on request; nothing was changed";

/// The request of a subcommand.
///
/// # Errors
/// [`Failure`] if its arguments are invalid.
pub(crate) fn parse_request(settings: &Settings, args: &ChangeArgs) -> Result<Request, Failure> {
    Ok(args.to_request(settings.allow_admin_delete()?)?)
}

/// The request of ConductorOne's flags, if there is one.
///
/// # Errors
/// [`Failure`] if they are invalid.
pub(crate) fn request_from_flags(settings: &Settings) -> Result<Option<Request>, Failure> {
    Ok(args::from_flags(
        &settings.on_demand()?,
        settings.allow_admin_delete()?,
    )?)
}

/// Carries out a request and prints its result.
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
    let _context = CommandContext::new(settings)?;
    let ProvisioningContext {
        provisioner,
        audit,
        mode,
    } = build_context(settings, from_flag)?;
    let provisioning = Provisioning {
        provisioner: &provisioner,
        audit: audit.as_ref(),
        clock: &SystemClock,
        ids: &KsuidGenerator,
        requested_by: settings.requested_by()?,
    };
    let runtime = runtime::start()?;
    let done = runtime.block_on(async {
        if mode == ProvisioningMode::DryRun {
            let plan = cancel_on_signal(provisioning.plan(&change), NOTHING_CHANGED).await?;
            print(&preview(&provisioner, &plan, output));
            return Ok(());
        }
        let plan = cancel_on_signal(provisioning.prepare(&change), NOTHING_CHANGED).await?;
        if plan.step.is_some() && !confirmed && !from_flag {
            confirm(&provisioner, &plan)?;
        }
        let outcome = execute(&provisioning, &plan).await?;
        report(&plan, &outcome, output);
        Ok(())
    });
    runtime.shutdown_background();
    done
}

/// The dependencies of changes.
pub(crate) struct ProvisioningContext {
    pub(crate) provisioner: NinjaOneProvisioner,
    pub(crate) audit: Box<dyn AuditLog>,
    pub(crate) mode: ProvisioningMode,
}

/// Creates the dependencies; an error if changes are disabled.
pub(crate) fn build_context(settings: &Settings, from_flag: bool) -> Result<ProvisioningContext, Failure> {
    let mode = settings.provisioning_mode(from_flag)?;
    if mode == ProvisioningMode::Off {
        return Err(Failure::new(
            "provisioning is not enabled".to_owned(),
            Some("use --provisioning to allow changes, or --dry-run to preview them".to_owned()),
            StatusCode::FailedPrecondition,
        ));
    }
    let mut config = settings.client()?;
    config.writes = if mode == ProvisioningMode::On {
        WritePolicy::Enabled
    } else {
        WritePolicy::Disabled
    };
    let provisioner = NinjaOneProvisioner::new(NinjaOneClient::new(config)?);
    let audit: Box<dyn AuditLog> = match settings.audit_log()? {
        Some(path) if mode == ProvisioningMode::On => Box::new(AuditFile::open(&path)?),
        _ => Box::new(NoopAuditLog),
    };
    Ok(ProvisioningContext {
        provisioner,
        audit,
        mode,
    })
}

/// Time for a change that has begun to end after a signal.
const COMPLETION_TIMEOUT: Duration = Duration::from_secs(10);

/// Executes a plan. After a signal the change has some time to end; then, or with a second signal, it is stopped, and the audit log
/// records that its outcome is unknown.
pub(crate) async fn execute(provisioning: &Provisioning<'_>, plan: &Plan) -> Result<Outcome, Failure> {
    let stop = async {
        shutdown_signal().await;
        tracing::warn!("finishing the change in progress; press Ctrl-C again to abort");
        let _ = tokio::time::timeout(COMPLETION_TIMEOUT, shutdown_signal()).await;
    };
    Ok(provisioning.execute_until(plan, stop).await?)
}

fn preview(provisioner: &NinjaOneProvisioner, plan: &Plan, output: Output) -> Text {
    let steps = plan.steps(&placeholder());
    let requests: Vec<_> = steps.iter().map(|step| provisioner.preview(step)).collect();
    match output {
        Output::Text => render::preview(plan, &requests),
        Output::Json => render::preview_json(plan, &steps, &requests),
    }
}

fn confirm(provisioner: &NinjaOneProvisioner, plan: &Plan) -> Result<(), Failure> {
    confirm_on_terminal(&render::confirmation(plan, &provisioner.tenant()))
}

/// Asks for confirmation on a terminal. Without one, `--provisioning` is sufficient consent.
pub(crate) fn confirm_on_terminal(confirmation: &Text) -> Result<(), Failure> {
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Ok(());
    }
    let confirmation = confirmation.clone();
    let asking = move || crate::output::console::ask(&confirmation, "Continue? [y/N]").unwrap_or_default();
    let Some(answer) = prompt_cancellable(asking) else {
        return Err(Failure::new(
            NOTHING_CHANGED.to_owned(),
            None,
            StatusCode::Cancelled,
        ));
    };
    if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::new(
        "not confirmed; nothing was changed".to_owned(),
        None,
        StatusCode::Cancelled,
    ))
}

fn report(plan: &Plan, outcome: &Outcome, output: Output) {
    tracing::info!(
        change = %outcome.change_id,
        wanted = plan.label(),
        changed = outcome.result == access_core::provisioning::ChangeResult::Changed,
        "provisioning"
    );
    print(&match output {
        Output::Text => render::outcome(outcome),
        Output::Json => render::outcome_json(outcome),
    });
}
