//! The SBOM of the program, in CycloneDX format. The same sources and target give the same bytes: it has no date and no random
//! number.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use serde_json::{Value, json};

use crate::process::{Failure, cargo, stdout_of, workspace};

/// A generated SBOM.
pub(crate) struct Bom {
    /// The program's version.
    pub(crate) version: String,
    /// Number of crates in it, without the program itself.
    pub(crate) components: usize,
    /// The document.
    pub(crate) json: String,
}

/// Name and version, which identify a crate.
type Key = (String, String);

/// Generates the SBOM of a program built for a target.
pub(crate) fn generate(program: &str, target: &str, sha256: &str) -> Result<Bom, Failure> {
    let shipped = shipped(program, target)?;
    document(&metadata(target)?, program, &shipped, sha256)
}

/// The external crates that are linked into a program.
pub(crate) fn linked(program: &str, target: &str) -> Result<Vec<Package>, Failure> {
    let shipped = shipped(program, target)?;
    let linked = |package: &Package| {
        package.source.is_some() && shipped.contains(&(package.name.to_string(), package.version.to_string()))
    };
    Ok(metadata(target)?.packages.into_iter().filter(linked).collect())
}

fn metadata(target: &str) -> Result<Metadata, Failure> {
    MetadataCommand::new()
        .current_dir(workspace())
        .other_options(["--locked".to_owned(), format!("--filter-platform={target}")])
        .exec()
        .map_err(|error| Failure::Unexpected(format!("cargo metadata: {error}")))
}

/// The crates that are linked into the program, from `cargo tree`: `cargo metadata` resolves features for the complete workspace,
/// including simulators. Macros and build scripts are not linked.
fn shipped(program: &str, target: &str) -> Result<BTreeSet<Key>, Failure> {
    let edges = "normal,no-proc-macro";
    let tree = stdout_of(&mut cargo([
        "tree",
        "--locked",
        "--package",
        program,
        "--target",
        target,
        "--edges",
        edges,
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]))?;
    Ok(tree.lines().filter_map(key).collect())
}

/// Parses a line such as `url v2.5.8 (*)`.
fn key(line: &str) -> Option<Key> {
    let mut words = line.split(' ');
    let name = words.next()?;
    let version = words.next()?.strip_prefix('v')?;
    Some((name.to_owned(), version.to_owned()))
}

fn document(
    metadata: &Metadata,
    program: &str,
    shipped: &BTreeSet<Key>,
    sha256: &str,
) -> Result<Bom, Failure> {
    let packages: BTreeMap<Key, &Package> = metadata
        .packages
        .iter()
        .map(|package| ((package.name.to_string(), package.version.to_string()), package))
        .filter(|(key, _)| shipped.contains(key))
        .collect();
    if let Some((name, version)) = shipped.iter().find(|key| !packages.contains_key(*key)) {
        let unknown = format!("cargo metadata does not know {name} {version}");
        return Err(Failure::Unexpected(unknown));
    }
    let (root, others): (Vec<&Package>, Vec<&Package>) = packages
        .values()
        .partition(|package| package.name.as_str() == program);
    let [root] = root[..] else {
        return Err(Failure::Unexpected(format!("{program} is not one package")));
    };
    let mut main_component = component(root, "application");
    main_component["hashes"] = json!([{ "alg": "SHA-256", "content": sha256 }]);
    let components: Vec<Value> = others
        .iter()
        .map(|package| component(package, "library"))
        .collect();
    let bom = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": main_component },
        "components": components,
        "dependencies": dependencies(metadata, &packages),
    });
    Ok(Bom {
        version: root.version.to_string(),
        components: components.len(),
        json: format!("{bom:#}\n"),
    })
}

fn component(package: &Package, kind: &str) -> Value {
    let mut component = json!({
        "type": kind,
        "bom-ref": purl(package),
        "name": package.name,
        "version": package.version.to_string(),
        "purl": purl(package),
    });
    if let Some(license) = &package.license {
        component["licenses"] = json!([{ "expression": expression(license) }]);
    }
    component
}

