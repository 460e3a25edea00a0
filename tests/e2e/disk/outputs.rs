//! What a reader finds after a run: the old output or the new one, complete.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use access_dataset::{Manifest, Table};
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};
use sink_html::verify;

use crate::datasets::files;
use crate::support::dataset::{Files, latest, rows};

/// Where a run writes to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Output {
    /// A c1z file.
    C1z(&'static str),
    /// A folder with a dataset.
    Dataset(&'static str),
    /// A review report.
    Report(&'static str),
}

/// Columns that differ from run to run.
const VARYING: [&str; 4] = ["sync_id", "synced_at", "started_at", "ended_at"];

impl Output {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::C1z(name) | Self::Dataset(name) | Self::Report(name) => name,
        }
    }

    /// Whether a new output replaces the old one instead of being added beside it.
    pub(super) fn replaces(self) -> bool {
        !matches!(self, Self::Dataset(_))
    }

    /// What is visible: a fingerprint of each sync, the latest last; empty if there is nothing. Whatever is there must be
    /// whole.
    pub(super) fn visible(self, folder: &Path) -> Vec<String> {
        match self {
            Self::C1z(name) if folder.join(name).exists() => c1z_syncs(&folder.join(name)),
            Self::Report(name) if folder.join(name).exists() => vec![report(&folder.join(name))],
            Self::C1z(_) | Self::Report(_) => Vec::new(),
            Self::Dataset(name) => {
                let files = files(&folder.join(name));
                assert_manifests_are_true(&files);
                latest(&files)
                    .map(|manifest| fingerprint(&files, &manifest))
                    .into_iter()
                    .collect()
            }
        }
    }

    /// Files of the output that have a meaning to readers, or to the next run.
    pub(super) fn belongs(self, folder: &Path) -> BTreeSet<String> {
        let Self::Dataset(name) = self else {
            return [self.name().to_owned()].into();
        };
        let files = files(&folder.join(name));
        let mut belongs: BTreeSet<String> = ["_lock", "latest.json"].map(str::to_owned).into();
        for (path, bytes) in files.iter().filter(|(path, _)| path.starts_with("_manifests/")) {
            let manifest: Manifest = serde_json::from_slice(bytes).unwrap();
            belongs.insert(path.clone());
            let history = manifest.history.into_iter().flat_map(|history| history.files);
            belongs.extend(manifest.files.into_iter().chain(history).map(|file| file.path));
        }
        belongs.iter().map(|path| format!("{name}/{path}")).collect()
    }
}

fn hash(text: &str) -> String {
    let mut shown = String::new();
    for byte in &Sha256::digest(text.as_bytes())[..8] {
        let _ = write!(shown, "{byte:02x}");
    }
    shown
}

/// Reads a file with our reader and with SQLite's integrity check.
pub(super) fn c1z_syncs(path: &Path) -> Vec<String> {
    let temp = tempfile::tempdir().unwrap();
    let limits = c1z::Limits::default();
    let reader = c1z::Reader::open(path, temp.path(), limits, &AtomicBool::new(false)).unwrap();
    let syncs = reader.syncs().unwrap();
    assert!(
        syncs.iter().all(|sync| sync.ended_at.is_some()),
        "a sync that never ended is visible"
    );
    let packed = fs::read(path).unwrap();
    let database = temp.path().join("unpacked");
    fs::write(&database, zstd::decode_all(&packed[5..]).unwrap()).unwrap();
    let database = Connection::open_with_flags(&database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let sound: String = database
        .query_row("pragma integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
    syncs
        .iter()
        .map(|sync| {
            let mut text = String::new();
            for table in ["resource_types", "resources", "entitlements", "grants"] {
                let sql = format!(
                    "select external_id, data from v1_{table} where sync_id = ?1 order by external_id"
                );
                let mut statement = database.prepare(&sql).unwrap();
                let mut rows = statement.query([&sync.sync_id]).unwrap();
                while let Some(row) = rows.next().unwrap() {
                    let (id, data): (String, Vec<u8>) = (row.get(0).unwrap(), row.get(1).unwrap());
                    let _ = writeln!(text, "{table} {id} {data:?}");
                }
            }
            hash(&text)
        })
        .collect()
}

/// Reads a report to its seal, which must fit the file to the byte. Its head and its entitlements have times (the latter since when
/// grants are known): of these the number of rows counts. Its changes are what the run before left.
fn report(path: &Path) -> String {
    let program = concat!("baton-ninja-one ", env!("CARGO_PKG_VERSION"));
    let found = verify(path, program, ninjaone::REPORT_SCHEMA).unwrap();
    assert_eq!(found.problems, [] as [String; 0]);
    let sections = found.seal.sections.into_iter();
    let lasting = sections.filter(|section| section.name != "changes");
    let lasting = lasting.map(|section| match section.name.as_str() {
        "head" | "access" => section.rows.to_string(),
        _ => section.sha256,
    });
    hash(&lasting.collect::<Vec<_>>().join(" "))
}

fn fingerprint(files: &Files, manifest: &Manifest) -> String {
    let mut text = String::new();
    for dataset in Table::ALL {
        for mut row in rows(files, manifest, dataset) {
            row.retain(|column, _| !VARYING.contains(&column.as_str()));
            let _ = writeln!(text, "{dataset} {row:?}");
        }
    }
    hash(&text)
}

/// Every manifest's files are complete, whether the pointer names it or not.
fn assert_manifests_are_true(files: &Files) {
    for (_, bytes) in files.iter().filter(|(path, _)| path.starts_with("_manifests/")) {
        let manifest: Manifest = serde_json::from_slice(bytes).unwrap();
        for file in &manifest.files {
            let bytes = files.get(&file.path).map(Vec::len);
            assert_eq!(bytes.map(|bytes| bytes as u64), Some(file.bytes), "{}", file.path);
        }
    }
}
