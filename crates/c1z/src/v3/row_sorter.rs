//! Sorts the rows of a store, each family of keys on its own, on disk if necessary.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use baton_proto::connector_v2::{Entitlement, Resource, ResourceId, ResourceType};
use baton_proto::prost_types::Timestamp;
use baton_proto::storage_v3::{AssetRecord, GrantRecord};
use prost::Message;
use time::OffsetDateTime;

use super::grant::GrantRecordTemplate;
use super::grant_digests;
use super::grant_digests::Digests;
use super::grant_digests::Sum;
use super::key;
use super::record;
use crate::io::external_sort::SortThread;
use crate::io::external_sort::Sorter;

/// The families, in the order of their keys.
const FAMILIES: [(&[u8], &str); 9] = [
    (&key::RESOURCE_TYPE, "resource types"),
    (&key::RESOURCE, "resources"),
    (&key::ENTITLEMENT, "entitlements"),
    (&key::GRANT, "grants"),
    (&key::ASSET, "assets"),
    (&key::BY_PARENT, "resources"),
    (&key::BY_PRINCIPAL, "grants"),
    (&key::NEEDS_EXPANSION, "grants"),
    (&key::BY_PRINCIPAL_HASH, "grants"),
];
const RESOURCE_TYPES: usize = 0;
const RESOURCES: usize = 1;
const ENTITLEMENTS: usize = 2;
const GRANTS: usize = 3;
const ASSETS: usize = 4;
const BY_PARENT: usize = 5;
const BY_PRINCIPAL: usize = 6;
const NEEDS_EXPANSION: usize = 7;
const BY_HASH: usize = 8;

/// First byte of the unsorted value of a grant: the number of its template follows, or the complete record.
const TEMPLATE: u8 = 0;
const COMPLETE: u8 = 1;

/// Rows between two checks of the stop flag.
const STRIDE: u64 = 4096;

/// Why rows could not be sorted.
#[derive(Debug)]
pub(crate) enum RowsError {
    Io(io::Error),
    /// Two rows have the same key.
    Duplicate {
        table: &'static str,
        id: String,
    },
}

impl From<io::Error> for RowsError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// All rows of one sync.
#[derive(Debug)]
pub(crate) struct Rows {
    thread: SortThread,
    sorters: Vec<Sorter>,
    templates: Vec<GrantRecordTemplate>,
    /// The digest of all grants.
    sum: Sum,
    started_at: Timestamp,
    discovered_at: Timestamp,
    key: Vec<u8>,
    entry: Vec<u8>,
    value: Vec<u8>,
}

impl Rows {
    pub(crate) fn create(folder: &Path, started_at: OffsetDateTime) -> io::Result<Self> {
        Ok(Self {
            thread: SortThread::start()?,
            sorters: FAMILIES.iter().map(|_| Sorter::new(folder)).collect(),
            templates: Vec::new(),
            sum: Sum::default(),
            started_at: record::proto_timestamp(started_at),
            discovered_at: record::proto_timestamp(started_at),
            key: Vec::new(),
            entry: Vec::new(),
            value: Vec::new(),
        })
    }

    /// The digest of all grants so far.
    pub(super) fn sum(&self) -> Sum {
        self.sum
    }

    pub(crate) fn put_resource_type(&mut self, row: &ResourceType) -> io::Result<()> {
        let record = record::resource_type_record(row, self.discovered_at);
        self.tuple(&[&row.id]);
        self.push(RESOURCE_TYPES, &record.encode_to_vec())
    }

    pub(crate) fn put_resource(&mut self, row: Resource) -> io::Result<()> {
        let record = record::resource_record(row, self.discovered_at);
        let ids = [record.resource_type_id.as_str(), record.resource_id.as_str()];
        self.tuple(&ids);
        let mut value = std::mem::take(&mut self.value);
        value.clear();
        // Encoding into a vector cannot fail: it grows.
        record.encode_raw(&mut value);
        let pushed = self.push(RESOURCES, &value);
        self.value = value;
        pushed?;
        if let Some(parent) = &record.parent {
            self.tuple(&[&parent.resource_type_id, &parent.resource_id, ids[0], ids[1]]);
            self.push(BY_PARENT, &[])?;
        }
        Ok(())
    }

