//! The failure of a run: its messages and its exit code.

use std::io;
use std::process::ExitCode;

use access_core::{Diagnostic, EXHAUSTED_HINT, StatusCode, classify, error_chain, is_exhausted};
use serde_json::json;

use crate::output::console::Label;
use crate::output::console::Text;
use crate::output::console::print_error;

/// Message, hint and exit code of a failure.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    /// The usage line.
    usage: Option<Text>,
    hint: Option<String>,
    status: StatusCode,
}

impl<E: Diagnostic + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let status = classify(&error, error.status());
        let hint = if status == error.status() {
            error.hint()
        } else {
            Some(EXHAUSTED_HINT.to_owned())
        };
        Self {
            message: error_chain(&error),
            usage: None,
            hint,
            status,
        }
    }
}

impl Failure {
    /// An invalid command line, with the usage line. Its exit code is that of a plain error in the reference.
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

    /// Creates a failure.
    pub(crate) fn new(message: String, hint: Option<String>, status: StatusCode) -> Self {
        Self {
            message,
            usage: None,
            hint,
            status,
        }
    }

    /// What was printed is incomplete.
    pub(crate) fn incomplete_output(error: &io::Error) -> Self {
        let status = if is_exhausted(error) {
            StatusCode::ResourceExhausted
        } else {
            StatusCode::Unknown
        };
        Self::new(
            format!("cannot write to standard output: {error}"),
            Some("what was printed is incomplete; free some space, or write it elsewhere".to_owned()),
            status,
        )
    }

    /// Replaces the message.
    pub(crate) fn with_message(self, message: impl FnOnce(&str) -> String) -> Self {
        Self {
            message: message(&self.message),
            ..self
        }
    }

    /// Replaces the hint.
    pub(crate) fn with_hint(self, hint: impl FnOnce(&str) -> Option<String>) -> Self {
        Self {
            hint: self.hint.as_deref().and_then(hint),
            ..self
        }
    }

    /// The message.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Prints the failure on standard error and returns the exit code.
    pub(crate) fn report(&self, format: ErrorFormat) -> ExitCode {
        print_error(&match format {
            ErrorFormat::Text => self.text(),
            ErrorFormat::Json => self.json(),
        });
        ExitCode::from(self.status.number())
    }

    fn text(&self) -> Text {
        let mut text = Text::new();
        text.labelled(Label::Error, &self.message);
        if let Some(usage) = &self.usage {
            text.append(usage);
        }
        if let Some(hint) = &self.hint {
            text.labelled(Label::Hint, hint);
        }
        text
    }

    /// One JSON object on one line, like the lines of a JSON log.
    fn json(&self) -> Text {
        let error = json!({
            "error": {
                "code": self.status.number(),
                "class": self.status.name().replace(' ', "_"),
                "message": self.message,
                "hint": self.hint,
            }
        });
        Text::from_own_lines(&format!("{error}\n"))
    }
}

/// The format of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ErrorFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object: code, class, message, hint.
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_error_is_one_line() {
        let failure = Failure::new(
            "no\n\u{1b}[31mway".to_owned(),
            Some("go".to_owned()),
            StatusCode::PermissionDenied,
        );
        let json = failure.json();
        assert_eq!(
            json.as_str(),
            "{\"error\":{\"class\":\"permission_denied\",\"code\":7,\"hint\":\"go\",\"message\":\"no\\n\\u001b[31mway\"}}\n"
        );
    }
}
