//! Detects access that was granted again after a decision: a sheet that is applied twice must not revoke it. NinjaOne has
//! no dates of grants, so only own records show this: results of the review, the audit log, and later syncs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::Path;

use access_core::StatusCode;
use access_core::model::EntitlementId;
use access_core::ports::GrantQuery;
use access_review::{Line, LineId, Subject};
use serde_json::Value;

use super::order::RevocationJob;
use super::result::{RevocationResult, RevocationRow};
use crate::failure::Failure;
use crate::runtime::cancellation::run_blocking_cancellable;
use crate::settings::Settings;
use crate::sync_location::SyncLocation;

/// What own records show about the lines.
#[derive(Debug, Default)]
pub(super) struct RecordedResults {
    /// The time at which a line was revoked.
    revoked: BTreeMap<String, String>,
    /// Access that a later sync did not have, with the id of that sync.
    absent: BTreeMap<Subject, String>,
}

impl RecordedResults {
    pub(super) fn read(
        settings: &Settings,
        job: &RevocationJob<'_>,
        history: Option<&str>,
    ) -> Result<Self, Failure> {
        let mut recorded = Self::default();
        if job.revocations.is_empty() {
            return Ok(recorded);
        }
        if let Some(path) = &job.results {
            recorded.read_results(path)?;
        }
        if let Some(path) = settings.audit_log()? {
            recorded.read_audit_log(&path)?;
        }
        if let Some(history) = history {
            let subjects = job
                .revocations
                .iter()
                .map(|revocation| job.review.lines[revocation.line].subject.clone());
            recorded.absent = absent_since(settings, history, &job.review.sync_id, subjects.collect())?;
        }
        Ok(recorded)
    }

    fn read_results(&mut self, path: &Path) -> Result<(), Failure> {
        for row in read_results(path)? {
            if row.result == RevocationResult::Revoked {
                self.revoked.insert(row.line_id, row.at.unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Reads what was carried out earlier. A log that cannot be read may show that a decision was carried out already.
    fn read_audit_log(&mut self, path: &Path) -> Result<(), Failure> {
        let failed = |error: &io::Error| {
            Failure::new(
                format!("cannot read the audit log {}: {error}", path.display()),
                Some(
                    "it shows which decisions were carried out already; make it readable for this user"
                        .to_owned(),
                ),
                StatusCode::FailedPrecondition,
            )
        };
        match std::fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(&error)),
            // Pipes and devices keep nothing.
            Ok(found) if !found.is_file() => return Ok(()),
            Ok(_) => {}
        }
        let mut lines = BufReader::new(File::open(path).map_err(|error| failed(&error))?);
        let mut line = Vec::new();
        let mut unreadable = 0_u64;
        while lines
            .read_until(b'\n', &mut line)
            .map_err(|error| failed(&error))?
            > 0
        {
            match serde_json::from_slice::<Value>(&line) {
                Ok(entry) => self.note_audit_entry(&entry),
                Err(_) if line.trim_ascii().is_empty() => {}
                Err(_) => unreadable += 1,
            }
            line.clear();
        }
        if unreadable > 0 {
            // A killed writer leaves half a line, which must not stop all later reviews.
            tracing::warn!(
                unreadable,
                "lines of the audit log {} cannot be read: what they recorded may be carried out again",
                path.display()
            );
        }
        Ok(())
    }

    fn note_audit_entry(&mut self, entry: &Value) {
        let is_done = entry["event"] == "finished" && entry["result"]["outcome"] == "changed";
        let (line, time) = (&entry["decision"]["line_id"], &entry["time"]);
        if let (true, Some(line), Some(time)) = (is_done, line.as_str(), time.as_str()) {
            self.revoked.insert(line.to_owned(), time.to_owned());
        }
    }

    /// The reason why access that is held now must have been granted again after the review.
    pub(super) fn granted_again(&self, line: &Line) -> Option<String> {
        let id: &LineId = &line.id;
        if let Some(at) = self.revoked.get(id.as_str()) {
            return Some(format!(
                "this decision was carried out at {at}; access that is held now was granted again since"
            ));
        }
        let sync = self.absent.get(&line.subject)?;
        Some(format!(
            "sync {sync}, after the review, does not have it; access that is held now was granted again since"
        ))
    }
}

/// Results of earlier runs; empty without a file.
pub(crate) fn read_results(path: &Path) -> Result<Vec<RevocationRow>, Failure> {
    let failed = |reason: String| {
        Failure::new(
            format!("cannot read {}: {reason}", path.display()),
            None,
            StatusCode::FailedPrecondition,
        )
    };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error.to_string())),
    };
    let rows = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(serde_json::from_str);
    rows.collect::<Result<_, _>>()
        .map_err(|error: serde_json::Error| failed(format!("it is not a list of results: {error}")))
}

/// The access that later full syncs did not have.
fn absent_since(
    settings: &Settings,
    history: &str,
    sync_id: &str,
    subjects: BTreeSet<Subject>,
) -> Result<BTreeMap<Subject, String>, Failure> {
    let (location, settings, history, sync_id) = (
        SyncLocation::parse(history)?,
        settings.clone(),
        history.to_owned(),
        sync_id.to_owned(),
    );
    run_blocking_cancellable(move |cancellation| {
        let syncs = location.syncs(&settings, cancellation)?;
        let reviewed = syncs.iter().position(|sync| sync.id == sync_id);
        let Some(reviewed) = reviewed else {
            return Err(Failure::new(
                format!("{history} does not have the sync {sync_id} that was reviewed"),
                Some("name the dataset or file that the reviewed sync was written to".to_owned()),
                StatusCode::NotFound,
            ));
        };
        let mut absent = BTreeMap::new();
        let later = syncs[reviewed + 1..]
            .iter()
            .filter(|sync| sync.sync_type == "full" && sync.ended_at.is_some());
        for sync in later {
            let snapshot = location.open(&settings, Some(&sync.id), cancellation)?;
            let mut held = BTreeSet::new();
            let entitlements: BTreeSet<&str> = subjects
                .iter()
                .map(|subject| subject.entitlement_id.as_str())
                .collect();
            for entitlement in entitlements {
                let Ok(id) = EntitlementId::new(entitlement) else {
                    continue;
                };
                snapshot.grants(GrantQuery::OfEntitlement(&id), &mut |holding| {
                    held.insert(Subject {
                        entitlement_id: entitlement.to_owned(),
                        principal_type: holding.principal.resource_type.as_str().to_owned(),
                        principal_id: holding.principal.id.as_str().to_owned(),
                    });
                    ControlFlow::Continue(())
                })?;
            }
            for subject in &subjects {
                if !held.contains(subject) {
                    absent.entry(subject.clone()).or_insert_with(|| sync.id.clone());
                }
            }
        }
        Ok(absent)
    })
}
