//! Classification of failures, independent of the crate that raised them.

use std::error::Error;
use std::fmt;
use std::io;

use serde::Serialize;

/// The gRPC status of a failure. Its number is the process's exit code, as in the reference runtime
/// (docs/reference/conductorone.md §1.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum StatusCode {
    /// Stopped on request.
    Cancelled = 1,
    /// A failure without a better class.
    Unknown = 2,
    /// Invalid input: a setting, a flag, an address.
    InvalidArgument = 3,
    /// A time limit was exceeded.
    DeadlineExceeded = 4,
    /// The requested object does not exist.
    NotFound = 5,
    /// The object to create already exists.
    AlreadyExists = 6,
    /// Authenticated, but not authorized.
    PermissionDenied = 7,
    /// Out of disk, quota or budget.
    ResourceExhausted = 8,
    /// The system is not in the state that the operation needs.
    FailedPrecondition = 9,
    /// Another writer won the race.
    Aborted = 10,
    /// Past the end of what is allowed.
    OutOfRange = 11,
    /// This program or this tenant does not support the operation.
    Unimplemented = 12,
    /// A bug in this program or in the remote system.
    Internal = 13,
    /// Unreachable or overloaded; a later attempt may succeed.
    Unavailable = 14,
    /// Data is damaged.
    DataLoss = 15,
    /// The credentials were rejected.
    Unauthenticated = 16,
}

impl StatusCode {
    /// The gRPC number, 1 to 16.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Looks up a status by its gRPC number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        const ALL: [StatusCode; 16] = [
            StatusCode::Cancelled,
            StatusCode::Unknown,
            StatusCode::InvalidArgument,
            StatusCode::DeadlineExceeded,
            StatusCode::NotFound,
            StatusCode::AlreadyExists,
            StatusCode::PermissionDenied,
            StatusCode::ResourceExhausted,
            StatusCode::FailedPrecondition,
            StatusCode::Aborted,
            StatusCode::OutOfRange,
            StatusCode::Unimplemented,
            StatusCode::Internal,
            StatusCode::Unavailable,
            StatusCode::DataLoss,
            StatusCode::Unauthenticated,
        ];
        ALL.into_iter().find(|status| status.number() == number)
    }

    /// Classifies an error of the operating system.
    #[must_use]
    pub fn from_io_error(error: &io::Error) -> Self {
        if is_exhausted(error) {
            return Self::ResourceExhausted;
        }
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::PermissionDenied,
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => Self::InvalidArgument,
            io::ErrorKind::Interrupted => Self::Cancelled,
            _ => Self::Unknown,
        }
    }

    /// The name as written in documentation, e.g. `permission denied`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
            Self::InvalidArgument => "invalid argument",
            Self::DeadlineExceeded => "deadline exceeded",
            Self::NotFound => "not found",
            Self::AlreadyExists => "already exists",
            Self::PermissionDenied => "permission denied",
            Self::ResourceExhausted => "resource exhausted",
            Self::FailedPrecondition => "failed precondition",
            Self::Aborted => "aborted",
            Self::OutOfRange => "out of range",
            Self::Unimplemented => "unimplemented",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::DataLoss => "data loss",
            Self::Unauthenticated => "unauthenticated",
        }
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An error with its classification. Every error enum of the workspace implements it: the binary maps
/// [`status`](Self::status) to the exit code and prints [`hint`](Self::hint).
pub trait Diagnostic: Error {
    /// The class of the failure.
    fn status(&self) -> StatusCode;

    /// Whether the same run may succeed later without changes.
    fn retryable(&self) -> bool {
        matches!(
            self.status(),
            StatusCode::Unavailable | StatusCode::DeadlineExceeded
        )
    }

