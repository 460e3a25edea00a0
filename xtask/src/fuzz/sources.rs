//! Which sources a fuzz target is built from, as a digest that is the same on every machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{MetadataCommand, Package};

use crate::files::{entries, sha256};
use crate::process::{Failure, workspace};

/// Folders of a crate that are not part of what a fuzz target links.
const NOT_LINKED: [&str; 3] = ["tests", "examples", "target"];

/// The sources of a fuzz target: its own file, the bodies, our crates that it links, and the versions of the others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SourcesDigest(pub(super) String);

/// Our crates, by the name that Rust code uses.
#[derive(Debug)]
pub(super) struct LocalCrates(BTreeMap<String, LocalCrate>);

#[derive(Debug)]
struct LocalCrate {
    folder: PathBuf,
    dependencies: BTreeSet<String>,
}

impl LocalCrates {
    /// Asks cargo for the crates of tests/fuzz.
    pub(super) fn load() -> Result<Self, Failure> {
        let metadata = MetadataCommand::new()
            .manifest_path(workspace().join("tests/fuzz/Cargo.toml"))
            .other_options(["--locked".to_owned()])
            .exec()
            .map_err(|error| Failure::Unexpected(format!("cargo metadata: {error}")))?;
        let local = metadata
            .packages
            .iter()
            .filter(|package| package.source.is_none());
        let crates = local.filter_map(|package| {
            let folder = package.manifest_path.parent()?.as_std_path().to_owned();
            let dependencies = dependencies(package);
            Some((rust_name(&package.name), LocalCrate { folder, dependencies }))
        });
        Ok(Self(crates.collect()))
    }

    /// The digest of one target's sources. Corpora are inputs and do not count.
    pub(super) fn digest(&self, target: &str) -> Result<SourcesDigest, Failure> {
        let tests = workspace().join("tests/fuzz");
        let main = tests.join("fuzz_targets").join(format!("{target}.rs"));
        let mut files = BTreeSet::from([tests.join("Cargo.toml"), tests.join("Cargo.lock"), main.clone()]);
        collect(&tests.join("bodies"), &mut files)?;
        for name in self.closure(&code_of(&main)?) {
            if let Some(local) = self.0.get(name) {
                collect(&local.folder, &mut files)?;
            }
        }
        let mut listing = String::new();
        for path in files {
            let bytes = fs::read(&path).map_err(|source| Failure::file(&path, source))?;
            let name = path.strip_prefix(workspace()).unwrap_or(&path);
            let _ = writeln!(listing, "{} {}", sha256(&bytes), name.display());
        }
        Ok(SourcesDigest(sha256(listing.as_bytes())))
    }

    /// The crates that a text of Rust code names, with the crates of ours that those use.
    fn closure<'a>(&'a self, code: &str) -> BTreeSet<&'a str> {
        let named = code.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let mut open: Vec<&str> = named
            .filter_map(|word| self.0.get_key_value(word))
            .map(|(name, _)| name.as_str())
            .collect();
        let mut closure = BTreeSet::new();
        while let Some(name) = open.pop() {
            if closure.insert(name) {
                let dependencies = self.0.get(name).map(|local| &local.dependencies);
                open.extend(dependencies.into_iter().flatten().map(String::as_str));
            }
        }
        closure
    }
}

fn dependencies(package: &Package) -> BTreeSet<String> {
    let linked = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != cargo_metadata::DependencyKind::Development);
    linked.map(|dependency| rust_name(&dependency.name)).collect()
}

fn rust_name(name: &str) -> String {
    name.replace('-', "_")
}

/// The code of a target with the bodies that it includes.
fn code_of(target: &Path) -> Result<String, Failure> {
    let own = read_text(target)?;
    let mut code = own.clone();
    for body in included(&own) {
        code.push_str(&read_text(&target.with_file_name(body))?);
    }
    Ok(code)
}

/// The files that `#[path = "…"]` attributes name.
fn included(code: &str) -> impl Iterator<Item = &str> {
    let attributes = code.lines().filter_map(|line| line.strip_prefix("#[path = \""));
    attributes.filter_map(|rest| rest.split('"').next())
}

fn read_text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|source| Failure::file(path, source))
}

fn collect(folder: &Path, files: &mut BTreeSet<PathBuf>) -> Result<(), Failure> {
    for entry in entries(folder)? {
        let kind = fs::symlink_metadata(&entry).map_err(|source| Failure::file(&entry, source))?;
        let is_linked = |name: &std::ffi::OsStr| NOT_LINKED.iter().all(|other| name != *other);
        if kind.is_file() {
            files.insert(entry);
        } else if kind.is_dir() && entry.file_name().is_some_and(is_linked) {
            collect(&entry, files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crates_of_a_target_are_followed() {
        let local = |dependencies: &[&str]| LocalCrate {
            folder: PathBuf::new(),
            dependencies: dependencies.iter().map(|name| rust_name(name)).collect(),
        };
        let crates = LocalCrates(BTreeMap::from([
            ("c1z".to_owned(), local(&["access-core", "zstd"])),
            ("access_core".to_owned(), local(&[])),
            ("ninjaone".to_owned(), local(&["access-core", "net-tls"])),
            ("net_tls".to_owned(), local(&[])),
        ]));
        let closure = crates.closure("fuzz_target!(|input: &[u8]| ninjaone::fuzzing::lists(input));");
        assert_eq!(Vec::from_iter(closure), ["access_core", "net_tls", "ninjaone"]);
        let bodies: Vec<&str> = included("#[path = \"../bodies/a.rs\"]\nmod body;\n").collect();
        assert_eq!(bodies, ["../bodies/a.rs"]);
    }

    #[test]
    fn every_target_has_crates_of_ours_and_one_digest() {
        let crates = LocalCrates::load().unwrap();
        let lists = crates.digest("ninjaone_lists").unwrap();
        assert_eq!(crates.digest("ninjaone_lists").unwrap(), lists);
        for target in entries(&workspace().join("tests/fuzz/fuzz_targets")).unwrap() {
            let crates = crates.closure(&code_of(&target).unwrap()).len();
            assert!(crates > 0, "{}", target.display());
        }
    }
}
