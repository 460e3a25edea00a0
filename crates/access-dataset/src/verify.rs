//! Verifies that a dataset is as it was published: every file against its manifest, every manifest against its links.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use access_core::hex;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::DatasetError;
use crate::format::Formats;
use crate::hashing_reader::HashingReader;
use crate::manifest::{FileEntry, MANIFESTS, Manifest, ManifestLink, POINTER, Pointer, manifest_path};
use crate::reader::check_memory;
use crate::reader::checked;
use crate::reader::is_ours;
use crate::reader::open_file;
use crate::reader::too_large;
use crate::schema::Table;
use crate::store::{self, Location, Store, private_folder};

/// The result of a verification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The sync that the pointer names.
    pub latest: Option<String>,
    /// SHA-256 of its manifest, which covers all earlier syncs too. Keep it elsewhere.
    pub sha256: Option<String>,
    /// Manifests that were read.
    pub syncs: u64,
    /// Those of them that are linked from the pointer backwards.
    pub linked: u64,
    /// Partial syncs, which nothing links to.
    pub beside: u64,
    /// Full syncs that are being published or whose run was interrupted: they have a claim.
    pub under_way: u64,
    /// Files that match their manifest.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// The deviations.
    pub findings: Vec<Finding>,
}

/// A deviation from what was published.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The file, from the root.
    pub path: String,
    /// What is wrong with the file.
    pub problem: String,
}

/// Verifies a dataset. `known_sha256` is the SHA-256 of a manifest from an earlier run: without a linked manifest of this hash there is a
/// finding.
///
/// # Errors
/// [`DatasetError::NotFound`] if there is no dataset, [`DatasetError`] if the location cannot be read. Problems of the dataset
/// itself are findings.
pub async fn verify(
    location: &Location,
    formats: &Formats,
    temp_folder: &Path,
    known_sha256: Option<&str>,
) -> Result<Verification, DatasetError> {
    let missing = |reason: String| Verification {
        findings: vec![Finding {
            path: POINTER.to_owned(),
            problem: format!(
                "{reason}, and so is the manifest of the SHA-256 {}",
                known_sha256.unwrap_or_default()
            ),
        }],
        ..Verification::default()
    };
    match verify_store(location, formats, temp_folder, known_sha256).await {
        Err(DatasetError::Missing { reason, .. }) if known_sha256.is_some() => {
            Ok(missing(format!("it is missing ({reason})")))
        }
        verified => verified,
    }
}

async fn verify_store(
    location: &Location,
    formats: &Formats,
    temp_folder: &Path,
    known_sha256: Option<&str>,
) -> Result<Verification, DatasetError> {
    let store = store::open_to_read(location).await?;
    let scratch = private_folder(temp_folder).map_err(|error| DatasetError::io(temp_folder, error))?;
    let mut verifying = Verifying {
        store: &*store,
        formats,
        scratch: scratch.path(),
        found: Verification::default(),
        claims: crate::publish::claimed(&*store).await?,
        manifests: BTreeMap::new(),
        named: BTreeSet::new(),
        vouched: BTreeSet::new(),
    };
    verifying.read_manifests().await?;
    let chain = verifying.read_links().await?;
    verifying.known_sha256(known_sha256, &chain);
    verifying.check_unlinked(&chain);
    verifying.found.linked = chain.len() as u64;
    let current: BTreeSet<String> = chain.iter().take(1).cloned().collect();
    for id in verifying.manifests.keys().cloned().collect::<Vec<_>>() {
        verifying.files(&id, current.contains(&id)).await?;
    }
    verifying.unnamed().await?;
    let mut found = verifying.found;
    if found.latest.is_none() && found.findings.is_empty() {
        return Err(DatasetError::NotFound {
            location: store.describe(""),
            what: "dataset: neither a pointer nor a full sync".to_owned(),
        });
    }
    found.findings.sort_unstable();
    Ok(found)
}

struct Verifying<'a> {
    store: &'a dyn Store,
    formats: &'a Formats,
    scratch: &'a Path,
    found: Verification,
    /// The syncs that are being published.
    claims: Vec<String>,
    /// By sync: the manifest and its SHA-256.
    manifests: BTreeMap<String, (Manifest, String)>,
    /// Every file that a manifest names.
    named: BTreeSet<String>,
    /// The syncs to which the pointer leads, directly or through what a new chain replaced.
    vouched: BTreeSet<String>,
}

