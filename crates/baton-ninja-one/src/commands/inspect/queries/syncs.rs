//! `inspect syncs`.

use crate::commands::inspect::columns;
use crate::commands::inspect::row_output::Rows;
use crate::failure::Failure;
use crate::output::format::OutputFormat;
use crate::output::pager::OutputTarget;
use crate::output::rows::{Cell, RowPrinter, RowSelection, SortOrder};
use crate::runtime::cancellation::Cancellation;
use crate::sync_location::SyncListing;

/// Prints the syncs of a file or dataset.
pub(crate) fn print_syncs(
    syncs: &[SyncListing],
    view: &RowSelection,
    format: OutputFormat,
    output: &mut OutputTarget,
    cancellation: &Cancellation,
) -> Result<(), Failure> {
    let mut rows = Rows {
        printer: RowPrinter::new(columns::SYNCS, format).with_view(view, SortOrder::AsTheyCome)?,
        output,
        cancellation,
    };
    for row in syncs {
        let count = |n: usize| row.counts.map_or(Cell::Nothing, |counts| Cell::Count(counts[n]));
        let cells = vec![
            Cell::text(&row.id),
            Cell::text(&row.sync_type),
            Cell::Time(row.started_at.clone()),
            row.ended_at.clone().map_or(Cell::Nothing, Cell::Time),
            Cell::Flag(row.latest),
            count(0),
            count(1),
            count(2),
        ];
        if rows.push(cells).is_break() {
            break;
        }
    }
    rows.finish(format, ("sync", "syncs"), None);
    Ok(())
}
