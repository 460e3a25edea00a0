//! c1z v3 of the tenant with 1M grants: writing, converting and querying it, and reading it with the reference SDK.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{SIZES, connector, measure, median_without_warm_up, megabytes};
use crate::files::fresh_folder;
use crate::process::{Failure, run_ok, stdout_of, workspace};
use crate::process_stats::{self, Cost};
use crate::simulator::Simulator;

pub(super) fn run(programs: &Path, runs: usize) -> Result<(), Failure> {
    let out = workspace().join("out").join("bench");
    fresh_folder(&out)?;
    let size = &SIZES[2];
    let path = |name: &str| out.join(format!("{name}.c1z"));
    let tenant = Simulator::start(programs, &size.simulator_args())?;
    let synced = |file: &Path, engine: &str| {
        let mut command = connector(programs, &tenant);
        command.args(["--storage-engine", engine, "--file"]).arg(file);
        measure(&mut command, &out)
    };
    println!("| {} | wall | CPU | peak memory | file |", size.name);
    println!("|---|---|---|---|---|");
    for (name, file, engine) in [("tenant to v1", "v1", "sqlite"), ("tenant to v3", "v3", "pebble")] {
        let cost = median(runs, || {
            let _ = fs::remove_file(path(file));
            Ok(synced(&path(file), engine)?.cost)
        })?;
        print_row(name, cost, &path(file))?;
    }
    drop(tenant);

    let reference = build_reference(&out)?;
    let program = programs.join("baton-ninja-one");
    for (name, by, from, to) in [
        ("v1 to v3, ours", &program, "v1", "ours"),
        ("v1 to v3, the reference's", &reference, "v1", "theirs"),
        ("v3 to v1, ours", &program, "theirs", "back"),
    ] {
        let cost = median(runs, || {
            let _ = fs::remove_file(path(to));
            let mut convert = Command::new(by);
            convert.arg("convert").arg(path(from)).arg(path(to));
            process_stats::run(convert.stdout(std::process::Stdio::null()))
        })?;
        print_row(name, cost, &path(to))?;
    }
    for (name, file) in [("access in v1", "v1"), ("access in v3", "ours")] {
        let cost = median(runs, || {
            let mut ask = Command::new(&program);
            ask.arg("inspect").arg(path(file)).args(["access", "user:1"]);
            process_stats::run(ask.stdout(std::process::Stdio::null()))
        })?;
        print_row(name, cost, &path(file))?;
    }

    println!("\n| The reference reads | opened | 1M grants listed | 1,000 found |");
    println!("|---|---|---|---|");
    for (name, file) in [("our v3", "ours"), ("its own v3", "theirs"), ("our v1", "v1")] {
        let mut timings: Vec<serde_json::Value> = (0..runs)
            .map(|_| {
                let text = stdout_of(Command::new(&reference).arg("measure").arg(path(file)))?;
                serde_json::from_str(&text).map_err(|error| {
                    Failure::Unexpected(format!("the reference did not print JSON: {error}"))
                })
            })
            .collect::<Result<_, _>>()?;
        let seconds = |timings: &serde_json::Value, phase: &str| timings[phase].as_f64().unwrap_or(f64::NAN);
        timings.sort_by(|a, b| seconds(a, "list").total_cmp(&seconds(b, "list")));
        if let Some(timings) = timings.get(runs / 2) {
            println!(
                "| {name} | {:.2} s | {:.2} s | {:.2} s |",
                seconds(timings, "open"),
                seconds(timings, "list"),
                seconds(timings, "find"),
            );
        }
    }
    Ok(())
}

fn print_row(name: &str, cost: Cost, file: &Path) -> Result<(), Failure> {
    let bytes = fs::metadata(file)
        .map_err(|source| Failure::file(file, source))?
        .len();
    println!("| {name} | {} | {:.1} MB |", cost.cells(), megabytes(bytes));
    Ok(())
}

fn median(runs: usize, measure: impl FnMut() -> Result<Cost, Failure>) -> Result<Cost, Failure> {
    median_without_warm_up(runs, |cost: &Cost| cost.wall, measure)
}

/// Our program around the reference SDK.
pub(super) fn build_reference(out: &Path) -> Result<std::path::PathBuf, Failure> {
    let program = out.join("interop");
    let mut build = Command::new("go");
    build
        .current_dir(workspace().join("tests/interop"))
        .args(["build", "-o"]);
    run_ok(build.arg(&program).arg("."))?;
    Ok(program)
}
