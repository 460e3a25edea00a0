//! The reviewed lines of a report.

use std::path::Path;

use access_core::StatusCode;
use access_review::{Line, LineId, PersonNames, Scope, Subject};
use sink_html::{ReportGrant, ReviewedReport, read_reviewed};

use crate::failure::Failure;

/// Reads a complete report, not the file of one reviewer, and checks its seal.
pub(crate) fn read_intact_report(path: &Path) -> Result<ReviewedReport, Failure> {
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
