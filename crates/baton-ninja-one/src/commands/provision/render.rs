//! Renders changes, for people and as JSON.

use access_core::ports::Warning;
use access_core::provisioning::{
    ChangeOperation, ChangeResult, NamedRef, Outcome, Plan, RequestPreview, Step, VerificationMethod,
};
use serde::Serialize;

use crate::output::console::Text;

/// The question before a change.
pub(super) fn confirmation(plan: &Plan, tenant: &str) -> Text {
    let mut text = Text::new();
    text.indented(0, format_args!("About to {} in {tenant}", plan.label()));
    warnings(&plan.warnings, &mut text);
    text.blank();
    text
}

/// A dry run, for people.
pub(super) fn preview(plan: &Plan, requests: &[RequestPreview]) -> Text {
    let mut text = Text::new();
    if plan.step.is_none() {
        text.indented(
            0,
            format_args!("No changes needed to {}: already in this state", plan.label()),
        );
        warnings(&plan.warnings, &mut text);
        return text;
    }
    text.indented(0, format_args!("Would {}", plan.label()));
    text.blank();
    for request in requests {
        text.line(format_args!("  {} {}", request.method, request.url));
        if let Some(body) = &request.body {
            text.line(format_args!("    {body}"));
        }
    }
    warnings(&plan.warnings, &mut text);
    text.blank();
    text.line("Nothing was changed");
    text
}

#[derive(Serialize)]
struct Preview<'a> {
    change: ChangeOperation,
    dry_run: bool,
    wanted: String,
    already: bool,
    plan: Vec<String>,
    requests: &'a [RequestPreview],
    warnings: &'a [Warning],
}

/// A dry run, as JSON.
pub(super) fn preview_json(plan: &Plan, steps: &[Step], requests: &[RequestPreview]) -> Text {
    Text::from_json(&Preview {
        change: plan.kind(),
        dry_run: true,
        wanted: plan.label(),
        already: plan.step.is_none(),
        plan: steps.iter().map(Step::label).collect(),
        requests,
        warnings: &plan.warnings,
    })
}

/// A result, as JSON.
pub(super) fn outcome_json(outcome: &Outcome) -> Text {
    Text::from_json(outcome)
}

/// A result, for people.
pub(super) fn outcome(outcome: &Outcome) -> Text {
    let mut text = Text::new();
    text.indented(0, headline(outcome));
    let mut lines: Vec<(&str, String)> = Vec::new();
    lines.extend(
        outcome
            .grant_id
            .as_ref()
            .map(|grant| ("grant", grant.to_string())),
    );
    lines.extend(outcome.roles.iter().map(|role| ("role", role.to_string())));
    for step in &outcome.steps {
        lines.push(("sent", step.request.clone()));
        lines.extend(step.request_id.as_ref().map(|id| ("request", id.clone())));
        lines.push(("verified", verified(step.verified, step.tries)));
    }
    lines.push(("change", outcome.change_id.to_string()));
    text.blank();
    for (name, value) in lines {
        text.line(format_args!("  {name:9} {value}"));
    }
    warnings(&outcome.warnings, &mut text);
    text
}

fn headline(outcome: &Outcome) -> String {
    let shown = |named: Option<&NamedRef>| named.map(ToString::to_string).unwrap_or_default();
    let (role, account) = (shown(outcome.role.as_ref()), shown(outcome.account.as_ref()));
    match (outcome.change, outcome.result) {
        (ChangeOperation::Grant, ChangeResult::Changed) => format!("Granted {role} to {account}"),
        (ChangeOperation::Grant, ChangeResult::AlreadyApplied) => {
            format!("{account} already has {role}; nothing was changed")
        }
        (ChangeOperation::Revoke, ChangeResult::Changed) => format!("Revoked {role} from {account}"),
        (ChangeOperation::Revoke, ChangeResult::AlreadyApplied) => {
            format!("{account} does not have {role}; nothing was changed")
        }
        (ChangeOperation::CreateAccount, ChangeResult::Changed) => format!("Created {account}"),
        (ChangeOperation::CreateAccount, ChangeResult::AlreadyApplied) => {
            format!("{account} exists already; nothing was changed")
        }
        (ChangeOperation::UpdateAccount, ChangeResult::Changed) => format!("Done: {}", outcome.request),
        (ChangeOperation::UpdateAccount, ChangeResult::AlreadyApplied) => {
            format!("{account} is already up to date; nothing was changed")
        }
        (ChangeOperation::DeleteAccount, ChangeResult::Changed) => format!("Deleted {account}"),
        (ChangeOperation::DeleteAccount, ChangeResult::AlreadyApplied) => {
            format!("{account} does not exist; nothing was changed")
        }
        (_, ChangeResult::Accepted) => format!("Accepted, but not verified: {}", outcome.request),
    }
}

fn verified(verified: VerificationMethod, tries: u32) -> String {
    let how = match verified {
        VerificationMethod::ByAnswer => "by NinjaOne's answer",
        VerificationMethod::ByReadingBack => "by reading back",
        VerificationMethod::NotVerifiable => "not verifiable",
    };
    if tries > 1 {
        format!("{how}, after {tries} tries")
    } else {
        how.to_owned()
    }
}

fn warnings(warnings: &[Warning], text: &mut Text) {
    if warnings.is_empty() {
        return;
    }
    text.blank();
    text.line("Warnings");
    for warning in warnings {
        text.indented(2, &warning.message);
    }
}
