//! `cargo xtask demo`: shows the product end to end without a NinjaOne account.

use std::process::Command;

use crate::files::fresh_folder;
use crate::process::{Failure, build_demo_programs, run_ok, workspace};
use crate::simulator::Simulator;

/// Runs the real connector over real HTTP and OAuth against the fixture tenant.
pub(crate) fn run() -> Result<(), Failure> {
    let programs = build_demo_programs()?;
    let out = workspace().join("out").join("demo");
    fresh_folder(&out)?;
    let tenant = Simulator::start(&programs, &["--tenant".to_owned(), "msp".to_owned()])?;
    println!("a simulated NinjaOne tenant listens on {}", tenant.base_url);
    let arguments = [
        "--sink=c1z=out/demo/sync.c1z",
        "--sink=parquet=out/demo/access",
        "--sink=csv=out/demo/csv",
        "--sink=html=out/demo/report.html",
    ];
    println!("running baton-ninja-one {}\n", arguments.join(" "));

    let mut connector = Command::new(programs.join("baton-ninja-one"));
    connector.args(arguments).current_dir(workspace());
    run_ok(connector.envs(tenant.settings()))?;
    println!("\nopen out/demo/report.html in a browser to see the review report");
    Ok(())
}
