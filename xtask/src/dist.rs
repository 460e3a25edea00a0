//! `cargo xtask dist`: the release files. The program, linked statically where this machine can build that, its SBOM, and checksums
//! of both.

use std::env;
use std::env::consts::{ARCH, EXE_SUFFIX, OS};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::files::{fresh_folder, sha256};
use crate::process::{Failure, cargo, run_ok, stdout_of, target_folder, workspace};
use crate::sbom;

const PROGRAM: &str = "baton-ninja-one";

/// Builds the program and its SBOM in out/dist.
pub(crate) fn run(profile: &str) -> Result<(), Failure> {
    let host = host()?;
    let musl = format!("{ARCH}-unknown-linux-musl");
    let target = match missing_for_target(&musl, &host)? {
        None => musl,
        Some(reason) => {
            eprintln!("WARNING: cannot build a static program for {musl}: {reason}.");
            eprintln!("WARNING: building for {host} instead, which needs that system's C library.");
            host.clone()
        }
    };
    let built = build(profile, Some(target.as_str()).filter(|target| *target != host))?;
    run_ok(Command::new(&built).arg("--version"))?;

    let out = workspace().join("out").join("dist");
    fresh_folder(&out)?;
    let bytes = fs::read(&built).map_err(|source| Failure::file(&built, source))?;
    let bom = sbom::generate(PROGRAM, &target, &sha256(&bytes))?;
    // Only a release has a name without the profile.
    let suffix = if profile == "release" {
        String::new()
    } else {
        format!("-{profile}")
    };
    let stem = format!("{PROGRAM}-{}-{target}{suffix}", bom.version);
    let (program, sbom_name) = (format!("{stem}{EXE_SUFFIX}"), format!("{stem}.cdx.json"));
    let copy = out.join(&program);
    fs::copy(&built, &copy).map_err(|source| Failure::file(&copy, source))?;
    write(&out.join(&sbom_name), &bom.json)?;
    let checksums_text = checksums(&[(&program, &bytes), (&sbom_name, bom.json.as_bytes())]);
    write(&out.join("SHA256SUMS"), &checksums_text)?;
    println!(
        "{program} with {} dependencies, in {}",
        bom.components,
        out.display()
    );
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|source| Failure::file(path, source))
}

/// Builds only the program: with the workspace it would get features that only simulators request.
fn build(profile: &str, target: Option<&str>) -> Result<PathBuf, Failure> {
    let mut command = cargo(["build", "--locked", "--package", PROGRAM, "--profile", profile]);
    let mut folder = target_folder();
    if let Some(target) = target {
        command.args(["--target", target]);
        folder.push(target);
    }
    run_ok(&mut command)?;
    folder.push(if profile == "dev" { "debug" } else { profile });
    Ok(folder.join(format!("{PROGRAM}{EXE_SUFFIX}")))
}

/// The missing requirement to build for a target, with a fix.
fn missing_for_target(target: &str, host: &str) -> Result<Option<String>, Failure> {
    if target == host {
        return Ok(None);
    }
    if OS != "linux" {
        return Ok(Some(format!("this is {OS}; the Dockerfile builds one anywhere")));
    }
    let libraries = rustc(&["--print", "target-libdir", "--target", target])?;
    if !Path::new(libraries.trim()).is_dir() {
        return Ok(Some(format!(
            "the target {target} is missing: `rustup target add {target}`"
        )));
    }
    let compilers = [format!("{ARCH}-linux-musl-gcc"), "musl-gcc".to_owned()];
    let chosen = env::var_os(format!("CC_{}", target.replace('-', "_"))).is_some();
    if chosen || compilers.iter().any(|name| on_path(name)) {
        return Ok(None);
    }
    Ok(Some(
        "a C compiler for musl is missing: install musl-gcc (Debian: musl-tools)".to_owned(),
    ))
}

fn on_path(name: &str) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| folder.join(name).is_file())
}

/// The target of the compiler's host.
pub(crate) fn host() -> Result<String, Failure> {
    let version_text = rustc(&["--version", "--verbose"])?;
    let host = version_text.lines().find_map(|line| line.strip_prefix("host: "));
    let silent = || Failure::Unexpected("rustc does not print its host".to_owned());
    host.map(str::to_owned).ok_or_else(silent)
}

fn rustc(arguments: &[&str]) -> Result<String, Failure> {
    let program = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    stdout_of(Command::new(program).args(arguments).current_dir(workspace()))
}

/// A line for each file, sorted by name, in the format of sha256sum.
fn checksums(files: &[(&str, &[u8])]) -> String {
    let mut files = files.to_vec();
    files.sort_by_key(|(name, _)| *name);
    let lines = files
        .iter()
        .map(|(name, bytes)| format!("{}  {name}\n", sha256(bytes)));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::checksums;

    #[test]
    fn checksums_are_sorted_and_in_sha256sum_format() {
        assert_eq!(
            checksums(&[("b", b""), ("a", b"abc")]),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n\
             e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b\n"
        );
    }
}