impl Verifying<'_> {
    fn add_finding(&mut self, path: &str, problem: impl Into<String>) {
        let (path, problem) = (path.to_owned(), problem.into());
        self.found.findings.push(Finding { path, problem });
    }

    async fn read_manifests(&mut self) -> Result<(), DatasetError> {
        for path in self.store.list(MANIFESTS).await? {
            check_memory(&self.store.describe(&path))?;
            let stored = match self.store.get(&path).await {
                Ok(Some(stored)) => stored,
                Ok(None) => continue,
                Err(DatasetError::Damaged { reason, .. }) => {
                    self.add_finding(&path, reason);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let sha256 = hex(&Sha256::digest(&stored.bytes));
            match serde_json::from_slice::<Manifest>(&stored.bytes) {
                Ok(manifest) if path == manifest_path(&manifest.sync.id) => {
                    self.found.syncs += 1;
                    self.manifests
                        .insert(manifest.sync.id.clone(), (manifest, sha256));
                }
                Ok(_) => self.add_finding(&path, "it is the manifest of another sync"),
                Err(error) => self.add_finding(&path, format!("it cannot be read: {error}")),
            }
        }
        Ok(())
    }

    /// Follows the links from the pointer; gives the syncs, the latest first.
    async fn read_links(&mut self) -> Result<Vec<String>, DatasetError> {
        let pointer = match self.store.get(POINTER).await {
            Err(DatasetError::Damaged { reason, .. }) => {
                self.add_finding(POINTER, reason);
                return Ok(Vec::new());
            }
            pointer => pointer?,
        };
        let Some(stored) = pointer else {
            let full = |(manifest, _): &(Manifest, String)| {
                manifest.sync.is_full() && !self.claims.contains(&manifest.sync.id)
            };
            if self.manifests.values().any(full) {
                self.add_finding(POINTER, "it is missing, but there is a full sync");
            }
            return Ok(Vec::new());
        };
        let pointer: Pointer = match serde_json::from_slice(&stored.bytes) {
            Ok(pointer) => pointer,
            Err(error) => {
                self.add_finding(POINTER, format!("it cannot be read: {error}"));
                return Ok(Vec::new());
            }
        };
        self.found.latest = Some(pointer.latest.sync_id.clone());
        let chain = self.follow(POINTER, pointer.latest);
        let latest = chain.first().and_then(|id| self.manifests.get(id));
        self.found.sha256 = latest.map(|(_, sha256)| sha256.clone());
        self.follow_replaced(&chain);
        self.check_side_links(&chain);
        Ok(chain)
    }

    /// Follows the chains that new chains replaced.
    fn follow_replaced(&mut self, chain: &[String]) {
        let mut next: VecDeque<String> = chain.iter().cloned().collect();
        while let Some(id) = next.pop_front() {
            let replaces = self
                .manifests
                .get(&id)
                .and_then(|(manifest, _)| manifest.replaces.clone());
            for link in replaces.into_iter().flat_map(|replaces| replaces.syncs) {
                if !self.vouched.contains(&link.sync_id) {
                    next.extend(self.follow(&manifest_path(&id), link));
                }
            }
        }
    }

    /// Follows the links from a file backwards. Problems on the way are findings.
    fn follow(&mut self, from: &str, link: ManifestLink) -> Vec<String> {
        let mut chain: Vec<String> = Vec::new();
        let (mut from, mut next) = (from.to_owned(), Some(link));
        let mut tenant: Option<String> = None;
        while let Some(link) = next.take() {
            let expected = manifest_path(&link.sync_id);
            if link.manifest != expected {
                self.add_finding(
                    &from,
                    format!("it links sync {} to {}", link.sync_id, link.manifest),
                );
            }
            let Some((manifest, sha256)) = self.manifests.get(&link.sync_id) else {
                self.add_finding(&expected, format!("{from} links to it, but it is missing"));
                break;
            };
            let (sync, previous, sha256) = (manifest.sync.clone(), manifest.previous.clone(), sha256.clone());
            if sha256 != link.sha256 {
                self.add_finding(
                    &expected,
                    format!("its SHA-256 is {sha256}, {from} says {}", link.sha256),
                );
            }
            if sync.started_at != link.started_at {
                let problem = format!("it began at {}, {from} says {}", sync.started_at, link.started_at);
                self.add_finding(&expected, problem);
            }
            if !sync.is_full() {
                self.add_finding(&expected, format!("it is linked, and is {}", sync.sync_type));
            }
            // The wrong hash of an altered manifest is finding enough.
            let altered = sha256 != link.sha256;
            if let Some(tenant) = &tenant
                && *tenant != sync.tenant
                && !altered
            {
                let problem = format!("it is of the tenant {}, the next one of {tenant}", sync.tenant);
                self.add_finding(&expected, problem);
            }
            if !self.vouched.insert(link.sync_id.clone()) {
                self.add_finding(&from, "it links back to a later sync");
                break;
            }
            tenant = (!altered).then_some(sync.tenant);
            chain.push(link.sync_id);
            (from, next) = (expected, previous);
        }
        chain
    }

    /// The hash of an earlier run must be that of a manifest in the chain.
    fn known_sha256(&mut self, known_sha256: Option<&str>, chain: &[String]) {
        let mut hashes = chain.iter().filter_map(|id| self.manifests.get(id));
        if let Some(known_sha256) = known_sha256
            && !hashes.any(|(_, sha256)| sha256.eq_ignore_ascii_case(known_sha256))
        {
            self.add_finding(
                POINTER,
                format!("no sync that it leads to has a manifest of the SHA-256 {known_sha256}"),
            );
        }
    }

    /// Full syncs that nothing links to. Those being published have a claim.
    fn check_unlinked(&mut self, chain: &[String]) {
        let mut check_unlinked = Vec::new();
        for (id, (manifest, _)) in &self.manifests {
            if !manifest.sync.is_full() {
                self.found.beside += 1;
            } else if self.claims.contains(id) && !chain.contains(id) {
                self.found.under_way += 1;
            } else if !self.vouched.contains(id) && !chain.is_empty() {
                check_unlinked.push(manifest_path(id));
            }
        }
        for path in check_unlinked {
            self.add_finding(
                &path,
                "no link leads to it, so nothing vouches for this full sync",
            );
        }
    }

    /// Syncs that were never the latest name the one that was.
    fn check_side_links(&mut self, chain: &[String]) {
        let mut findings = Vec::new();
        let vouched = |id: &String| chain.contains(id) || self.vouched.contains(id);
        for (id, (manifest, _)) in self.manifests.iter().filter(|(id, _)| !vouched(id)) {
            let Some(link) = &manifest.previous else { continue };
            let problem = match self.manifests.get(&link.sync_id) {
                Some((_, sha256)) if *sha256 == link.sha256 => continue,
                Some((_, sha256)) => format!(
                    "its SHA-256 is {sha256}, {} says {}",
                    manifest_path(id),
                    link.sha256
                ),
                None => format!("{} links to it, but it is missing", manifest_path(id)),
            };
            findings.push((manifest_path(&link.sync_id), problem));
        }
        for (path, problem) in findings {
            self.add_finding(&path, problem);
        }
    }

    /// The files of one sync. History files that later syncs replaced may be missing.
    async fn files(&mut self, id: &str, is_current: bool) -> Result<(), DatasetError> {
        let Some((manifest, _)) = self.manifests.get(id).cloned() else {
            return Ok(());
        };
        let mut rows: BTreeMap<&str, u64> = BTreeMap::new();
        for entry in &manifest.files {
            let rows = rows.entry(&entry.dataset).or_default();
            *rows = rows.saturating_add(entry.rows);
            self.file(&manifest, entry, true).await?;
        }
        for (table, count) in &manifest.rows {
            let of_files = rows.get(table.as_str()).copied().unwrap_or_default();
            if of_files != *count {
                let problem = format!("it says {count} rows of {table}, and {of_files} file by file");
                self.add_finding(&manifest_path(id), problem);
            }
        }
        for entry in manifest.history.iter().flat_map(|history| &history.files) {
            let stays = is_current || entry.dataset == Table::Changes.name();
            self.file(&manifest, entry, stays).await?;
        }
        Ok(())
    }

    async fn file(
        &mut self,
        manifest: &Manifest,
        entry: &FileEntry,
        stays: bool,
    ) -> Result<(), DatasetError> {
        self.named.insert(entry.path.clone());
        let tables = Table::ALL.into_iter().chain(Table::HISTORY);
        let table = tables.into_iter().find(|table| table.name() == entry.dataset);
        let Some(table) = table.filter(|table| is_ours(&entry.path, *table, &manifest.sync.id)) else {
            self.add_finding(
                &manifest_path(&manifest.sync.id),
                format!("it names {}, which cannot be its own", entry.path),
            );
            return Ok(());
        };
        let file = match open_file(self.store, &entry.path, self.scratch).await {
            Ok(file) => file,
            Err(DatasetError::Damaged { .. }) if !stays => return Ok(()),
            Err(DatasetError::Damaged { reason, .. }) => {
                self.add_finding(&entry.path, reason);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let format = self.formats.named(&manifest.format, &manifest.format_options)?;
        let (entry, location) = (entry.clone(), self.store.describe(&entry.path));
        let path = entry.path.clone();
        let verified = tokio::task::spawn_blocking(move || {
            let file = checked(file, &entry, &location)?;
            let rows = format.count_rows(&mut HashingReader::new(file));
            let rows = rows.map_err(|error| match too_large(&error) {
                Some(reason) => DatasetError::damaged(&location, reason.to_string()),
                None => DatasetError::damaged(&location, format!("it is not a {table} file: {error}")),
            })?;
            if rows != entry.rows {
                return Err(DatasetError::damaged(
                    &location,
                    format!("it has {rows} rows, the manifest says {}", entry.rows),
                ));
            }
            Ok(rows)
        });
        match verified.await.unwrap_or(Err(DatasetError::WorkerPanicked)) {
            Ok(rows) => {
                self.found.files += 1;
                self.found.rows += rows;
            }
            Err(DatasetError::Damaged { reason, .. }) => self.add_finding(&path, reason),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Files that queries would read although no manifest names them. Those of a running publication have a claim.
    async fn unnamed(&mut self) -> Result<(), DatasetError> {
        let mut unnamed = Vec::new();
        for table in Table::ALL.into_iter().chain(Table::HISTORY) {
            let paths = self.store.list(table.name()).await?;
            unnamed.extend(paths.into_iter().filter(|path| !self.named.contains(path)));
        }
        if unnamed.is_empty() {
            return Ok(());
        }
        for path in unnamed {
            if !self
                .claims
                .iter()
                .any(|id| path.split('/').any(|part| part.strip_prefix("sync=") == Some(id)))
            {
                self.add_finding(&path, "no manifest names it");
            }
        }
        Ok(())
    }
}
