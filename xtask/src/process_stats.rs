//! A program's cost as the operating system accounts for it.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::process::Failure;

/// What one run cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    /// Largest resident set, in bytes.
    pub(crate) peak_memory: u64,
}

/// Runs a command to a successful end.
#[cfg(unix)]
pub(crate) fn run(command: &mut Command) -> Result<Cost, Failure> {
    use wait4::Wait4;

    let program = command.get_program().to_string_lossy().into_owned();
    let begin = Instant::now();
    let start = |source| Failure::Start {
        program: program.clone(),
        source,
    };
    let ended = command.spawn().map_err(start)?.wait4().map_err(start)?;
    if !ended.status.success() {
        return Err(Failure::Status {
            what: program,
            status: ended.status.to_string(),
        });
    }
    let usage = ended.rusage;
    Ok(Cost {
        wall: begin.elapsed(),
        cpu: usage.utime + usage.stime,
        peak_memory: usage.maxrss,
    })
}

/// Runs a command to a successful end.
#[cfg(not(unix))]
pub(crate) fn run(_command: &mut Command) -> Result<Cost, Failure> {
    Err(Failure::Unexpected(
        "benchmarks need a Unix system, which accounts for a child's memory".to_owned(),
    ))
}
