//! Questions: at a terminal with an explanation, elsewhere as lines of standard input.

use std::io::{self, IsTerminal};

use access_core::StatusCode;

use crate::failure::Failure;
use crate::output::console;
use crate::output::console::Text;
use crate::runtime::cancellation::prompt_cancellable;

/// Asks for answers.
pub(super) struct Prompt {
    terminal: bool,
}

impl Prompt {
    pub(super) fn new() -> Self {
        Self {
            terminal: io::stdin().is_terminal() && io::stderr().is_terminal(),
        }
    }

    /// Whether there is a person to ask.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// One line; nothing if there is none. A person who answers nothing is asked again.
    pub(super) fn line(&self, explanation: &[&str], question: &str) -> Result<Option<String>, Failure> {
        let mut above = Text::new();
        for line in explanation {
            above.line(line);
        }
        self.ask(&above, question, Echo::On)
    }

    /// One line that is not shown while it is typed.
    pub(super) fn secret(&self, question: &str) -> Result<Option<String>, Failure> {
        self.ask(&Text::new(), question, Echo::Off)
    }

    /// Yes or no; no by default.
    pub(super) fn confirm(&self, question: &str) -> Result<bool, Failure> {
        let answer = self.once(&Text::new(), question, Echo::On)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    fn ask(&self, above: &Text, question: &str, echo: Echo) -> Result<Option<String>, Failure> {
        /// How often nothing is taken for an answer; at the end of input there will never be one.
        const TRIES: u32 = 3;
        let question = format!("{question}:");
        for _ in 0..if self.terminal { TRIES } else { 1 } {
            let answer = self.once(above, &question, echo)?;
            let answer = answer.trim();
            if !answer.is_empty() {
                return Ok(Some(answer.to_owned()));
            }
        }
        Ok(None)
    }

    fn once(&self, above: &Text, question: &str, echo: Echo) -> Result<String, Failure> {
        let mut prompt_text = Text::new();
        if self.terminal {
            prompt_text.append(above);
        }
        let question = if self.terminal {
            question.to_owned()
        } else {
            String::new()
        };
        let hidden = (self.terminal && echo == Echo::Off).then(hidden_input::Guard::new);
        let answer =
            prompt_cancellable(move || console::ask_for(&prompt_text, &question).unwrap_or_default());
        if hidden.is_some() {
            // The line end was not shown either.
            let mut end = Text::new();
            end.blank();
            console::print_error(&end);
        }
        drop(hidden);
        answer.ok_or_else(|| {
            Failure::new(
                "stopped on request; nothing was written".to_owned(),
                None,
                StatusCode::Cancelled,
            )
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Echo {
    On,
    Off,
}

/// A terminal that does not show what is typed.
#[cfg(unix)]
mod hidden_input {
    use std::io;

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    /// The terminal as it was, which it is again when this is dropped: also when the program is stopped while it waits.
    pub(super) struct Guard(Option<Termios>);

    impl Guard {
        pub(super) fn new() -> Self {
            let before = tcgetattr(io::stdin()).ok();
            if let Some(before) = &before {
                let mut silent = before.clone();
                silent.local_modes.remove(LocalModes::ECHO);
                let _ = tcsetattr(io::stdin(), OptionalActions::Now, &silent);
            }
            Self(before)
        }
    }

    impl Drop for Guard {
        fn drop(&mut self) {
            if let Some(before) = &self.0 {
                let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
            }
        }
    }
}

/// Elsewhere what is typed is shown.
#[cfg(not(unix))]
mod hidden_input {
    pub(super) struct Guard;

    impl Guard {
        pub(super) fn new() -> Self {
            Self
        }
    }
}
