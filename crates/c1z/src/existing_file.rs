//! The file that is there before a sync is written: whose it is, and the ids of the full sync that the new one replaces.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use crate::error::C1zError;
use crate::format::Container;
use crate::io::atomic_file::Target;
use crate::note::SyncNote;
use crate::options::WriterOptions;
use crate::reader::Reader;
use crate::stats::SyncStats;
use crate::sync_row::SyncRow;
use crate::v1::timestamp;
use crate::v3;

/// What a file says about the syncs in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// The tenant: from the note of the latest sync that has one, else from the description of its only app.
    pub tenant: Option<String>,
    /// The id scheme, from the same note.
    pub id_scheme: Option<String>,
    /// The client id of the latest sync with a sample of users.
    pub client_id: Option<String>,
    /// That sample: ids and hashes.
    pub user_sample: BTreeMap<String, String>,
    /// The types of the resources in the latest sync.
    pub resource_types: BTreeSet<String>,
    /// The end of the latest sync.
    pub latest_ended_at: Option<OffsetDateTime>,
}

/// A file that is continued or replaced, unpacked.
#[derive(Debug)]
pub(crate) struct ExistingFile {
    unpacked: Unpacked,
    pub(crate) syncs: Vec<SyncRow>,
}

#[derive(Debug)]
enum Unpacked {
    Database(Reader),
    Store(Box<v3::StoreIds>),
}

impl ExistingFile {
    /// Unpacks the file of a target; `None` if there is none.
    pub(crate) fn open(target: &Target, options: &WriterOptions) -> Result<Option<Self>, C1zError> {
        let WriterOptions {
            temp_folder,
            limits,
            stop,
            ..
        } = options;
        let path = target.path();
        let (unpacked, syncs) = match target.existing_format() {
            Container::V1 => {
                let reader = Reader::open(path, temp_folder, *limits, stop)?;
                let syncs = reader.syncs()?;
                (Unpacked::Database(reader), syncs)
            }
            Container::V3 => {
                let store = v3::StoreIds::open(path, temp_folder, *limits, stop)?;
                let syncs = store.sync().into_iter().cloned().collect();
                (Unpacked::Store(Box::new(store)), syncs)
            }
            Container::Absent | Container::Foreign(_) => return Ok(None),
        };
        Ok(Some(Self { unpacked, syncs }))
    }

    /// The unpacked database of a v1.
    pub(crate) fn database(&self) -> Option<&Reader> {
        match &self.unpacked {
            Unpacked::Database(reader) => Some(reader),
            Unpacked::Store(_) => None,
        }
    }

    /// The sync that readers use, if it is a full one.
    pub(crate) fn latest_full(&self) -> Option<&SyncRow> {
        SyncRow::latest_finished(&self.syncs).filter(|sync| sync.sync_type == "full")
    }

    /// The row counts of a sync: those that it cached, else counted.
    pub(crate) fn stats(&self, sync: &SyncRow) -> Result<SyncStats, C1zError> {
        match (
            sync.stats.as_ref().filter(|stats| stats.has_type_counts()),
            &self.unpacked,
        ) {
            (Some(stats), _) => Ok(stats.clone()),
            (None, Unpacked::Database(reader)) => reader.count(&sync.sync_id),
            (None, Unpacked::Store(store)) => store.count(),
        }
    }

    pub(crate) fn contents(&self) -> Result<Contents, C1zError> {
        let mut finished: Vec<&SyncRow> = self.syncs.iter().filter(|sync| sync.ended_at.is_some()).collect();
        finished.sort_by_key(|sync| (&sync.ended_at, &sync.sync_id));
        let Some(latest) = finished.last() else {
            return Ok(Contents::default());
        };
        let mut contents = Contents {
            latest_ended_at: latest.ended_at.as_deref().and_then(timestamp::parse),
            ..Contents::default()
        };
        let note_of = |sync: &&SyncRow| self.note(&sync.sync_id).transpose();
        let mut is_first = true;
        for note in finished.iter().rev().filter_map(note_of) {
            let note = note?;
            if is_first {
                contents.tenant = note.tenant;
                contents.id_scheme = note.id_scheme;
                is_first = false;
            }
            // A sync of some types may have read no users.
            if !note.user_sample.is_empty() {
                contents.client_id = note.client_id;
                contents.user_sample = note.user_sample;
                break;
            }
        }
        let read = SyncRow::latest_finished(&self.syncs).unwrap_or(latest);
        contents.resource_types = match &self.unpacked {
            Unpacked::Database(reader) => reader.types_of_resources(&read.sync_id)?,
            Unpacked::Store(store) => store.types_of_resources()?,
        };
        if contents.tenant.is_none() {
            contents.tenant = match &self.unpacked {
                Unpacked::Database(reader) => reader.described_tenant(&read.sync_id)?,
                Unpacked::Store(store) => store.described_tenant()?,
            };
        }
        Ok(contents)
    }

    fn note(&self, sync_id: &str) -> Result<Option<SyncNote>, C1zError> {
        match &self.unpacked {
            Unpacked::Database(reader) => reader.note(sync_id),
            Unpacked::Store(store) => Ok(store.note()),
        }
    }

    /// The store of a v3.
    pub(crate) fn into_store(self) -> Option<Box<v3::StoreIds>> {
        match self.unpacked {
            Unpacked::Database(_) => None,
            Unpacked::Store(store) => Some(store),
        }
    }
}
