//! The cost of history: a sync after another one, with and without it.

use std::path::Path;

use super::{Measured, SIZES, connector, measure, median_of};
use crate::files::fresh_folder;
use crate::process::{Failure, workspace};
use crate::simulator::Simulator;

/// Prints the costs of a sync that follows another one, sink by sink.
pub(super) fn run(programs: &Path, runs: usize, only: &str) -> Result<(), Failure> {
    let (out, size) = (workspace().join("out").join("bench"), &SIZES[2]);
    let tenant = Simulator::start(programs, &size.simulator_args())?;
    println!(
        "| {} once more to | runs | wall | reading | sealing | CPU | peak memory | written |",
        size.name
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (name, kinds) in [
        ("Parquet", &["parquet"][..]),
        ("CSV", &["csv"]),
        ("all three", &["c1z", "parquet", "csv"]),
    ] {
        for (with, history) in [("without history", "false"), ("with history", "true")] {
            let name = format!("{name}, {with}");
            if !name.contains(only) {
                continue;
            }
            fresh_folder(&out)?;
            let publish = || {
                let mut connector = connector(programs, &tenant);
                for kind in kinds {
                    connector.arg(format!("--sink={kind}={}", out.join(kind).display()));
                }
                measure(connector.arg(format!("--dataset-history={history}")), &out)
            };
            publish()?;
            median_of(runs, Measured::wall, publish)?.print_sink_row(&name, runs);
        }
    }
    Ok(())
}
