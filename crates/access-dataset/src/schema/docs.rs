//! The contract for people.

use std::fmt::Write;

use crate::schema::{Contract, SCHEMA_VERSION, Table};

/// All tables and their columns as Markdown.
#[must_use]
pub fn columns(contract: Contract) -> String {
    let mut text = format!("Schema version {SCHEMA_VERSION}.\n");
    for dataset in Table::ALL.into_iter().chain(Table::HISTORY) {
        let key = dataset.key().join("`, `");
        let _ = write!(
            text,
            "\n### `{dataset}`\n\n{} Sorted by `{key}`.\n\n| Id | Column | Type | Null | Meaning |\n|---|---|---|---|---|\n",
            dataset.about()
        );
        for column in contract.columns(dataset) {
            let null = if column.nullable { "yes" } else { "no" };
            let _ = writeln!(
                text,
                "| {} | `{}` | {} | {null} | {} |",
                column.field_id,
                column.name,
                column.kind.name(),
                column.about
            );
        }
    }
    text
}
