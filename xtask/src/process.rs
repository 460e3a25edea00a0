//! Running cargo and other programs, step by step.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::{env, io};

/// Why a developer command stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("cannot start {program}: {source}")]
    Start { program: String, source: io::Error },
    #[error("{what} failed ({status})")]
    Status { what: String, status: String },
    #[error("{path}: {source}", path = path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{0}")]
    Unexpected(String),
}

impl Failure {
    pub(crate) fn file(path: &Path, source: io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }
}

/// The folder with the workspace's Cargo.toml.
pub(crate) fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// A `cargo` call in the workspace, by the same cargo that runs xtask. What that cargo says of xtask in the environment is
/// taken out: build scripts that look at it would run again after every call from a shell.
pub(crate) fn cargo<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(workspace());
    for (name, _) in env::vars_os() {
        let of_xtask = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_NAME",
            "CARGO_CRATE_NAME",
        ];
        if name
            .to_str()
            .is_some_and(|name| of_xtask.iter().any(|start| name.starts_with(start)))
        {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end and insists that it succeeds.
pub(crate) fn succeed(command: &mut Command) -> Result<(), Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .map_err(|source| Failure::Start { program, source })?;
    succeeded(command, status)
}

/// Runs a command to its end, insists that it succeeds, and tells what it said.
pub(crate) fn said(command: &mut Command) -> Result<String, Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| Failure::Start { program, source })?;
    succeeded(command, output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<(), Failure> {
    if status.success() {
        return Ok(());
    }
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let what = words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ");
    Err(Failure::Status {
        what,
        status: status.to_string(),
    })
}

/// Formatting and lints.
pub(crate) fn lint() -> Result<(), Failure> {
    succeed(&mut cargo(["fmt", "--all", "--check"]))?;
    succeed(&mut cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "--deny",
        "warnings",
    ]))
}

/// All tests. What a test cannot run here (no shared facts, no root) it says with a line that begins `SKIPPED`.
pub(crate) fn test(rest: &[String]) -> Result<(), Failure> {
    let mut command = cargo(["test", "--workspace", "--locked"]);
    succeed(command.args(rest))
}

/// The generated parts of docs/ are checked by tests; the same tests write them when told to. The
/// whole workspace is named, so that features and with them dependencies are those of all other commands.
pub(crate) fn docs() -> Result<(), Failure> {
    let mut command = cargo(["test", "--workspace", "--test", "docs", "--locked"]);
    succeed(command.env("UPDATE_DOCS", "1"))
}

/// Writes the manual pages, which the program makes itself.
pub(crate) fn man() -> Result<(), Failure> {
    let folder = workspace().join("out").join("man");
    fresh_folder(&folder)?;
    let mut command = cargo(["run", "--locked", "--package", "baton-ninja-one", "--", "man"]);
    succeed(command.arg(&folder))
}

/// Builds both programs and tells the folder they are in. The whole workspace is built, because building packages
/// alone would resolve features differently and compile the dependencies once more.
pub(crate) fn build_programs(profile: &str) -> Result<PathBuf, Failure> {
    succeed(&mut cargo([
        "build",
        "--workspace",
        "--bins",
        "--locked",
        "--profile",
        profile,
    ]))?;
    Ok(target_folder().join(if profile == "dev" { "debug" } else { profile }))
}

/// Where cargo, called in the workspace, puts what it builds.
pub(crate) fn target_folder() -> PathBuf {
    workspace().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Makes an empty folder, removing what was there.
pub(crate) fn fresh_folder(path: &Path) -> Result<(), Failure> {
    let failed = |source| Failure::file(path, source);
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    std::fs::create_dir_all(path).map_err(failed)
}
