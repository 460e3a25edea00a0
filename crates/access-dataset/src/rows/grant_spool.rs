//! The holders of each entitlement, on disk: the grants of one entitlement arrive together and are stored together.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::resource_directory::Ordinal;

/// Bytes of a holder on disk.
const HOLDER_BYTES: usize = 8;

/// Marks a holder about whom there is nothing more to say.
const PLAIN: u32 = u32::MAX;

/// Writes holders.
#[derive(Debug)]
pub(super) struct GrantSpool {
    file: BufWriter<File>,
    /// The entitlement of each run and its holders before it.
    runs: Vec<(u32, u64)>,
    holders: u64,
}

/// A principal with an entitlement, and the number of the record of its origin unless the grant is plainly direct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) principal: Ordinal,
    pub(super) origin: Option<u32>,
}

impl GrantSpool {
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        Ok(Self {
            file: BufWriter::with_capacity(1 << 18, tempfile::tempfile_in(folder)?),
            runs: Vec::new(),
            holders: 0,
        })
    }

    /// The holders that follow hold this entitlement.
    pub(super) fn open(&mut self, entitlement: u32) {
        if self.runs.last().is_none_or(|(open, _)| *open != entitlement) {
            self.runs.push((entitlement, self.holders));
        }
    }

    pub(super) fn push(&mut self, holder: Holder) -> io::Result<()> {
        self.holders += 1;
        self.file.write_all(&holder.principal.to_le_bytes())?;
        self.file.write_all(&holder.origin.unwrap_or(PLAIN).to_le_bytes())
    }

    /// How many there are in all.
    pub(super) fn len(&self) -> u64 {
        self.holders
    }

    /// No more holders: from now on they are read.
    pub(super) fn finish(self) -> io::Result<Holders> {
        let mut runs = Vec::with_capacity(self.runs.len());
        for (n, (entitlement, begin)) in self.runs.iter().enumerate() {
            let end = self.runs.get(n + 1).map_or(self.holders, |(_, next)| *next);
            runs.push((*entitlement, *begin, end - begin));
        }
        runs.sort_unstable();
        Ok(Holders {
            file: self.file.into_inner().map_err(io::IntoInnerError::into_error)?,
            runs,
            bytes: Vec::new(),
        })
    }
}

/// Gives the holders of one entitlement at a time.
#[derive(Debug)]
pub(super) struct Holders {
    file: File,
    /// Entitlement, where its holders begin, how many; by entitlement.
    runs: Vec<(u32, u64, u64)>,
    bytes: Vec<u8>,
}

impl Holders {
    /// How many hold it.
    pub(super) fn count(&self, entitlement: u32) -> u64 {
        self.of(entitlement).map(|(_, _, count)| count).sum()
    }

    fn of(&self, entitlement: u32) -> impl Iterator<Item = (u32, u64, u64)> + use<'_> {
        let begin = self.runs.partition_point(|(other, ..)| *other < entitlement);
        self.runs[begin..]
            .iter()
            .copied()
            .take_while(move |(other, ..)| *other == entitlement)
    }

    /// Reads the holders of an entitlement into `holders`, in the order of their arrival.
    pub(super) fn read(&mut self, entitlement: u32, holders: &mut Vec<Holder>) -> io::Result<()> {
        holders.clear();
        let runs: Vec<_> = self.of(entitlement).collect();
        for (_, begin, count) in runs {
            self.file.seek(SeekFrom::Start(begin * HOLDER_BYTES as u64))?;
            let length = usize::try_from(count).map_err(io::Error::other)? * HOLDER_BYTES;
            self.bytes.resize(length, 0);
            self.file.read_exact(&mut self.bytes)?;
            holders.extend(
                self.bytes
                    .as_chunks::<HOLDER_BYTES>()
                    .0
                    .iter()
                    .copied()
                    .map(holder),
            );
        }
        Ok(())
    }
}

fn holder(bytes: [u8; HOLDER_BYTES]) -> Holder {
    // The principal came first, so it is the lower half of the little-endian number.
    let packed = u64::from_le_bytes(bytes);
    let (principal, origin) = (
        super::external_pair_sort::second(packed),
        super::external_pair_sort::first(packed),
    );
    Holder {
        principal,
        origin: (origin != PLAIN).then_some(origin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_round_trip_by_entitlement() {
        let mut runs = GrantSpool::new(&std::env::temp_dir()).unwrap();
        let holder = |principal, origin| Holder { principal, origin };
        for (entitlement, principals) in [(7, 0..3), (2, 10..10), (5, 4..9)] {
            runs.open(entitlement);
            for principal in principals {
                runs.push(holder(principal, (principal == 4).then_some(1)))
                    .unwrap();
            }
        }
        assert_eq!(runs.len(), 8);
        let mut holders = runs.finish().unwrap();
        let mut found = Vec::new();
        holders.read(5, &mut found).unwrap();
        assert_eq!(found[0], holder(4, Some(1)));
        assert_eq!(
            found.iter().map(|holder| holder.principal).collect::<Vec<_>>(),
            [4, 5, 6, 7, 8]
        );
        holders.read(7, &mut found).unwrap();
        assert_eq!(found, [holder(0, None), holder(1, None), holder(2, None)]);
        holders.read(6, &mut found).unwrap();
        assert!(found.is_empty());
        assert_eq!([holders.count(2), holders.count(5), holders.count(9)], [0, 5, 0]);
    }
}
