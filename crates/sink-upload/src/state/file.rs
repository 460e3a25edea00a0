//! The bytes of the state: a header in JSON, the ids of a sync, and a hash of all of it.
//!
//! ```text
//! magic, version (u32), length of the header (u32), header
//! number of resources, each: number of its type, length of its id, id
//! number of entitlements, each: length of its id, id, number of holders, each: distance from the one before
//! sha256 of everything before
//! ```
//! Numbers without a width are LEB128. Holders are numbers of resources and rise, so that a grant takes one or two bytes.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use access_core::model::{Baseline, IdScheme, ResourceTypeId, SyncId, SyncOrigin, UserSample};
use access_core::sync::{Comparer, CurrentSync};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const MAGIC: &[u8; 8] = b"BNOSTATE";
/// The version of the format. A later one is refused; there is no earlier one.
const VERSION: u32 = 1;
const HASH_BYTES: usize = 32;

/// The owner of the state, and the size of the sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StateHeader {
    /// The tenant that was read.
    pub(crate) tenant: String,
    /// The connector that it was delivered for.
    pub(crate) client: String,
    /// The sync.
    pub(crate) sync_id: String,
    /// Names of the resource types, by which resources name them, with resources and grants of each.
    pub(crate) types: Vec<StateType>,
    /// The id scheme of the sync. Earlier versions did not write this and the next two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id_scheme: Option<String>,
    /// The client id that read the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// Some users of the tenant: ids and hashes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    user_sample: BTreeMap<String, String>,
}

/// One resource type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StateType {
    pub(crate) id: String,
    pub(crate) resources: u64,
    pub(crate) grants: u64,
}

impl StateHeader {
    pub(crate) fn new(tenant: &str, client: &str, baseline: &Baseline, origin: &SyncOrigin) -> Self {
        let mut types: Vec<&ResourceTypeId> =
            baseline.resources.keys().chain(baseline.grants.keys()).collect();
        types.sort_unstable();
        types.dedup();
        let count = |counts: &BTreeMap<ResourceTypeId, u64>, id| counts.get(id).copied().unwrap_or(0);
        Self {
            tenant: tenant.to_owned(),
            client: client.to_owned(),
            sync_id: baseline.sync_id.map(|id| id.to_string()).unwrap_or_default(),
            types: types
                .into_iter()
                .map(|id| StateType {
                    id: id.to_string(),
                    resources: count(&baseline.resources, id),
                    grants: count(&baseline.grants, id),
                })
                .collect(),
            id_scheme: origin.id_scheme.as_ref().map(ToString::to_string),
            client_id: origin.client_id.clone(),
            user_sample: origin.users.entries().collect(),
        }
    }

    pub(crate) fn origin(&self) -> SyncOrigin {
        let users = self.user_sample.iter();
        SyncOrigin {
            id_scheme: self.id_scheme.as_deref().map(IdScheme::new),
            client_id: self.client_id.clone(),
            users: UserSample::from_entries(users.map(|(id, hash)| (id.as_str(), hash.as_str()))),
        }
    }

    pub(crate) fn baseline(&self) -> Baseline {
        let counts = |count: fn(&StateType) -> u64| {
            let counts = self
                .types
                .iter()
                .filter_map(|of_type| Some((ResourceTypeId::new(&of_type.id).ok()?, count(of_type))));
            counts.filter(|(_, count)| *count > 0).collect()
        };
        Baseline {
            sync_id: self.sync_id.parse::<SyncId>().ok(),
            resources: counts(|of_type| of_type.resources),
            grants: counts(|of_type| of_type.grants),
        }
    }
}

/// Why bytes are not a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Damaged(&'static str),
    Newer(u32),
}

const SHORT: Unreadable = Unreadable::Damaged("it ends early");

/// A state that was read.
#[derive(Debug)]
pub(crate) struct StateFile {
    pub(crate) header: StateHeader,
    bytes: Vec<u8>,
    /// Where the ids begin.
    ids: usize,
}

