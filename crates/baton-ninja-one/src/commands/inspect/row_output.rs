//! Prints rows, and the line below them.

use std::ops::ControlFlow::{self, Break, Continue};

use crate::output::format::OutputFormat;
use crate::output::pager::OutputTarget;
use crate::output::rows::Cell;
use crate::output::rows::RowPrinter;
use crate::output::text_table::counted;
use crate::output::text_table::format_thousands;
use crate::runtime::cancellation::Cancellation;

/// Prints rows until the output is closed or the run is cancelled.
pub(super) struct Rows<'a> {
    pub(super) printer: RowPrinter,
    pub(super) output: &'a mut OutputTarget,
    pub(super) cancellation: &'a Cancellation,
}

impl Rows<'_> {
    pub(super) fn push(&mut self, cells: Vec<Cell>) -> ControlFlow<()> {
        let stopped = self.cancellation.is_cancelled();
        if stopped || self.printer.push(cells, self.output).is_err() {
            return Break(());
        }
        Continue(())
    }

    /// Completes the rows. People see their number, and the total before filtering if it is given.
    pub(super) fn finish(
        self,
        format: OutputFormat,
        (one, several): (&str, &str),
        total: Option<(u64, &str)>,
    ) {
        let Ok(written) = self.printer.finish(self.output) else {
            return;
        };
        if format != OutputFormat::Table {
            return;
        }
        let mut summary = match total {
            Some((total, of_what)) => format!(
                "{} of {} {of_what}",
                format_thousands(written.rows),
                format_thousands(total)
            ),
            None if written.rows == 0 => format!("no {several}"),
            None => counted(written.rows, one, several),
        };
        if written.shown < written.rows {
            summary = format!("{summary}, the first {} shown", format_thousands(written.shown));
        }
        if !written.left_out.is_empty() {
            summary = format!(
                "{summary} · not shown: {} (--columns all)",
                written.left_out.join(", ")
            );
        }
        // A closed output is not a failure.
        if written.rows > 0 {
            let _ = self.output.line("");
        }
        let _ = self.output.paragraph(&summary);
    }
}

/// Control flow of a fallible visitor; the error is stored in `failed`.
pub(super) fn flow<E>(done: Result<ControlFlow<()>, E>, failed: &mut Option<E>) -> ControlFlow<()> {
    match done {
        Ok(flow) => flow,
        Err(error) => {
            *failed = Some(error);
            Break(())
        }
    }
}
