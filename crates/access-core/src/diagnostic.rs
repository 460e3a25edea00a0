//! How a failure is classified, independent of the crate it comes from.

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
    /// The caller's input is wrong: a setting, a flag, an address.
    InvalidArgument = 3,
    /// Something took longer than it may.
    DeadlineExceeded = 4,
    /// The thing asked for is not there.
    NotFound = 5,
    /// The thing to be made is there already.
    AlreadyExists = 6,
    /// Known, but not allowed.
    PermissionDenied = 7,
    /// Out of disk, quota or budget.
    ResourceExhausted = 8,
    /// The system is not in the state that the operation needs.
    FailedPrecondition = 9,
    /// Lost a race against somebody else.
    Aborted = 10,
    /// Past the end of what is allowed.
    OutOfRange = 11,
    /// Not offered by this program or this tenant.
    Unimplemented = 12,
    /// A bug, ours or theirs.
    Internal = 13,
    /// Not reachable or overloaded; worth another try later.
    Unavailable = 14,
    /// Data is damaged.
    DataLoss = 15,
    /// Not known: the credentials were not accepted.
    Unauthenticated = 16,
}

impl StatusCode {
    /// The gRPC number, 1 to 16.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The class with a gRPC number, if there is one.
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

    /// The class of what the system refused.
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

    /// The name as people write it in documentation, e.g. `permission denied`.
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

/// An error that says how it is to be treated. Every crate's error enum implements it; the binary turns
/// [`status`](Self::status) into the exit code and shows [`hint`](Self::hint) to the person.
pub trait Diagnostic: Error {
    /// The class of the failure.
    fn status(&self) -> StatusCode;

    /// Whether the same run, later and unchanged, may succeed.
    fn retryable(&self) -> bool {
        matches!(
            self.status(),
            StatusCode::Unavailable | StatusCode::DeadlineExceeded
        )
    }

    /// What the person can do about it, as an imperative sentence without a trailing stop.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// Open files of the system (`ENFILE`) and of the process (`EMFILE`), which have no kind of their own; the numbers are those
/// of every Unix.
const NO_DESCRIPTOR_LEFT: [i32; 2] = [23, 24];

/// Whether the system refused something because it has run out of it: memory, address space, threads, descriptors, disk space,
/// inodes, a quota, the size that a file may have. Nothing is wrong then with what was read or written.
#[must_use]
pub fn is_exhausted(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, OutOfMemory, QuotaExceeded, StorageFull};

    let of_kind = matches!(
        error.kind(),
        StorageFull | QuotaExceeded | FileTooLarge | OutOfMemory
    );
    let of_number = cfg!(unix)
        && error
            .raw_os_error()
            .is_some_and(|number| NO_DESCRIPTOR_LEFT.contains(&number));
    let carried = || {
        error
            .get_ref()
            .and_then(|carried| carried.downcast_ref::<io::Error>())
    };
    of_kind || of_number || carried().is_some_and(is_exhausted)
}

/// What to do where the system has run out of something that no better hint is about.
pub const EXHAUSTED_HINT: &str = "free memory, disk space or open files, or raise the limit that stands in the way (`ulimit -a`, the memory and pids of a container); what was published before is untouched";

/// Whether an error or one of its causes is that the system has run out of something, see [`is_exhausted`].
#[must_use]
pub fn is_caused_by_exhaustion(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(of_system) = cause.downcast_ref::<io::Error>() {
            let carried = of_system.get_ref();
            if is_exhausted(of_system) || carried.is_some_and(|carried| is_caused_by_exhaustion(carried)) {
                return true;
            }
        }
        next = cause.source();
    }
    false
}

/// The class of an error that may have another one as its cause: what the system has run out of is neither damage nor a bug nor
/// an outage of somebody else.
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

/// Whether the system has no room for one more thread; for errors of starting one, where "try again" means that.
#[must_use]
pub fn is_thread_limit_reached(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || is_exhausted(error)
}

/// An error's message with its causes, each said once.
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

/// The first error of a type among an error and its causes. An [`std::io::Error`] hides what it carries from the causes, so it
/// is looked into.
pub fn find_cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref::<T>() {
            return Some(found);
        }
        let carried = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if let Some(found) = carried.and_then(|carried| find_cause::<T>(carried)) {
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
    fn what_the_system_has_run_out_of_is_no_damage() {
        for number in [12, 23, 24, 27, 28, 122] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(
                StatusCode::from_io_error(&error),
                StatusCode::ResourceExhausted,
                "{error}"
            );
            let carried = io::Error::other(io::Error::from_raw_os_error(number));
            assert!(is_exhausted(&carried), "{carried}");
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
