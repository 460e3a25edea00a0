//! Writes the evidence pack of a closed review.

use access_core::StatusCode;
use access_review::{Assessment, DecisionLog, OpenMeans, Review, SheetFile, sha256_hex};

use super::container;
use super::container::Member;
use super::pack::{
    AFTER, BEFORE, DECISIONS, PACK, PACK_FORMAT, PACK_VERSION, Pack, PackCounts, PackMember, PackReport,
    PackRevocation, REVIEW, REVOCATIONS, SUMMARY, open_means_word, sheet_names,
};
use super::summary_page;
use crate::failure::Failure;

/// The contents of a pack.
pub(super) struct PackContents<'a> {
    pub(super) review: &'a Review,
    pub(super) review_bytes: Vec<u8>,
    pub(super) before: Vec<u8>,
    pub(super) after: Option<(PackReport, Vec<u8>)>,
    pub(super) sheets: &'a [SheetFile],
    /// The bytes of the sheets, in the same order.
    pub(super) sheet_bytes: Vec<Vec<u8>>,
    pub(super) assessment: &'a Assessment,
    pub(super) decisions: DecisionLog,
    pub(super) revocations: Vec<PackRevocation>,
    pub(super) open_means: OpenMeans,
    pub(super) closed_at: String,
    pub(super) closed_by: String,
    pub(super) accepted: Vec<String>,
}

impl PackContents<'_> {
    /// Builds the file, reproducibly.
    pub(super) fn write(self) -> Result<(Pack, Vec<u8>), Failure> {
        let review = self.review;
        let mut members = vec![member(REVIEW, self.review_bytes), member(BEFORE, self.before)];
        let after = self.after.map(|(report, bytes)| {
            members.push(member(AFTER, bytes));
            report
        });
        for (name, bytes) in sheet_names(self.sheets).into_iter().zip(self.sheet_bytes) {
            members.push(member(&name, bytes));
        }
        members.push(member(DECISIONS, self.decisions.text.into_bytes()));
        members.push(member(REVOCATIONS, revocation_lines(&self.revocations)));
        let mut pack = Pack {
            format: PACK_FORMAT.to_owned(),
            version: PACK_VERSION,
            program: crate::cli::version::PROGRAM.to_owned(),
            review_id: review.id.clone(),
            review_sha256: sha256_hex(&members[0].bytes),
            title: review.title.clone(),
            tenant: review.tenant.clone(),
            scope: review.scope.to_string(),
            before: PackReport {
                sync_id: review.sync_id.clone(),
                started_at: review.sync_started_at.clone(),
                report_sha256: review.report_sha256.clone(),
            },
            after,
            started_at: review.started_at.clone(),
            closed_at: self.closed_at,
            closed_by: self.closed_by,
            open_means: open_means_word(self.open_means).to_owned(),
            accepted: self.accepted,
            counts: PackCounts::new(self.assessment, &self.revocations),
            decisions_head: self.decisions.head,
            members: Vec::new(),
        };
        let summary = summary_page::render(&pack, review, self.assessment, &self.revocations);
        members.insert(0, member(SUMMARY, summary.into_bytes()));
        pack.members = members
            .iter()
            .map(|member| PackMember {
                name: member.name.clone(),
                bytes: member.bytes.len(),
                sha256: sha256_hex(&member.bytes),
            })
            .collect();
        // Serializing a pack cannot fail.
        let seal = serde_json::to_vec_pretty(&pack).unwrap_or_default();
        members.push(member(PACK, seal));
        let file = container::write(&members).map_err(|reason| {
            Failure::new(
                format!("the evidence is too large for one file: {reason}"),
                None,
                StatusCode::ResourceExhausted,
            )
        })?;
        Ok((pack, file))
    }
}

fn member(name: &str, bytes: Vec<u8>) -> Member {
    Member {
        name: name.to_owned(),
        bytes,
    }
}

/// Revocations as JSON lines.
pub(super) fn revocation_lines(revocations: &[PackRevocation]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for revocation in revocations {
        // Serializing rows cannot fail.
        bytes.extend(serde_json::to_vec(revocation).unwrap_or_default());
        bytes.push(b'\n');
    }
    bytes
}
