//! Queries over 1M grants, and differences between two syncs of that size.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Failure, SIZES, Size, connector, median_of};
use crate::files::fresh_folder;
use crate::process::workspace;
use crate::process_stats::{self, Cost};
use crate::simulator::Simulator;

/// The queries for each location.
const QUERIES: [&[&str]; 6] = [
    &["access", "user:1000"],
    &["access", "zoe.sharma1@example.com"],
    &["who", "role:7"],
    &["users", "--admin", "--no-mfa"],
    &["stats"],
    &["grants", "--output", "json"],
];

/// Measures all queries in all locations, then differences.
pub(super) fn run(programs: &Path, runs: usize) -> Result<(), Failure> {
    let out = workspace().join("out").join("bench");
    fresh_folder(&out)?;
    let size = &SIZES[2];
    sync(programs, size, 1, &out, "a")?;
    sync(programs, size, 2, &out, "b")?;
    println!("| {} | location | wall | CPU | peak memory |", size.name);
    println!("|---|---|---|---|---|");
    for query in QUERIES {
        for location in ["a.c1z", "a-parquet", "a-csv"] {
            let cost = median(runs, programs, &out, &[&["inspect", location], query].concat())?;
            println!(
                "| `{}` | {} | {} |",
                query.join(" "),
                location_type(location),
                cost.cells()
            );
        }
    }
    for (label, old, new) in [
        ("`diff`, nothing differs", "a", "a"),
        ("`diff`, everything differs", "a", "b"),
    ] {
        for end in [".c1z", "-parquet", "-csv"] {
            let locations = [old, new].map(|name| format!("{name}{end}"));
            let arguments = ["diff", &locations[0], &locations[1], "--output", "json"];
            let cost = median(runs, programs, &out, &arguments)?;
            println!("| {label} | {} | {} |", location_type(end), cost.cells());
        }
    }
    fresh_folder(&out)
}

fn location_type(location: &str) -> &'static str {
    match location.rsplit(['.', '-']).next() {
        Some("c1z") => "c1z",
        Some("parquet") => "Parquet",
        _ => "CSV",
    }
}

/// Syncs a tenant to all three types of locations.
fn sync(programs: &Path, size: &Size, seed: u32, out: &Path, name: &str) -> Result<(), Failure> {
    let mut arguments = size.simulator_args();
    if let Some(location) = arguments.iter().position(|argument| argument == "--seed") {
        arguments[location + 1] = seed.to_string();
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

/// The median cost of a command, whose output goes to a file.
fn median(runs: usize, programs: &Path, out: &Path, arguments: &[&str]) -> Result<Cost, Failure> {
    let path = out.join("stdout");
    median_of(
        runs,
        |cost: &Cost| cost.wall,
        || {
            let stdout = File::create(&path).map_err(|source| Failure::file(&path, source))?;
            let mut program = Command::new(programs.join("baton-ninja-one"));
            program
                .current_dir(out)
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(stdout);
            process_stats::run(&mut program)
        },
    )
}
