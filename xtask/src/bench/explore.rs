//! Questions about 1M grants, and what differs between two syncs of that size.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Failure, SIZES, Size, connector};
use crate::process::{fresh_folder, workspace};
use crate::process_stats::{self, Cost};
use crate::simulator::Simulator;

/// What is asked of one place.
const QUESTIONS: [&[&str]; 6] = [
    &["access", "user:1000"],
    &["access", "zoe.sharma1@example.com"],
    &["who", "role:7"],
    &["users", "--admin", "--no-mfa"],
    &["stats"],
    &["grants", "--output", "json"],
];

/// Measures all questions in all places, then differences.
pub(super) fn run(programs: &Path, runs: usize) -> Result<(), Failure> {
    let out = workspace().join("out").join("bench");
    fresh_folder(&out)?;
    let size = &SIZES[2];
    sync(programs, size, 1, &out, "a")?;
    sync(programs, size, 2, &out, "b")?;
    println!("| {} | place | wall | CPU | peak memory |", size.name);
    println!("|---|---|---|---|---|");
    for question in QUESTIONS {
        for place in ["a.c1z", "a-parquet", "a-csv"] {
            let cost = median(runs, programs, &out, &[&["inspect", place], question].concat())?;
            println!(
                "| `{}` | {} | {} |",
                question.join(" "),
                form(place),
                cost.cells()
            );
        }
    }
    for (what, old, new) in [
        ("`diff`, nothing differs", "a", "a"),
        ("`diff`, everything differs", "a", "b"),
    ] {
        for end in [".c1z", "-parquet", "-csv"] {
            let places = [old, new].map(|name| format!("{name}{end}"));
            let asked = ["diff", &places[0], &places[1], "--output", "json"];
            let cost = median(runs, programs, &out, &asked)?;
            println!("| {what} | {} | {} |", form(end), cost.cells());
        }
    }
    fresh_folder(&out)
}

fn form(place: &str) -> &'static str {
    match place.rsplit(['.', '-']).next() {
        Some("c1z") => "c1z",
        Some("parquet") => "Parquet",
        _ => "CSV",
    }
}

/// Syncs a tenant into all three kinds of places.
fn sync(programs: &Path, size: &Size, seed: u32, out: &Path, name: &str) -> Result<(), Failure> {
    let mut arguments = size.simulator_args();
    if let Some(place) = arguments.iter().position(|argument| argument == "--seed") {
        arguments[place + 1] = seed.to_string();
    }
    let tenant = Simulator::start(programs, &arguments)?;
    let sinks = [("c1z", ".c1z"), ("parquet", "-parquet"), ("csv", "-csv")];
    let sinks =
        sinks.map(|(kind, end)| format!("--sink={kind}={}", out.join(format!("{name}{end}")).display()));
    let mut command = connector(programs, &tenant);
    process_stats::run(
        command
            .args(sinks)
            .args(["--log-level", "error"])
            .stdout(Stdio::null()),
    )?;
    Ok(())
}

/// The median by wall time of so many calls, after one to warm up. What they say goes to a file.
fn median(runs: usize, programs: &Path, out: &Path, arguments: &[&str]) -> Result<Cost, Failure> {
    let mut costs = Vec::new();
    for _ in 0..=runs {
        let path = out.join("said");
        let said = File::create(&path).map_err(|source| Failure::File { path, source })?;
        let mut program = Command::new(programs.join("baton-ninja-one"));
        program
            .current_dir(out)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(said);
        costs.push(process_stats::run(&mut program)?);
    }
    costs.remove(0);
    costs.sort_by_key(|cost| cost.wall);
    let missing = || Failure::Unexpected("nothing was measured".to_owned());
    costs.get(costs.len() / 2).copied().ok_or_else(missing)
}
