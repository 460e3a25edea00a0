//! `cargo xtask bench`: the budgets of the design, measured on the real program over real HTTP.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use clap::Subcommand;

use crate::measured::{self, Cost};
use crate::simulator::Simulator;
use crate::steps::{Failure, build_programs, fresh_folder, workspace};

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
    let Bench::Sync { runs, only } = what;
    let programs = build_programs("release")?;
    let wanted = SIZES
        .iter()
        .filter(|size| only.as_deref().is_none_or(|text| size.name.contains(text)));
    println!("| users / roles / grants | runs | wall | CPU | peak memory | file | API calls |");
    println!("|---|---|---|---|---|---|---|");
    for size in wanted {
        let tenant = Simulator::start(&programs, &size.simulator_args())?;
        let out = workspace().join("out").join("bench");
        let mut costs = (0..=*runs)
            .map(|_| one_run(&programs, &tenant, &out))
            .collect::<Result<Vec<_>, _>>()?;
        costs.remove(0); // the first run warms the page cache
        print_row(size, &out, costs)?;
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

fn one_run(programs: &Path, tenant: &Simulator, out: &Path) -> Result<Cost, Failure> {
    fresh_folder(out)?;
    let summary = out.join("summary.json");
    let stdout = fs::File::create(&summary).map_err(|source| Failure::File {
        path: summary,
        source,
    })?;
    let mut connector = Command::new(programs.join("baton-ninja-one"));
    connector
        .args(["--output", "json", "--log-level", "error", "--file"])
        .arg(out.join("sync.c1z"));
    connector
        .envs(tenant.settings())
        .stdout(stdout)
        .stdin(Stdio::null());
    measured::run(&mut connector)
}

fn print_row(size: &Size, out: &Path, mut costs: Vec<Cost>) -> Result<(), Failure> {
    let path = out.join("summary.json");
    let failed = |source| Failure::File {
        path: path.clone(),
        source,
    };
    let text = fs::read_to_string(&path).map_err(failed)?;
    let summary: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| Failure::Unexpected(format!("summary.json: {error}")))?;
    let file = fs::metadata(out.join("sync.c1z")).map_err(failed)?.len();
    costs.sort_by_key(|cost| cost.wall);
    let Some(median) = costs.get(costs.len() / 2) else {
        return Ok(());
    };
    println!(
        "| {} | {} | {:.2} s | {:.2} s | {:.0} MB | {:.1} MB | {} |",
        size.name,
        costs.len(),
        median.wall.as_secs_f64(),
        median.cpu.as_secs_f64(),
        megabytes(median.peak_memory),
        megabytes(file),
        summary
            .pointer("/source/calls")
            .unwrap_or(&serde_json::Value::Null),
    );
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a figure for people, rounded to a tenth of a megabyte"
)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
