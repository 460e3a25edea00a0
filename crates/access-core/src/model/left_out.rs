//! Rows from the source that no output contains, listed individually so that they can be investigated.

use serde::Serialize;

use super::{EntitlementId, ResourceId, ResourceTypeId, RowKind};

/// Maximum number of rows that are listed; others are counted.
pub const MAX_LEFT_OUT_ROWS: usize = 1_000;

/// Maximum length of the source text of a row, in bytes.
pub const MAX_SOURCE_TEXT_BYTES: usize = 256;

/// A row that no output contains. Generic over the reason, which the ledger defines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOutRow<R> {
    /// The kind of the row.
    pub kind: RowKind,
    /// The resource type; for grants, of the resource they are on.
    pub resource_type: ResourceTypeId,
    /// Why it was dropped.
    pub reason: R,
    /// The resource of the row, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceId>,
    /// The name of that resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    /// The entitlement of a grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entitlement: Option<EntitlementId>,
    /// The principal of a grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<ResourceId>,
    /// How the tenant describes the row, e.g. `Pat Departed <pat@example.net>`; truncated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}

/// A bounded list of dropped rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut<R> {
    /// The first rows, in the order of arrival.
    pub rows: Vec<LeftOutRow<R>>,
    /// Number of further rows.
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
    /// Adds a row, or counts it if the list is full.
    pub fn push(&mut self, row: LeftOutRow<R>) {
        if self.rows.len() < MAX_LEFT_OUT_ROWS {
            self.rows.push(row);
        } else {
            self.more += 1;
        }
    }

    /// Counts rows without details.
    pub fn count(&mut self, rows: u64) {
        self.more += rows;
    }

    /// Whether there are no dropped rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.more == 0
    }
}

/// Truncates a text of the source to [`MAX_SOURCE_TEXT_BYTES`].
#[must_use]
pub fn clip_source_text(words: &str) -> String {
    super::BoundedText::<MAX_SOURCE_TEXT_BYTES>::new(words).to_string()
}
