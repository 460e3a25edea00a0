//! `cargo xtask feed`: runs the queries of docs/guides/query-datasets.md in the programs that analysts use.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::files::{copy, copy_folder, fresh_folder};
use crate::process::{Failure, build_programs, run_ok, target_folder, workspace};
use crate::python::{Environment, environment};
use crate::simulator::Simulator;

/// The oldest Java version that the Spark of tests/feed/requirements.txt supports.
const MIN_JAVA: u32 = 17;
/// Technicians who have no second factor in the copy of the fixture tenant, so that the queries find somebody: an
/// administrator, and one with another permission on the complete tenant.
const WITHOUT_MFA: [u32; 2] = [3, 7];
/// The role that a member loses between the two syncs.
const ROLE: &str = "Network Engineering";

/// Writes the datasets and runs tests/feed on them. Without Python everything is skipped, without Java Spark.
pub(crate) fn run() -> Result<(), Failure> {
    let tests = workspace().join("tests").join("feed");
    let environment_result = environment(
        &target_folder().join("feed-venv"),
        &tests.join("requirements.txt"),
    )?;
    let python = match environment_result {
        Environment::Ready(python) => python,
        Environment::Impossible(reason) => {
            eprintln!("SKIPPED feed: {reason}");
            return Ok(());
        }
    };
    let out = workspace().join("out").join("feed");
    write_datasets(&out)?;

    let mut pytest = Command::new(python);
    pytest.args(["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"]);
    pytest.arg(&tests).current_dir(workspace()).env("FEED", &out);
    // An installed Spark would be used instead of the pinned one.
    pytest.env_remove("SPARK_HOME").env_remove("PYTHONPATH");
    if let Err(reason) = check_java() {
        eprintln!("SKIPPED spark: {reason}");
        pytest.arg("--ignore").arg(tests.join("test_spark.py"));
    }
    run_ok(&mut pytest)
}

/// Syncs the fixture tenant twice into the same datasets, so that it matters which sync is the latest. In the first sync a role
/// has one more member; `before.json` has the roles of that sync.
fn write_datasets(out: &Path) -> Result<(), Failure> {
    let programs = build_programs("dev")?;
    fresh_folder(out)?;
    let folder = out.join("tenant");
    let tenant = tenant(&folder)?;
    let (roles, before) = (folder.join("roles.json"), out.join("before.json"));
    copy(&roles, &before)?;
    edit_list(&before, add_member)?;
    let after = fs::read(&roles).map_err(|source| Failure::file(&roles, source))?;
    copy(&before, &roles)?;
    let arguments = ["--folder".to_owned(), tenant];
    let today = Simulator::start(&programs, &arguments)?;
    sync(&programs, &today, out)?;
    fs::write(&roles, after).map_err(|source| Failure::file(&roles, source))?;
    sync(&programs, &today.on_another_day(&programs, &arguments)?, out)
}

/// Adds a member of another role to a role.
fn add_member(roles: &mut [Value]) -> Option<()> {
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
    run_ok(connector.envs(tenant.settings()))
}

/// A copy of the fixture tenant in which some technicians have no second factor.
fn tenant(folder: &Path) -> Result<String, Failure> {
    copy_folder(&workspace().join("fixtures").join("msp"), folder)?;
    edit_list(&folder.join("technicians.json"), remove_mfa)?;
    Ok(folder.display().to_string())
}

fn remove_mfa(technicians: &mut [Value]) -> Option<()> {
    for id in WITHOUT_MFA {
        let technician = technicians.iter_mut().find(|technician| technician["id"] == id)?;
        technician["mfaConfigured"] = Value::Bool(false);
    }
    Some(())
}

/// Changes a JSON list in a file.
fn edit_list(path: &Path, edit_list: impl FnOnce(&mut [Value]) -> Option<()>) -> Result<(), Failure> {
    let failed = |source| Failure::file(path, source);
    let mut list: Vec<Value> = serde_json::from_slice(&fs::read(path).map_err(failed)?)
        .map_err(|error| Failure::Unexpected(format!("{}: {error}", path.display())))?;
    let missing = || Failure::Unexpected(format!("{} lacks the rows to change", path.display()));
    edit_list(&mut list).ok_or_else(missing)?;
    fs::write(path, Value::Array(list).to_string()).map_err(failed)
}

/// Checks that there is a Java that Spark supports; the error is the reason to skip.
fn check_java() -> Result<(), String> {
    let program = env::var_os("JAVA_HOME").map_or_else(
        || PathBuf::from("java"),
        |home| PathBuf::from(home).join("bin").join("java"),
    );
    let version_text = Command::new(program).arg("-version").output();
    let version_text = version_text.map_err(|error| format!("Java is not installed: {error}"))?;
    let version_text = String::from_utf8_lossy(&version_text.stderr);
    match version(&version_text) {
        Some(version) if version >= MIN_JAVA => Ok(()),
        Some(version) => Err(format!(
            "Java {version} is too old: Spark needs {MIN_JAVA} or newer"
        )),
        None => Err(format!("Java is not installed: {}", version_text.trim())),
    }
}

/// The major version in `openjdk version "17.0.15" 2025-04-15`; versions up to 8 begin with `1.`.
fn version(version_text: &str) -> Option<u32> {
    let quoted = version_text.split('"').nth(1)?;
    quoted.split(['.', '-', '+']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn java_versions_are_parsed() {
        for (version_text, expected) in [
            ("openjdk version \"17.0.15\" 2025-04-15", Some(17)),
            ("openjdk version \"25\" 2025-09-16", Some(25)),
            ("openjdk version \"26-ea\" 2026-03-17", Some(26)),
            ("java version \"1.8.0_402\"", Some(1)),
            (
                "The operation couldn't be completed. Unable to locate a Java Runtime.",
                None,
            ),
        ] {
            assert_eq!(version(version_text), expected, "{version_text}");
        }
    }
}
