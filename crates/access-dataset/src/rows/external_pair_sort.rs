//! Sorts more pairs of numbers than memory should hold.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Pairs that are sorted in memory at a time: 4 MiB.
const RUN_PAIRS: usize = 1 << 19;

/// Sorts pairs that come in any order.
#[derive(Debug)]
pub(super) struct PairSorter {
    folder: PathBuf,
    most: usize,
    current: Vec<u64>,
    runs: Vec<File>,
}

impl PairSorter {
    pub(super) fn new(folder: &Path) -> Self {
        Self::with_runs_of(folder, RUN_PAIRS)
    }

    fn with_runs_of(folder: &Path, most: usize) -> Self {
        Self {
            folder: folder.to_owned(),
            most,
            current: Vec::new(),
            runs: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, first: u32, second: u32) -> io::Result<()> {
        if self.current.len() == self.most {
            self.spill()?;
        }
        self.current.push(u64::from(first) << 32 | u64::from(second));
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        self.current.sort_unstable();
        let mut file = BufWriter::with_capacity(1 << 16, tempfile::tempfile_in(&self.folder)?);
        for pair in self.current.drain(..) {
            file.write_all(&pair.to_le_bytes())?;
        }
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        self.runs.push(file);
        Ok(())
    }

    /// No more pairs: from now on they come back in order, each once.
    pub(super) fn finish(mut self) -> io::Result<SortedPairs> {
        self.current.sort_unstable();
        let mut runs: Vec<Run> = self
            .runs
            .into_iter()
            .map(|file| Run::File(BufReader::with_capacity(1 << 14, file)))
            .collect();
        runs.push(Run::Memory(self.current.into_iter()));
        let mut heads = BinaryHeap::with_capacity(runs.len());
        for (n, run) in runs.iter_mut().enumerate() {
            if let Some(pair) = run.next()? {
                heads.push(Reverse((pair, n)));
            }
        }
        Ok(SortedPairs {
            runs,
            heads,
            last: None,
        })
    }
}

#[derive(Debug)]
enum Run {
    File(BufReader<File>),
    Memory(std::vec::IntoIter<u64>),
}

impl Run {
    fn next(&mut self) -> io::Result<Option<u64>> {
        match self {
            Self::Memory(pairs) => Ok(pairs.next()),
            Self::File(file) => {
                let mut pair = [0; 8];
                match file.read_exact(&mut pair) {
                    Ok(()) => Ok(Some(u64::from_le_bytes(pair))),
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
                    Err(error) => Err(error),
                }
            }
        }
    }
}

/// Pairs in order.
#[derive(Debug)]
pub(super) struct SortedPairs {
    runs: Vec<Run>,
    heads: BinaryHeap<Reverse<(u64, usize)>>,
    last: Option<u64>,
}

impl SortedPairs {
    /// The first part of the next pair.
    pub(super) fn peek(&self) -> Option<u32> {
        self.heads.peek().map(|Reverse((pair, _))| first(*pair))
    }

    /// The next pair.
    pub(super) fn next(&mut self) -> io::Result<Option<(u32, u32)>> {
        while let Some(Reverse((pair, n))) = self.heads.pop() {
            if let Some(next) = self.runs[n].next()? {
                self.heads.push(Reverse((next, n)));
            }
            if self.last.replace(pair) != Some(pair) {
                return Ok(Some((first(pair), second(pair))));
            }
        }
        Ok(None)
    }
}

pub(super) fn first(pair: u64) -> u32 {
    (pair >> 32) as u32
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the lower half of a u64 is intended"
)]
pub(super) fn second(pair: u64) -> u32 {
    pair as u32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sorted_and_each_once(pairs in prop::collection::vec((0_u32..50, any::<u32>().prop_map(|n| n % 9)), 0..200), run in 1_usize..40) {
            let mut sorter = PairSorter::with_runs_of(&std::env::temp_dir(), run);
            for (first, second) in &pairs {
                sorter.push(*first, *second).unwrap();
            }
            let mut sorted = sorter.finish().unwrap();
            let mut got = Vec::new();
            while let Some(pair) = sorted.next().unwrap() {
                got.push(pair);
            }
            let expected: Vec<(u32, u32)> = pairs.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
            prop_assert_eq!(got, expected);
        }
    }
}
