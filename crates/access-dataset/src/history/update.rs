//! Updates the history with one sync.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::sync::Arc;

use access_core::diff::{ChangeKind, RecordKind, RemovalPolicy};

use super::batched_table::BatchedTable;
use super::changes_table::Changes;
use super::grants_history;
use super::grants_history::Entitlements;
use super::grants_history::Grants;
use super::users_history;
use super::validity_merge::HistoryRows;
use super::validity_merge::Stamp;
use super::validity_merge::merge;
use crate::diff::Cursor;
use crate::diff::PublishedSnapshot;
use crate::diff::Snapshot;
use crate::diff::TableFiles;
use crate::diff::TableRecords;
use crate::diff::differences;
use crate::diff::table_of;
use crate::error::DatasetError;
use crate::format::FileFormat;
use crate::publish::{LocalFile, TableFileWriter};
use crate::reader::Rows;
use crate::reader::RowsFile;
use crate::schema::{Contract, GrantHistoryTable, Table};

/// A sync with its open files, and its history if it has one.
pub(crate) struct HistoryUpdate {
    pub(crate) sync_id: String,
    pub(crate) synced_at: i64,
    pub(crate) tenant: String,
    pub(crate) format: Arc<dyn FileFormat>,
    /// The format of the history's files.
    pub(crate) history_format: Arc<dyn FileFormat>,
    pub(crate) removals: RemovalPolicy,
    pub(crate) files: TableFiles,
}

/// The files of a history, the number of syncs in it, and the first of them.
pub(crate) struct HistoryFiles {
    pub(crate) since: String,
    pub(crate) since_started_at: String,
    pub(crate) syncs: u64,
    pub(crate) files: Vec<LocalFile>,
}

