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
use crate::schema::{Contract, Dataset, GrantHistoryTable};

/// A sync with its open files, and its history if it has one.
pub(crate) struct HistoryUpdate {
    pub(crate) sync_id: String,
    pub(crate) synced_at: i64,
    pub(crate) tenant: String,
    pub(crate) format: Arc<dyn FileFormat>,
    /// The format of the history's files.
    pub(crate) past_format: Arc<dyn FileFormat>,
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

    fn snapshot(&mut self, takes: &[Dataset]) -> Result<PublishedSnapshot, DatasetError> {
        let mut files = TableFiles::new();
        for table in takes {
            files.entry(*table).or_default().push(self.take(*table)?);
        }
        Ok(PublishedSnapshot::new(
            Arc::clone(&self.format),
            self.removals.clone(),
            files,
        ))
    }

    fn take(&mut self, table: Dataset) -> Result<Vec<RowsFile>, DatasetError> {
        let files = self.files.get_mut(&table).and_then(Vec::pop);
        files.ok_or_else(|| DatasetError::Rows {
            reason: format!("{table} is not open"),
        })
    }

    fn cursor(&mut self, table: Dataset, columns: Vec<&'static str>) -> Result<Cursor, DatasetError> {
        let files = self.take(table)?;
        let rows = Rows::new(table, Arc::clone(&self.format), Some(&columns), files);
        Ok(Cursor::new(Box::new(rows), columns))
    }

    /// The rows of this history; none without a history.
    fn past(
        &mut self,
        subject: RecordKind,
        table: Dataset,
        more: &[&'static str],
    ) -> Result<HistoryRows, DatasetError> {
        let contract = self.past_format.contract();
        let (columns, files) = (HistoryRows::columns(contract, subject, more), self.take(table)?);
        let rows = Rows::new(table, Arc::clone(&self.past_format), Some(&columns), files);
        Ok(HistoryRows::new(
            contract,
            subject,
            Cursor::new(Box::new(rows), columns),
        ))
    }

    /// The tables of the sync that an update reads, each with the number of times.
    pub(crate) const READ: [(Dataset, usize); 4] = [
        (Dataset::Users, 3),
        (Dataset::Resources, 1),
        (Dataset::Entitlements, 2),
        (Dataset::Grants, 2),
    ];

    /// Merges this sync into the history of the one before it.
    pub(crate) fn follow(
        mut self,
        mut before: Option<HistoryUpdate>,
        make: &TableFileWriter<'_>,
    ) -> Result<Vec<LocalFile>, DatasetError> {
        let compared = [
            Dataset::Users,
            Dataset::Users,
            Dataset::Resources,
            Dataset::Entitlements,
            Dataset::Grants,
        ];
        let mut gone = HashSet::new();
        let mut files = {
            let previous = before
                .as_mut()
                .map(|before| before.snapshot(&compared))
                .transpose()?;
            let mut snapshot = self.snapshot(&compared)?;
            let previous_stamp = before.as_ref().map(HistoryUpdate::stamp);
            let mut changes = Changes::new(
                self.stamp(),
                previous_stamp,
                self.format.contract(),
                make.table(Dataset::Changes)?,
            );
            if let Some(mut previous) = previous {
                differences(&mut previous, &mut snapshot, &mut |change| {
                    if change.kind == ChangeKind::Removed
                        && let (RecordKind::User | RecordKind::Resource, [kind, id]) =
                            (change.subject, &*change.key)
                    {
                        gone.insert((kind.clone(), id.clone()));
                    }
                    changes.take(&change)
                })?;
            }
            changes.finish()?
        };
        files.extend(self.grants(before.as_mut(), make, gone)?);
        files.extend(self.users(before.as_mut(), make)?);
        Ok(files)
    }

    fn present(&mut self, subject: RecordKind) -> Result<TableRecords, DatasetError> {
        let table = table_of(subject);
        let mut snapshot = self.snapshot(&[table])?;
        snapshot.records(subject)
    }

    fn grants(
        &mut self,
        before: Option<&mut HistoryUpdate>,
        make: &TableFileWriter<'_>,
        gone: HashSet<(Box<str>, Box<str>)>,
    ) -> Result<Vec<LocalFile>, DatasetError> {
        let contract = self.format.contract();
        let mut past = past_of(
            contract,
            before,
            RecordKind::Grant,
            Dataset::GrantsHistory,
            &grants_history::MORE,
        )?;
        let columns = TableRecords::columns(contract, RecordKind::Grant, &grants_history::MORE);
        let files = self.take(Dataset::Grants)?;
        let rows = Rows::new(Dataset::Grants, Arc::clone(&self.format), Some(&columns), files);
        let mut present =
            TableRecords::with_more(contract, RecordKind::Grant, Box::new(rows), &grants_history::MORE);
        let entitlements = self.cursor(Dataset::Entitlements, vec!["entitlement_id"])?;
        let mut out = Grants {
            stamp: self.stamp(),
            table: BatchedTable::new(
                GrantHistoryTable::new(contract),
                make.table(Dataset::GrantsHistory)?,
            ),
            entitlements: Entitlements::new(entitlements),
            gone,
        };
        merge(self.stamp(), &mut past, &mut present, &self.removals, &mut out)?;
        out.finish()
    }

    fn users(
        &mut self,
        before: Option<&mut HistoryUpdate>,
        make: &TableFileWriter<'_>,
    ) -> Result<Vec<LocalFile>, DatasetError> {
        let contract = self.format.contract();
        let mut past = past_of(
            contract,
            before,
            RecordKind::User,
            Dataset::UsersHistory,
            &users_history::MORE,
        )?;
        let mut present = self.present(RecordKind::User)?;
        let mut out = users_history::Users::new(self.stamp(), contract, make.table(Dataset::UsersHistory)?);
        merge(self.stamp(), &mut past, &mut present, &self.removals, &mut out)?;
        out.finish()
    }
}

fn past_of(
    contract: Contract,
    before: Option<&mut HistoryUpdate>,
    subject: RecordKind,
    table: Dataset,
    more: &[&'static str],
) -> Result<HistoryRows, DatasetError> {
    if let Some(before) = before {
        return before.past(subject, table, more);
    }
    let columns = HistoryRows::columns(contract, subject, more);
    let nothing = Cursor::new(Box::new(std::iter::empty()), columns);
    Ok(HistoryRows::new(contract, subject, nothing))
}

/// Opens local files, those of each table the given number of times.
pub(crate) fn local_files(
    made: &[LocalFile],
    tables: impl IntoIterator<Item = (Dataset, usize)>,
) -> Result<TableFiles, DatasetError> {
    let mut files: TableFiles = BTreeMap::new();
    for (table, times) in tables {
        for _ in 0..times {
            let of_table = made.iter().filter(|file| file.entry.dataset == table.name());
            let open = of_table.map(|file| {
                let opened = File::open(&file.local).map_err(|error| DatasetError::io(&file.local, error))?;
                Ok(RowsFile {
                    file: Some(opened),
                    place: file.local.display().to_string(),
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
