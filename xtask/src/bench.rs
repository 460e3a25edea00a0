//! `cargo xtask bench`: measures the budgets of the design on the real program over real HTTP.

mod explore;
mod history;
mod pebble;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::Subcommand;

use crate::files::fresh_folder;
use crate::process::{Failure, build_programs, workspace};
use crate::process_stats::{self, Cost};
use crate::simulator::Simulator;

/// The benchmark to run.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Full syncs of simulated tenants to a c1z file.
    Sync {
        /// Number of runs for each size; the median is printed.
        #[arg(long, default_value_t = 5)]
        runs: usize,
        /// Only the sizes whose name contains this text.
        #[arg(long)]
        only: Option<String>,
    },
    /// Sync the tenant with 1M grants to each sink alone and to all at once, and export its c1z.
    Sinks {
        /// Number of runs for each row; the median is printed.
        #[arg(long, default_value_t = 3)]
        runs: usize,
        /// Five million grants instead of one.
        #[arg(long)]
        large: bool,
        /// Only the rows whose name contains this text.
        #[arg(long)]
        only: Option<String>,
    },
    /// Queries over 1M grants in every type of location, and differences between two syncs of that size.
    Explore {
        /// Number of runs for each row; the median is printed.
        #[arg(long, default_value_t = 3)]
        runs: usize,
    },
    /// Write a review report of the tenant with 1M grants and open it in a browser. Needs Chromium and Node.js.
    Report {
        /// Number of runs; the median is printed.
        #[arg(long, default_value_t = 3)]
        runs: usize,
    },
    /// Sync the tenant with 1M grants again into existing datasets, with and without history.
    History {
        /// Number of runs for each row; the median is printed.
        #[arg(long, default_value_t = 3)]
        runs: usize,
        /// Only the rows whose name contains this text.
        #[arg(long)]
        only: Option<String>,
    },
    /// c1z v3 of the tenant with 1M grants, compared with v1 and with the reference SDK. Needs Go.
    V3 {
        /// Number of runs for each row; the median is printed.
        #[arg(long, default_value_t = 3)]
        runs: usize,
    },
    /// Our file with 1M grants compared with the one that the reference SDK writes. Needs Go.
    Peer,
}

/// One tenant size of the budget table.
struct Size {
    name: &'static str,
    technicians: u32,
    end_users: u32,
    roles: u32,
    grants: u64,
    organizations: u32,
}

const SIZES: [Size; 5] = [
    Size {
        name: "100/5/200",
        technicians: 10,
        end_users: 90,
        roles: 5,
        grants: 200,
        organizations: 5,
    },
    Size {
        name: "10k/50/50k",
        technicians: 100,
        end_users: 9_900,
        roles: 50,
        grants: 50_000,
        organizations: 500,
    },
    Size {
        name: "100k/200/1M",
        technicians: 1_000,
        end_users: 99_000,
        roles: 200,
        grants: 1_000_000,
        organizations: 5_000,
    },
    Size {
        name: "500k/500/5M",
        technicians: 1_000,
        end_users: 499_000,
        roles: 500,
        grants: 5_000_000,
        organizations: 5_000,
    },
    Size {
        name: "1M/500/5M",
        technicians: 1_000,
        end_users: 999_000,
        roles: 500,
        grants: 5_000_000,
        organizations: 5_000,
    },
];

pub(crate) fn run(benchmark: &Bench) -> Result<(), Failure> {
    let programs = build_programs("release")?;
    match benchmark {
        Bench::Sync { runs, only } => syncs(&programs, *runs, only.as_deref()),
        Bench::Sinks { runs, large, only } => {
            let size = &SIZES[if *large { 3 } else { 2 }];
            sinks(&programs, *runs, size, only.as_deref().unwrap_or_default())
        }
        Bench::Explore { runs } => explore::run(&programs, *runs),
        Bench::Report { runs } => report(&programs, *runs),
        Bench::History { runs, only } => history::run(&programs, *runs, only.as_deref().unwrap_or_default()),
        Bench::V3 { runs } => pebble::run(&programs, *runs),
        Bench::Peer => compare_with_reference(&programs),
    }
}

