//! How the program ends when something fails.

use std::process::ExitCode;

use access_core::{Classified, EXHAUSTED_HINT, StatusCode, class_of, with_causes};

use crate::console::{Text, print_error};

/// What is said, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    /// How the command line is meant.
    usage: Option<Text>,
    hint: Option<String>,
    status: StatusCode,
}

impl<E: Classified + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let status = class_of(&error, error.status());
        let hint = if status == error.status() {
            error.hint()
        } else {
            Some(EXHAUSTED_HINT.to_owned())
        };
        Self {
            message: with_causes(&error),
            usage: None,
            hint,
            status,
        }
    }
}

impl Failure {
    /// A command line that makes no sense, and how it is meant. Its exit code is that of any plain error in the reference.
    pub(crate) fn usage(message: String, usage: &str, hint: Option<String>) -> Self {
        Self {
            message,
            usage: Some(usage)
                .filter(|usage| !usage.is_empty())
                .map(|usage| Text::from_own_lines(&format!("{usage}\n"))),
            hint,
            status: StatusCode::Unknown,
        }
    }

    /// What a check found.
    pub(crate) fn found(message: String, hint: Option<String>, status: StatusCode) -> Self {
        Self {
            message,
            usage: None,
            hint,
            status,
        }
    }

    /// The same in other words.
    pub(crate) fn with_message(self, message: impl FnOnce(&str) -> String) -> Self {
        Self {
            message: message(&self.message),
            ..self
        }
    }

    /// The same with another hint, or none.
    pub(crate) fn with_hint(self, hint: impl FnOnce(&str) -> Option<String>) -> Self {
        Self {
            hint: self.hint.as_deref().and_then(hint),
            ..self
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
        let mut text = Text::new();
        text.line(format_args!("error: {}", self.message));
        if let Some(usage) = &self.usage {
            text.append(usage);
        }
        if let Some(hint) = &self.hint {
            text.line(format_args!("  hint: {hint}"));
        }
        print_error(&text);
        ExitCode::from(self.status.number())
    }
}
