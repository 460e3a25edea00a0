//! What was done, in words and for programs.

use std::fmt::Write;

use access_core::ports::Warning;
use access_core::provisioning::{ChangeKind, Done, Named, Outcome, Plan, RequestPreview, Step, Verified};
use serde::Serialize;

/// What is going to be done, before it is.
pub(super) fn intention(plan: &Plan, tenant: &str) -> String {
    format!(
        "About to {} in {tenant}\n{}",
        plan.label(),
        warnings(&plan.warnings)
    )
}

/// A dry run.
pub(super) fn preview(plan: &Plan, requests: &[RequestPreview]) -> String {
    if plan.step.is_none() {
        return format!(
            "Nothing to do to {}: it is so already\n{}",
            plan.label(),
            warnings(&plan.warnings)
        );
    }
    let mut text = format!("Would {}\n\n", plan.label());
    for request in requests {
        let _ = writeln!(text, "  {} {}", request.method, request.url);
        if let Some(body) = &request.body {
            let _ = writeln!(text, "    {body}");
        }
    }
    text.push_str(&warnings(&plan.warnings));
    text.push_str("\nNothing was changed\n");
    text
}

#[derive(Serialize)]
struct Preview<'a> {
    change: ChangeKind,
    dry_run: bool,
    wanted: String,
    already: bool,
    plan: Vec<String>,
    requests: &'a [RequestPreview],
    warnings: &'a [Warning],
}

/// A dry run, for programs.
pub(super) fn preview_json(plan: &Plan, steps: &[Step], requests: &[RequestPreview]) -> String {
    pretty(&Preview {
        change: plan.kind(),
        dry_run: true,
        wanted: plan.label(),
        already: plan.step.is_none(),
        plan: steps.iter().map(Step::label).collect(),
        requests,
        warnings: &plan.warnings,
    })
}

/// What was done, for programs.
pub(super) fn outcome_json(outcome: &Outcome) -> String {
    pretty(outcome)
}

fn pretty(value: &impl Serialize) -> String {
    // Maps with text keys and numbers always serialise.
    format!("{}\n", serde_json::to_string_pretty(value).unwrap_or_default())
}

/// What was done.
pub(super) fn outcome(outcome: &Outcome) -> String {
    let mut text = format!("{}\n", headline(outcome));
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
    text.push('\n');
    for (name, value) in lines {
        let _ = writeln!(text, "  {name:9} {value}");
    }
    text.push_str(&warnings(&outcome.warnings));
    text
}

fn headline(outcome: &Outcome) -> String {
    let shown = |named: Option<&Named>| named.map(ToString::to_string).unwrap_or_default();
    let (role, account) = (shown(outcome.role.as_ref()), shown(outcome.account.as_ref()));
    match (outcome.change, outcome.result) {
        (ChangeKind::Grant, Done::Changed) => format!("Granted {role} to {account}"),
        (ChangeKind::Grant, Done::Already) => format!("{account} already has {role}; nothing was changed"),
        (ChangeKind::Revoke, Done::Changed) => format!("Revoked {role} from {account}"),
        (ChangeKind::Revoke, Done::Already) => format!("{account} does not have {role}; nothing was changed"),
        (ChangeKind::CreateAccount, Done::Changed) => format!("Created {account}"),
        (ChangeKind::CreateAccount, Done::Already) => {
            format!("{account} exists already; nothing was changed")
        }
        (ChangeKind::UpdateAccount, Done::Changed) => format!("Done: {}", outcome.wanted),
        (ChangeKind::UpdateAccount, Done::Already) => format!("{account} is so already; nothing was changed"),
        (ChangeKind::DeleteAccount, Done::Changed) => format!("Deleted {account}"),
        (ChangeKind::DeleteAccount, Done::Already) => {
            format!("{account} does not exist; nothing was changed")
        }
        (_, Done::Accepted) => format!("Accepted, and not verified: {}", outcome.wanted),
    }
}

fn verified(verified: Verified, tries: u32) -> String {
    let how = match verified {
        Verified::ByAnswer => "by the answer",
        Verified::ByReadingBack => "by reading back",
        Verified::NotVerifiable => "not verifiable",
    };
    if tries > 1 {
        format!("{how}, after {tries} tries")
    } else {
        how.to_owned()
    }
}

fn warnings(warnings: &[Warning]) -> String {
    if warnings.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = warnings
        .iter()
        .map(|warning| format!("  {}\n", warning.message))
        .collect();
    format!("\nWarnings\n{}", lines.concat())
}
