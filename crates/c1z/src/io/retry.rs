//! Calls that a signal may interrupt.

use std::io;

/// Repeats a call that a signal interrupted: a signal is not a request to stop.
pub(crate) fn retry_interrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
