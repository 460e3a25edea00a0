//! The rules of deny.toml, checked against Cargo.lock, on machines without cargo-deny.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use cargo_metadata::{MetadataCommand, Package};
use figment::Figment;
use figment::providers::{Format, Toml};
use figment::value::Value;
use serde::Deserialize;

use crate::harness::workspace;

#[derive(Deserialize)]
struct Rules {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    skip: Vec<Named>,
    deny: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(rename = "crate")]
    name: String,
}

fn rules() -> Rules {
    Figment::from(Toml::file(workspace().join("deny.toml")))
        .extract()
        .unwrap()
}

/// Packages for any platform: the workspace, its tests and tools, and their dependencies.
fn packages() -> Vec<Package> {
    let tree = |offline: &[&str]| {
        let mut tree = Command::new(env!("CARGO"));
        tree.args(["tree", "--workspace", "--locked", "--target", "all"])
            .args([
                "--prefix",
                "none",
                "--format",
                "{p}",
                "--edges",
                "normal,build,dev",
            ])
            .args(offline)
            .current_dir(workspace());
        tree.output().unwrap()
    };
    // Packages of other platforms may never have been downloaded.
    let offline = tree(&["--offline"]);
    let tree = if offline.status.success() {
        offline
    } else {
        tree(&[])
    };
    // Cargo cannot list packages of other platforms that were never downloaded; then only this platform's are checked.
    let metadata = MetadataCommand::new()
        .current_dir(workspace())
        .other_options(["--locked".to_owned(), "--offline".to_owned()])
        .exec();
    let metadata = metadata.or_else(|_| {
        MetadataCommand::new()
            .current_dir(workspace())
            .other_options(["--locked".to_owned()])
            .exec()
    });
    let used: BTreeSet<String> = String::from_utf8(tree.stdout)
        .unwrap()
        .lines()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert!(used.len() > 200, "{}", String::from_utf8_lossy(&tree.stderr));
    let packages = metadata.unwrap().packages.into_iter();
    packages
        .filter(|package| used.contains(&format!("{} v{}", package.name, package.version)))
        .collect()
}

#[test]
fn licences_are_permissive() {
    let allowed = rules().licenses.allow;
    for package in packages() {
        let text = package.license.clone().unwrap_or_default();
        let expression = spdx::Expression::parse_mode(&text, spdx::ParseMode::LAX).unwrap();
        let fine = expression.evaluate(|license| allowed.contains(&license.to_string()));
        assert!(fine, "{} {}: {text}", package.name, package.version);
    }
}

#[test]
fn dependencies_come_from_crates_io_or_this_workspace() {
    let root = workspace().canonicalize().unwrap();
    for package in packages() {
        match &package.source {
            Some(source) => assert!(source.is_crates_io(), "{}: {source}", package.name),
            None => assert!(package.manifest_path.starts_with(&root), "{}", package.name),
        }
    }
}

#[test]
fn no_banned_crates_and_no_unexplained_duplicates() {
    let rules = rules();
    let mut versions: BTreeMap<String, BTreeSet<cargo_metadata::semver::Version>> = BTreeMap::new();
    for package in packages() {
        versions
            .entry(package.name.to_string())
            .or_default()
            .insert(package.version);
    }
    for banned in &rules.bans.deny {
        assert!(!versions.contains_key(&banned.name), "{} is banned", banned.name);
    }
    // Every older version of a duplicated crate needs a reason, and every reason needs such a version.
    let old: BTreeSet<String> = versions
        .iter()
        .flat_map(|(name, versions)| versions.iter().rev().skip(1).map(move |version| (name, version)))
        .map(|(name, version)| match version.major {
            0 => format!("{name}@0.{}", version.minor),
            major => format!("{name}@{major}"),
        })
        .collect();
    let reasons: BTreeSet<String> = rules.bans.skip.into_iter().map(|skip| skip.name).collect();
    assert_eq!(old, reasons);
}

#[test]
fn every_direct_dependency_has_a_reason() {
    let document = fs::read_to_string(workspace().join("docs/development/dependencies.md")).unwrap();
    let (_, table) = document.split_once("\n## Direct dependencies\n").unwrap();
    let named: BTreeSet<&str> = table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .flat_map(|line| {
            line.split('|')
                .nth(1)
                .unwrap_or_default()
                .split('`')
                .skip(1)
                .step_by(2)
        })
        .collect();
    let packages = packages();
    let ours = packages.iter().filter(|package| package.source.is_none());
    let direct: BTreeSet<&str> = ours
        .flat_map(|package| &package.dependencies)
        .filter(|dependency| dependency.source.is_some())
        .map(|dependency| dependency.name.as_str())
        .collect();
    let missing: Vec<&&str> = direct.difference(&named).collect();
    assert!(
        missing.is_empty(),
        "docs/development/dependencies.md has no reason for {missing:?}"
    );
    let unused: Vec<&&str> = named.difference(&direct).collect();
    assert!(
        unused.is_empty(),
        "docs/development/dependencies.md has a reason for {unused:?}, which no manifest names"
    );
}

#[test]
fn every_shared_dependency_is_used() {
    #[derive(Deserialize)]
    struct Manifest {
        workspace: Shared,
    }
    #[derive(Deserialize)]
    struct Shared {
        dependencies: BTreeMap<String, Value>,
    }
    let manifest = Toml::file(workspace().join("Cargo.toml"));
    let manifest: Manifest = Figment::from(manifest).extract().unwrap();
    let packages = packages();
    let ours = packages.iter().filter(|package| package.source.is_none());
    let used: BTreeSet<&str> = ours
        .flat_map(|package| &package.dependencies)
        .map(|dependency| dependency.name.as_str())
        .collect();
    let unused: Vec<&String> = manifest
        .workspace
        .dependencies
        .keys()
        .filter(|name| !used.contains(name.as_str()))
        .collect();
    assert!(unused.is_empty(), "no crate uses {unused:?} of Cargo.toml");
}

#[test]
fn builds_are_locked() {
    let mut sources = vec![fs::read_to_string(workspace().join("Dockerfile")).unwrap()];
    for folder in ["xtask/src", "xtask/src/bench"] {
        let paths = fs::read_dir(workspace().join(folder)).unwrap();
        let paths = paths.map(|entry| entry.unwrap().path());
        sources.extend(
            paths
                .filter(|path| path.is_file())
                .map(|path| fs::read_to_string(path).unwrap()),
        );
    }
    for source in &sources {
        for (at, _) in source.match_indices("cargo([") {
            let call = &source[at..at + source[at..].find("])").unwrap()];
            let first = call.split('"').nth(1).unwrap_or_default();
            if ["build", "test", "clippy", "tree", "run", "deny"].contains(&first) {
                assert!(call.contains("--locked"), "{call}");
            }
        }
        for line in source
            .lines()
            .filter(|line| line.contains("cargo build") && line.contains("RUN"))
        {
            assert!(line.contains("--locked"), "{line}");
        }
    }
}
