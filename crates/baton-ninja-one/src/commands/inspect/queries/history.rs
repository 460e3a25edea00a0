//! `inspect history`.

use crate::commands::inspect::columns;
use crate::commands::inspect::history::{History, Subject};
use crate::commands::inspect::row_output::Rows;
use crate::failure::Failure;
use crate::output::format::OutputFormat;
use crate::output::pager::OutputTarget;
use crate::output::rows::{RowPrinter, RowSelection, SortOrder};
use crate::output::text_table::{counted, moment};
use crate::runtime::cancellation::Cancellation;

/// Prints how a user or a role changed from sync to sync.
pub(crate) fn print_history(
    history: History,
    view: &RowSelection,
    format: OutputFormat,
    output: &mut OutputTarget,
    cancellation: &Cancellation,
) -> Result<(), Failure> {
    let printer = RowPrinter::new(columns::HISTORY, format).with_view(view, SortOrder::AsTheyCome)?;
    let (first, last) = history.span;
    if format == OutputFormat::Table {
        let Subject { name, id, .. } = &history.subject;
        let syncs = counted(history.syncs as u64, "full sync", "full syncs");
        let _ = output.paragraph(&format!(
            "{name} ({id}) · {syncs}, {} to {}",
            moment(first),
            moment(last)
        ));
        if let Some(until) = history.until {
            let _ = output.paragraph(&format!(
                "was here until {}; --at shows the access then",
                moment(until)
            ));
        }
        let _ = output.line("");
    }
    let mut rows = Rows {
        printer,
        output,
        cancellation,
    };
    for row in history.rows {
        if rows.push(row).is_break() {
            break;
        }
    }
    rows.finish(format, ("entry", "entries"), None);
    Ok(())
}