    pub(crate) fn put_entitlement(&mut self, row: &Entitlement) -> io::Result<()> {
        let record = record::entitlement_record(row, self.discovered_at);
        let nothing = ResourceId::default();
        let resource = row.resource.as_ref().and_then(|resource| resource.id.as_ref());
        let resource = resource.unwrap_or(&nothing);
        self.tuple(&key::entitlement(
            &resource.resource_type,
            &resource.resource,
            &row.id,
        ));
        self.push(ENTITLEMENTS, &record.encode_to_vec())?;
        // In the family of grants by hash an entitlement precedes its grants, so that entitlements without grants have a digest
        // too.
        self.key.push(0);
        self.push(BY_HASH, &[])
    }

    /// Adds the grants of one entitlement. Returns their number.
    pub(crate) fn put_grants<'p>(
        &mut self,
        template: &GrantRecordTemplate,
        principals: impl Iterator<Item = &'p str>,
    ) -> io::Result<u64> {
        let known = self.templates.last().is_some_and(|last| last.is(template));
        if !known {
            self.templates.push(template.clone());
        }
        let number = u32::try_from(self.templates.len() - 1).unwrap_or(u32::MAX);
        let mut value = [TEMPLATE; 5];
        value[1..].copy_from_slice(&number.to_le_bytes());
        let mut principal = Vec::new();
        let mut rows = 0;
        for id in principals {
            principal.clear();
            principal.extend_from_slice(&template.principal_type);
            principal.push(0);
            key::push(id.as_bytes(), &mut principal);
            join(&mut self.key, &[&template.partition, &[0], &principal]);
            let hash = grant_digests::content_hash(&self.key);
            self.put_grant_keys(&template.partition, &principal, hash, &value)?;
            rows += 1;
        }
        Ok(rows)
    }

    /// Adds one grant from its record.
    pub(crate) fn put_grant(&mut self, record: &GrantRecord) -> io::Result<()> {
        let entitlement_ref = record.entitlement.clone().unwrap_or_default();
        let principal_ref = record.principal.clone().unwrap_or_default();
        let (mut partition, mut principal) = (Vec::new(), Vec::new());
        let parts = key::entitlement(
            &entitlement_ref.resource_type_id,
            &entitlement_ref.resource_id,
            &entitlement_ref.entitlement_id,
        );
        key::push_all(&parts, &mut partition);
        key::push_all(
            &[&principal_ref.resource_type_id, &principal_ref.resource_id],
            &mut principal,
        );
        join(&mut self.key, &[&partition, &[0], &principal]);
        if record.needs_expansion {
            self.push(NEEDS_EXPANSION, &[])?;
        }
        let mut hashed = self.key.clone();
        for source in record.sources.keys() {
            hashed.push(0);
            key::push(source.as_bytes(), &mut hashed);
        }
        let mut value = vec![COMPLETE];
        // Encoding into a vector cannot fail: it grows.
        record.encode_raw(&mut value);
        self.put_grant_keys(
            &partition,
            &principal,
            grant_digests::content_hash(&hashed),
            &value,
        )
    }

    /// Adds a grant, whose key is in [`Self::key`], to all families.
    fn put_grant_keys(
        &mut self,
        partition: &[u8],
        principal: &[u8],
        hash: [u8; 8],
        value: &[u8],
    ) -> io::Result<()> {
        self.sum.add(Sum { count: 1, xor: hash });
        self.push(GRANTS, value)?;
        join(&mut self.key, &[principal, &[0], partition]);
        self.push(BY_PRINCIPAL, &[])?;
        let bucket = grant_digests::bucket(principal);
        join(&mut self.key, &[partition, &[0], &bucket, principal]);
        self.push(BY_HASH, &hash)
    }

    pub(crate) fn put_asset(&mut self, record: &AssetRecord) -> io::Result<()> {
        self.tuple(&[&record.external_id]);
        self.push(ASSETS, &record.encode_to_vec())
    }

    /// Sets when the following rows were discovered. Grants from templates were discovered when the sync started.
    pub(crate) fn set_discovered_at(&mut self, time: OffsetDateTime) {
        self.discovered_at = record::proto_timestamp(time);
    }

    fn tuple(&mut self, parts: &[&str]) {
        self.key.clear();
        key::push_all(parts, &mut self.key);
    }

    /// Adds the key and a value to the sorter of a family, as: key, a zero byte, which sorts before all bytes that can follow a
    /// key, value, length of the key.
    fn push(&mut self, family: usize, value: &[u8]) -> io::Result<()> {
        let length = u32::try_from(self.key.len()).unwrap_or(u32::MAX).to_le_bytes();
        join(&mut self.entry, &[&self.key, &[0], value, &length]);
        self.sorters[family].push(&self.entry, &self.thread)
    }

    /// Calls `visit` with all rows in the order of their keys, including the record of the sync, `run`.
    pub(super) fn finish(
        mut self,
        stop: &AtomicBool,
        run: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> io::Result<()>,
    ) -> Result<(), RowsError> {
        self.thread.finish();
        let mut digests = Digests::default();
        let (mut value, mut count) = (Vec::new(), 0_u64);
        for (family, sorter) in std::mem::take(&mut self.sorters).into_iter().enumerate() {
            if family == BY_PARENT {
                visit(&key::SYNC_RUN, run)?;
            }
            let (prefix, table) = FAMILIES[family];
            let mut full = prefix.to_vec();
            let (mut before, mut duplicate) = (Vec::new(), None);
            let merged = sorter.merge(|entry| {
                count += 1;
                if count.is_multiple_of(STRIDE) && stop.load(Ordering::Relaxed) {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                let (part, rest) = split(entry)?;
                if before == part && count > 1 {
                    duplicate = Some(readable(part));
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                before.clear();
                before.extend_from_slice(part);
                full.truncate(prefix.len());
                full.extend_from_slice(part);
                match family {
                    GRANTS => {
                        self.grant_value(part, rest, &mut value)?;
                        return visit(&full, &value);
                    }
                    BY_HASH => {
                        let Some((partition, behind)) = after_partition(part) else {
                            return Err(io::ErrorKind::InvalidData.into());
                        };
                        digests.begin(partition);
                        let (Some(bucket), Ok(hash)) = (behind.first_chunk(), rest.try_into()) else {
                            return Ok(());
                        };
                        digests.add(*bucket, hash);
                    }
                    _ => {}
                }
                visit(&full, rest)
            });
            match duplicate {
                Some(id) => return Err(RowsError::Duplicate { table, id }),
                None => merged?,
            }
        }
        visit(&key::ALL_GRANTS_DIGEST, &self.sum.bytes())?;
        for (key, value) in digests.finish() {
            visit(&key, &value)?;
        }
        Ok(())
    }

    /// Builds the record of a grant from its key and its unsorted value.
    fn grant_value(&self, part: &[u8], waiting: &[u8], value: &mut Vec<u8>) -> io::Result<()> {
        let invalid = || io::Error::from(io::ErrorKind::InvalidData);
        let (kind, waiting) = waiting.split_first().ok_or_else(invalid)?;
        if *kind == COMPLETE {
            value.clear();
            value.extend_from_slice(waiting);
            return Ok(());
        }
        let number = u32::from_le_bytes(waiting.try_into().map_err(|_| invalid())?);
        let template = self.templates.get(number as usize).ok_or_else(invalid)?;
        let begin = template.partition.len() + template.principal_type.len() + 2;
        let (principal, _) = key::next(part.get(begin..).ok_or_else(invalid)?);
        template.encode(&principal, &self.started_at, value);
        Ok(())
    }
}

fn join(out: &mut Vec<u8>, pieces: &[&[u8]]) {
    out.clear();
    for piece in pieces {
        out.extend_from_slice(piece);
    }
}

/// Splits an entry of a sorter into key and value.
fn split(entry: &[u8]) -> io::Result<(&[u8], &[u8])> {
    let parts = entry.split_last_chunk::<4>().and_then(|(entry, length)| {
        let (key, value) = entry.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        Some((key, value.get(1..)?))
    });
    parts.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Splits a key into the four parts that identify an entitlement, and what follows their separator.
fn after_partition(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = key.iter().enumerate().filter(|(_, byte)| **byte == 0).nth(3)?.0;
    Some((&key[..end], &key[end + 1..]))
}

/// A key, readable, for messages.
fn readable(key: &[u8]) -> String {
    let (mut rest, mut parts) = (Some(key), Vec::new());
    while let Some(bytes) = rest {
        let (part, after) = key::next(bytes);
        parts.push(String::from_utf8_lossy(&part).into_owned());
        rest = after;
    }
    parts.join(", ")
}
