//! A virtual environment with the Python packages that a test needs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::process::{Failure, fresh_folder};

/// The interpreter on the `PATH`, and the one within a virtual environment.
const OUTSIDE: &str = if cfg!(windows) { "python" } else { "python3" };
const INSIDE: &str = if cfg!(windows) {
    "Scripts/python.exe"
} else {
    "bin/python"
};

/// What Python says where it was installed without pip or venv.
const INCOMPLETE: [&str; 2] = ["ensurepip", "No module named venv"];
/// What pip says where it reaches no registry. Of a package or version that the registry lacks it says something else.
const OFFLINE: [&str; 4] = [
    "connection broken by",
    "Connection broken",
    "Max retries exceeded",
    "Read timed out",
];

/// What became of making one.
pub(crate) enum Environment {
    /// Its interpreter.
    Ready(PathBuf),
    /// This machine cannot have one, and why.
    Impossible(String),
}

/// The virtual environment in `folder` with what `requirements` lists. One that was made of the same list is used again.
pub(crate) fn environment(folder: &Path, requirements: &Path) -> Result<Environment, Failure> {
    let wanted = fs::read(requirements).map_err(|source| Failure::file(requirements, source))?;
    let (stamp, python) = (folder.join("requirements.txt"), folder.join(INSIDE));
    if python.exists() && fs::read(&stamp).is_ok_and(|made_of| made_of == wanted) {
        return Ok(Environment::Ready(python));
    }
    fresh_folder(folder)?;
    println!("making {}, which takes a minute", folder.display());
    let impossible = match create(folder)? {
        None => install(&python, requirements)?,
        reason => reason,
    };
    if let Some(reason) = impossible {
        return Ok(Environment::Impossible(reason));
    }
    fs::write(&stamp, wanted).map_err(|source| Failure::file(&stamp, source))?;
    Ok(Environment::Ready(python))
}

/// Makes an empty one, or says why there can be none.
fn create(folder: &Path) -> Result<Option<String>, Failure> {
    let made = Command::new(OUTSIDE).args(["-m", "venv"]).arg(folder).output();
    match made {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(Some(format!("there is no {OUTSIDE} here")))
        }
        made => reason(made, "python -m venv", &INCOMPLETE),
    }
}

/// Installs the packages, or says why they cannot be had.
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

/// Nothing if it worked, the reason if it failed for one of the `expected` ones, and a failure otherwise.
fn reason(ran: io::Result<Output>, what: &str, expected: &[&str]) -> Result<Option<String>, Failure> {
    let output = ran.map_err(|source| Failure::Start {
        program: what.to_owned(),
        source,
    })?;
    if output.status.success() {
        return Ok(None);
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let telling = said
        .lines()
        .find(|line| expected.iter().any(|words| line.contains(words)));
    if let Some(line) = telling {
        return Ok(Some(format!("{what}: {}", line.trim())));
    }
    Err(Failure::Unexpected(format!("{what} failed:\n{said}")))
}
