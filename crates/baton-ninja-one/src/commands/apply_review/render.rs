//! Renders the results of revocations, for people and as JSON.

use access_review::{Assessment, Review};
use serde::Serialize;

use super::result::{AppliedRevocations, RevocationResult, RevocationRow};
use crate::output::console::Text;

/// The question before revocations begin.
pub(super) fn confirmation(revocations: usize, tenant: &str) -> Text {
    let mut text = Text::new();
    text.line(format_args!(
        "About to carry out {revocations} revocations in {tenant}"
    ));
    text
}

/// For people: a line for each revocation, then the counts.
pub(super) fn text(review: &Review, assessment: &Assessment, applied: &AppliedRevocations) -> Text {
    let mut text = revocations(&applied.rows);
    if !applied.rows.is_empty() {
        text.blank();
    }
    let (kept, open) = kept_and_open(assessment);
    let lines = review.lines.len();
    text.line(format_args!(
        "{} of {lines} lines decided: {} to revoke, {kept} kept; {open} open; of sync {}",
        lines - open,
        lines - open - kept,
        review.sync_id
    ));
    for note in notes(applied) {
        text.line(note);
    }
    if applied.dry_run {
        text.line("Nothing was changed");
    }
    text
}

/// A line for each revocation.
pub(crate) fn revocations<'a>(rows: impl IntoIterator<Item = &'a RevocationRow>) -> Text {
    let mut text = Text::new();
    for row in rows {
        let subject = format!(
            "{} from {}",
            name_with_id(row.access.as_deref(), &row.entitlement_id),
            name_with_id(row.name.as_deref(), &row.principal)
        );
        let location = row
            .row
            .map_or_else(String::new, |number| format!("row {number}, "));
        text.line(match row.result {
            RevocationResult::Planned => format!("  would revoke  {subject}"),
            RevocationResult::Revoked => format!("  revoked       {subject}"),
            RevocationResult::Already => format!("  already gone  {subject}"),
            RevocationResult::Accepted => {
                format!("  not verified  {subject}: accepted, but NinjaOne does not say who has it")
            }
            RevocationResult::Refused => format!("  REFUSED       {location}{subject}"),
            RevocationResult::NotTried => format!("  not tried     {subject}"),
            RevocationResult::ByHand => format!("  by hand       {subject}"),
            RevocationResult::Failed => format!("  NOT revoked   {subject}"),
        });
        if let Some(error) = &row.error {
            text.line(format_args!("                {error}"));
        }
    }
    text
}

/// Notes about what the results do not show.
fn notes(applied: &AppliedRevocations) -> Vec<&'static str> {
    let has_due = applied.rows.iter().any(|row| {
        matches!(
            row.result,
            RevocationResult::Planned | RevocationResult::Revoked | RevocationResult::Accepted
        )
    });
    if has_due && applied.history.is_none() {
        return vec![
            "NinjaOne does not say since when access is held; --history shows what was revoked and granted again after the sync",
        ];
    }
    Vec::new()
}

fn name_with_id(name: Option<&str>, id: &str) -> String {
    name.map_or_else(|| id.to_owned(), |name| format!("{name} ({id})"))
}

#[derive(Serialize)]
struct JsonRevocations<'a> {
    tenant: &'a str,
    sync_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    review_id: &'a str,
    report_sha256: &'a str,
    scope: String,
    dry_run: bool,
    lines: usize,
    decided: usize,
    kept: usize,
    open: usize,
    revocations: &'a [RevocationRow],
    notes: Vec<&'a str>,
}

/// For programs: one JSON object.
pub(super) fn json(review: &Review, assessment: &Assessment, applied: &AppliedRevocations) -> Text {
    let (kept, open) = kept_and_open(assessment);
    let lines = review.lines.len();
    Text::from_json(&JsonRevocations {
        tenant: &review.tenant,
        sync_id: &review.sync_id,
        review_id: &review.id,
        report_sha256: &review.report_sha256,
        scope: review.scope.to_string(),
        dry_run: applied.dry_run,
        lines,
        decided: lines - open,
        kept,
        open,
        revocations: &applied.rows,
        notes: notes(applied),
    })
}

/// Numbers of kept and of open lines.
fn kept_and_open(assessment: &Assessment) -> (usize, usize) {
    (assessment.count(access_review::Decision::Keep), assessment.open())
}
