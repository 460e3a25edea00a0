//! The dependency table of the design, enforced.

mod import_cycles;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::harness::workspace;

/// Which crates of ours each crate of ours may use (ARCHITECTURE.md).
const MAY_USE: [(&str, &[&str]); 25] = [
    ("access-core", &[]),
    (
        "access-dataset",
        &[
            "access-core",
            "net-tls",
            "private-fs",
            "regular-file",
            "sink-worker",
        ],
    ),
    ("access-review", &["access-core"]),
    ("access-wire", &["access-core", "baton-proto"]),
    (
        "baton-ninja-one",
        &[
            "access-core",
            "access-dataset",
            "access-review",
            "access-wire",
            "baton-proto",
            "c1-service",
            "c1z",
            "net-tls",
            "ninjaone",
            "private-fs",
            "regular-file",
            "sink-c1z",
            "sink-csv",
            "sink-html",
            "sink-parquet",
            "sink-upload",
            "source-c1z",
            "source-dataset",
        ],
    ),
    ("baton-proto", &[]),
    (
        "c1-service",
        &["access-core", "access-wire", "baton-proto", "net-tls"],
    ),
    ("c1-sim", &["baton-proto", "sim-kit"]),
    ("c1z", &["baton-proto", "private-fs", "regular-file"]),
    ("net-tls", &["regular-file"]),
    ("ninjaone", &["access-core", "net-tls"]),
    ("ninjaone-sim", &["sim-kit"]),
    ("private-fs", &[]),
    ("regular-file", &[]),
    ("s3-sim", &["sim-kit"]),
    ("sim-kit", &[]),
    (
        "sink-c1z",
        &["access-core", "access-wire", "baton-proto", "c1z", "sink-worker"],
    ),
    ("sink-csv", &["access-dataset"]),
    (
        "sink-html",
        &["access-core", "private-fs", "regular-file", "sink-worker"],
    ),
    ("sink-parquet", &["access-dataset"]),
    ("sink-upload", &["access-core", "private-fs"]),
    ("sink-worker", &["access-core"]),
    ("source-c1z", &["access-core", "baton-proto", "c1z"]),
    ("source-dataset", &["access-core", "access-dataset"]),
    ("xtask", &[]),
];

/// Crates that must work for a tenant of any vendor: everything that they say of one comes from the adapter.
const VENDOR_NEUTRAL: [&str; 10] = [
    "access-core",
    "access-dataset",
    "sink-c1z",
    "sink-csv",
    "sink-html",
    "sink-parquet",
    "sink-upload",
    "sink-worker",
    "source-c1z",
    "source-dataset",
];

/// Words of the vendor. `API` means its API: these crates call none.
const VENDOR_WORDS: [&str; 5] = ["ninjaone", "technician", "end_user", "end user", "API"];

/// External crates the domain may use: none that does I/O, speaks a protocol or knows a format.
const DOMAIN_MAY_USE: &[&str] = &["async-trait", "futures", "rand", "serde", "thiserror", "time"];

/// What the review rules may use in addition: texts are hashed, and sheets have JSON in a cell.
const REVIEWS_MAY_USE: &[&str] = &["access-core", "serde", "serde_json", "sha2", "thiserror", "time"];

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new()
        .current_dir(workspace())
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap();
    let packages = metadata.packages.into_iter().map(|package| {
        let normal = package
            .dependencies
            .into_iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development);
        (
            package.name.to_string(),
            normal.map(|dependency| dependency.name).collect(),
        )
    });
    packages.collect()
}

/// The part of `c1z` that could be a crate of its own: a key-value store without domain words.
const PEBBLE: &str = "crates/c1z/src/v3/pebble";

/// Words of the data in a store and around it.
const NOT_PEBBLE_WORDS: [&str; 10] = [
    "c1z",
    "conductorone",
    "baton",
    "sdk",
    "ecosystem",
    "entitlement",
    "grant",
    "principal",
    "resource",
    "access_core",
];

