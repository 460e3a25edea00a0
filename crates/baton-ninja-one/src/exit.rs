//! How the program ends when something fails.

use std::fmt::Write;
use std::process::ExitCode;

use access_core::{Classified, StatusCode, with_causes};
use clap::error::ErrorKind;

use crate::console::print_error;

/// What is said, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
    status: StatusCode,
}

impl<E: Classified + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self {
            message: with_causes(&error),
            hint: error.hint(),
            status: error.status(),
        }
    }
}

impl Failure {
    /// A command line that makes no sense. Its exit code is that of any plain error in the reference.
    pub(crate) fn usage(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let message = text
            .strip_prefix("error: ")
            .unwrap_or(&text)
            .trim_end()
            .to_owned();
        let hint = matches!(
            error.kind(),
            ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand
        )
        .then(|| {
            "a flag of the reference that is missing here does not work yet and is not ignored".to_owned()
        });
        Self {
            message,
            hint,
            status: StatusCode::Unknown,
        }
    }

    /// What a check found.
    pub(crate) fn found(message: String, hint: Option<String>, status: StatusCode) -> Self {
        Self {
            message,
            hint,
            status,
        }
    }

    /// What happened.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The class.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Says what happened and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        let mut text = format!("error: {}\n", self.message);
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "  hint: {hint}");
        }
        print_error(&text);
        ExitCode::from(self.status.number())
    }
}
