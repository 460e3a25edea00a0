//! Resource usage of a program, as the operating system reports it.

use std::process::{Command, ExitStatus};
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
pub(crate) fn run(command: &mut Command) -> Result<Cost, Failure> {
    let (status, cost) = measure(command)?;
    if status.success() {
        return Ok(cost);
    }
    Err(Failure::Status {
        command_line: command.get_program().to_string_lossy().into_owned(),
        status: status.to_string(),
    })
}

/// Runs a command, however it ends.
#[cfg(unix)]
pub(crate) fn measure(command: &mut Command) -> Result<(ExitStatus, Cost), Failure> {
    use wait4::Wait4;

    let started_at = Instant::now();
    let result = command.spawn().and_then(|mut child| child.wait4());
    let result = result.map_err(|source| Failure::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    })?;
    let cost = Cost {
        wall: started_at.elapsed(),
        cpu: result.rusage.utime + result.rusage.stime,
        peak_memory: result.rusage.maxrss,
    };
    Ok((result.status, cost))
}

/// Runs a command, however it ends.
#[cfg(not(unix))]
pub(crate) fn measure(_command: &mut Command) -> Result<(ExitStatus, Cost), Failure> {
    Err(Failure::Unexpected(
        "this needs Unix, which reports the time and memory of a child process".to_owned(),
    ))
}
