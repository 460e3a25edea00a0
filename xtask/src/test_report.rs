//! `cargo xtask report-tests`: tests review reports in a real browser, compared with the dataset of the same sync.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::files::{copy_folder, fresh_folder};
use crate::process::{Failure, build_programs, run_ok, workspace};
use crate::simulator::Simulator;

/// The oldest Node.js version that the tests support.
const MIN_NODE: u32 = 20;

/// Names that try to be markup: file, key, value.
const HOSTILE_NAMES: [(&str, &str, &str); 6] = [
    (
        "technicians.json",
        "firstName",
        "<img src=x onerror=\"window.pwned=true\">",
    ),
    (
        "technicians.json",
        "lastName",
        "</script><script>window.pwned=true</script>",
    ),
    (
        "end-users.json",
        "firstName",
        "'\"><svg onload=window.pwned=true>{{data}}",
    ),
    ("end-users.json", "lastName", "\u{202e}nimda</title><!--"),
    (
        "roles.json",
        "name",
        "</script><script>window.pwned=true</script>{{code}}",
    ),
    (
        "organizations.json",
        "name",
        "javascript:window.pwned=true//<base href=x>",
    ),
];

/// Writes reports and datasets, and runs tests/report on them.
pub(crate) fn tests() -> Result<(), Failure> {
    let browser = match find_browser_and_packages()? {
        Ok(browser) => browser,
        Err(reason) => {
            eprintln!("SKIPPED report: {reason}");
            return Ok(());
        }
    };
    let out = workspace().join("out").join("report");
    let programs = build_programs("dev")?;
    fresh_folder(&out)?;
    sync_thousand(&programs, &out)?;
    sync_hostile(&programs, &out)?;
    report_quarter(&programs, &out)?;
    report_twenty_thousand(&programs, &out)?;
    let tenant = Simulator::start(&programs, &["--tenant".to_owned(), "msp".to_owned()])?;
    sync_with_changes(&programs, &tenant, &out)?;
    // One after the other, because they measure times.
    for file in ["report.test.mjs", "review.test.mjs"] {
        let mut node = Command::new("node");
        node.args(["--test", "--test-reporter=spec", file])
            .current_dir(tests_folder());
        node.env("CHROMIUM", &browser)
            .env("REPORTS", &out)
            .env("CONNECTOR", programs.join("baton-ninja-one"));
        run_ok(node.envs(tenant.settings()))?;
    }
    Ok(())
}

/// Takes the README's screenshot of the report that the demo wrote.
pub(crate) fn picture() -> Result<(), Failure> {
    let browser = find_browser_and_packages()?.map_err(Failure::Unexpected)?;
    let out = workspace().join("out").join("demo").join("report.html");
    if !out.exists() {
        let missing = "run `cargo xtask demo` first: there is no out/demo/report.html";
        return Err(Failure::Unexpected(missing.to_owned()));
    }
    let mut node = Command::new("node");
    node.arg("picture.mjs").arg(&out);
    node.arg(workspace().join("docs").join("report.png"))
        .current_dir(tests_folder());
    run_ok(node.env("CHROMIUM", browser))
}

/// Measures how long a browser needs for a report.
pub(crate) fn measure(report: &Path) -> Result<(), Failure> {
    let browser = find_browser_and_packages()?.map_err(Failure::Unexpected)?;
    let mut node = Command::new("node");
    node.arg("measure.mjs").arg(report).current_dir(tests_folder());
    run_ok(node.env("CHROMIUM", browser))
}

fn tests_folder() -> PathBuf {
    workspace().join("tests").join("report")
}

/// The browser, after all requirements are checked; or the reason to skip the tests.
fn find_browser_and_packages() -> Result<Result<PathBuf, String>, Failure> {
    let Some(browser) = browser() else {
        return Ok(Err(
            "Chromium is not installed; set CHROMIUM to its path".to_owned()
        ));
    };
    match version("node") {
        Some(version) if version >= MIN_NODE => {}
        Some(version) => {
            return Ok(Err(format!(
                "Node.js {version} is too old: the tests need {MIN_NODE} or newer"
            )));
        }
        None => return Ok(Err("Node.js is not installed".to_owned())),
    }
    Ok(install_packages()?.map_or(Ok(browser), Err))
}

fn browser() -> Option<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM") {
        return Some(named.into());
    }
    let path = env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|program| program.is_file())
}