/// Our crates are in no registry and must not be confused with a crate published there under the same name.
fn purl(package: &Package) -> String {
    let registry = package
        .source
        .as_ref()
        .is_some_and(cargo_metadata::Source::is_crates_io);
    let kind = if registry { "cargo" } else { "generic" };
    let version = package.version.to_string().replace('+', "%2B");
    format!("pkg:{kind}/{}@{version}", package.name)
}

/// Old manifests separate alternatives by a slash, which is not SPDX.
fn expression(license: &str) -> String {
    let alternatives: Vec<&str> = license.split('/').map(str::trim).collect();
    alternatives.join(" OR ")
}

/// The dependencies between crates of the program.
fn dependencies(metadata: &Metadata, packages: &BTreeMap<Key, &Package>) -> Vec<Value> {
    let refs: BTreeMap<_, _> = packages
        .values()
        .map(|package| (&package.id, purl(package)))
        .collect();
    let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    let used: BTreeMap<&String, BTreeSet<&String>> = nodes
        .filter_map(|node| {
            let normal = node.deps.iter().filter(|dependency| {
                let mut kinds = dependency.dep_kinds.iter();
                kinds.any(|kind| kind.kind == DependencyKind::Normal)
            });
            let used = normal.filter_map(|dependency| refs.get(&dependency.pkg));
            Some((refs.get(&node.id)?, used.collect()))
        })
        .collect();
    used.iter()
        .map(|(user, used)| json!({ "ref": user, "dependsOn": used }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tree_lines_are_parsed() {
        let parsed = |name: &str, version: &str| Some((name.to_owned(), version.to_owned()));
        assert_eq!(key("url v2.5.8"), parsed("url", "2.5.8"));
        assert_eq!(
            key("zstd-sys v2.0.16+zstd.1.5.7 (*)"),
            parsed("zstd-sys", "2.0.16+zstd.1.5.7")
        );
        assert_eq!(
            key("c1z v0.1.0 (/somewhere/crates/c1z) (*)"),
            parsed("c1z", "0.1.0")
        );
        assert_eq!(key(""), None);
    }

    #[test]
    fn licenses_are_spdx_expressions() {
        assert_eq!(expression("MIT/Apache-2.0"), "MIT OR Apache-2.0");
        assert_eq!(expression("Apache-2.0 / MIT"), "Apache-2.0 OR MIT");
        assert_eq!(expression("Apache-2.0 AND ISC"), "Apache-2.0 AND ISC");
    }

    /// Uses this workspace, so that a crate with missing metadata is found.
    #[test]
    fn the_sbom_of_the_real_program_is_complete() {
        let host = crate::dist::host().unwrap();
        let bom = generate("baton-ninja-one", &host, "00").unwrap();
        assert_eq!(bom.json, generate("baton-ninja-one", &host, "00").unwrap().json);
        let document: Value = serde_json::from_str(&bom.json).unwrap();
        assert_eq!(document["metadata"]["component"]["hashes"][0]["content"], "00");
        let components = document["components"].as_array().unwrap();
        assert_eq!(components.len(), bom.components);
        let names: Vec<&str> = components
            .iter()
            .map(|component| component["name"].as_str().unwrap())
            .collect();
        assert!(names.is_sorted());
        for inside in ["access-core", "ring", "rustls", "zstd-sys"] {
            assert!(names.contains(&inside), "{inside} is missing");
        }
        for outside in ["cc", "insta", "ninjaone-sim", "s3-sim", "serde_derive", "xtask"] {
            assert!(!names.contains(&outside), "{outside} is not in the program");
        }
        for component in components {
            assert!(component["licenses"][0]["expression"].is_string(), "{component}");
        }
        let purl = |name: &str| {
            let at = names.iter().position(|other| *other == name).unwrap();
            components[at]["purl"].as_str().unwrap()
        };
        assert!(purl("access-core").starts_with("pkg:generic/access-core@"));
        assert!(purl("ring").starts_with("pkg:cargo/ring@"));
        // Everything is there because something else in the program uses it.
        let edges = document["dependencies"].as_array().unwrap();
        let used: Vec<&Value> = edges
            .iter()
            .flat_map(|edge| edge["dependsOn"].as_array().unwrap())
            .collect();
        for component in components {
            assert!(used.contains(&&component["purl"]), "nothing uses {component}");
        }
    }
}
