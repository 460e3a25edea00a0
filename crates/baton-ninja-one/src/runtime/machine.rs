//! Checks the limits of the machine before anything is read or written.
//!
//! A thread that cannot be started in the middle of a run may leave others waiting forever, and a failed allocation aborts
//! the process. So the minimum resources of every run are acquired and released first, and a machine without them ends the
//! run here, with an error about what is missing.

use std::fs::File;
use std::io;
use std::sync::mpsc;
use std::thread;

use access_core::{Diagnostic, EXHAUSTED_HINT, StatusCode, is_exhausted, is_thread_limit_reached};

/// Address space of a run, beside the program itself: buffers for sorting and compressing, and the stacks and heaps of
/// threads, which are reserved and hardly used.
const MIN_ADDRESS_SPACE: usize = 384 << 20;
/// Threads of a run with four sinks.
const MIN_THREADS: usize = 24;
/// Open files of such a run.
const MIN_OPEN_FILES: usize = 64;

/// The missing resource.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MachineError {
    /// Address space or memory.
    #[error("the system does not give this process {} MiB of address space", MIN_ADDRESS_SPACE >> 20)]
    Memory,
    /// Threads.
    #[error(
        "the system starts {started} more threads for this process where {required} are needed: {source}"
    )]
    Threads {
        /// Number of threads that could be started.
        started: usize,
        /// Required number.
        required: usize,
        /// Why the next one failed.
        source: io::Error,
    },
    /// Open files.
    #[error(
        "the system opens {opened} more files for this process where {MIN_OPEN_FILES} are needed: {source}"
    )]
    Files {
        /// Number of files that could be opened.
        opened: usize,
        /// Why the next one failed.
        source: io::Error,
    },
    /// The runtime, or the handler of `SIGXFSZ`.
    #[error("cannot start the runtime: {0}")]
    Runtime(#[source] io::Error),
}

impl Diagnostic for MachineError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Memory => StatusCode::ResourceExhausted,
            Self::Threads { source, .. } | Self::Runtime(source) if is_thread_limit_reached(source) => {
                StatusCode::ResourceExhausted
            }
            Self::Files { source, .. } if is_exhausted(source) => StatusCode::ResourceExhausted,
            Self::Threads { .. } | Self::Files { .. } | Self::Runtime(_) => StatusCode::Unknown,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Memory => {
                "raise the limit of its address space (`ulimit -v`; LimitAS= in systemd) or free memory; nothing was touched"
            }
            Self::Threads { .. } => {
                "raise the limit of processes (`ulimit -u`; TasksMax= in systemd; the pids of a container); nothing was touched"
            }
            Self::Files { .. } => {
                "raise the limit of open files (`ulimit -n`; LimitNOFILE= in systemd); nothing was touched"
            }
            Self::Runtime(_) => EXHAUSTED_HINT,
        };
        Some(hint.to_owned())
    }
}

/// Acquires and releases what every run needs. After this, a file that exceeds `RLIMIT_FSIZE` is a write error and not a
/// signal that ends the process.
///
/// # Errors
/// [`MachineError`], before anything was read or written.
pub(crate) fn preflight(more_threads: usize) -> Result<(), MachineError> {
    files()?;
    let mut memory: Vec<u8> = Vec::new();
    memory
        .try_reserve_exact(MIN_ADDRESS_SPACE)
        .map_err(|_| MachineError::Memory)?;
    // Otherwise the compiler may remove the unused allocation.
    std::hint::black_box(memory.as_mut_ptr());
    threads(MIN_THREADS + more_threads)?;
    drop(memory);
    ignore_file_size_signal().map_err(MachineError::Runtime)
}

fn files() -> Result<(), MachineError> {
    let null = if cfg!(windows) { "NUL" } else { "/dev/null" };
    let mut open = Vec::with_capacity(MIN_OPEN_FILES);
    for _ in 0..MIN_OPEN_FILES {
        match File::open(null) {
            Ok(file) => open.push(file),
            Err(source) if is_exhausted(&source) => {
                let opened = open.len();
                return Err(MachineError::Files { opened, source });
            }
            // The limit is unknown, so the run continues.
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}

/// All at the same time, like in a run.
fn threads(required: usize) -> Result<(), MachineError> {
    let mut waiting = Vec::with_capacity(required);
    let mut refused = None;
    for started in 0..required {
        let (end, until) = mpsc::channel::<()>();
        match thread::Builder::new().spawn(move || until.recv().is_ok()) {
            Ok(thread) => waiting.push((end, thread)),
            Err(source) => {
                refused = Some(MachineError::Threads {
                    started,
                    required,
                    source,
                });
                break;
            }
        }
    }
    for (end, thread) in waiting {
        drop(end);
        let _ = thread.join();
    }
    refused.map_or(Ok(()), Err)
}

/// With a handler for the signal, the write returns an error.
#[cfg(unix)]
fn ignore_file_size_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    /// `SIGXFSZ`, the same number on Linux, macOS and the BSDs.
    const FILE_TOO_LARGE: i32 = 25;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let _inside = runtime.enter();
    // The handler stays installed.
    signal(SignalKind::from_raw(FILE_TOO_LARGE)).map(drop)
}

#[cfg(not(unix))]
fn ignore_file_size_signal() -> io::Result<()> {
    Ok(())
}