/// The major version that a program prints for `--version`.
fn version(program: &str) -> Option<u32> {
    let stdout_of = Command::new(program).arg("--version").output().ok()?;
    let stdout_of = String::from_utf8(stdout_of.stdout).ok()?;
    stdout_of
        .trim()
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// Installs the locked packages unless they are installed. Returns the reason if they cannot be.
fn install_packages() -> Result<Option<String>, Failure> {
    let folder = tests_folder();
    let lock = folder.join("package-lock.json");
    let locked = fs::read(&lock).map_err(|source| Failure::file(&lock, source))?;
    let stamp = folder.join("node_modules").join(".made-of");
    if fs::read(&stamp).is_ok_and(|installed| installed == locked) {
        return Ok(None);
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-fund", "--no-audit", "--ignore-scripts"])
        .current_dir(&folder);
    match npm.output() {
        Err(error) => Ok(Some(format!("cannot start npm: {error}"))),
        Ok(output) if !output.status.success() => {
            let stdout_of = String::from_utf8_lossy(&output.stderr).into_owned();
            let last = stdout_of
                .lines()
                .find(|line| !line.trim().is_empty())
                .unwrap_or_default();
            Ok(Some(format!(
                "cannot install the packages of tests/report: {last}"
            )))
        }
        Ok(_) => {
            fs::write(&stamp, locked).map_err(|source| Failure::file(&stamp, source))?;
            Ok(None)
        }
    }
}

/// Syncs the fixture tenant twice, with changes in between.
fn sync_with_changes(programs: &Path, tenant: &Simulator, out: &Path) -> Result<(), Failure> {
    sync(programs, tenant, out, "msp")?;
    let earlier = out.join("msp-earlier.html");
    fs::copy(out.join("msp.html"), &earlier).map_err(|source| Failure::file(&earlier, source))?;
    let changes = [
        &["revoke", "role:1", "--from", "user:7"][..],
        &["grant", "role:3", "--to", "user:16"],
        &["delete-account", "user:15"],
    ];
    for change in changes {
        let mut connector = Command::new(programs.join("baton-ninja-one"));
        connector
            .args(change)
            .args(["--provisioning", "--log-level", "error"]);
        run_ok(connector.stdout(Stdio::null()).envs(tenant.settings()))?;
    }
    sync(programs, tenant, out, "msp")
}

/// Technicians, end users, roles, grants and organizations of a generated tenant.
fn generated(programs: &Path, numbers: [u32; 5]) -> Result<Simulator, Failure> {
    let names = ["technicians", "end-users", "roles", "grants", "organizations"];
    let mut size = vec!["--tenant".to_owned(), "generated".to_owned()];
    for (name, number) in names.into_iter().zip(numbers) {
        size.extend([format!("--{name}"), number.to_string()]);
    }
    Simulator::start(programs, &size)
}

fn sync_thousand(programs: &Path, out: &Path) -> Result<(), Failure> {
    let tenant = generated(programs, [100, 900, 80, 8000, 40])?;
    sync(programs, &tenant, out, "thousand")
}

/// The tenant of a quarterly review: 1,000 people, synced twice, so that the second report has a previous one.
fn report_quarter(programs: &Path, out: &Path) -> Result<(), Failure> {
    let tenant = generated(programs, [200, 800, 30, 1500, 40])?;
    report(programs, &tenant, out, "quarter")?;
    let earlier = out.join("quarter-earlier.html");
    fs::copy(out.join("quarter.html"), &earlier).map_err(|source| Failure::file(&earlier, source))?;
    report(programs, &tenant, out, "quarter")
}

fn report_twenty_thousand(programs: &Path, out: &Path) -> Result<(), Failure> {
    let tenant = generated(programs, [1500, 18500, 120, 31000, 300])?;
    report(programs, &tenant, out, "twenty-thousand")
}

fn sync_hostile(programs: &Path, out: &Path) -> Result<(), Failure> {
    let folder = out.join("hostile-tenant");
    copy_folder(&workspace().join("fixtures").join("msp"), &folder)?;
    for (file, key, value) in HOSTILE_NAMES {
        rename_all(&folder.join(file), key, value)?;
    }
    let arguments = ["--folder".to_owned(), folder.display().to_string()];
    let tenant = Simulator::start(programs, &arguments)?;
    sync(programs, &tenant, out, "hostile")
}

/// Sets a key of all rows of a JSON list to the same text.
fn rename_all(path: &Path, key: &str, value: &str) -> Result<(), Failure> {
    let failed = |source| Failure::file(path, source);
    let mut list: Value = serde_json::from_slice(&fs::read(path).map_err(failed)?)
        .map_err(|error| Failure::Unexpected(format!("{}: {error}", path.display())))?;
    for row in list.as_array_mut().into_iter().flatten() {
        row[key] = value.into();
    }
    fs::write(path, list.to_string()).map_err(failed)
}

/// Writes a report without a dataset.
fn report(programs: &Path, tenant: &Simulator, out: &Path, name: &str) -> Result<(), Failure> {
    let mut connector = Command::new(programs.join("baton-ninja-one"));
    connector
        .arg(format!("--sink=html={name}.html"))
        .args(["--log-level", "warn"])
        .current_dir(out)
        .stdout(Stdio::null());
    run_ok(connector.envs(tenant.settings()))
}

fn sync(programs: &Path, tenant: &Simulator, out: &Path, name: &str) -> Result<(), Failure> {
    let mut connector = Command::new(programs.join("baton-ninja-one"));
    connector
        .arg(format!("--sink=html={name}.html"))
        .arg(format!("--sink=parquet={name}"));
    connector
        .args(["--log-level", "warn"])
        .current_dir(out)
        .stdout(Stdio::null());
    run_ok(connector.envs(tenant.settings()))
}
