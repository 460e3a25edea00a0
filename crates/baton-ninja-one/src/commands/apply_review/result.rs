//! Results of revocations, for people, programs and the evidence of a review.

use std::io::Write;
use std::path::Path;

use access_core::StatusCode;
use access_core::provisioning::VerificationMethod;
use serde::{Deserialize, Serialize};

use super::order::RevocationOrder;
use crate::failure::Failure;

/// The result of one revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RevocationRow {
    pub(crate) line_id: String,
    /// The sheet and its row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sheet: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) row: Option<u64>,
    pub(crate) entitlement_id: String,
    pub(crate) principal: String,
    /// The tenant's name for the principal, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// The tenant's name for the entitlement, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) access: Option<String>,
    pub(crate) reviewer: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) decided_at: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) note: String,
    pub(crate) result: RevocationResult,
    /// How the result was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verified: Option<Verification>,
    /// Time of the change, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) change_id: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) request_ids: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(skip)]
    pub(crate) status: Option<StatusCode>,
}

/// How a revocation was verified; see [`VerificationMethod`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verification {
    ByAnswer,
    ByReadingBack,
    NotVerifiable,
}

impl Verification {
    /// The text in the evidence.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::ByAnswer => "shown by NinjaOne's answer",
            Self::ByReadingBack => "shown by reading it back",
            Self::NotVerifiable => "not verifiable",
        }
    }
}

impl From<VerificationMethod> for Verification {
    fn from(verified: VerificationMethod) -> Self {
        match verified {
            VerificationMethod::ByAnswer => Self::ByAnswer,
            VerificationMethod::ByReadingBack => Self::ByReadingBack,
            VerificationMethod::NotVerifiable => Self::NotVerifiable,
        }
    }
}

/// The outcome of a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RevocationResult {
    /// A dry run would revoke it.
    Planned,
    /// It is revoked.
    Revoked,
    /// There was nothing left to revoke.
    Already,
    /// The tenant accepted it, but it could not be verified.
    Accepted,
    /// The tenant differs from the review: other names, or granted again since.
    Refused,
    /// No API can revoke it; it must be done in the tenant itself.
    ByHand,
    /// It could not be revoked.
    Failed,
    /// It was not tried, because an earlier one failed in a way that affects all, or because of a signal.
    NotTried,
}

impl RevocationResult {
    /// Whether nothing remains to be done.
    pub(crate) fn is_done(self) -> bool {
        matches!(self, Self::Revoked | Self::Already | Self::Accepted)
    }

    /// The text in the evidence.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Revoked => "revoked",
            Self::Already => "already gone",
            Self::Accepted => "accepted, not verified",
            Self::Refused => "refused",
            Self::ByHand => "to be done in NinjaOne",
            Self::Failed => "failed",
            Self::NotTried => "not tried",
        }
    }
}

impl RevocationRow {
    pub(super) fn new(order: &RevocationOrder<'_>) -> Self {
        let subject = &order.line.subject;
        Self {
            line_id: order.line.id.to_string(),
            sheet: order.reference.sheet.clone(),
            row: order.reference.row,
            entitlement_id: subject.entitlement_id.clone(),
            principal: format!("{}:{}", subject.principal_type, subject.principal_id),
            name: None,
            access: None,
            reviewer: order.statement.reviewer.clone(),
            decided_at: order.statement.decided_at.clone(),
            note: order.statement.note.clone(),
            result: RevocationResult::NotTried,
            verified: None,
            at: None,
            change_id: None,
            request_ids: Vec::new(),
            error: None,
            status: None,
        }
    }

    pub(super) fn fail(&mut self, failure: &Failure) {
        self.result = if failure.status() == StatusCode::Unimplemented {
            RevocationResult::ByHand
        } else {
            RevocationResult::Failed
        };
        self.error = Some(failure.message().to_owned());
        self.status = Some(failure.status());
    }

    pub(super) fn refuse(&mut self, reason: String) {
        self.result = RevocationResult::Refused;
        self.error = Some(reason);
        self.status = Some(StatusCode::FailedPrecondition);
    }
}

/// The results of a run.
#[derive(Debug)]
pub(crate) struct AppliedRevocations {
    pub(crate) dry_run: bool,
    pub(crate) rows: Vec<RevocationRow>,
    /// The later syncs that the tenant was compared with.
    pub(crate) history: Option<String>,
    /// Fails if a reviewed name no longer matches its id.
    pub(super) agreed: Result<(), Failure>,
}

impl AppliedRevocations {
    /// Fails with the status of the first failed row.
    pub(crate) fn outcome(self) -> Result<(), Failure> {
        self.agreed?;
        let is_left = |row: &&RevocationRow| !row.result.is_done() && row.result != RevocationResult::Planned;
        let left: Vec<&RevocationRow> = self.rows.iter().filter(is_left).collect();
        if left.is_empty() {
            return Ok(());
        }
        let status = left.iter().find_map(|row| row.status);
        Err(Failure::new(
            format!("{} of {} revocations were not carried out", left.len(), self.rows.len()),
            Some("fix the problems above and run the same command again: it checks first and does only what is missing".to_owned()),
            status.unwrap_or(StatusCode::Cancelled),
        ))
    }

    fn lines(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for row in &self.rows {
            // Serializing rows cannot fail.
            bytes.extend(serde_json::to_vec(row).unwrap_or_default());
            bytes.push(b'\n');
        }
        bytes
    }

    /// Writes the rows to a file as JSON lines.
    pub(super) fn write(&self, path: &Path) -> Result<(), Failure> {
        crate::commands::review::files::write_private(path, &self.lines())
    }

    /// Appends the rows to the results of a review.
    pub(super) fn append(&self, path: &Path) -> Result<(), Failure> {
        let mut options = std::fs::OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options
            .open(path)
            .and_then(|mut file| file.write_all(&self.lines()).and_then(|()| file.sync_data()));
        written.map_err(|error| {
            Failure::new(
                format!(
                    "cannot write {}: {error}; the revocations are made, and the audit log has them",
                    path.display()
                ),
                None,
                StatusCode::FailedPrecondition,
            )
        })
    }
}

/// Whether later revocations would fail for the same reason, because it lies in the tenant or the client.
pub(super) fn fails_for_all_rows(status: StatusCode) -> bool {
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
