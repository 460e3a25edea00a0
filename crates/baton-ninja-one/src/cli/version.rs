//! The program's name and version.

/// The name on the command line.
pub(crate) const NAME: &str = "baton-ninja-one";

/// `version 0.1.0 (1a2b3c4d5e6f, x86_64-unknown-linux-musl)`: version, commit and target; `-` where the commit is not known, as
/// in a build for development.
pub(crate) const LONG: &str = concat!(
    "version ",
    env!("CARGO_PKG_VERSION"),
    " (",
    env!("BUILD_COMMIT"),
    ", ",
    env!("BUILD_TARGET"),
    ")"
);

/// The program with its version, as files name what wrote them.
pub(crate) const PROGRAM: &str = concat!("baton-ninja-one ", env!("CARGO_PKG_VERSION"));
