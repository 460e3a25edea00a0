//! What a published sync consists of, and the pointer to the latest one.

use std::collections::BTreeMap;

use access_core::hex;
use access_core::model::{IdScheme, SyncOrigin, SyncType, UserSample};
use access_core::sync::SyncSummary;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::format::{FileFormat, FormatOptions};
use crate::schema::{SCHEMA_VERSION, Table};

/// Accepted losses that are listed one by one.
const MAX_ACCEPTED: usize = 200;

/// The pointer's name in the dataset's root.
pub const POINTER: &str = "latest.json";
/// Where manifests are. Readers of Hive layouts leave out names that begin with an underscore.
pub(crate) const MANIFESTS: &str = "_manifests";

/// Lists the files of a sync.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the tables' contract.
    pub schema_version: u32,
    /// `parquet` or `csv`.
    pub format: String,
    /// How the format was written where it leaves a choice.
    #[serde(default, skip_serializing_if = "FormatOptions::is_empty")]
    pub format_options: FormatOptions,
    /// The sync: id, type, tenant, times.
    pub sync: ManifestSync,
    /// Every file.
    pub files: Vec<FileEntry>,
    /// Rows of each table.
    pub rows: BTreeMap<String, u64>,
    /// The tables that are kept from sync to sync, of a sync that became the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<ManifestHistory>,
    /// How far each resource type can be trusted.
    pub completeness: Value,
    /// Where every row went.
    pub ledger: Value,
    /// Data that the tenant does not state.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub unstated: Value,
    /// The comparison with the previous sync, and the losses that were accepted, each with its flag.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub guard: Value,
    /// How many rows the tenant gave that are in no table but `left_out`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<ManifestLeftOut>,
    /// The provenance of the sync: program, client, scopes, settings, types, id scheme.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub provenance: Value,
    /// The manifest that was the latest before.
    pub previous: Option<ManifestLink>,
    /// For a sync that starts a new chain: the previous contents of the location.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<ManifestReplaces>,
    /// The program that wrote it.
    pub generator: String,
}

/// The predecessor of a sync.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    /// The sync that was the latest before.
    pub(crate) previous: Option<ManifestLink>,
    /// The syncs that a new chain replaces.
    pub(crate) replaces: Option<ManifestReplaces>,
}

/// The sync of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestSync {
    /// Its id.
    pub id: String,
    /// `full`, `resources_only` or `partial`.
    pub sync_type: String,
    /// The tenant.
    pub tenant: String,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// When the last row was in, RFC 3339.
    pub ended_at: String,
}

/// Rows of the tenant that are in no other table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestLeftOut {
    /// How many are named in `left_out`.
    pub rows: u64,
    /// How many more there are.
    pub more: u64,
}

/// The syncs that a new chain replaced, with `--replace-existing`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestReplaces {
    /// Why it could not be followed.
    pub reason: String,
    /// The manifests that were there: the latest one alone, if it could be read.
    pub syncs: Vec<ManifestLink>,
}

/// The history that syncs maintain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestHistory {
    /// The sync with which it begins.
    pub since: String,
    /// When that one began, RFC 3339.
    pub since_started_at: String,
    /// How many syncs went into it.
    pub syncs: u64,
    /// The files. Those of `changes` stay; the others are removed after later syncs have written theirs.
    pub files: Vec<FileEntry>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its table.
    pub dataset: String,
    /// Where it is, from the dataset's root.
    pub path: String,
    /// Rows in it.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// The first row's key; nothing in a file without rows.
    pub min_key: Option<Vec<String>>,
    /// The last row's key.
    pub max_key: Option<Vec<String>>,
}

/// Names a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestLink {
    /// Its sync.
    pub sync_id: String,
    /// When that began, RFC 3339.
    pub started_at: String,
    /// Where it is, from the dataset's root.
    pub manifest: String,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

/// The pointer: a reader who follows it sees a complete sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// Version of the tables' contract.
    pub schema_version: u32,
    /// The latest full sync.
    #[serde(flatten)]
    pub latest: ManifestLink,
}

