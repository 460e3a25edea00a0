//! Rows that the tenant gave and that are in no output, by name: a count cannot be followed up.

use serde::Serialize;

use super::{EntitlementId, ResourceId, ResourceTypeId, RowKind};

/// The most rows that are listed one by one; the rest is counted.
pub const MAX_LEFT_OUT_ROWS: usize = 1_000;

/// The most bytes of the tenant's own words that are kept of one row.
pub const MAX_SOURCE_TEXT_BYTES: usize = 256;

/// A row that was left out. Generic over the reason, which is the ledger's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOutRow<R> {
    /// What it would have been.
    pub kind: RowKind,
    /// Its type; for grants, the type of the resource they are held on.
    pub resource_type: ResourceTypeId,
    /// Why it is of no use.
    pub reason: R,
    /// The resource, or the one on which something is held, as far as the tenant names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceId>,
    /// The name of that resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    /// What is held, of a grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entitlement: Option<EntitlementId>,
    /// Who holds it, of a grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<ResourceId>,
    /// What the tenant itself says of the row, e.g. `Pat Departed <pat@example.net>`; clipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}

/// All that was left out, bounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut<R> {
    /// The first rows, in the order in which they came.
    pub rows: Vec<LeftOutRow<R>>,
    /// How many more there are.
    pub more: u64,
}

impl<R> Default for LeftOut<R> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            more: 0,
        }
    }
}

impl<R> LeftOut<R> {
    /// Lists a row, or counts it where the list is full.
    pub fn push(&mut self, row: LeftOutRow<R>) {
        if self.rows.len() < MAX_LEFT_OUT_ROWS {
            self.rows.push(row);
        } else {
            self.more += 1;
        }
    }

    /// Counts rows that nobody can name.
    pub fn count(&mut self, rows: u64) {
        self.more += rows;
    }

    /// Whether nothing was left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.more == 0
    }
}

/// Words of the tenant, no longer than is kept.
#[must_use]
pub fn clip_source_text(words: &str) -> String {
    super::BoundedText::<MAX_SOURCE_TEXT_BYTES>::new(words).to_string()
}
