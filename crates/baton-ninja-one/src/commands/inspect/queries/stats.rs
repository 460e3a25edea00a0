//! `inspect stats`.

use serde_json::json;
use time::format_description::well_known::Rfc3339;

use super::runner::QueryRunner;
use super::user_totals::UserTotals;
use crate::commands::inspect::columns;
use crate::failure::Failure;
use crate::output::format::OutputFormat;
use crate::output::rows::{SortOrder, object};
use crate::output::text_table::{format_thousands, moment};

impl QueryRunner<'_> {
    pub(super) fn stats(&mut self) -> Result<(), Failure> {
        let types = self.snapshot.resource_type_stats()?;
        let totals = UserTotals::count(self.snapshot)?;
        let sync = self.snapshot.sync();
        let time = |time: time::OffsetDateTime| time.format(&Rfc3339).unwrap_or_default();
        if self.format == OutputFormat::Json {
            let types = types
                .iter()
                .map(|row| object(columns::TYPES, &columns::resource_type(row)));
            let stats = json!({
                "sync": {
                    "sync_id": sync.run.id.to_string(),
                    "sync_type": sync.run.sync_type.as_str(),
                    "tenant": sync.run.tenant,
                    "started_at": time(sync.run.started_at),
                    "ended_at": time(sync.ended_at),
                },
                "resource_types": types.collect::<Vec<_>>(),
                "users": totals.json(),
            });
            let _ = self.output.line(&stats.to_string());
            return Ok(());
        }
        self.print_note(&format!(
            "{}: sync {} ({}), ended {}",
            sync.run.tenant,
            sync.run.id,
            sync.run.sync_type.as_str(),
            moment(sync.ended_at)
        ));
        self.print_note("");
        self.print_rows(
            (columns::TYPES, SortOrder::AsTheyCome),
            ("type", "types"),
            |_, rows| {
                for row in &types {
                    if rows.push(columns::resource_type(row)).is_break() {
                        break;
                    }
                }
                Ok(None)
            },
        )?;
        self.print_note("");
        for (name, count) in totals.lines() {
            self.print_note(&format!("  {name:<24}{:>12}", format_thousands(count)));
        }
        Ok(())
    }
}
