//! The review that sheets are held against: a report, a review folder, or, where somebody insists, the sheets themselves.

use std::path::Path;

use access_core::StatusCode;
use access_review::{FORMAT, Line, LineId, PersonNames, Review, Scope, SheetFile, Subject, VERSION};
use sink_html::{ReportGrant, ReviewedReport, read_reviewed};

use super::folder::ReviewFolder;
use crate::failure::Failure;

/// Where the review comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ReviewSource<'a> {
    /// A report; the sheets say which scope of it was reviewed.
    Report(&'a Path),
    /// A folder that `review start` wrote.
    Folder(&'a Path),
    /// Nothing but the sheets.
    Sheets,
}

impl ReviewSource<'_> {
    /// Loads the review and checks that it is what was written.
    pub(crate) fn load(self, sheets: &[SheetFile]) -> Result<Review, Failure> {
        match self {
            Self::Folder(path) => Ok(ReviewFolder::open(path)?.review),
            Self::Report(path) => {
                let report = intact_report(path)?;
                Ok(review_of_report(&report, &scope_of(sheets)))
            }
            Self::Sheets => Ok(review_of_sheets(sheets)),
        }
    }
}

/// Reads a whole report whose seal holds.
pub(crate) fn intact_report(path: &Path) -> Result<ReviewedReport, Failure> {
    let report = read_reviewed(path, crate::cli::version::PROGRAM, ninjaone::REPORT_SCHEMA)?;
    if let Some(problem) = report.verification.problems.first() {
        return Err(Failure::new(
            format!("{} does not match what was written: {problem}", path.display()),
            Some("restore the report from a backup".to_owned()),
            StatusCode::DataLoss,
        ));
    }
    if report.review.is_some() {
        return Err(Failure::new(
            format!(
                "{} is the file of one reviewer, not a complete report",
                path.display()
            ),
            Some("name the folder that `review start` wrote with --review".to_owned()),
            StatusCode::InvalidArgument,
        ));
    }
    Ok(report)
}

/// The scope that the first sheet with a header names.
fn scope_of(sheets: &[SheetFile]) -> Scope {
    let named = sheets.iter().find_map(|file| file.sheet.header.get("scope"));
    named.and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// A review of a plain report: nobody is assigned.
fn review_of_report(report: &ReviewedReport, scope: &Scope) -> Review {
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

/// The lines of a report within a scope, in its order.
pub(crate) fn lines_of_report(report: &ReviewedReport, scope: &Scope) -> Vec<Line> {
    let fingerprint = &report.verification.fingerprint;
    let in_scope = report
        .grants
        .iter()
        .filter(|grant| scope.includes(&grant.trait_kind));
    in_scope.map(|grant| line(fingerprint, grant)).collect()
}

fn line(report_sha256: &str, grant: &ReportGrant) -> Line {
    let subject = Subject {
        entitlement_id: grant.entitlement_id.clone(),
        principal_type: grant.principal_type.clone(),
        principal_id: grant.principal_id.clone(),
    };
    Line {
        id: LineId::new(report_sha256, &subject),
        subject,
        entitlement_name: grant.entitlement_name.clone(),
        resource_name: grant.resource_name.clone(),
        trait_kind: grant.trait_kind.clone(),
        principal: PersonNames {
            name: grant.principal_name.clone(),
            login: grant.principal_login.clone(),
            email: grant.principal_email.clone(),
        },
        organization: grant.organization.clone(),
        can_be_revoked: grant.can_be_revoked,
        assigned: None,
    }
}

/// What sheets say of the review that they are of; whether they agree is for the assessment.
fn review_of_sheets(sheets: &[SheetFile]) -> Review {
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
        scope: scope_of(sheets),
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
