//! The evidence pack of a closed review: `pack.json`, its counts, and the names of its members.

use access_review::{Assessment, Decision, OpenMeans, SheetFile};
use serde::{Deserialize, Serialize};

use crate::commands::apply_review::RevocationResult;
use crate::commands::apply_review::RevocationRow;

/// The format marker of a pack.
pub(super) const PACK_FORMAT: &str = "baton-ninja-one evidence pack";
/// The version of written packs.
pub(super) const PACK_VERSION: u64 = 1;

/// Names of members.
pub(super) const SUMMARY: &str = "SUMMARY.html";
pub(super) const REVIEW: &str = "review.json";
pub(super) const BEFORE: &str = "reports/before.html";
pub(super) const AFTER: &str = "reports/after.html";
pub(super) const SHEETS: &str = "sheets/";
pub(super) const DECISIONS: &str = "decisions.jsonl";
pub(super) const REVOCATIONS: &str = "revocations.jsonl";
pub(super) const PACK: &str = "pack.json";

/// The contents of `pack.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pack {
    pub(super) format: String,
    pub(super) version: u64,
    pub(super) program: String,
    pub(super) review_id: String,
    pub(super) review_sha256: String,
    pub(super) title: String,
    pub(super) tenant: String,
    pub(super) scope: String,
    pub(super) before: PackReport,
    pub(super) after: Option<PackReport>,
    pub(super) started_at: String,
    pub(super) closed_at: String,
    pub(super) closed_by: String,
    pub(super) open_means: String,
    /// Accepted problems of sheets, as texts.
    pub(super) accepted: Vec<String>,
    pub(super) counts: PackCounts,
    /// SHA-256 of the last line of the decisions.
    pub(super) decisions_head: String,
    /// Every other member, in order.
    pub(super) members: Vec<PackMember>,
}

/// A report in the pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PackReport {
    pub(super) sync_id: String,
    pub(super) started_at: String,
    pub(super) report_sha256: String,
}

/// Counts of lines and revocations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PackCounts {
    pub(super) lines: usize,
    pub(super) keep: usize,
    pub(super) revoke: usize,
    pub(super) open: usize,
    pub(super) revocations: usize,
    pub(super) revoked: usize,
    pub(super) already_gone: usize,
    pub(super) not_verified: usize,
    pub(super) by_hand: usize,
    pub(super) not_carried_out: usize,
    /// Revocations whose access is in the report after.
    pub(super) still_held: usize,
}

/// A file of the pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PackMember {
    pub(super) name: String,
    pub(super) bytes: usize,
    pub(super) sha256: String,
}

/// A revocation, checked against the report after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PackRevocation {
    #[serde(flatten)]
    pub(super) row: RevocationRow,
    /// Whether the report after still has the access; `None` without that report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) held_after: Option<bool>,
}

impl PackRevocation {
    /// Whether it still has to be carried out: not done, or still held.
    pub(super) fn is_left(&self) -> bool {
        let is_done = self.row.result.is_done() || self.row.result == RevocationResult::ByHand;
        !is_done || self.held_after != Some(false)
    }
}

impl PackCounts {
    pub(super) fn new(assessment: &Assessment, revocations: &[PackRevocation]) -> Self {
        let result = |results: &[RevocationResult]| {
            let is = |revocation: &&PackRevocation| results.contains(&revocation.row.result);
            revocations.iter().filter(is).count()
        };
        Self {
            lines: assessment.states.len(),
            keep: assessment.count(Decision::Keep),
            revoke: assessment.count(Decision::Revoke),
            open: assessment.open(),
            revocations: revocations.len(),
            revoked: result(&[RevocationResult::Revoked]),
            already_gone: result(&[RevocationResult::Already]),
            not_verified: result(&[RevocationResult::Accepted]),
            by_hand: result(&[RevocationResult::ByHand]),
            not_carried_out: result(&[
                RevocationResult::Refused,
                RevocationResult::Failed,
                RevocationResult::NotTried,
                RevocationResult::Planned,
            ]),
            still_held: revocations
                .iter()
                .filter(|revocation| revocation.held_after == Some(true))
                .count(),
        }
    }
}

pub(super) fn open_means_word(open_means: OpenMeans) -> &'static str {
    match open_means {
        OpenMeans::Open => "open",
        OpenMeans::Revoke => "revoke",
    }
}

/// The names of sheets in the pack, numbered, because names may repeat.
pub(super) fn sheet_names(sheets: &[SheetFile]) -> Vec<String> {
    let plain = |name: &str| -> String {
        let plain = name.chars().map(|c| {
            if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') {
                c
            } else {
                '_'
            }
        });
        plain.collect()
    };
    (1..)
        .zip(sheets)
        .map(|(n, file)| format!("{SHEETS}{n:02}-{}", plain(&file.name)))
        .collect()
}
