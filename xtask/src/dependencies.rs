//! The program's dependencies: the rules of deny.toml, and the data for an audit.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process::{Failure, cargo, run_ok};
use crate::sbom;

/// The platform of the audit.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Runs cargo-deny. Known vulnerabilities come from a database that it downloads, so they are checked on request only.
pub(crate) fn deny(advisories: bool) -> Result<(), Failure> {
    if Command::new("cargo-deny").arg("--version").output().is_err() {
        return Err(Failure::Unexpected(
            "cargo-deny is not installed: run `cargo install --locked cargo-deny`. `cargo xtask test` checks Cargo.lock against the \
             same rules without it"
                .to_owned(),
        ));
    }
    let mut check = cargo(["deny", "--locked", "check", "bans", "licenses", "sources"]);
    if advisories {
        check.arg("advisories");
    }
    run_ok(&mut check)
}

/// A line for each crate in the program: uses of `unsafe`, build script, license.
pub(crate) fn audit() -> Result<String, Failure> {
    let mut lines = Vec::new();
    for package in sbom::linked("baton-ninja-one", TARGET)? {
        let folder = package
            .manifest_path
            .parent()
            .map_or(Path::new("."), |folder| folder.as_std_path());
        let uses = count_unsafe(folder).map_err(|source| Failure::file(folder, source))?;
        let has_build_script = package
            .targets
            .iter()
            .any(cargo_metadata::Target::is_custom_build);
        lines.push((
            uses,
            package.name.to_string(),
            package.version.to_string(),
            has_build_script,
            package.license.unwrap_or_default(),
        ));
    }
    lines.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let safe = lines.iter().filter(|line| line.0 == 0).count();
    let mut text = format!("{} crates, {safe} of them without unsafe code\n", lines.len());
    for (uses, name, version, has_build_script, license) in lines {
        let has_build_script = if has_build_script { "build script" } else { "" };
        let _ = writeln!(
            text,
            "{uses:6}  {name:34} {version:24} {has_build_script:12}  {license}"
        );
    }
    Ok(text)
}

/// Counts `unsafe` blocks, functions, implementations and foreign declarations outside tests, benchmarks and examples.
fn count_unsafe(folder: &Path) -> std::io::Result<usize> {
    let mut uses = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !["tests", "benches", "examples"].contains(&name.as_ref()) {
                uses += count_unsafe(&path)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            uses += count_unsafe_in(&String::from_utf8_lossy(&fs::read(&path)?));
        }
    }
    Ok(uses)
}

fn count_unsafe_in(text: &str) -> usize {
    let code = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    let code: Vec<&str> = code.flat_map(str::split_whitespace).collect();
    let keywords = ["{", "fn", "impl", "extern"];
    let follows =
        |pair: &&[&str]| pair[0] == "unsafe" && keywords.iter().any(|word| pair[1].starts_with(word));
    code.windows(2).filter(follows).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_uses_are_counted_and_mentions_are_not() {
        let text = "unsafe { a() }\npub unsafe fn b() {}\nunsafe\nimpl Send for C {}\n// unsafe { }\nlet unsafe_name = \"unsafe\";";
        assert_eq!(count_unsafe_in(text), 3);
    }
}