impl StateFile {
    /// Writes a state.
    pub(crate) fn write(header: &StateHeader, ids: &CurrentSync, out: impl Write) -> io::Result<()> {
        let mut out = Hashing {
            out: BufWriter::with_capacity(1 << 16, out),
            hash: Sha256::new(),
        };
        let text = serde_json::to_vec(header)?;
        out.write_all(MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        let length = u32::try_from(text.len()).map_err(io::Error::other)?;
        out.write_all(&length.to_le_bytes())?;
        out.write_all(&text)?;
        let resources = ids.resources();
        number(&mut out, resources.len() as u64)?;
        for (resource_type, id) in &resources {
            let of_type = header
                .types
                .iter()
                .position(|known| known.id == resource_type.as_str());
            let of_type = of_type.ok_or_else(|| {
                io::Error::other(format!("resources of type {resource_type} were not counted"))
            })?;
            number(&mut out, of_type as u64)?;
            text_of(&mut out, id)?;
        }
        let held = || ids.holders().filter(|(_, holders)| !holders.is_empty());
        number(&mut out, held().count() as u64)?;
        for (entitlement, holders) in held() {
            text_of(&mut out, entitlement.as_str())?;
            number(&mut out, holders.len() as u64)?;
            let mut last = 0;
            for holder in holders {
                let distance = holder.checked_sub(last);
                let distance = distance.ok_or_else(|| io::Error::other("holders are not in order"))?;
                number(&mut out, u64::from(distance))?;
                last = *holder;
            }
        }
        let Hashing { mut out, hash } = out;
        out.write_all(&hash.finalize())?;
        out.flush()
    }

    /// Reads a state and looks at all of it.
    pub(crate) fn parse(bytes: Vec<u8>) -> Result<Self, Unreadable> {
        let mut rest = bytes.as_slice();
        if take(&mut rest, MAGIC.len())? != MAGIC {
            return Err(Unreadable::Damaged("it is not a state of this program"));
        }
        let version = fixed(&mut rest)?;
        if version > VERSION {
            return Err(Unreadable::Newer(version));
        }
        let body = bytes.len().checked_sub(HASH_BYTES).ok_or(SHORT)?;
        let (body, hash) = bytes.split_at(body);
        if Sha256::digest(body).as_slice() != hash {
            return Err(Unreadable::Damaged("its hash is another one"));
        }
        let length = fixed(&mut rest)? as usize;
        let header = serde_json::from_slice(take(&mut rest, length)?)
            .map_err(|_| Unreadable::Damaged("its header cannot be read"))?;
        let file = Self {
            header,
            ids: bytes.len() - rest.len(),
            bytes,
        };
        file.each(|_| ())?;
        Ok(file)
    }

    /// Streams the ids into a comparison.
    pub(crate) fn replay(&self, comparer: &mut Comparer) -> Result<(), Unreadable> {
        self.each(|row| match row {
            Row::Resource(resource_type, id) => comparer.add_resource(resource_type, id),
            Row::Grant(entitlement, (principal_type, principal)) => {
                comparer.add_grant(entitlement, principal_type, principal);
            }
        })
    }

    fn each<'a>(&'a self, mut take_row: impl FnMut(Row<'a>)) -> Result<(), Unreadable> {
        let mut rest = self
            .bytes
            .get(self.ids..self.bytes.len() - HASH_BYTES)
            .ok_or(SHORT)?;
        let count = read_number(&mut rest)?;
        let mut resources = Vec::new();
        for _ in 0..count {
            let of_type = usize::try_from(read_number(&mut rest)?).ok();
            let of_type = of_type.and_then(|at| self.header.types.get(at));
            let of_type = of_type.ok_or(Unreadable::Damaged("a resource has no type"))?;
            let row = (of_type.id.as_str(), read_text(&mut rest)?);
            take_row(Row::Resource(row.0, row.1));
            resources.push(row);
        }
        for _ in 0..read_number(&mut rest)? {
            let entitlement = read_text(&mut rest)?;
            let mut holder = 0_u64;
            for _ in 0..read_number(&mut rest)? {
                holder = holder.saturating_add(read_number(&mut rest)?);
                let at = usize::try_from(holder).ok();
                let principal = at.and_then(|at| resources.get(at));
                let principal = principal.ok_or(Unreadable::Damaged("a grant has no holder"))?;
                take_row(Row::Grant(entitlement, *principal));
            }
        }
        if rest.is_empty() {
            Ok(())
        } else {
            Err(Unreadable::Damaged("something follows its end"))
        }
    }
}

enum Row<'a> {
    Resource(&'a str, &'a str),
    Grant(&'a str, (&'a str, &'a str)),
}

struct Hashing<W: Write> {
    out: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn number(out: &mut impl Write, mut number: u64) -> io::Result<()> {
    while number >= 0x80 {
        out.write_all(&[(number & 0x7f) as u8 | 0x80])?;
        number >>= 7;
    }
    out.write_all(&[(number & 0x7f) as u8])
}

fn text_of(out: &mut impl Write, text: &str) -> io::Result<()> {
    number(out, text.len() as u64)?;
    out.write_all(text.as_bytes())
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Unreadable> {
    let (taken, after) = rest.split_at_checked(length).ok_or(SHORT)?;
    *rest = after;
    Ok(taken)
}

fn fixed(rest: &mut &[u8]) -> Result<u32, Unreadable> {
    let bytes = <[u8; 4]>::try_from(take(rest, 4)?).map_err(|_| SHORT)?;
    Ok(u32::from_le_bytes(bytes))
}

fn read_number(rest: &mut &[u8]) -> Result<u64, Unreadable> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Unreadable::Damaged("a number is too large"))
}

fn read_text<'a>(rest: &mut &'a [u8]) -> Result<&'a str, Unreadable> {
    let length = usize::try_from(read_number(rest)?).map_err(|_| SHORT)?;
    std::str::from_utf8(take(rest, length)?).map_err(|_| Unreadable::Damaged("a text is not UTF-8"))
}