impl Manifest {
    /// The manifest of a sync with these files.
    ///
    /// # Errors
    /// If the summary cannot be serialized, which a test rules out.
    pub(crate) fn new(
        format: &dyn FileFormat,
        summary: &SyncSummary,
        files: Vec<FileEntry>,
        history: Option<ManifestHistory>,
        origin: Origin,
    ) -> Result<Self, serde_json::Error> {
        let mut rows: BTreeMap<String, u64> = BTreeMap::new();
        for file in &files {
            *rows.entry(file.dataset.clone()).or_default() += file.rows;
        }
        let run = serde_json::to_value(summary)?;
        let text = |key: &str| {
            run.get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Ok(Self {
            schema_version: SCHEMA_VERSION,
            format: format.name().to_owned(),
            format_options: format.options(),
            sync: ManifestSync {
                id: text("id"),
                sync_type: text("sync_type"),
                tenant: text("tenant"),
                started_at: text("started_at"),
                ended_at: text("ended_at"),
            },
            files,
            rows,
            history,
            completeness: run.get("completeness").cloned().unwrap_or_default(),
            ledger: run.get("ledger").cloned().unwrap_or_default(),
            unstated: run.get("unstated").cloned().unwrap_or_default(),
            guard: bounded_guard(run.get("guard").cloned().unwrap_or_default()),
            left_out: Some(ManifestLeftOut {
                rows: summary.left_out.rows.len() as u64,
                more: summary.left_out.more,
            }),
            provenance: run.get("provenance").cloned().unwrap_or_default(),
            previous: origin.previous,
            replaces: origin.replaces,
            generator: concat!("baton-ninja-one ", env!("CARGO_PKG_VERSION")).to_owned(),
        })
    }

    /// What it records of where this sync came from.
    #[must_use]
    pub fn sync_origin(&self) -> SyncOrigin {
        let text = |key: &str| self.provenance.get(key).and_then(Value::as_str);
        let users = self.provenance.get("user_sample").and_then(Value::as_object);
        let users = users.into_iter().flatten();
        SyncOrigin {
            id_scheme: text("id_scheme").map(IdScheme::new),
            client_id: text("client_id").map(str::to_owned),
            users: UserSample::from_entries(
                users.filter_map(|(id, hash)| Some((id.as_str(), hash.as_str()?))),
            ),
        }
    }

    /// The files of one table, in the order of their rows.
    pub fn entries(&self, table: Table) -> impl Iterator<Item = &FileEntry> {
        let history = self.history.iter().flat_map(|history| &history.files);
        let files = self.files.iter().chain(history);
        files.filter(move |file| file.dataset == table.name())
    }

    /// Its bytes, and the link to them.
    pub(crate) fn encode(&self) -> Result<(Vec<u8>, ManifestLink), serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        let link = ManifestLink {
            sync_id: self.sync.id.clone(),
            started_at: self.sync.started_at.clone(),
            manifest: manifest_path(&self.sync.id),
            sha256: hex(&Sha256::digest(&bytes)),
        };
        Ok((bytes, link))
    }

    /// Whether two manifests are of the same data, whatever came before each.
    pub(crate) fn same_data(&self, other: &Self) -> bool {
        (&self.sync, &self.files, &self.format) == (&other.sync, &other.files, &other.format)
    }
}

/// The comparison with the previous sync, with as many accepted losses as a manifest has room for; the rest is counted.
fn bounded_guard(mut guard: Value) -> Value {
    if let Some(accepted) = guard.get_mut("accepted").and_then(Value::as_array_mut)
        && accepted.len() > MAX_ACCEPTED
    {
        let more = accepted.len() - MAX_ACCEPTED;
        accepted.truncate(MAX_ACCEPTED);
        guard["accepted_more"] = more.into();
    }
    guard
}

impl ManifestSync {
    /// When it began; a time that cannot be read is before all others.
    #[must_use]
    pub fn start_time(&self) -> OffsetDateTime {
        OffsetDateTime::parse(&self.started_at, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// When it ended, if that is a time.
    pub(crate) fn ended(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::parse(&self.ended_at, &Rfc3339).ok()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.sync_type == SyncType::Full.as_str()
    }
}

impl Pointer {
    /// Whether this sync is before another one. Ids have a resolution of seconds.
    pub(crate) fn is_before(&self, sync_id: &str, started_at: OffsetDateTime) -> bool {
        let latest = OffsetDateTime::parse(&self.latest.started_at, &Rfc3339).ok();
        self.latest.sync_id != sync_id && latest <= Some(started_at)
    }

    pub(crate) fn to(latest: ManifestLink) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            latest,
        }
    }
}

/// Where the manifest of a sync is.
pub(crate) fn manifest_path(sync_id: &str) -> String {
    format!("{MANIFESTS}/{sync_id}.json")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_manifest_lists_a_bounded_number_of_accepted_losses() {
        let guard = |count: usize| json!({"max_drop_percent": 50, "accepted": vec!["loss"; count]});
        assert_eq!(bounded_guard(guard(MAX_ACCEPTED)), guard(MAX_ACCEPTED));
        let bounded = bounded_guard(guard(MAX_ACCEPTED + 5));
        assert_eq!(bounded["accepted"].as_array().map(Vec::len), Some(MAX_ACCEPTED));
        assert_eq!(bounded["accepted_more"], 5);
        assert_eq!(bounded_guard(Value::Null), Value::Null);
    }
}
