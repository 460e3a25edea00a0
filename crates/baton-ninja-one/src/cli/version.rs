//! The program's name and version.

/// The name on the command line.
pub(crate) const NAME: &str = "baton-ninja-one";

/// `version 0.1.0 (1a2b3c4d5e6f, x86_64-unknown-linux-musl)`: version, commit and target. The commit is `-` if unknown, as
/// in a development build.
pub(crate) const LONG: &str = concat!(
    "version ",
    env!("CARGO_PKG_VERSION"),
    " (",
    env!("BUILD_COMMIT"),
    ", ",
    env!("BUILD_TARGET"),
    ")"
);

/// Name and version, recorded in the files that the program writes.
pub(crate) const PROGRAM: &str = concat!("baton-ninja-one ", env!("CARGO_PKG_VERSION"));
