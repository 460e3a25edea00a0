//! The ids of the previous sync of a v1, in a small file from the start of a sync until it is compared: the unpacked copy that
//! they come from is ten times as large, and the new database needs its space.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::C1zError;

const BUFFER_BYTES: usize = 1 << 17;

/// Types of records: the id that changes from row to row, and those that stay the same for many rows.
const RESOURCE_TYPE: u8 = 0;
const RESOURCE: u8 = 1;
const ENTITLEMENT: u8 = 2;
const PRINCIPAL_TYPE: u8 = 3;
const PRINCIPAL: u8 = 4;

/// The id of a row of an earlier sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreviousId<'a> {
    /// A resource.
    Resource {
        /// Its type.
        resource_type: &'a str,
        /// Its id.
        id: &'a str,
    },
    /// A grant.
    Grant {
        /// The id of the entitlement.
        entitlement: &'a str,
        /// The principal's type.
        principal_type: &'a str,
        /// The principal's id, within its type.
        principal: &'a str,
    },
}

impl<'a> PreviousId<'a> {
    /// A resource, from the columns of its row in a v1.
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

/// The ids of one sync, in a file without a name.
#[derive(Debug)]
pub(crate) struct PreviousIds {
    file: File,
    records: u64,
}

impl PreviousIds {
    /// Calls `visit` with all of them.
    pub(crate) fn each(
        self,
        folder: &Path,
        stop: &AtomicBool,
        mut visit: impl FnMut(PreviousId<'_>),
    ) -> Result<(), C1zError> {
        let failed = |error| C1zError::io("reading temporary files in", folder, error);
        let mut file = BufReader::with_capacity(BUFFER_BYTES, self.file);
        let mut last: [String; 5] = Default::default();
        for _ in 0..self.records {
            if stop.load(Ordering::Relaxed) {
                return Err(C1zError::Stopped);
            }
            let kind = next(&mut file, &mut last).map_err(failed)?;
            let [resource_type, resource, entitlement, principal_type, principal] = &last;
            match kind {
                RESOURCE => visit(PreviousId::Resource {
                    resource_type,
                    id: resource,
                }),
                PRINCIPAL => visit(PreviousId::Grant {
                    entitlement,
                    principal_type,
                    principal,
                }),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Writes the ids of one sync into the file.
pub(crate) struct IdSpool {
    sync_id: String,
    folder: PathBuf,
    spool: Spool,
}

impl IdSpool {
    pub(crate) fn create(sync_id: &str, folder: &Path) -> Result<Self, C1zError> {
        let file = tempfile::tempfile_in(folder);
        let file = file.map_err(|error| C1zError::io("writing temporary files in", folder, error))?;
        Ok(Self {
            sync_id: sync_id.to_owned(),
            folder: folder.to_owned(),
            spool: Spool::new(file),
        })
    }

    /// The sync whose ids are written.
    pub(crate) fn sync_id(&self) -> &str {
        &self.sync_id
    }

    pub(crate) fn put(&mut self, id: PreviousId<'_>) -> Result<(), C1zError> {
        let put = self.spool.put(id);
        put.map_err(|error| C1zError::io("writing temporary files in", &self.folder, error))
    }

    pub(crate) fn finish(self) -> Result<PreviousIds, C1zError> {
        let Self { spool, folder, .. } = self;
        let finished = spool.finish();
        finished.map_err(|error| C1zError::io("writing temporary files in", &folder, error))
    }
}

struct Spool {
    out: BufWriter<File>,
    last: [String; 5],
    records: u64,
}

impl Spool {
    fn new(file: File) -> Self {
        Self {
            out: BufWriter::with_capacity(BUFFER_BYTES, file),
            last: Default::default(),
            records: 0,
        }
    }

    fn put(&mut self, id: PreviousId<'_>) -> io::Result<()> {
        match id {
            PreviousId::Resource { resource_type, id } => {
                self.change(RESOURCE_TYPE, resource_type)?;
                self.record(RESOURCE, id)
            }
            PreviousId::Grant {
                entitlement,
                principal_type,
                principal,
            } => {
                self.change(ENTITLEMENT, entitlement)?;
                self.change(PRINCIPAL_TYPE, principal_type)?;
                self.record(PRINCIPAL, principal)
            }
        }
    }

    /// Writes an id only if it differs from the previous one.
    fn change(&mut self, kind: u8, text: &str) -> io::Result<()> {
        let last = &mut self.last[usize::from(kind)];
        if last == text {
            return Ok(());
        }
        text.clone_into(last);
        self.record(kind, text)
    }

    fn record(&mut self, kind: u8, text: &str) -> io::Result<()> {
        self.records += 1;
        let length = u32::try_from(text.len()).map_err(io::Error::other)?;
        self.out.write_all(&[kind])?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(text.as_bytes())
    }

    fn finish(self) -> io::Result<PreviousIds> {
        let mut file = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(PreviousIds {
            file,
            records: self.records,
        })
    }
}

/// Reads a record into the slot of its type. Returns the type.
fn next(file: &mut impl BufRead, last: &mut [String; 5]) -> io::Result<u8> {
    let mut head = [0; 5];
    file.read_exact(&mut head)?;
    let [kind, length @ ..] = head;
    let field = last
        .get_mut(usize::from(kind))
        .ok_or(io::ErrorKind::InvalidData)?;
    field.clear();
    let length = u64::from(u32::from_le_bytes(length));
    let got = file.by_ref().take(length).read_to_string(field)?;
    if got as u64 == length {
        Ok(kind)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_a_round_trip() {
        let resources = [("user", "1"), ("user", ""), ("role", "ü"), ("user", "2")];
        let grants = [
            ("role:1:assigned", "user", "1"),
            ("role:1:assigned", "user", "2"),
            ("role:1:assigned", "device", "2"),
            ("role:2:assigned", "device", "2"),
        ];
        let mut spool = Spool::new(tempfile::tempfile().unwrap());
        for (resource_type, id) in resources {
            spool.put(PreviousId::Resource { resource_type, id }).unwrap();
        }
        for (entitlement, principal_type, principal) in grants {
            let grant = PreviousId::Grant {
                entitlement,
                principal_type,
                principal,
            };
            spool.put(grant).unwrap();
        }
        let mut found = Vec::new();
        let ids = spool.finish().unwrap();
        let stop = AtomicBool::new(false);
        ids.each(Path::new("."), &stop, |id| {
            found.push(match id {
                PreviousId::Resource { resource_type, id } => format!("{resource_type}:{id}"),
                PreviousId::Grant {
                    entitlement,
                    principal_type,
                    principal,
                } => format!("{entitlement} {principal_type}:{principal}"),
            });
        })
        .unwrap();
        let resources = resources.map(|(resource_type, id)| format!("{resource_type}:{id}"));
        let grants = grants.map(|(held, kind, id)| format!("{held} {kind}:{id}"));
        assert_eq!(found, [&resources[..], &grants[..]].concat());
    }
}
