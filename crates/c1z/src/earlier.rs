//! What a file holds before a sync is written into it: whose it is, and the ids of the full sync that the new one replaces.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use baton_proto::connector_v2::{Resource, ResourceType, resource_type::Trait};
use prost::Message;
use rusqlite::Row;
use rusqlite::types::ValueRef;
use time::OffsetDateTime;

use crate::error::C1zError;
use crate::format::Container;
use crate::io::atomic_file::Target;
use crate::note::{self, SyncNote};
use crate::previous_ids::IdSpool;
use crate::reader::{Reader, SyncRow};
use crate::stats::SyncStats;
use crate::v1::tables;
use crate::v1::timestamp;
use crate::v3;
use crate::writer::WriterOptions;

/// Resources of one type that are looked at for the address of the tenant.
const MAX_APPS: usize = 16;

/// What a file says about the syncs in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// The tenant, as the writer of the latest sync noted it, or as the description of the one app in it names it.
    pub tenant: Option<String>,
    /// How ids are made, as the writer of the latest sync noted it.
    pub id_scheme: Option<String>,
    /// The types of the resources in the latest sync.
    pub resource_types: BTreeSet<String>,
    /// When the latest sync ended.
    pub latest_ended_at: Option<OffsetDateTime>,
}

/// The id of a row of an earlier sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EarlierId<'a> {
    /// A resource.
    Resource {
        /// Its type.
        resource_type: &'a str,
        /// Its id.
        id: &'a str,
    },
    /// A grant.
    Grant {
        /// What is held.
        entitlement: &'a str,
        /// The type of who holds it.
        principal_type: &'a str,
        /// The id of who holds it.
        principal: &'a str,
    },
}

impl<'a> EarlierId<'a> {
    /// A resource, by the columns of its row in a v1.
    pub(crate) fn resource(resource_type: &'a str, external_id: &'a str) -> Self {
        let id = external_id
            .strip_prefix(resource_type)
            .and_then(|rest| rest.strip_prefix(':'));
        Self::Resource {
            resource_type,
            id: id.unwrap_or(external_id),
        }
    }
}

/// A file that is continued or replaced, unpacked.
#[derive(Debug)]
pub(crate) struct Earlier {
    rows: Unpacked,
    pub(crate) syncs: Vec<SyncRow>,
    path: PathBuf,
}

#[derive(Debug)]
enum Unpacked {
    Database(Reader),
    Store(Box<v3::StoreIds>),
}

impl Earlier {
    /// Unpacks what the target holds; `None` if it holds nothing.
    pub(crate) fn open(target: &Target, options: &WriterOptions) -> Result<Option<Self>, C1zError> {
        let WriterOptions {
            temp_folder,
            limits,
            stop,
            ..
        } = options;
        let path = target.path();
        let (rows, syncs) = match target.holds() {
            Container::V1 => {
                let reader = Reader::open(path, temp_folder, *limits, stop)?;
                let syncs = reader.syncs()?;
                (Unpacked::Database(reader), syncs)
            }
            Container::V3 => {
                let store = v3::StoreIds::unpack(path, temp_folder, *limits, stop)?;
                let syncs = store.sync().into_iter().cloned().collect();
                (Unpacked::Store(Box::new(store)), syncs)
            }
            Container::Absent | Container::Foreign(_) => return Ok(None),
        };
        Ok(Some(Self {
            rows,
            syncs,
            path: path.to_owned(),
        }))
    }

    /// The unpacked database of a v1.
    pub(crate) fn database(&self) -> Option<&Reader> {
        match &self.rows {
            Unpacked::Database(reader) => Some(reader),
            Unpacked::Store(_) => None,
        }
    }

    /// The latest finished full sync, which readers take.
    pub(crate) fn latest_full(&self) -> Option<&SyncRow> {
        SyncRow::latest_finished(&self.syncs).filter(|sync| sync.sync_type == "full")
    }

    /// How many rows a sync has, as it says itself or counted.
    pub(crate) fn stats(&self, sync: &SyncRow) -> Result<SyncStats, C1zError> {
        match (
            sync.stats.as_ref().filter(|stats| stats.has_type_counts()),
            &self.rows,
        ) {
            (Some(stats), _) => Ok(stats.clone()),
            (None, Unpacked::Database(reader)) => reader.count(&sync.sync_id),
            (None, Unpacked::Store(store)) => store.count(&self.path),
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
        let noted = |sync: &&SyncRow| self.note(&sync.sync_id).transpose();
        if let Some(note) = finished.iter().rev().find_map(noted).transpose()? {
            contents.tenant = note.tenant;
            contents.id_scheme = note.id_scheme;
        }
        let taken = SyncRow::latest_finished(&self.syncs).unwrap_or(latest);
        contents.resource_types = match &self.rows {
            Unpacked::Database(reader) => reader.types_of_resources(&taken.sync_id)?,
            Unpacked::Store(store) => store.types_of_resources(&self.path)?,
        };
        if contents.tenant.is_none() {
            contents.tenant = match &self.rows {
                Unpacked::Database(reader) => reader.described_tenant(&taken.sync_id)?,
                Unpacked::Store(store) => store.described_tenant(&self.path)?,
            };
        }
        Ok(contents)
    }

    fn note(&self, sync_id: &str) -> Result<Option<SyncNote>, C1zError> {
        match &self.rows {
            Unpacked::Database(reader) => reader.note(sync_id),
            Unpacked::Store(store) => Ok(store.note()),
        }
    }

    /// Hands over the ids of all resources and grants of a sync.
    pub(crate) fn spool(&self, ids: &mut IdSpool, stop: &AtomicBool) -> Result<(), C1zError> {
        let sync_id = ids.sync_id().to_owned();
        let mut put = |id: EarlierId<'_>| {
            ids.put(id)?;
            if stop.load(Ordering::Relaxed) {
                Err(C1zError::Stopped)
            } else {
                Ok(())
            }
        };
        match &self.rows {
            Unpacked::Database(reader) => reader.each_id(&sync_id, &mut put),
            Unpacked::Store(store) => store.each_id(&self.path, put),
        }
    }
}