fn syncs(programs: &Path, runs: usize, only: Option<&str>) -> Result<(), Failure> {
    let selected = SIZES
        .iter()
        .filter(|size| only.is_none_or(|text| size.name.contains(text)));
    println!(
        "| users / roles / grants | runs | wall | reading | sealing | CPU | peak memory | file | API calls |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for size in selected {
        let tenant = Simulator::start(programs, &size.simulator_args())?;
        let out = workspace().join("out").join("bench");
        let median = median_of(runs, Measured::wall, || sync_once(programs, &tenant, &out))?;
        median.print_row(size, runs);
    }
    Ok(())
}

fn sinks(programs: &Path, runs: usize, size: &Size, only: &str) -> Result<(), Failure> {
    let out = workspace().join("out").join("bench");
    let sink = |kind: &str| format!("--sink={kind}={}", out.join(kind).display());
    let [c1z, parquet, csv] = ["c1z", "parquet", "csv"].map(sink);
    let tenant = Simulator::start(programs, &size.simulator_args())?;
    println!(
        "| {} to | runs | wall | reading | sealing | CPU | peak memory | written |",
        size.name
    );
    println!("|---|---|---|---|---|---|---|---|");
    let rows = [
        ("c1z", vec![&c1z]),
        ("Parquet", vec![&parquet]),
        ("CSV", vec![&csv]),
        ("all three", vec![&c1z, &parquet, &csv]),
    ];
    for (name, arguments) in rows.into_iter().filter(|(name, _)| name.contains(only)) {
        let median = median_of(runs, Measured::wall, || {
            fresh_folder(&out)?;
            measure(connector(programs, &tenant).args(&arguments), &out)
        })?;
        median.print_sink_row(name, runs);
    }
    drop(tenant);
    let (name, file) = ("c1z exported to Parquet", out.join("c1z"));
    if !name.contains(only) {
        return Ok(());
    }
    let median = median_of(runs, Measured::wall, || {
        fresh_folder(&out.join("parquet"))?;
        let mut export = Command::new(programs.join("baton-ninja-one"));
        measure(export.arg("export").arg("--from").arg(&file).arg(&parquet), &out)
    })?;
    median.print_sink_row(name, runs);
    Ok(())
}

/// Syncs into the same report repeatedly, so that every measured run compares with the previous report.
fn report(programs: &Path, runs: usize) -> Result<(), Failure> {
    let out = workspace().join("out").join("bench");
    let size = &SIZES[2];
    let tenant = Simulator::start(programs, &size.simulator_args())?;
    fresh_folder(&out)?;
    let file = out.join("report.html");
    let sink = format!("--sink=html={}", file.display());
    println!(
        "| {} to | runs | wall | reading | sealing | CPU | peak memory | written |",
        size.name
    );
    println!("|---|---|---|---|---|---|---|---|");
    let median = median_of(runs, Measured::wall, || {
        measure(connector(programs, &tenant).arg(&sink), &out)
    })?;
    median.print_sink_row("a report, beside the one before", runs);
    println!("\n| In the browser | |\n|---|---|");
    crate::test_report::measure(&file)
}

/// Measures once to warm up and then `runs` times. Returns the median by wall time.
fn median_of<T>(
    runs: usize,
    wall: impl Fn(&T) -> Duration,
    mut measure: impl FnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    measure()?;
    median_without_warm_up(runs, wall, measure)
}

/// Measures `runs` times and returns the median by wall time.
fn median_without_warm_up<T>(
    runs: usize,
    wall: impl Fn(&T) -> Duration,
    mut measure: impl FnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut measured = (0..runs).map(|_| measure()).collect::<Result<Vec<_>, _>>()?;
    measured.sort_by_key(wall);
    let middle = measured.len() / 2;
    let missing = || Failure::Unexpected("nothing was measured".to_owned());
    measured.into_iter().nth(middle).ok_or_else(missing)
}

/// Rewrites our file with the reference's own v1 writer and compares size and cost.
fn compare_with_reference(programs: &Path) -> Result<(), Failure> {
    let out = workspace().join("out").join("bench");
    let size = &SIZES[2];
    let tenant = Simulator::start(programs, &size.simulator_args())?;
    let ours = sync_once(programs, &tenant, &out)?;
    drop(tenant);
    let program = pebble::build_reference(&out)?;
    let copy = out.join("reference.c1z");
    let mut rewrite = Command::new(&program);
    let theirs = process_stats::run(rewrite.arg("rewrite").arg(out.join("sync.c1z")).arg(&copy))?;
    let bytes = fs::metadata(&copy)
        .map_err(|source| Failure::File { path: copy, source })?
        .len();
    println!("| {} | wall | CPU | peak memory | file |", size.name);
    println!("|---|---|---|---|---|");
    for (name, cost, file) in [
        ("ours: tenant to file", ours.cost, ours.file),
        ("reference SDK: file to file", theirs, bytes),
    ] {
        println!("| {name} | {} | {:.1} MB |", cost.cells(), megabytes(file));
    }
    Ok(())
}

