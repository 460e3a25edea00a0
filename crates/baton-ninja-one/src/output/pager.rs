//! Where lines go: standard output, or a pager in front of it.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use unicode_width::UnicodeWidthStr;

use super::format::OutputFormat;
use super::wrap::{terminal_width, wrap};
use crate::output::console::escape_cells;
use crate::output::console::escape_line;

/// What `less` does if nobody says otherwise: nothing where all fits on a screen, no wrapped lines.
const LESS: &str = "FRSX";
/// What stands before the rest of a sentence that is too long for one line.
const CONTINUATION: &str = "  ";

/// Takes lines.
pub(crate) struct OutputTarget {
    to: To,
    /// Line breaks are written out too, besides what steers a terminal. In a file they are the data of a cell.
    guarded: bool,
}

/// Nobody reads any more, or nobody wants more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutputClosed;

enum To {
    Output(BufWriter<io::Stdout>),
    Pager(Child, BufWriter<ChildStdin>),
}

impl OutputTarget {
    /// For rows of a form, with a pager if they are for people who sit at a terminal and want one.
    pub(crate) fn open(form: OutputFormat, paged: bool) -> Self {
        let at_terminal = io::stdout().is_terminal();
        let started = (form == OutputFormat::Table && paged && at_terminal)
            .then(start)
            .flatten();
        if let Some((child, pipe)) = started {
            return Self {
                to: To::Pager(child, BufWriter::new(pipe)),
                guarded: true,
            };
        }
        // JSON can say everything harmlessly.
        Self::output(form != OutputFormat::Csv || at_terminal)
    }

    fn output(guarded: bool) -> Self {
        Self {
            to: To::Output(BufWriter::with_capacity(1 << 16, io::stdout())),
            guarded,
        }
    }

    /// Writes a sentence for people, on several lines where the terminal is narrower.
    pub(crate) fn paragraph(&mut self, text: &str) -> Result<(), OutputClosed> {
        let Some(width) = terminal_width().filter(|width| text.width() > *width) else {
            return self.line(text);
        };
        for (n, line) in wrap(text, width - CONTINUATION.len()).iter().enumerate() {
            self.line(&format!("{}{line}", if n == 0 { "" } else { CONTINUATION }))?;
        }
        Ok(())
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), OutputClosed> {
        let text = if self.guarded {
            // The end of a CSV line is no harm.
            let (text, end) = text.strip_suffix('\r').map_or((text, ""), |text| (text, "\r"));
            escape_line(text) + end
        } else {
            escape_cells(text)
        };
        self.write(text.as_bytes())
            .and_then(|()| self.write(b"\n"))
            .map_err(|_| OutputClosed)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.to {
            To::Output(out) => out.write_all(bytes),
            To::Pager(_, pipe) => pipe.write_all(bytes),
        }
    }

    /// Writes what still waits, and waits until the pager has been left. A reader that has gone away is no failure.
    pub(crate) fn close(self) {
        match self.to {
            To::Output(mut out) => {
                let _ = out.flush();
            }
            To::Pager(mut pager, mut pipe) => {
                let _ = pipe.flush();
                drop(pipe);
                let _ = pager.wait();
            }
        }
    }
}

/// The pager that `PAGER` names, or `less`; none where there is none, or `PAGER` is empty or `cat`.
fn start() -> Option<(Child, ChildStdin)> {
    let configured = std::env::var("PAGER").ok();
    let mut command = match configured.as_deref().map(str::trim) {
        Some("" | "cat") => return None,
        Some(line) if cfg!(unix) => {
            let mut shell = Command::new("sh");
            shell.arg("-c").arg(line);
            shell
        }
        Some(program) => Command::new(program),
        None => Command::new("less"),
    };
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", LESS);
    }
    let mut pager = command.stdin(Stdio::piped()).spawn().ok()?;
    let pipe = pager.stdin.take()?;
    Some((pager, pipe))
}
