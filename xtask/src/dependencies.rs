//! What the program is made of: the rules of deny.toml, and what an audit starts from.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process::{Failure, cargo, succeed};
use crate::sbom;

/// The platform that the audit is about.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Asks cargo-deny. The known vulnerabilities come from a database that it fetches, so they are only asked for on request.
pub(crate) fn deny(advisories: bool) -> Result<(), Failure> {
    if Command::new("cargo-deny").arg("--version").output().is_err() {
        return Err(Failure::Unexpected(
            "cargo-deny is not here; `cargo install --locked cargo-deny` brings it. `cargo xtask test` holds Cargo.lock against the \
             same rules without it"
                .to_owned(),
        ));
    }
    let mut check = cargo(["deny", "--locked", "check", "bans", "licenses", "sources"]);
    if advisories {
        check.arg("advisories");
    }
    succeed(&mut check)
}

/// Prints a line for each crate in the program: how often it uses `unsafe`, whether it runs a build script, its licence.
pub(crate) fn audit() -> Result<String, Failure> {
    let mut lines = Vec::new();
    for package in sbom::linked("baton-ninja-one", TARGET)? {
        let folder = package
            .manifest_path
            .parent()
            .map_or(Path::new("."), |folder| folder.as_std_path());
        let uses = count_unsafe(folder).map_err(|source| Failure::file(folder, source))?;
        let builds = package
            .targets
            .iter()
            .any(cargo_metadata::Target::is_custom_build);
        lines.push((
            uses,
            package.name.to_string(),
            package.version.to_string(),
            builds,
            package.license.unwrap_or_default(),
        ));
    }
    lines.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let safe = lines.iter().filter(|line| line.0 == 0).count();
    let mut text = format!("{} crates, {safe} of them without unsafe code\n", lines.len());
    for (uses, name, version, builds, license) in lines {
        let builds = if builds { "build script" } else { "" };
        let _ = writeln!(text, "{uses:6}  {name:34} {version:24} {builds:12}  {license}");
    }
    Ok(text)
}

/// Blocks, functions, implementations and foreign declarations that say `unsafe`, without what only tests and benchmarks are.
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
            uses += in_text(&String::from_utf8_lossy(&fs::read(&path)?));
        }
    }
    Ok(uses)
}

fn in_text(text: &str) -> usize {
    let code = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    let code: Vec<&str> = code.flat_map(str::split_whitespace).collect();
    let what = ["{", "fn", "impl", "extern"];
    let follows = |pair: &&[&str]| pair[0] == "unsafe" && what.iter().any(|word| pair[1].starts_with(word));
    code.windows(2).filter(follows).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_counted_and_words_are_not() {
        let text = "unsafe { a() }\npub unsafe fn b() {}\nunsafe\nimpl Send for C {}\n// unsafe { }\nlet unsafe_name = \"unsafe\";";
        assert_eq!(in_text(text), 3);
    }
}
