//! Resource usage of a program, as the operating system reports it.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::process::Failure;

/// Resource usage of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    /// Peak resident set, in bytes.
    pub(crate) peak_memory: u64,
}

/// Runs a command that must succeed.
#[cfg(unix)]
pub(crate) fn run(command: &mut Command) -> Result<Cost, Failure> {
    use wait4::Wait4;

    let program = command.get_program().to_string_lossy().into_owned();
    let started_at = Instant::now();
    let start = |source| Failure::Start {
        program: program.clone(),
        source,
    };
    let result = command.spawn().map_err(start)?.wait4().map_err(start)?;
    if !result.status.success() {
        return Err(Failure::Status {
            command_line: program,
            status: result.status.to_string(),
        });
    }
    let usage = result.rusage;
    Ok(Cost {
        wall: started_at.elapsed(),
        cpu: usage.utime + usage.stime,
        peak_memory: usage.maxrss,
    })
}

/// Runs a command that must succeed.
#[cfg(not(unix))]
pub(crate) fn run(_command: &mut Command) -> Result<Cost, Failure> {
    Err(Failure::Unexpected(
        "benchmarks need Unix, which reports the memory of a child process".to_owned(),
    ))
}
