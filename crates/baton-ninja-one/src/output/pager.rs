//! The target of lines: standard output, or a pager.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use access_core::secrets::redact_data;
use unicode_width::UnicodeWidthStr;

use super::format::OutputFormat;
use super::standard_output::StandardOutput;
use super::wrap::{terminal_width, wrap};
use crate::output::console::escape_cells;
use crate::output::console::escape_line;

/// Default options of `less`: exit if everything fits on a screen, do not wrap lines.
const LESS: &str = "FRSX";
/// Indentation of the later lines of a wrapped sentence.
const CONTINUATION: &str = "  ";

/// Receives lines.
pub(crate) struct OutputTarget {
    target: Target,
    /// Whether line breaks are escaped too. In a CSV file they are data of a cell.
    escapes_line_breaks: bool,
}

/// The reader closed the output, or the requested rows are complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutputClosed;

enum Target {
    Output(BufWriter<StandardOutput>),
    Pager(Child, BufWriter<ChildStdin>),
}

impl OutputTarget {
    /// Opens the target for a format; tables on a terminal get a pager if `paged`.
    pub(crate) fn open(format: OutputFormat, paged: bool) -> Self {
        let at_terminal = io::stdout().is_terminal();
        let started = (format == OutputFormat::Table && paged && at_terminal)
            .then(start_pager)
            .flatten();
        if let Some((child, pipe)) = started {
            return Self {
                target: Target::Pager(child, BufWriter::new(pipe)),
                escapes_line_breaks: true,
            };
        }
        // JSON escapes line breaks itself.
        Self::output(format != OutputFormat::Csv || at_terminal)
    }

    fn output(escapes_line_breaks: bool) -> Self {
        Self {
            target: Target::Output(BufWriter::with_capacity(1 << 16, StandardOutput)),
            escapes_line_breaks,
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
        let text = &*redact_data(text);
        let text = if self.escapes_line_breaks {
            // Keeps the line end of CSV.
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
        match &mut self.target {
            Target::Output(out) => out.write_all(bytes),
            Target::Pager(_, pipe) => pipe.write_all(bytes),
        }
    }

    /// Flushes the output, and waits for the end of the pager. A closed pipe is not a failure.
    pub(crate) fn close(self) {
        match self.target {
            Target::Output(mut out) => {
                let _ = out.flush();
            }
            Target::Pager(mut pager, mut pipe) => {
                let _ = pipe.flush();
                drop(pipe);
                let _ = pager.wait();
            }
        }
    }
}

/// Starts the pager of `PAGER`, or `less`; `None` if it cannot be started, or `PAGER` is empty or `cat`.
fn start_pager() -> Option<(Child, ChildStdin)> {
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
