//! The review that sheets are checked against: a report, a review folder, or, on request, only the sheets.

use std::path::Path;

use access_review::{FORMAT, Line, LineId, PersonNames, Review, Scope, SheetFile, VERSION};
use sink_html::ReviewedReport;

use super::folder::ReviewFolder;
use super::report_lines::{lines_of_report, read_intact_report};
use crate::failure::Failure;

/// The source of a review.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ReviewSource<'a> {
    /// A report; the sheets name the reviewed scope.
    Report(&'a Path),
    /// A folder that `review start` wrote.
    Folder(&'a Path),
    /// Only the sheets.
    Sheets,
}

impl ReviewSource<'_> {
    /// Loads and verifies the review.
    pub(crate) fn load(self, sheets: &[SheetFile]) -> Result<Review, Failure> {
        match self {
            Self::Folder(path) => Ok(ReviewFolder::open(path)?.review),
            Self::Report(path) => {
                let report = read_intact_report(path)?;
                Ok(review_from_report(&report, &scope_from_sheets(sheets)))
            }
            Self::Sheets => Ok(review_from_sheets(sheets)),
        }
    }
}

/// The scope in the first sheet with a header.
fn scope_from_sheets(sheets: &[SheetFile]) -> Scope {
    let named = sheets.iter().find_map(|file| file.sheet.header.get("scope"));
    named.and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// The review of a report without assigned reviewers.
fn review_from_report(report: &ReviewedReport, scope: &Scope) -> Review {
    let seal = &report.verification.seal;
    let fingerprint = &report.verification.fingerprint;
    Review {
        sync_id: seal.sync_id.clone(),
        sync_started_at: seal.started_at.clone(),
        report_sha256: fingerprint.clone(),
        scope: scope.clone(),
        lines: lines_of_report(report, scope),
        ..empty_review(&seal.tenant)
    }
}

/// Reconstructs the review from sheets; the assessment checks whether they agree.
fn review_from_sheets(sheets: &[SheetFile]) -> Review {
    let rows = || sheets.iter().flat_map(|file| &file.sheet.rows);
    let field = |key: &str| {
        let named = sheets.iter().find_map(|file| file.sheet.header.get(key));
        named.unwrap_or_default().to_owned()
    };
    let text = |header: &str, row: Option<&String>| {
        let named = field(header);
        if named.is_empty() {
            row.cloned().unwrap_or_default()
        } else {
            named
        }
    };
    let report_sha256 = text("report_sha256", rows().next().map(|row| &row.report_sha256));
    let mut seen = std::collections::BTreeSet::new();
    let lines = rows().filter(|row| seen.insert(&row.subject)).map(|row| Line {
        id: LineId::new(&report_sha256, &row.subject),
        subject: row.subject.clone(),
        entitlement_name: row.entitlement_name.clone(),
        resource_name: row.resource_name.clone(),
        trait_kind: String::new(),
        principal: PersonNames {
            name: row.principal_name.clone(),
            login: Some(row.principal_login.clone()).filter(|login| !login.is_empty()),
            email: None,
        },
        organization: Vec::new(),
        can_be_revoked: true,
        assigned: None,
    });
    Review {
        id: field("review_id"),
        sync_id: text("sync_id", rows().next().map(|row| &row.sync_id)),
        sync_started_at: field("sync_started_at"),
        scope: scope_from_sheets(sheets),
        lines: lines.collect(),
        report_sha256: report_sha256.clone(),
        ..empty_review(&text("tenant", rows().next().map(|row| &row.tenant)))
    }
}

fn empty_review(tenant: &str) -> Review {
    Review {
        format: FORMAT.to_owned(),
        version: VERSION,
        program: crate::cli::version::PROGRAM.to_owned(),
        id: String::new(),
        title: String::new(),
        started_at: String::new(),
        tenant: tenant.to_owned(),
        sync_id: String::new(),
        sync_started_at: String::new(),
        report_sha256: String::new(),
        scope: Scope::default(),
        due: None,
        coordinator: String::new(),
        reviewers: Vec::new(),
        files: Vec::new(),
        lines: Vec::new(),
    }
}
