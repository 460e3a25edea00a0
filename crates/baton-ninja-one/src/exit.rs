//! How the program ends when something fails.

use std::fmt::Write;
use std::process::ExitCode;

use access_core::{Classified, StatusCode, with_causes};

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
