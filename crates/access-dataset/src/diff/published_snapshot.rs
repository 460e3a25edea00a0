//! A sync as one side of a comparison.

use std::collections::BTreeMap;
use std::sync::Arc;

use access_core::diff::{RecordKind, RemovalPolicy};

use super::table_records::TableRecords;
use super::table_records::layout;
use super::table_records::table_of;
use crate::error::DatasetError;
use crate::format::FileFormat;
use crate::manifest::Manifest;
use crate::reader::HashCheck;
use crate::reader::Published;
use crate::reader::Rows;
use crate::reader::RowsFile;
use crate::schema::Table;

/// A sync that can be read as records in the order of their keys.
pub trait Snapshot: Send {
    /// Which missing records count as removed.
    fn removals(&self) -> RemovalPolicy;

    /// Its records of one kind. Each kind can be read once, one after the other.
    ///
    /// # Errors
    /// [`DatasetError`] if they cannot be read.
    fn records(&mut self, subject: RecordKind) -> Result<TableRecords, DatasetError>;
}

/// Files by their table; those of users twice, because they are left out of the resources.
pub(crate) type TableFiles = BTreeMap<Table, Vec<Vec<RowsFile>>>;

/// A published sync. Its files are open, so that whatever happens to the dataset now does not matter.
pub struct PublishedSnapshot {
    format: Arc<dyn FileFormat>,
    removals: RemovalPolicy,
    files: TableFiles,
}

impl Published {
    /// Opens a published sync for a comparison.
    ///
    /// # Errors
    /// [`DatasetError`] if a file is missing or differs from the manifest.
    pub async fn snapshot(
        &self,
        sync: &Manifest,
        hashes: HashCheck,
    ) -> Result<PublishedSnapshot, DatasetError> {
        let mut files = TableFiles::new();
        for subject in RecordKind::ALL {
            let table = table_of(subject);
            let open = self.open_files(sync, table, hashes).await?;
            files.entry(table).or_default().push(open);
            if subject == RecordKind::User {
                let again = self.open_files(sync, table, HashCheck::Skip).await?;
                files.entry(table).or_default().push(again);
            }
        }
        Ok(PublishedSnapshot::new(
            self.format_of(sync)?,
            removals_of(sync),
            files,
        ))
    }
}

impl PublishedSnapshot {
    pub(crate) fn new(format: Arc<dyn FileFormat>, removals: RemovalPolicy, files: TableFiles) -> Self {
        Self {
            format,
            removals,
            files,
        }
    }

    pub(crate) fn rows(&mut self, table: Table, columns: &[&str]) -> Result<Rows, DatasetError> {
        let files = self.files.get_mut(&table).and_then(Vec::pop);
        let files = files.ok_or_else(|| DatasetError::Rows {
            reason: format!("{table} was read before"),
        })?;
        Ok(Rows::new(table, Arc::clone(&self.format), Some(columns), files))
    }
}

/// Which records missing from a manifest's sync count as removed.
pub(crate) fn removals_of(sync: &Manifest) -> RemovalPolicy {
    let states = sync.completeness.as_object().into_iter().flatten();
    let complete =
        states.filter(|(_, state)| state.get("state").and_then(|state| state.as_str()) == Some("complete"));
    RemovalPolicy::from_complete_types(sync.sync.sync_type == "full", complete.map(|(id, _)| id.as_str()))
}

impl Snapshot for PublishedSnapshot {
    fn removals(&self) -> RemovalPolicy {
        self.removals.clone()
    }

    fn records(&mut self, subject: RecordKind) -> Result<TableRecords, DatasetError> {
        let contract = self.format.contract();
        let (columns, _) = layout(contract, subject);
        let rows = self.rows(table_of(subject), &columns)?;
        let records = TableRecords::new(contract, subject, Box::new(rows));
        if subject == RecordKind::Resource {
            let users = self.rows(Table::Users, RecordKind::User.key())?;
            return Ok(records.without_users(Box::new(users)));
        }
        Ok(records)
    }
}