impl HistoryUpdate {
    fn stamp(&self) -> Stamp<'_> {
        Stamp {
            sync_id: &self.sync_id,
            synced_at: self.synced_at,
            tenant: &self.tenant,
        }
    }

    fn snapshot(&mut self, takes: &[Table]) -> Result<PublishedSnapshot, DatasetError> {
        let mut files = TableFiles::new();
        for table in takes {
            files.entry(*table).or_default().push(self.take_files(*table)?);
        }
        Ok(PublishedSnapshot::new(
            Arc::clone(&self.format),
            self.removals.clone(),
            files,
        ))
    }

    fn take_files(&mut self, table: Table) -> Result<Vec<RowsFile>, DatasetError> {
        let files = self.files.get_mut(&table).and_then(Vec::pop);
        files.ok_or_else(|| DatasetError::Rows {
            reason: format!("{table} is not open"),
        })
    }

    fn cursor(&mut self, table: Table, columns: Vec<&'static str>) -> Result<Cursor, DatasetError> {
        let files = self.take_files(table)?;
        let rows = Rows::new(table, Arc::clone(&self.format), Some(&columns), files);
        Ok(Cursor::new(Box::new(rows), columns))
    }

    /// The rows of this history; none without a history.
    fn past(
        &mut self,
        subject: RecordKind,
        table: Table,
        extra: &[&'static str],
    ) -> Result<HistoryRows, DatasetError> {
        let contract = self.history_format.contract();
        let (columns, files) = (
            HistoryRows::columns(contract, subject, extra),
            self.take_files(table)?,
        );
        let rows = Rows::new(table, Arc::clone(&self.history_format), Some(&columns), files);
        Ok(HistoryRows::new(
            contract,
            subject,
            Cursor::new(Box::new(rows), columns),
        ))
    }

    /// The tables of the sync that an update reads, each with the number of times.
    pub(crate) const TABLES: [(Table, usize); 4] = [
        (Table::Users, 3),
        (Table::Resources, 1),
        (Table::Entitlements, 2),
        (Table::Grants, 2),
    ];

    /// Merges this sync into the history of the one before it.
    pub(crate) fn apply(
        mut self,
        mut previous: Option<HistoryUpdate>,
        writer: &TableFileWriter<'_>,
    ) -> Result<Vec<LocalFile>, DatasetError> {
        let compared = [
            Table::Users,
            Table::Users,
            Table::Resources,
            Table::Entitlements,
            Table::Grants,
        ];
        let mut removed = HashSet::new();
        let mut files = {
            let previous_snapshot = previous
                .as_mut()
                .map(|previous| previous.snapshot(&compared))
                .transpose()?;
            let mut snapshot = self.snapshot(&compared)?;
            let previous_stamp = previous.as_ref().map(HistoryUpdate::stamp);
            let mut changes = Changes::new(
                self.stamp(),
                previous_stamp,
                self.format.contract(),
                writer.table(Table::Changes)?,
            );
            if let Some(mut previous_snapshot) = previous_snapshot {
                differences(&mut previous_snapshot, &mut snapshot, &mut |change| {
                    if change.kind == ChangeKind::Removed
                        && let (RecordKind::User | RecordKind::Resource, [kind, id]) =
                            (change.subject, &*change.key)
                    {
                        removed.insert((kind.clone(), id.clone()));
                    }
                    changes.push(&change)
                })?;
            }
            changes.finish()?
        };
        files.extend(self.grants(previous.as_mut(), writer, removed)?);
        files.extend(self.users(previous.as_mut(), writer)?);
        Ok(files)
    }

    fn current(&mut self, subject: RecordKind) -> Result<TableRecords, DatasetError> {
        let table = table_of(subject);
        let mut snapshot = self.snapshot(&[table])?;
        snapshot.records(subject)
    }

    fn grants(
        &mut self,
        previous: Option<&mut HistoryUpdate>,
        writer: &TableFileWriter<'_>,
        removed: HashSet<(Box<str>, Box<str>)>,
    ) -> Result<Vec<LocalFile>, DatasetError> {
        let contract = self.format.contract();
        let mut past = history_rows_of(
            contract,
            previous,
            RecordKind::Grant,
            Table::GrantsHistory,
            &grants_history::EXTRA_COLUMNS,
        )?;
        let columns = TableRecords::columns(contract, RecordKind::Grant, &grants_history::EXTRA_COLUMNS);
        let files = self.take_files(Table::Grants)?;
        let rows = Rows::new(Table::Grants, Arc::clone(&self.format), Some(&columns), files);
        let mut current = TableRecords::with_more(
            contract,
            RecordKind::Grant,
            Box::new(rows),
            &grants_history::EXTRA_COLUMNS,
        );
        let entitlements = self.cursor(Table::Entitlements, vec!["entitlement_id"])?;
        let mut out = Grants {
            stamp: self.stamp(),
            table: BatchedTable::new(
                contract.row_table::<GrantHistoryTable>(),
                writer.table(Table::GrantsHistory)?,
            ),
            entitlements: Entitlements::new(entitlements),
            removed,
        };
        merge(self.stamp(), &mut past, &mut current, &self.removals, &mut out)?;
        out.finish()
    }

    fn users(
        &mut self,
        previous: Option<&mut HistoryUpdate>,
        writer: &TableFileWriter<'_>,
    ) -> Result<Vec<LocalFile>, DatasetError> {
        let contract = self.format.contract();
        let mut past = history_rows_of(
            contract,
            previous,
            RecordKind::User,
            Table::UsersHistory,
            &users_history::EXTRA_COLUMNS,
        )?;
        let mut current = self.current(RecordKind::User)?;
        let mut out = users_history::Users::new(self.stamp(), contract, writer.table(Table::UsersHistory)?);
        merge(self.stamp(), &mut past, &mut current, &self.removals, &mut out)?;
        out.finish()
    }
}

fn history_rows_of(
    contract: Contract,
    previous: Option<&mut HistoryUpdate>,
    subject: RecordKind,
    table: Table,
    extra: &[&'static str],
) -> Result<HistoryRows, DatasetError> {
    if let Some(previous) = previous {
        return previous.past(subject, table, extra);
    }
    let columns = HistoryRows::columns(contract, subject, extra);
    let nothing = Cursor::new(Box::new(std::iter::empty()), columns);
    Ok(HistoryRows::new(contract, subject, nothing))
}

/// Opens local files, those of each table the given number of times.
pub(crate) fn local_files(
    files_of_update: &[LocalFile],
    tables: impl IntoIterator<Item = (Table, usize)>,
) -> Result<TableFiles, DatasetError> {
    let mut files: TableFiles = BTreeMap::new();
    for (table, times) in tables {
        for _ in 0..times {
            let of_table = files_of_update
                .iter()
                .filter(|file| file.entry.dataset == table.name());
            let open = of_table.map(|file| {
                let opened = File::open(&file.local).map_err(|error| DatasetError::io(&file.local, error))?;
                Ok(RowsFile {
                    file: Some(opened),
                    location: file.local.display().to_string(),
                    rows: file.entry.rows,
                    verified: true,
                })
            });
            files
                .entry(table)
                .or_default()
                .push(open.collect::<Result<_, DatasetError>>()?);
        }
    }
    Ok(files)
}
