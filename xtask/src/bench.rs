//! `cargo xtask bench`: the budgets of the design, measured on the real program over real HTTP.

mod explore;
mod history;
mod pebble;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use clap::Subcommand;

use crate::process::{Failure, build_programs, fresh_folder, workspace};
use crate::process_stats::{self, Cost};
use crate::simulator::Simulator;

/// What to measure.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Whole syncs of simulated tenants to a c1z file.
    Sync {
        /// How often to measure each size; the median is printed.
        #[arg(long, default_value_t = 5)]
        runs: usize,
        /// Only the sizes whose name contains this text.
        #[arg(long)]
        only: Option<String>,
    },
    /// The 1M grants' tenant into each sink alone and into all at once, and its c1z exported.
    Sinks {
        /// How often to measure each; the median is printed.
        #[arg(long, default_value_t = 3)]
        runs: usize,
        /// Five million grants instead of one.
        #[arg(long)]
        large: bool,
        /// Only the rows whose name contains this text.
        #[arg(long)]
        only: Option<String>,
    },
    /// Questions about 1M grants in every kind of place, and what differs between two syncs of that size.
    Explore {
        /// How often to measure each; the median is printed.
        #[arg(long, default_value_t = 3)]
        runs: usize,
    },
    /// A review report of the 1M grants' tenant: writing it, and how long a browser takes with it. Needs Chromium and Node.js.
    Report {
        /// How often to measure; the median is printed.
        #[arg(long, default_value_t = 3)]
        runs: usize,
    },
    /// The 1M grants' tenant once more into datasets that have it already, with the history and without.
    History {
        /// How often to measure each; the median is printed.
        #[arg(long, default_value_t = 3)]
        runs: usize,
        /// Only the rows whose name contains this text.
        #[arg(long)]
        only: Option<String>,
    },
    /// c1z v3 of the 1M grants' tenant, beside v1 and beside what the reference SDK writes and reads. Needs Go.
    V3 {
        /// How often to measure each; the median is printed.
        #[arg(long, default_value_t = 3)]
        runs: usize,
    },
    /// The 1M grants' file beside the one that the reference SDK writes of the same rows. Needs Go.
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

pub(crate) fn run(what: &Bench) -> Result<(), Failure> {
    let programs = build_programs("release")?;
    match what {
        Bench::Sync { runs, only } => syncs(&programs, *runs, only.as_deref()),
        Bench::Sinks { runs, large, only } => {
            let size = &SIZES[if *large { 3 } else { 2 }];
            sinks(&programs, *runs, size, only.as_deref().unwrap_or_default())
        }
        Bench::Explore { runs } => explore::run(&programs, *runs),
        Bench::Report { runs } => report(&programs, *runs),
        Bench::History { runs, only } => history::run(&programs, *runs, only.as_deref().unwrap_or_default()),
        Bench::V3 { runs } => pebble::run(&programs, *runs),
        Bench::Peer => peer(&programs),
    }
}

fn syncs(programs: &Path, runs: usize, only: Option<&str>) -> Result<(), Failure> {
    let wanted = SIZES
        .iter()
        .filter(|size| only.is_none_or(|text| size.name.contains(text)));
    println!(
        "| users / roles / grants | runs | wall | reading | sealing | CPU | peak memory | file | API calls |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for size in wanted {
        let tenant = Simulator::start(programs, &size.simulator_args())?;
        let out = workspace().join("out").join("bench");
        let mut measured = (0..=runs)
            .map(|_| one_run(programs, &tenant, &out))
            .collect::<Result<Vec<_>, _>>()?;
        measured.remove(0); // the first run warms the page cache
        measured.sort_by_key(|run| run.cost.wall);
        if let Some(median) = measured.get(measured.len() / 2) {
            median.print_row(size, measured.len());
        }
    }
    Ok(())
}

fn sinks(programs: &Path, runs: usize, size: &Size, only: &str) -> Result<(), Failure> {
    let out = workspace().join("out").join("bench");
    let place = |kind: &str| format!("--sink={kind}={}", out.join(kind).display());
    let [c1z, parquet, csv] = ["c1z", "parquet", "csv"].map(place);
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
        let median = median_of(runs, || {
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
    let median = median_of(runs, || {
        fresh_folder(&out.join("parquet"))?;
        let mut export = Command::new(programs.join("baton-ninja-one"));
        measure(export.arg("export").arg("--from").arg(&file).arg(&parquet), &out)
    })?;
    median.print_sink_row(name, runs);
    Ok(())
}

/// Two syncs into the same report, so that the second compares with the first, as every one but the first does.
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
    let median = median_of(runs, || measure(connector(programs, &tenant).arg(&sink), &out))?;
    median.print_sink_row("a report, beside the one before", runs);
    println!("\n| In the browser | |\n|---|---|");
    crate::test_report::measure(&file)
}

/// Measures so often, after once to warm up, and gives the median by wall time.
fn median_of(
    runs: usize,
    mut measure: impl FnMut() -> Result<Measured, Failure>,
) -> Result<Measured, Failure> {
    measure()?;
    let mut measured = (0..runs).map(|_| measure()).collect::<Result<Vec<_>, _>>()?;
    measured.sort_by_key(|run| run.cost.wall);
    let middle = measured.len() / 2;
    let missing = || Failure::Unexpected("nothing was measured".to_owned());
    measured.into_iter().nth(middle).ok_or_else(missing)
}

/// The same rows through the reference's own v1 writer: what it makes of them, and at what cost.
fn peer(programs: &Path) -> Result<(), Failure> {
    let out = workspace().join("out").join("bench");
    let size = &SIZES[2];
    let tenant = Simulator::start(programs, &size.simulator_args())?;
    let ours = one_run(programs, &tenant, &out)?;
    drop(tenant);
    let program = pebble::built(&out)?;
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

/// A run and what the program says of it.
struct Measured {
    cost: Cost,
    file: u64,
    summary: serde_json::Value,
}

fn one_run(programs: &Path, tenant: &Simulator, out: &Path) -> Result<Measured, Failure> {
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
