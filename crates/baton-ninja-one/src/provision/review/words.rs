//! What came of a review, in words and for programs.

use serde::Serialize;

use super::sheet::Sheet;
use super::{Row, RowResult};
use crate::console::Text;

/// What is going to be done, before it is.
pub(super) fn intention(revocations: usize, tenant: &str) -> Text {
    let mut text = Text::new();
    text.line(format_args!(
        "About to carry out {revocations} revocations in {tenant}"
    ));
    text
}

/// For people: a line for each revocation, then how many of each sort.
pub(super) fn text(sheet: &Sheet, rows: &[Row], dry: bool) -> Text {
    let mut text = Text::new();
    for row in rows {
        let subject = format!(
            "{} from {}",
            named(row.access.as_deref(), &row.entitlement_id),
            named(row.name.as_deref(), &row.principal)
        );
        text.line(match row.result {
            RowResult::Planned => format!("  would revoke  {subject}"),
            RowResult::Revoked => format!("  revoked       {subject}"),
            RowResult::Already => format!("  already gone  {subject}"),
            RowResult::Accepted => {
                format!("  not verified  {subject}: accepted, and it is not said who has it")
            }
            RowResult::Refused => format!("  REFUSED       row {}, {subject}", row.line),
            RowResult::NotTried => format!("  not tried     {subject}"),
            RowResult::Failed => format!("  NOT revoked   {subject}"),
        });
        if matches!(row.result, RowResult::Refused | RowResult::Failed) {
            let error = row.error.as_deref().unwrap_or_default();
            text.line(format_args!("                {error}"));
        }
    }
    if !rows.is_empty() {
        text.blank();
    }
    let kept = sheet.decisions.len() - rows.len();
    text.line(format_args!(
        "{} to revoke, {kept} kept, {} left open, of sync {}",
        rows.len(),
        sheet.open,
        sheet.sync
    ));
    if dry {
        text.line("Nothing was changed");
    }
    text
}

fn named(name: Option<&str>, id: &str) -> String {
    name.map_or_else(|| id.to_owned(), |name| format!("{name} ({id})"))
}

#[derive(Serialize)]
struct Machine<'a> {
    tenant: &'a str,
    sync_id: &'a str,
    dry_run: bool,
    kept: usize,
    open: u64,
    revocations: &'a [Row],
}

/// For programs: one JSON object.
pub(super) fn json(sheet: &Sheet, rows: &[Row], dry: bool) -> Text {
    let machine = Machine {
        tenant: &sheet.tenant,
        sync_id: &sheet.sync,
        dry_run: dry,
        kept: sheet.decisions.len() - rows.len(),
        open: sheet.open,
        revocations: rows,
    };
    Text::from_json(&machine)
}
