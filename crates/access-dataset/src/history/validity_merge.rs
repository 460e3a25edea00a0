//! The merge of a history with the sync that comes next.

use access_core::diff::{JoinSide, Record, RecordKind, Records, RemovalPolicy, changed_fields};

use crate::diff::Cursor;
use crate::diff::TableRecords;
use crate::error::DatasetError;
use crate::schema::Contract;

/// The sync that is merged into the history.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp<'a> {
    pub(super) sync_id: &'a str,
    pub(super) synced_at: i64,
    pub(super) tenant: &'a str,
}

/// The time during which a row was the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct Validity<'a> {
    pub(super) from: i64,
    pub(super) to: Option<i64>,
    pub(super) first: &'a str,
    pub(super) last: &'a str,
    pub(super) closed_by: Option<&'a str>,
    pub(super) close_reason: Option<&'a str>,
}

/// The columns with the validity.
pub(super) const COLUMNS: [&str; 6] = [
    "valid_from",
    "valid_to",
    "first_sync_id",
    "last_sync_id",
    "closed_by_sync_id",
    "closed_because",
];

/// Rows of a history as records of a comparison: the columns of the comparison first, the validity after.
pub(super) struct HistoryRows {
    contract: Contract,
    subject: RecordKind,
    compared: Vec<&'static str>,
    pub(super) cursor: Cursor,
    validity: usize,
}

impl HistoryRows {
    /// The required columns of a history's table; `more` are those that only it has.
    pub(super) fn columns(
        contract: Contract,
        subject: RecordKind,
        extra: &[&'static str],
    ) -> Vec<&'static str> {
        let mut columns = subject.key().to_vec();
        columns.extend(subject.fields(contract.attributes()));
        columns.extend(COLUMNS);
        columns.extend(extra);
        columns
    }

    pub(super) fn new(contract: Contract, subject: RecordKind, cursor: Cursor) -> Self {
        let compared = subject.fields(contract.attributes());
        Self {
            contract,
            subject,
            cursor,
            validity: subject.key().len() + compared.len(),
            compared,
        }
    }

    /// The index of a column in `more`.
    pub(super) fn extra(&self, n: usize) -> usize {
        self.validity + COLUMNS.len() + n
    }

    pub(super) fn validity(&self) -> Validity<'_> {
        let text = |n| self.cursor.text(self.validity + n);
        Validity {
            from: self.cursor.time(self.validity).unwrap_or_default(),
            to: self.cursor.time(self.validity + 1),
            first: text(2).unwrap_or_default(),
            last: text(3).unwrap_or_default(),
            closed_by: text(4),
            close_reason: text(5),
        }
    }
}

impl Record for HistoryRows {
    fn key(&self, part: usize) -> &str {
        self.cursor.text(part).unwrap_or_default()
    }

    fn fields(&self) -> &[&'static str] {
        &self.compared
    }

    fn ignores(&self, attribute: &str) -> bool {
        self.contract.attributes().ignores(attribute)
    }

    fn field(&self, n: usize) -> Option<&str> {
        self.cursor.text(self.subject.key().len() + n)
    }

    fn name(&self, _: usize) -> Option<&str> {
        None
    }

    fn resource_type(&self) -> &str {
        self.cursor.text(self.extra(0)).unwrap_or_default()
    }

    fn profile(&self) -> Option<&str> {
        match self.subject {
            RecordKind::User => self.cursor.text(self.extra(1)),
            _ => None,
        }
    }

    fn attributes(&self) -> Vec<(Box<str>, Box<str>)> {
        self.profile().map(crate::diff::attributes).unwrap_or_default()
    }
}

/// Receives the rows of the new history, in the order of keys and times.
pub(super) trait HistoryWriter {
    /// Adds a row of the previous history, with this validity.
    fn write_past(&mut self, row: &HistoryRows, validity: Validity<'_>) -> Result<(), DatasetError>;

    /// Adds a row of the new sync, with this validity.
    fn write_current(&mut self, row: &TableRecords, validity: Validity<'_>) -> Result<(), DatasetError>;

    /// Why a record ended.
    fn close_reason(&mut self, row: &HistoryRows) -> Result<&'static str, DatasetError>;
}

/// Merges a history with a sync. A closed row stays; an open one continues, is closed, or stays open if the sync does not tell.
pub(super) fn merge(
    stamp: Stamp<'_>,
    history: &mut HistoryRows,
    current: &mut TableRecords,
    removals: &RemovalPolicy,
    out: &mut impl HistoryWriter,
) -> Result<(), DatasetError> {
    let subject = history.subject;
    let begun = Validity {
        from: stamp.synced_at,
        to: None,
        first: stamp.sync_id,
        last: stamp.sync_id,
        closed_by: None,
        close_reason: None,
    };
    let (mut has_history, mut has_current) = (history.cursor.advance()?, current.advance()?);
    while let Some(next) = JoinSide::next(
        subject,
        has_history.then_some(&*history),
        has_current.then_some(&*current),
    ) {
        let was = history.validity();
        let closed = |close_reason| Validity {
            to: Some(stamp.synced_at),
            closed_by: Some(stamp.sync_id),
            close_reason: Some(close_reason),
            ..was
        };
        match next {
            JoinSide::New => {
                out.write_current(current, begun)?;
                has_current = current.advance()?;
                continue;
            }
            _ if was.to.is_some() => out.write_past(history, was)?,
            JoinSide::Old if removals.confirms(subject, history) => {
                let close_reason = out.close_reason(history)?;
                out.write_past(history, closed(close_reason))?;
            }
            JoinSide::Old => out.write_past(history, was)?,
            JoinSide::Both => {
                if changed_fields(history, current).is_empty() {
                    let goes_on = Validity {
                        last: stamp.sync_id,
                        ..was
                    };
                    out.write_current(current, goes_on)?;
                } else {
                    out.write_past(history, closed("changed"))?;
                    out.write_current(current, begun)?;
                }
                has_current = current.advance()?;
            }
        }
        has_history = history.cursor.advance()?;
    }
    Ok(())
}
