//! Prompts: on a terminal with explanations, otherwise lines of standard input.

use std::io::{self, IsTerminal};

use access_core::StatusCode;

use crate::failure::Failure;
use crate::output::console;
use crate::output::console::Text;
use crate::runtime::cancellation::prompt_cancellable;

/// Reads answers.
pub(super) struct Prompt {
    terminal: bool,
}

impl Prompt {
    pub(super) fn new() -> Self {
        Self {
            terminal: io::stdin().is_terminal() && io::stderr().is_terminal(),
        }
    }

    /// Whether standard input is a terminal.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Reads one line; `None` at the end of input. On a terminal an empty answer is asked for again.
    pub(super) fn line(&self, explanation: &[&str], question: &str) -> Result<Option<String>, Failure> {
        let mut above = Text::new();
        for line in explanation {
            above.line(line);
        }
        self.ask(&above, question, Echo::On)
    }

    /// Reads one line without echo.
    pub(super) fn secret(&self, question: &str) -> Result<Option<String>, Failure> {
        self.ask(&Text::new(), question, Echo::Off)
    }

    /// Asks a yes-or-no question; no by default.
    pub(super) fn confirm(&self, question: &str) -> Result<bool, Failure> {
        let answer = self.once(&Text::new(), question, Echo::On)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    fn ask(&self, above: &Text, question: &str, echo: Echo) -> Result<Option<String>, Failure> {
        /// Maximum number of empty answers; at the end of input every answer is empty.
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
            // The line end was not echoed.
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

/// A terminal without echo.
#[cfg(unix)]
mod hidden_input {
    use std::io;

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    /// The previous state of the terminal, restored on drop and when a signal stops the program.
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

/// On other systems the input is echoed.
#[cfg(not(unix))]
mod hidden_input {
    pub(super) struct Guard;

    impl Guard {
        pub(super) fn new() -> Self {
            Self
        }
    }
}