impl Reader {
    /// What the writer of a sync noted about it, if anything.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read.
    pub fn note(&self, sync_id: &str) -> Result<Option<SyncNote>, C1zError> {
        let known = self.columns(tables::SYNC_RUNS)?;
        if !known.iter().any(|name| name == "sync_token") {
            return Ok(None);
        }
        let sql = "select cast(sync_token as text) from v1_sync_runs where sync_id = ?";
        let mut found = None;
        self.each(&known, sql, &[sync_id], |row| {
            found = note::parse(&text(row, 0));
            Ok::<(), C1zError>(())
        })?;
        Ok(found)
    }

    /// The tenant of a sync: as its writer noted it, or as the description of its one app names it.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read.
    pub fn tenant(&self, sync_id: &str) -> Result<Option<String>, C1zError> {
        match self.note(sync_id)?.and_then(|note| note.tenant) {
            Some(tenant) => Ok(Some(tenant)),
            None => self.described_tenant(sync_id),
        }
    }

    fn described_tenant(&self, sync_id: &str) -> Result<Option<String>, C1zError> {
        let mut apps = Vec::new();
        self.resource_types(sync_id, |row| {
            if is_app(&row) {
                apps.push(row.id);
            }
            Ok::<(), C1zError>(())
        })?;
        let mut addresses = Addresses::default();
        let known = self.columns(tables::RESOURCES)?;
        let sql = format!(
            "select data from v1_resources where sync_id = ? and resource_type_id = ? limit {MAX_APPS}"
        );
        for app in apps {
            self.each(&known, &sql, &[sync_id, &app], |row| {
                let data = row.get_ref(0).ok().and_then(|value| value.as_blob().ok());
                if let Some(Ok(resource)) = data.map(Resource::decode) {
                    addresses.add(&resource.description);
                }
                Ok::<(), C1zError>(())
            })?;
        }
        Ok(addresses.only())
    }

    fn types_of_resources(&self, sync_id: &str) -> Result<BTreeSet<String>, C1zError> {
        let mut types = BTreeSet::new();
        let sql = "select distinct resource_type_id from v1_resources where sync_id = ?";
        self.each(&self.columns(tables::RESOURCES)?, sql, &[sync_id], |row| {
            types.insert(text(row, 0).into_owned());
            Ok::<(), C1zError>(())
        })?;
        Ok(types)
    }

    fn each_id(
        &self,
        sync_id: &str,
        mut take: impl FnMut(EarlierId<'_>) -> Result<(), C1zError>,
    ) -> Result<(), C1zError> {
        let sql = "select resource_type_id, external_id from v1_resources where sync_id = ?";
        self.each(&self.columns(tables::RESOURCES)?, sql, &[sync_id], |row| {
            take(EarlierId::resource(&text(row, 0), &text(row, 1)))
        })?;
        let sql = "select entitlement_id, principal_resource_type_id, principal_resource_id \
                   from v1_grants where sync_id = ?";
        self.each(&self.columns(tables::GRANTS)?, sql, &[sync_id], |row| {
            take(EarlierId::Grant {
                entitlement: &text(row, 0),
                principal_type: &text(row, 1),
                principal: &text(row, 2),
            })
        })
    }
}

/// A column's text; empty where it has none.
fn text<'r>(row: &'r Row<'_>, column: usize) -> Cow<'r, str> {
    match row.get_ref(column) {
        Ok(ValueRef::Text(bytes)) => String::from_utf8_lossy(bytes),
        _ => Cow::Borrowed(""),
    }
}

pub(crate) fn is_app(resource_type: &ResourceType) -> bool {
    resource_type.traits().any(|kind| kind == Trait::App)
}

/// Addresses in the descriptions of apps.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    found: BTreeSet<String>,
    apps: usize,
}

impl Addresses {
    pub(crate) fn add(&mut self, description: &str) {
        self.apps += 1;
        let address = description
            .split_whitespace()
            .find(|word| word.starts_with("https://") || word.starts_with("http://"));
        self.found.extend(address.map(str::to_owned));
    }

    /// The address, if there is one app and it has one: a list of apps is no list of tenants.
    pub(crate) fn only(self) -> Option<String> {
        self.found.into_iter().next().filter(|_| self.apps == 1)
    }
}