    /// What the user can do about it: an imperative sentence without a trailing stop.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// `ENFILE` and `EMFILE`: the limits on open files, which have no [`io::ErrorKind`]. The numbers are the same on every
/// Unix.
const DESCRIPTOR_LIMIT_ERRNOS: [i32; 2] = [23, 24];

/// Whether a resource of the system is exhausted: memory, address space, threads, file descriptors, disk space, inodes,
/// a quota or the maximum file size. The data that was read or written is not damaged.
#[must_use]
pub fn is_exhausted(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, OutOfMemory, QuotaExceeded, StorageFull};

    let has_kind = matches!(
        error.kind(),
        StorageFull | QuotaExceeded | FileTooLarge | OutOfMemory
    );
    let has_errno = cfg!(unix)
        && error
            .raw_os_error()
            .is_some_and(|number| DESCRIPTOR_LIMIT_ERRNOS.contains(&number));
    let inner = || {
        error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<io::Error>())
    };
    has_kind || has_errno || inner().is_some_and(is_exhausted)
}

/// Hint for exhausted resources that have no more specific one.
pub const EXHAUSTED_HINT: &str = "free memory, disk space or open files, or raise the limit that stands in the way (`ulimit -a`, the memory and pids of a container); what was published before is untouched";

/// Whether an error or one of its causes is an exhausted resource, see [`is_exhausted`].
#[must_use]
pub fn is_caused_by_exhaustion(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(io_error) = cause.downcast_ref::<io::Error>() {
            let inner = io_error.get_ref();
            if is_exhausted(io_error) || inner.is_some_and(|inner| is_caused_by_exhaustion(inner)) {
                return true;
            }
        }
        next = cause.source();
    }
    false
}

/// Corrects a status by the causes of the error: an exhausted resource is neither data loss, nor a bug, nor an outage
/// of a remote system.
#[must_use]
pub fn classify(error: &(dyn Error + 'static), status: StatusCode) -> StatusCode {
    match status {
        StatusCode::Internal | StatusCode::DataLoss | StatusCode::Unavailable
            if is_caused_by_exhaustion(error) =>
        {
            StatusCode::ResourceExhausted
        }
        status => status,
    }
}

/// Whether a thread could not be started because of a limit. Use it for errors of thread creation only: there
/// `WouldBlock` means that no thread is left.
#[must_use]
pub fn is_thread_limit_reached(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || is_exhausted(error)
}

/// The message of an error followed by its causes; a cause that the text already contains is not repeated.
#[must_use]
pub fn error_chain(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = error.source();
    }
    message
}

/// Finds the first error of type `T` in the chain of causes. [`std::io::Error`] hides its inner error from `source`, so
/// it is searched too.
pub fn find_cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref::<T>() {
            return Some(found);
        }
        let inner = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if let Some(found) = inner.and_then(|inner| find_cause::<T>(inner)) {
            return Some(found);
        }
        next = cause.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_found_inside_an_io_error() {
        let inner = "x".parse::<u8>().unwrap_err();
        let error = std::io::Error::other(std::io::Error::other(inner.clone()));
        assert_eq!(find_cause::<std::num::ParseIntError>(&error), Some(&inner));
        assert!(find_cause::<std::fmt::Error>(&error).is_none());
    }

    #[test]
    fn exhausted_resources_are_not_data_loss() {
        for number in [12, 23, 24, 27, 28, 122] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(
                StatusCode::from_io_error(&error),
                StatusCode::ResourceExhausted,
                "{error}"
            );
            let inner = io::Error::other(io::Error::from_raw_os_error(number));
            assert!(is_exhausted(&inner), "{inner}");
        }
        for number in [2, 5, 11, 13] {
            assert!(!is_exhausted(&io::Error::from_raw_os_error(number)));
        }
        assert!(is_thread_limit_reached(&io::Error::from_raw_os_error(11)));
    }

    #[test]
    fn the_numbers_from_1_to_16_name_a_class() {
        for number in 0..=u8::MAX {
            let status = StatusCode::from_number(number);
            assert_eq!(status.is_some(), (1..=16).contains(&number), "{number}");
            assert!(status.is_none_or(|status| status.number() == number));
        }
    }
}
