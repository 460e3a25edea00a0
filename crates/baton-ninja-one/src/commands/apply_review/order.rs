//! The revocations that a run carries out, with the decisions behind them.

use std::path::PathBuf;

use access_core::provisioning::DecisionReference;
use access_review::{Line, Review, Revocation, SheetFile, Statement};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The revocations of one run.
pub(crate) struct RevocationJob<'a> {
    pub(crate) review: &'a Review,
    pub(crate) sheets: &'a [SheetFile],
    pub(crate) revocations: Vec<Revocation>,
    /// The file of the review to which the result of every revocation is appended.
    pub(crate) results: Option<PathBuf>,
    /// Whether the names come from a sealed report, and not only from the sheet.
    pub(crate) is_sealed: bool,
}

/// A revocation with its line and decision.
pub(super) struct RevocationOrder<'a> {
    pub(super) line: &'a Line,
    pub(super) statement: Statement,
    pub(super) reference: DecisionReference,
    pub(super) is_sealed: bool,
}

impl<'a> RevocationOrder<'a> {
    pub(super) fn new(job: &RevocationJob<'a>, revocation: &Revocation, requested_by: &str) -> Self {
        let line = &job.review.lines[revocation.line];
        let statement = revocation.decided.as_ref().map_or_else(
            || Statement {
                decision: access_review::Decision::Revoke,
                reviewer: requested_by.to_owned(),
                decided_at: now(),
                note: "undecided when the review was closed with --open-means revoke".to_owned(),
            },
            |decided| decided.statement.clone(),
        );
        let decided = revocation.decided.as_ref();
        let file = decided.and_then(|decided| job.sheets.get(decided.sheet));
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let reference = DecisionReference {
            line_id: line.id.to_string(),
            review_id: text(&job.review.id),
            report_sha256: text(&job.review.report_sha256),
            sheet: file.map(|file| file.name.clone()),
            sheet_sha256: file.map(|file| file.sha256.clone()),
            row: decided.map(|decided| decided.row),
            reviewer: statement.reviewer.clone(),
            decided_at: text(&statement.decided_at),
            reason: text(&statement.note),
        };
        Self {
            line,
            statement,
            reference,
            is_sealed: job.is_sealed,
        }
    }
}

/// The current time, RFC 3339.
pub(super) fn now() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default()
}
