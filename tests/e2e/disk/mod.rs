//! Disks that fail and processes that die, at every call: afterwards readers find the old output or the new one, complete.
//!
//! By default each fault hits a few calls; with `DISK_FAULTS=all` it hits every call until none is left.
#![cfg(unix)]

mod after_kill;
mod audit;
mod outputs;
mod power_loss_model;
mod scenario;
mod self_tests;
mod service;
mod shim;
mod sweep;

use ninjaone_sim::GeneratedSize;

use crate::harness::TestContext;

use outputs::Output;
use scenario::Scenario;
use sweep::{end_at_any_time, sweep, sweep_some};

/// A tenant with everything in it, and little of it.
fn small() -> GeneratedSize {
    GeneratedSize::default()
}

fn struck(name: &'static str, earlier: &[&[&str]], arguments: &[&'static str], outputs: &'static [Output]) {
    let Some(shim) = shim::shim() else { return };
    sweep(
        &mut Scenario::new(name, &small(), earlier, arguments, outputs),
        shim,
    );
}

#[test]
fn a_c1z_file() {
    struck("new c1z", &[], &[], &[Output::C1z("sync.c1z")]);
}

#[test]
fn a_c1z_file_with_history() {
    struck("c1z", &[&[], &[]], &[], &[Output::C1z("sync.c1z")]);
}

#[test]
fn a_parquet_dataset() {
    const SINK: &str = "parquet=out";
    const OUTPUT: &[Output] = &[Output::Dataset("out")];
    struck("new parquet", &[], &["--sink", SINK], OUTPUT);
    struck("parquet", &[&["--sink", SINK]], &["--sink", SINK], OUTPUT);
}

#[test]
fn a_csv_dataset() {
    const SINK: &str = "csv=deep/er/out";
    const OUTPUT: &[Output] = &[Output::Dataset("deep/er/out")];
    struck("new csv", &[], &["--sink", SINK], OUTPUT);
    struck("csv", &[&["--sink", SINK]], &["--sink", SINK], OUTPUT);
}

#[test]
fn a_report() {
    const SINK: &str = "html=report.html";
    const OUTPUT: &[Output] = &[Output::Report("report.html")];
    const MORE: &[&str] = &["--sink", SINK, "--ninja-one-include-devices"];
    struck("new report", &[], &["--sink", SINK], OUTPUT);
    let Some(shim) = shim::shim() else { return };
    // A report only follows one of the same tenant, so the new one differs by its options.
    let mut scenario = Scenario::new("report", &small(), &[], MORE, OUTPUT);
    scenario.prepare(&["--sink", SINK]);
    sweep(&mut scenario, shim);
}

const SINKS: &[&str] = &["--sink", "c1z", "--sink", "parquet=p", "--sink", "csv=c"];
const THREE: &[Output] = &[
    Output::C1z("sync.c1z"),
    Output::Dataset("p"),
    Output::Dataset("c"),
];

#[test]
fn three_sinks_at_once() {
    struck("three sinks", &[SINKS], SINKS, THREE);
}

/// `KILLS=100` makes it the long one.
#[test]
fn a_sync_ended_at_any_time() {
    let Some(shim) = shim::shim() else { return };
    let kills = std::env::var("KILLS").map_or(6, |kills| kills.parse().unwrap());
    end_at_any_time(
        &mut Scenario::new("three sinks", &small(), &[SINKS], SINKS, THREE),
        shim,
        kills,
    );
}

#[test]
fn an_export() {
    const EXPORT: &[&str] = &[
        "export",
        "--from",
        "new.c1z",
        "--sink",
        "parquet=p",
        "--sink",
        "csv=c",
    ];
    const EARLIER: &[&str] = &[
        "export",
        "--from",
        "old.c1z",
        "--sink",
        "parquet=p",
        "--sink",
        "csv=c",
    ];
    const OUTPUTS: &[Output] = &[Output::Dataset("p"), Output::Dataset("c")];
    let Some(shim) = shim::shim() else { return };
    let mut scenario = Scenario::new(
        "export",
        &small(),
        &[&["--file", "old.c1z"], EARLIER],
        EXPORT,
        OUTPUTS,
    );
    scenario.prepare(&["--file", "new.c1z"]);
    sweep(&mut scenario, shim);
}

/// Large enough that keys are sorted on disk.
#[test]
fn a_tenant_that_does_not_fit_into_buffers() {
    let Some(shim) = shim::shim() else { return };
    let size = GeneratedSize {
        technicians: 20,
        end_users: 3_000,
        roles: 40,
        grants: 36_000,
        ..GeneratedSize::default()
    };
    let arguments = &["--sink", "c1z", "--sink", "parquet=p"];
    let outputs = &[Output::C1z("sync.c1z"), Output::Dataset("p")];
    let mut scenario = Scenario::new("large tenant", &size, &[], arguments, outputs);
    // Most calls write one page after the other.
    let these = |fault: &shim::Fault| sweep::is_exhaustive() || fault.name == "the disk is full from then on";
    let calls = sweep_some(&mut scenario, shim, 499, these);
    let unnamed = |call: &&shim::Call| call.kind == 'c' && call.path.ends_with("run/tmp");
    assert!(
        calls.iter().filter(unnamed).count() > 1,
        "nothing was sorted on disk"
    );
}

/// A log that cannot be written does not end a sync.
#[test]
fn a_log_file() {
    let Some(shim) = shim::shim() else { return };
    let context = TestContext::msp();
    let logs = context.folder.path().canonicalize().unwrap().join("logs");
    std::fs::create_dir(&logs).unwrap();
    for at in 2.. {
        let fault = shim::Fault {
            name: "the disk is full from then on",
            effect: shim::Effect::Stay,
            kinds: "cwst",
            errno: 28,
        };
        let report = context.path(&format!("report-{at}"));
        let mut command = context.command(&["--log-path", "logs/run.log", "--log-level", "debug"]);
        shim::Plan { fault, at }.apply(&mut command, shim, &logs, &report);
        let ran = context.finish(&mut command);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let struck = shim::calls(&report)
            .iter()
            .filter(|call| call.outcome == shim::Outcome::Struck)
            .count();
        if struck == 0 {
            assert!(at > 2, "nothing was logged");
            break;
        }
    }
}
