//! The verbosity of messages.

use clap::ArgMatches;
use tracing::Level;

/// The flag for more messages.
pub(crate) const VERBOSE_FLAG: &str = "verbose";
/// The flag for fewer messages.
pub(crate) const QUIET_FLAG: &str = "quiet";
/// The flag for colors.
pub(crate) const COLOR_FLAG: &str = "color";

/// The effect of `-v` and `-q`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Verbosity {
    /// Errors only, without progress.
    Quiet,
    /// As configured.
    #[default]
    Normal,
    /// Informational messages.
    Verbose,
    /// Debug messages.
    Debug,
}

impl Verbosity {
    pub(super) fn from_matches(matches: &ArgMatches) -> Self {
        let given = |flag: &str| matches.try_get_one::<bool>(flag).ok().flatten().copied() == Some(true);
        if given(QUIET_FLAG) {
            return Self::Quiet;
        }
        match matches.try_get_one::<u8>(VERBOSE_FLAG).ok().flatten() {
            None | Some(0) => Self::Normal,
            Some(1) => Self::Verbose,
            Some(_) => Self::Debug,
        }
    }

    /// The minimum log level, if set by the flags.
    pub(super) fn level(self) -> Option<Level> {
        match self {
            Self::Quiet => Some(Level::ERROR),
            Self::Normal => None,
            Self::Verbose => Some(Level::INFO),
            Self::Debug => Some(Level::DEBUG),
        }
    }
}