#[test]
fn crates_use_each_other_only_as_designed() {
    let dependencies = dependencies();
    let ours: BTreeSet<&str> = dependencies.keys().map(String::as_str).collect();
    assert_eq!(
        ours,
        MAY_USE.iter().map(|(name, _)| *name).collect(),
        "the table names every crate"
    );
    for (name, may_use) in MAY_USE {
        let used = dependencies[name]
            .iter()
            .map(String::as_str)
            .filter(|other| ours.contains(other));
        for other in used {
            assert!(may_use.contains(&other), "{name} must not depend on {other}");
        }
    }
}

#[test]
fn the_domain_has_no_outside_dependencies() {
    for dependency in &dependencies()["access-core"] {
        assert!(
            DOMAIN_MAY_USE.contains(&dependency.as_str()),
            "access-core must not depend on {dependency}"
        );
    }
}

#[test]
fn the_review_rules_have_no_outside_dependencies() {
    for dependency in &dependencies()["access-review"] {
        assert!(
            REVIEWS_MAY_USE.contains(&dependency.as_str()),
            "access-review must not depend on {dependency}"
        );
    }
}

#[test]
fn the_shipped_program_contains_no_simulator() {
    let dependencies = dependencies();
    for simulator in ["c1-sim", "ninjaone-sim", "s3-sim", "sim-kit"] {
        assert!(!dependencies["baton-ninja-one"].contains(simulator));
    }
}

/// A source file without its tests, which may use any word.
fn production_code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let tests = text.find("#[cfg(test)]\nmod tests {");
    text[..tests.unwrap_or(text.len())].to_owned()
}

fn production_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_test = matches!(name, "tests" | "tests.rs" | "snapshots" | "fuzzing.rs");
        if is_test {
            continue;
        }
        if path.is_dir() {
            production_files(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    // Acronyms are matched by case and as complete words.
    if word.chars().all(char::is_uppercase) {
        let mut hits = line.match_indices(word);
        return hits.any(|(at, _)| {
            !is_part(line[..at].chars().next_back()) && !is_part(line[at + word.len()..].chars().next())
        });
    }
    line.to_lowercase().contains(word)
}

#[test]
fn the_domain_knows_no_vendor() {
    let mut found = Vec::new();
    for name in VENDOR_NEUTRAL {
        let mut files = Vec::new();
        production_files(&workspace().join("crates").join(name).join("src"), &mut files);
        assert!(!files.is_empty(), "{name} has no files");
        for path in files {
            for (number, line) in production_code(&path).lines().enumerate() {
                let words = VENDOR_WORDS.iter().filter(|word| has_word(line, word));
                found.extend(words.map(|word| format!("{}:{}: {word}: {line}", path.display(), number + 1)));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// `exists()` is false when a path cannot be looked at. Whether something is there is asked with an answer for errors.
#[test]
fn an_error_is_not_taken_for_absence() {
    let mut files = Vec::new();
    production_files(&workspace().join("crates"), &mut files);
    let is_code = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    let mut found = Vec::new();
    for path in files.into_iter().filter(is_code) {
        if path.ends_with("compat_test.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let is_product = |line: &&str| !(line.starts_with("#[cfg(") && line.contains("test"));
        for (number, line) in text.lines().take_while(is_product).enumerate() {
            if line.contains(".exists()") {
                found.push(format!("{}:{}: {line}", path.display(), number + 1));
            }
        }
    }
    assert!(found.is_empty(), "use try_exists: {}", found.join("\n"));
}

#[test]
fn the_pebble_store_knows_no_domain_words() {
    let mut files = Vec::new();
    production_files(&workspace().join(PEBBLE), &mut files);
    assert!(files.len() > 10);
    let mut found = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            let at = format!("{}:{}", path.display(), number + 1);
            if line.contains("crate::") || line.contains("super::super::") {
                found.push(format!("{at}: uses what is outside of it: {line}"));
            }
            let words = NOT_PEBBLE_WORDS.iter().filter(|word| has_word(line, word));
            found.extend(words.map(|word| format!("{at}: {word}: {line}")));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn vendor_words_are_found_in_any_case_and_acronyms_alone() {
    assert!(has_word("/// A Technician of NinjaOne.", "technician"));
    assert!(has_word("the API sends", "API") && has_word("NinjaOne's API.", "API"));
    assert!(!has_word("RAPID APIs", "API"));
}
