//! What came of a review, in words and for programs.

use std::fmt::Write;

use serde::Serialize;

use super::sheet::Sheet;
use super::{Row, RowResult};

/// What is going to be done, before it is.
pub(super) fn intention(revocations: usize, tenant: &str) -> String {
    format!("About to carry out {revocations} revocations in {tenant}")
}

/// For people: a line for each revocation, then how many of each sort.
pub(super) fn text(sheet: &Sheet, rows: &[Row], dry: bool) -> String {
    let mut text = String::new();
    for row in rows {
        let subject = format!(
            "{} from {}",
            named(row.access.as_deref(), &row.entitlement_id),
            named(row.name.as_deref(), &row.principal)
        );
        let _ = match (row.result, &row.error) {
            (RowResult::Planned, _) => writeln!(text, "  would revoke  {subject}"),
            (RowResult::Revoked, _) => writeln!(text, "  revoked       {subject}"),
            (RowResult::Already, _) => writeln!(text, "  already gone  {subject}"),
            (RowResult::Accepted, _) => writeln!(
                text,
                "  not verified  {subject}: accepted, and it is not said who has it"
            ),
            (RowResult::Refused, error) => {
                let error = error.as_deref().unwrap_or_default();
                writeln!(
                    text,
                    "  REFUSED       row {}, {subject}\n                {error}",
                    row.line
                )
            }
            (RowResult::NotTried, _) => writeln!(text, "  not tried     {subject}"),
            (RowResult::Failed, error) => {
                let error = error.as_deref().unwrap_or_default();
                writeln!(text, "  NOT revoked   {subject}\n                {error}")
            }
        };
    }
    if !rows.is_empty() {
        text.push('\n');
    }
    let kept = sheet.decisions.len() - rows.len();
    let _ = writeln!(
        text,
        "{} to revoke, {kept} kept, {} left open, of sync {}",
        rows.len(),
        sheet.open,
        sheet.sync
    );
    if dry {
        text.push_str("Nothing was changed\n");
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
pub(super) fn json(sheet: &Sheet, rows: &[Row], dry: bool) -> String {
    let machine = Machine {
        tenant: &sheet.tenant,
        sync_id: &sheet.sync,
        dry_run: dry,
        kept: sheet.decisions.len() - rows.len(),
        open: sheet.open,
        revocations: rows,
    };
    // Texts and numbers always serialise.
    format!("{}\n", serde_json::to_string_pretty(&machine).unwrap_or_default())
}
