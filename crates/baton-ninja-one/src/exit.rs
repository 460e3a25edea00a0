//! How the program ends when something fails.

use std::process::ExitCode;

use access_core::{Classified, EXHAUSTED_HINT, StatusCode, class_of, with_causes};
use clap::error::ErrorKind;

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
    /// A command line that makes no sense, whose arguments have been escaped. Its exit code is that of any plain error in
    /// the reference.
    pub(crate) fn usage(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
        let (message, usage) = text.split_once('\n').unwrap_or((text, ""));
        let hint = matches!(
            error.kind(),
            ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand
        )
        .then(|| {
            "a flag of the reference that is missing here does not work yet and is not ignored".to_owned()
        });
        Self {
            message: message.to_owned(),
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
