//! Standard output. A list of access that ends early must not look complete, so the run fails if a write does.

use std::io::{self, ErrorKind, Write};
use std::sync::{Mutex, PoisonError};

/// The first error of a write.
static ERROR: Mutex<Option<io::Error>> = Mutex::new(None);

/// A writer to standard output that keeps the first error for [`finish`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct StandardOutput;

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        noted(io::stdout().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        noted(io::stdout().flush())
    }
}

fn noted<T>(result: io::Result<T>) -> io::Result<T> {
    result.map_err(|error| {
        let kind = error.kind();
        if kind != ErrorKind::Interrupted {
            let mut first = ERROR.lock().unwrap_or_else(PoisonError::into_inner);
            // The system's error has no copy, so the caller gets its kind.
            first.get_or_insert(error);
        }
        kind.into()
    })
}

/// Writes the rest of the output at the end of the run.
///
/// # Errors
/// The error of the first write that failed. A closed pipe (`| head`) is not a failure.
pub(crate) fn finish() -> io::Result<()> {
    let _ = StandardOutput.flush();
    let error = ERROR.lock().unwrap_or_else(PoisonError::into_inner).take();
    match error {
        Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}
