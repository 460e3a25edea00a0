//! Virtual environments with the Python packages of a test.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::files::fresh_folder;
use crate::process::Failure;

/// The interpreter on the `PATH`, and the one in a virtual environment.
const SYSTEM_PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };
const VENV_PYTHON: &str = if cfg!(windows) {
    "Scripts/python.exe"
} else {
    "bin/python"
};

/// Messages of a Python that was installed without pip or venv.
const INCOMPLETE_PYTHON: [&str; 2] = ["ensurepip", "No module named venv"];
/// Messages of pip without a connection to the registry. Missing packages or versions have other messages.
const OFFLINE: [&str; 4] = [
    "connection broken by",
    "Connection broken",
    "Max retries exceeded",
    "Read timed out",
];

/// The result of creating a virtual environment.
pub(crate) enum Environment {
    /// Its interpreter.
    Ready(PathBuf),
    /// The reason why this machine cannot have one.
    Impossible(String),
}

/// Creates a virtual environment in `folder` with the packages in `requirements`, or reuses one with the same list.
pub(crate) fn environment(folder: &Path, requirements: &Path) -> Result<Environment, Failure> {
    let required = fs::read(requirements).map_err(|source| Failure::file(requirements, source))?;
    let (stamp, python) = (folder.join("requirements.txt"), folder.join(VENV_PYTHON));
    if python.exists() && fs::read(&stamp).is_ok_and(|installed| installed == required) {
        return Ok(Environment::Ready(python));
    }
    fresh_folder(folder)?;
    println!("creating {}, which takes a minute", folder.display());
    let impossible = match create(folder)? {
        None => install(&python, requirements)?,
        reason => reason,
    };
    if let Some(reason) = impossible {
        return Ok(Environment::Impossible(reason));
    }
    fs::write(&stamp, required).map_err(|source| Failure::file(&stamp, source))?;
    Ok(Environment::Ready(python))
}

/// Creates an empty environment. Returns the reason if this machine cannot have one.
fn create(folder: &Path) -> Result<Option<String>, Failure> {
    let output = Command::new(SYSTEM_PYTHON)
        .args(["-m", "venv"])
        .arg(folder)
        .output();
    match output {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(Some(format!("{SYSTEM_PYTHON} is not installed")))
        }
        output => reason(output, "python -m venv", &INCOMPLETE_PYTHON),
    }
}

/// Installs the packages. Returns the reason if they cannot be downloaded.
fn install(python: &Path, requirements: &Path) -> Result<Option<String>, Failure> {
    let mut pip = Command::new(python);
    pip.args([
        "-m",
        "pip",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
    ]);
    pip.args(["--retries", "2", "install", "--requirement"]);
    reason(pip.arg(requirements).output(), "pip install", &OFFLINE)
}

/// `None` after success, the reason after one of the `expected` errors, and a failure otherwise.
fn reason(result: io::Result<Output>, step: &str, expected: &[&str]) -> Result<Option<String>, Failure> {
    let output = result.map_err(|source| Failure::Start {
        program: step.to_owned(),
        source,
    })?;
    if output.status.success() {
        return Ok(None);
    }
    let stdout_of = [output.stdout, output.stderr].concat();
    let stdout_of = String::from_utf8_lossy(&stdout_of);
    let reason_line = stdout_of
        .lines()
        .find(|line| expected.iter().any(|words| line.contains(words)));
    if let Some(line) = reason_line {
        return Ok(Some(format!("{step}: {}", line.trim())));
    }
    Err(Failure::Unexpected(format!("{step} failed:\n{stdout_of}")))
}