impl Size {
    fn simulator_args(&self) -> Vec<String> {
        [
            ("--tenant", "generated".to_owned()),
            ("--seed", "1".to_owned()),
            ("--technicians", self.technicians.to_string()),
            ("--end-users", self.end_users.to_string()),
            ("--roles", self.roles.to_string()),
            ("--grants", self.grants.to_string()),
            ("--organizations", self.organizations.to_string()),
        ]
        .into_iter()
        .flat_map(|(flag, value)| [flag.to_owned(), value])
        .collect()
    }
}

/// The cost of a run, with the program's summary.
struct Measured {
    cost: Cost,
    file: u64,
    summary: serde_json::Value,
}

fn sync_once(programs: &Path, tenant: &Simulator, out: &Path) -> Result<Measured, Failure> {
    fresh_folder(out)?;
    let file = out.join("sync.c1z");
    measure(connector(programs, tenant).arg("--file").arg(file), out)
}

/// The connector, pointed at the tenant.
fn connector(programs: &Path, tenant: &Simulator) -> Command {
    let mut connector = Command::new(programs.join("baton-ninja-one"));
    connector.envs(tenant.settings());
    connector
}

fn measure(connector: &mut Command, out: &Path) -> Result<Measured, Failure> {
    let path = out.join("summary.json");
    let failed = |source| Failure::File {
        path: path.clone(),
        source,
    };
    let stdout = fs::File::create(&path).map_err(failed)?;
    connector
        .args(["--output", "json", "--log-level", "error"])
        .stdout(stdout)
        .stdin(Stdio::null());
    let cost = process_stats::run(connector)?;
    let text = fs::read_to_string(&path).map_err(failed)?;
    let summary: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| Failure::Unexpected(format!("summary.json: {error}")))?;
    let sinks = summary.pointer("/sinks").and_then(serde_json::Value::as_array);
    let bytes = sinks
        .into_iter()
        .flatten()
        .filter_map(|sink| sink.get("bytes")?.as_u64());
    Ok(Measured {
        cost,
        file: bytes.sum(),
        summary,
    })
}

impl Measured {
    const fn wall(&self) -> Duration {
        self.cost.wall
    }

    fn seconds(&self, phase: &str) -> f64 {
        let value = self.summary.pointer(&format!("/phase_seconds/{phase}"));
        value.and_then(serde_json::Value::as_f64).unwrap_or_default()
    }

    fn print_sink_row(&self, name: &str, runs: usize) {
        println!(
            "| {name} | {runs} | {:.2} s | {:.2} s | {:.2} s | {:.2} s | {:.0} MB | {:.1} MB |",
            self.cost.wall.as_secs_f64(),
            self.seconds("reading"),
            self.seconds("preparing"),
            self.cost.cpu.as_secs_f64(),
            megabytes(self.cost.peak_memory),
            megabytes(self.file),
        );
    }

    fn print_row(&self, size: &Size, runs: usize) {
        println!(
            "| {} | {runs} | {:.2} s | {:.2} s | {:.2} s | {:.2} s | {:.0} MB | {:.1} MB | {} |",
            size.name,
            self.cost.wall.as_secs_f64(),
            self.seconds("reading"),
            self.seconds("preparing"),
            self.cost.cpu.as_secs_f64(),
            megabytes(self.cost.peak_memory),
            megabytes(self.file),
            self.summary
                .pointer("/source/calls")
                .unwrap_or(&serde_json::Value::Null),
        );
    }
}

impl Cost {
    fn cells(&self) -> String {
        format!(
            "{:.2} s | {:.2} s | {:.0} MB",
            self.wall.as_secs_f64(),
            self.cpu.as_secs_f64(),
            megabytes(self.peak_memory)
        )
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a figure for people, rounded to a tenth of a megabyte"
)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
