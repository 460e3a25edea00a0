//! The failing disk: `shim.c`, compiled once and preloaded into the program.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

use sha2::{Digest, Sha256};

use crate::harness::report_skipped;

/// Kinds of calls, as `shim.c` names them.
pub(super) const CHANGES: &str = "cwstndum";

/// The effect of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// The call fails, once.
    Fail,
    /// It fails, and so does every later one.
    Stay,
    /// Half of the bytes are written.
    Short,
    /// The process dies before the call.
    Kill,
    /// The process dies after the call.
    Killed,
    /// SIGTERM comes before the call.
    Term,
    /// Nothing goes wrong.
    Count,
}

/// A type of fault: its effect and the kinds of calls it hits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) effect: Effect,
    pub(super) kinds: &'static str,
    pub(super) errno: i32,
}

/// A fault at the k-th call of its kinds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) fault: Fault,
    pub(super) at: usize,
}

/// A call that the program made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) kind: char,
    pub(super) path: PathBuf,
    /// Where a rename goes.
    pub(super) second: PathBuf,
    pub(super) outcome: Outcome,
}

/// The outcome of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// It failed by itself.
    Failed,
    /// The planned fault occurred.
    Struck,
}

pub(super) const COUNT: Fault = Fault {
    name: "nothing",
    effect: Effect::Count,
    kinds: "-",
    errno: 0,
};

impl Plan {
    /// No fault; calls are recorded.
    pub(super) fn none() -> Self {
        Self { fault: COUNT, at: 0 }
    }

    /// Lets the program run on the failing disk. `folder` must have no links in it.
    pub(super) fn apply(&self, command: &mut Command, shim: &Path, folder: &Path, report: &Path) {
        let effect = match self.fault.effect {
            Effect::Fail => "fail",
            Effect::Stay => "stay",
            Effect::Short => "short",
            Effect::Kill => "kill",
            Effect::Killed => "killed",
            Effect::Term => "term",
            Effect::Count => "count",
        };
        let plan = format!("{effect} {} {} {}", self.fault.kinds, self.at, self.fault.errno);
        command
            .env("LD_PRELOAD", shim)
            .env("SHIM_FOLDER", folder)
            .env("SHIM_REPORT", report)
            .env("SHIM_PLAN", plan);
    }
}

/// The calls of a report.
pub(super) fn calls(report: &Path) -> Vec<Call> {
    let text = fs::read_to_string(report).unwrap_or_default();
    let call = |line: &str| {
        let mut parts = line.split('\t');
        let mut next = || parts.next().unwrap();
        Call {
            kind: next().parse().unwrap(),
            path: next().into(),
            second: next().into(),
            outcome: match next() {
                "ok" => Outcome::Done,
                "FAULT" => Outcome::Struck,
                _ => Outcome::Failed,
            },
        }
    };
    text.lines().map(call).collect()
}

/// The compiled shim; `None`, with a message, where it cannot be used.
pub(super) fn shim() -> Option<&'static Path> {
    static SHIM: OnceLock<Option<PathBuf>> = OnceLock::new();
    SHIM.get_or_init(|| match compile() {
        Ok(path) => Some(path),
        Err(why) => {
            report_skipped("a failing disk", &why);
            None
        }
    })
    .as_deref()
}

fn compile() -> Result<PathBuf, String> {
    if !cfg!(all(target_os = "linux", target_env = "gnu")) {
        return Err("only a C library that is linked dynamically can be stood in for".to_owned());
    }
    let source = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/e2e/disk/shim.c"
    ));
    // Named by its source: compiled once, and again when that changes.
    let mut name = "disk-shim-".to_owned();
    for byte in &Sha256::digest(fs::read(source).unwrap())[..8] {
        let _ = write!(name, "{byte:02x}");
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(name + ".so");
    if path.exists() {
        return Ok(path);
    }
    // Other processes may be at the same.
    let half = tempfile::Builder::new()
        .prefix("disk-shim-")
        .tempfile_in(folder)
        .unwrap()
        .into_temp_path();
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let output = Command::new(compiler)
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&half)
        .arg(source)
        .arg("-ldl")
        .output()
        .map_err(|error| format!("there is no C compiler: {error}"))?;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    half.persist(&path).unwrap();
    Ok(path)
}
