//! Whether the machine lets the program do its work, found out before anything is read or written.
//!
//! What runs out in the middle of a run is an error of whoever needed it. But a thread that cannot be started may leave others
//! waiting for ever, and memory that is refused ends the process at once. So what every run needs is asked for first, and given
//! back: a machine that has not even that ends the run here, with a word about what is missing.

use std::fs::File;
use std::io;
use std::sync::mpsc;
use std::thread;

use access_core::{Diagnostic, EXHAUSTED_HINT, StatusCode, is_exhausted, is_thread_limit_reached};

/// Address space that any run may need at once, beside the program itself: buffers of sorting and compressing, and the stacks and
/// heaps of its threads, which are reserved and hardly used.
const MIN_ADDRESS_SPACE: usize = 384 << 20;
/// Threads of a run with four sinks.
const MIN_THREADS: usize = 24;
/// Files that such a run has open at a time.
const MIN_OPEN_FILES: usize = 64;

/// What the machine has too little of.
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
        /// How many could be started.
        started: usize,
        /// How many are needed.
        required: usize,
        /// Why there was no other.
        source: io::Error,
    },
    /// Open files.
    #[error(
        "the system opens {opened} more files for this process where {MIN_OPEN_FILES} are needed: {source}"
    )]
    Files {
        /// How many could be opened.
        opened: usize,
        /// Why there was no other.
        source: io::Error,
    },
    /// The runtime, or the signal of a file that grows too large.
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

/// Asks for what every run needs and gives it back. From here on a file that grows beyond its limit (`RLIMIT_FSIZE`) is an error
/// of whoever writes it, and no signal that ends the process.
///
/// # Errors
/// [`MachineError`], before anything was read or written.
pub(crate) fn preflight(more_threads: usize) -> Result<(), MachineError> {
    files()?;
    let mut memory: Vec<u8> = Vec::new();
    memory
        .try_reserve_exact(MIN_ADDRESS_SPACE)
        .map_err(|_| MachineError::Memory)?;
    // Otherwise a compiler may see that nobody uses it, and not ask at all.
    std::hint::black_box(memory.as_mut_ptr());
    threads(MIN_THREADS + more_threads)?;
    drop(memory);
    survive_large_files().map_err(MachineError::Runtime)
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
            // Nothing is known then, and the run finds out.
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}

/// All at once, as a run has them.
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

/// Whoever has a handler for the signal is told by the call that wrote instead.
#[cfg(unix)]
fn survive_large_files() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    /// `SIGXFSZ`, the same number on Linux, macOS and the BSDs.
    const FILE_TOO_LARGE: i32 = 25;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let _inside = runtime.enter();
    // The handler stays, whatever becomes of this.
    signal(SignalKind::from_raw(FILE_TOO_LARGE)).map(drop)
}

#[cfg(not(unix))]
fn survive_large_files() -> io::Result<()> {
    Ok(())
}
