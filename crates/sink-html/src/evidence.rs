//! The evidence in a report: the provenance of the sync, the rows that were left out, the data that the tenant does not state, and the
//! losses that were accepted.

use access_core::model::{IdScheme, LeftOutRow, SyncOrigin, UserSample};
use access_core::sync::{DropReason, SyncSummary};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Accepted losses that are listed one by one; the rest is counted.
const MAX_ACCEPTED: usize = 200;

/// The data of the page's view of the same name. Reports of older versions have none.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Evidence {
    /// See [`access_core::model::Provenance`].
    #[serde(default)]
    pub(crate) provenance: Value,
    #[serde(default)]
    left_out: Vec<LeftOutLine>,
    /// The number of further rows that were left out.
    #[serde(default)]
    left_out_more: u64,
    /// See [`access_core::model::UnstatedNote`].
    #[serde(default)]
    unstated: Value,
    #[serde(default)]
    guard: Guard,
}

/// A row that is not in the report.
#[derive(Debug, Serialize, Deserialize)]
struct LeftOutLine {
    kind: Box<str>,
    resource_type: Box<str>,
    reason: Value,
    resource: Option<Box<str>>,
    resource_name: Option<Box<str>>,
    entitlement: Option<Box<str>>,
    principal: Option<Box<str>>,
    words: Option<Box<str>>,
}

/// How the sync was compared with the ones before.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Guard {
    max_drop_percent: Option<u8>,
    compared_with: Vec<Box<str>>,
    accepted: Vec<Accepted>,
    accepted_more: usize,
}

/// A loss that was published all the same.
#[derive(Debug, Serialize, Deserialize)]
struct Accepted {
    /// A sentence, e.g. `2 of 8 resources of type role are left`.
    loss: Box<str>,
    /// The flag that covered it.
    by: Box<str>,
    /// The sync that it was seen against.
    since: Option<Box<str>>,
}

impl Evidence {
    /// That of a sync.
    pub(crate) fn new(summary: &SyncSummary) -> Result<Self, serde_json::Error> {
        let rows = summary.left_out.rows.iter().map(LeftOutLine::new);
        let accepted = &summary.guard.accepted;
        let listed = accepted.iter().take(MAX_ACCEPTED).map(|accepted| Accepted {
            loss: accepted.loss.to_string().into(),
            by: accepted.accepted_by.as_str().into(),
            since: accepted.loss.since.map(|id| id.as_str().into()),
        });
        let compared = summary.guard.compared.iter();
        Ok(Self {
            provenance: serde_json::to_value(&summary.run.provenance)?,
            left_out: rows.collect::<Result<_, _>>()?,
            left_out_more: summary.left_out.more,
            unstated: serde_json::to_value(&summary.unstated)?,
            guard: Guard {
                max_drop_percent: summary.guard.max_drop_percent,
                compared_with: compared
                    .filter_map(|comparison| Some(comparison.sync_id?.as_str().into()))
                    .collect(),
                accepted: listed.collect(),
                accepted_more: accepted.len().saturating_sub(MAX_ACCEPTED),
            },
        })
    }

    /// Where the sync came from.
    pub(crate) fn origin(&self) -> SyncOrigin {
        let text = |key: &str| self.provenance[key].as_str();
        let users = self.provenance["user_sample"].as_object().into_iter().flatten();
        SyncOrigin {
            id_scheme: text("id_scheme").map(IdScheme::new),
            client_id: text("client_id").map(str::to_owned),
            users: UserSample::from_entries(
                users.filter_map(|(id, hash)| Some((id.as_str(), hash.as_str()?))),
            ),
        }
    }
}

impl LeftOutLine {
    fn new(row: &LeftOutRow<DropReason>) -> Result<Self, serde_json::Error> {
        let text = |text: &Option<String>| text.as_deref().map(Into::into);
        Ok(Self {
            kind: row.kind.to_string().into(),
            resource_type: row.resource_type.as_str().into(),
            reason: serde_json::to_value(row.reason)?,
            resource: row.resource.as_ref().map(|id| id.to_string().into()),
            resource_name: text(&row.resource_name),
            entitlement: row.entitlement.as_ref().map(|id| id.as_str().into()),
            principal: row.principal.as_ref().map(|id| id.to_string().into()),
            words: text(&row.words),
        })
    }
}
