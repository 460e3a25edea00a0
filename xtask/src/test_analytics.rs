//! `cargo xtask feed`: the datasets, read by the programs that analysts use, with the queries of docs/guides/query-datasets.md.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::process::{Failure, build_programs, fresh_folder, succeed, target_folder, workspace};
use crate::python::{Environment, environment};
use crate::simulator::Simulator;

/// The oldest Java that the Spark of tests/feed/requirements.txt runs on.
const JAVA: u32 = 17;
/// Technicians of the fixture tenant who have no second factor here, so that somebody is found: one is an administrator,
/// the other is not but has a right over the whole tenant, too.
const WITHOUT_SECOND_FACTOR: [u32; 2] = [3, 7];
/// The role that somebody lost between the two syncs.
const ROLE: &str = "Network Engineering";

/// Writes the datasets and runs tests/feed on them. Without Python there is nothing to run, and without Java no Spark.
pub(crate) fn run() -> Result<(), Failure> {
    let tests = workspace().join("tests").join("feed");
    let made = environment(
        &target_folder().join("feed-venv"),
        &tests.join("requirements.txt"),
    )?;
    let python = match made {
        Environment::Ready(python) => python,
        Environment::Impossible(reason) => {
            eprintln!("SKIPPED feed: {reason}");
            return Ok(());
        }
    };
    let out = workspace().join("out").join("feed");
    write(&out)?;

    let mut pytest = Command::new(python);
    pytest.args(["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"]);
    pytest.arg(&tests).current_dir(workspace()).env("FEED", &out);
    // A Spark that is installed on this machine would be taken instead of the one that is pinned.
    pytest.env_remove("SPARK_HOME").env_remove("PYTHONPATH");
    if let Err(reason) = java() {
        eprintln!("SKIPPED spark: {reason}");
        pytest.arg("--ignore").arg(tests.join("test_spark.py"));
    }
    succeed(&mut pytest)
}

/// Two syncs of the fixture tenant into the same datasets, so that it matters which one is the latest. On the first day somebody
/// more held a role; `before.json` has the roles of that day.
fn write(out: &Path) -> Result<(), Failure> {
    let programs = build_programs("dev")?;
    fresh_folder(out)?;
    let folder = out.join("tenant");
    let tenant = tenant(&folder)?;
    let (roles, before) = (folder.join("roles.json"), out.join("before.json"));
    let copy = |from: &Path, to: &Path| fs::copy(from, to).map_err(|source| Failure::file(from, source));
    copy(&roles, &before)?;
    change(&before, one_more)?;
    let after = fs::read(&roles).map_err(|source| Failure::file(&roles, source))?;
    copy(&before, &roles)?;
    let arguments = ["--folder".to_owned(), tenant];
    let today = Simulator::start(&programs, &arguments)?;
    sync(&programs, &today, out)?;
    fs::write(&roles, after).map_err(|source| Failure::file(&roles, source))?;
    sync(&programs, &today.on_another_day(&programs, &arguments)?, out)
}

/// Gives a role a member of another one.
fn one_more(roles: &mut [Value]) -> Option<()> {
    let named = |role: &&mut Value| role["name"] == ROLE;
    let other = roles
        .iter()
        .find(|role| role["name"] != ROLE && role["members"].get(0).is_some())?;
    let holders = roles.iter().find(|role| role["name"] == ROLE)?["members"].clone();
    let is_new = |member: &&Value| {
        holders
            .as_array()
            .into_iter()
            .flatten()
            .all(|holder| holder["id"] != member["id"])
    };
    let member = other["members"].as_array()?.iter().find(is_new)?.clone();
    let role = roles.iter_mut().find(named)?;
    role["members"].as_array_mut()?.push(member);
    Some(())
}

fn sync(programs: &Path, tenant: &Simulator, out: &Path) -> Result<(), Failure> {
    let mut connector = Command::new(programs.join("baton-ninja-one"));
    connector.args([
        "--sink",
        "c1z=sync.c1z",
        "--sink",
        "parquet=parquet",
        "--sink",
        "csv=csv",
    ]);
    connector.args(["--log-level", "warn"]);
    connector.current_dir(out).stdout(Stdio::null());
    succeed(connector.envs(tenant.settings()))
}

/// A copy of the fixture tenant in which some technicians have no second factor.
fn tenant(folder: &Path) -> Result<String, Failure> {
    fresh_folder(folder)?;
    let fixture = workspace().join("fixtures").join("msp");
    let files = fs::read_dir(&fixture).map_err(|source| Failure::file(&fixture, source))?;
    for file in files {
        let from = file.map_err(|source| Failure::file(&fixture, source))?.path();
        let to = folder.join(from.file_name().unwrap_or_default());
        fs::copy(&from, to).map_err(|source| Failure::file(&from, source))?;
    }
    change(&folder.join("technicians.json"), take_second_factors)?;
    Ok(folder.display().to_string())
}

fn take_second_factors(technicians: &mut [Value]) -> Option<()> {
    for id in WITHOUT_SECOND_FACTOR {
        let technician = technicians.iter_mut().find(|technician| technician["id"] == id)?;
        technician["mfaConfigured"] = Value::Bool(false);
    }
    Some(())
}

/// Changes a JSON list in a file.
fn change(path: &Path, change: impl FnOnce(&mut [Value]) -> Option<()>) -> Result<(), Failure> {
    let failed = |source| Failure::file(path, source);
    let mut list: Vec<Value> = serde_json::from_slice(&fs::read(path).map_err(failed)?)
        .map_err(|error| Failure::Unexpected(format!("{}: {error}", path.display())))?;
    let missing = || Failure::Unexpected(format!("{} lacks what is to be changed", path.display()));
    change(&mut list).ok_or_else(missing)?;
    fs::write(path, Value::Array(list).to_string()).map_err(failed)
}

/// Whether Spark finds a Java that it runs on, and why not.
fn java() -> Result<(), String> {
    let program = env::var_os("JAVA_HOME").map_or_else(
        || PathBuf::from("java"),
        |home| PathBuf::from(home).join("bin").join("java"),
    );
    let told = Command::new(program).arg("-version").output();
    let told = told.map_err(|error| format!("there is no Java here: {error}"))?;
    let told = String::from_utf8_lossy(&told.stderr);
    match version(&told) {
        Some(version) if version >= JAVA => Ok(()),
        Some(version) => Err(format!("Java {version} is here, Spark needs {JAVA} or newer")),
        None => Err(format!("there is no Java here: {}", told.trim())),
    }
}

/// The major version in `openjdk version "17.0.15" 2025-04-15`; old ones call themselves 1.8.
fn version(told: &str) -> Option<u32> {
    let quoted = told.split('"').nth(1)?;
    quoted.split(['.', '-', '+']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn the_version_of_java() {
        for (told, expected) in [
            ("openjdk version \"17.0.15\" 2025-04-15", Some(17)),
            ("openjdk version \"25\" 2025-09-16", Some(25)),
            ("openjdk version \"26-ea\" 2026-03-17", Some(26)),
            ("java version \"1.8.0_402\"", Some(1)),
            (
                "The operation couldn't be completed. Unable to locate a Java Runtime.",
                None,
            ),
        ] {
            assert_eq!(version(told), expected, "{told}");
        }
    }
}
