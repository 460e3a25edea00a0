//! What all queries share: the sync, and how rows and notes are printed.

use std::borrow::Cow;

use access_core::ports::AccessSnapshot;

use crate::commands::inspect::row_output::Rows;
use crate::failure::Failure;
use crate::output::format::OutputFormat;
use crate::output::pager::OutputTarget;
use crate::output::rows::{Column, RowPrinter, RowSelection, SortOrder};
use crate::runtime::cancellation::Cancellation;

/// Runs queries on one sync and prints their rows.
pub(super) struct QueryRunner<'a> {
    pub(super) snapshot: &'a dyn AccessSnapshot,
    pub(super) view: &'a RowSelection,
    /// A line above the rows, for people.
    pub(super) heading: Option<String>,
    pub(super) format: OutputFormat,
    pub(super) output: &'a mut OutputTarget,
    pub(super) cancellation: &'a Cancellation,
}

impl QueryRunner<'_> {
    /// Prints the rows that `fill` pushes and, for people, their number below them. Where `fill` returns the total before
    /// filtering, and what it counts, the line says `N of TOTAL`.
    pub(super) fn print_rows<'t>(
        &mut self,
        (columns, order): (impl Into<Cow<'static, [Column]>>, SortOrder),
        names: (&str, &str),
        fill: impl FnOnce(&dyn AccessSnapshot, &mut Rows<'_>) -> Result<Option<(u64, &'t str)>, Failure>,
    ) -> Result<(), Failure> {
        let printer = RowPrinter::new(columns, self.format).with_view(self.view, order)?;
        self.show_heading();
        let mut rows = Rows {
            printer,
            output: self.output,
            cancellation: self.cancellation,
        };
        let total = fill(self.snapshot, &mut rows)?;
        rows.finish(self.format, names, total);
        Ok(())
    }

    /// Prints a line for people.
    pub(super) fn print_note(&mut self, text: &str) {
        self.show_heading();
        if self.format == OutputFormat::Table {
            let _ = self.output.paragraph(text);
        }
    }

    fn show_heading(&mut self) {
        if let Some(heading) = self.heading.take().filter(|_| self.format == OutputFormat::Table) {
            let _ = self.output.paragraph(&heading);
            let _ = self.output.line("");
        }
    }
}
