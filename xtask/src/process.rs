//! Runs cargo and other programs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::{env, io};

use crate::files::fresh_folder;

/// Why a developer command stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("cannot start {program}: {source}")]
    Start { program: String, source: io::Error },
    #[error("{command_line} failed ({status})")]
    Status { command_line: String, status: String },
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
    let manifest_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest_folder.parent().unwrap_or(manifest_folder).to_owned()
}

/// A `cargo` call in the workspace, with the cargo that runs xtask. The variables that it sets for xtask are removed, because
/// they would make build scripts run again after every call from a shell.
pub(crate) fn cargo<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(workspace());
    for (name, _) in env::vars_os() {
        let set_by_cargo = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_NAME",
            "CARGO_CRATE_NAME",
        ];
        if name
            .to_str()
            .is_some_and(|name| set_by_cargo.iter().any(|start| name.starts_with(start)))
        {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command that must succeed.
pub(crate) fn run_ok(command: &mut Command) -> Result<(), Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .map_err(|source| Failure::Start { program, source })?;
    check_status(command, status)
}

/// Runs a command that must succeed and returns its standard output.
pub(crate) fn stdout_of(command: &mut Command) -> Result<String, Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| Failure::Start { program, source })?;
    check_status(command, output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn check_status(command: &Command, status: ExitStatus) -> Result<(), Failure> {
    if status.success() {
        return Ok(());
    }
    let parts = std::iter::once(command.get_program()).chain(command.get_args());
    let command_line = parts.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ");
    Err(Failure::Status {
        command_line,
        status: status.to_string(),
    })
}

/// Formatting and lints.
pub(crate) fn lint() -> Result<(), Failure> {
    run_ok(&mut cargo(["fmt", "--all", "--check"]))?;
    run_ok(&mut cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "--deny",
        "warnings",
    ]))
}

/// Runs all tests. A test that cannot run on this machine prints a line that begins with `SKIPPED`.
pub(crate) fn test(rest: &[String]) -> Result<(), Failure> {
    let mut command = cargo(["test", "--workspace", "--locked"]);
    run_ok(command.args(rest))
}

/// Writes the generated parts of docs/, with the tests that check them. The complete workspace is built, so that features and
/// dependencies are those of all other commands.
pub(crate) fn docs() -> Result<(), Failure> {
    let mut command = cargo(["test", "--workspace", "--test", "docs", "--locked"]);
    run_ok(command.env("UPDATE_DOCS", "1"))
}

/// Writes the manual pages, which the program generates.
pub(crate) fn man() -> Result<(), Failure> {
    let folder = workspace().join("out").join("man");
    fresh_folder(&folder)?;
    let mut command = cargo(["run", "--locked", "--package", "baton-ninja-one", "--", "man"]);
    run_ok(command.arg(&folder))
}

/// Builds both programs and returns their folder. The complete workspace is built, because building single packages resolves
/// features differently and compiles the dependencies again.
pub(crate) fn build_programs(profile: &str) -> Result<PathBuf, Failure> {
    run_ok(&mut cargo([
        "build",
        "--workspace",
        "--bins",
        "--locked",
        "--profile",
        profile,
    ]))?;
    Ok(target_folder().join(if profile == "dev" { "debug" } else { profile }))
}

/// Builds the connector and the simulator only, without optimisation or debug information, and returns their folder: for whoever has
/// compiled nothing yet.
pub(crate) fn build_demo_programs() -> Result<PathBuf, Failure> {
    run_ok(&mut cargo([
        "build",
        "--package=baton-ninja-one",
        "--package=ninjaone-sim",
        "--bins",
        "--locked",
        "--profile=quick",
    ]))?;
    Ok(target_folder().join("quick"))
}

/// The target folder of the workspace.
pub(crate) fn target_folder() -> PathBuf {
    workspace().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}
