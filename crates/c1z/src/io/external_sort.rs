//! External merge sort of keys: a bounded buffer, sorted runs in a temporary file, a merge at the end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::mem::take;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Bytes of keys that one sorter keeps in memory.
const BUFFER_BYTES: usize = 2 << 20;
/// Bytes that a merge reads from one run at a time.
const READ_BYTES: usize = 32 << 10;
/// Maximum number of full buffers that wait for the sorting thread.
const QUEUE_CAPACITY: usize = 2;

/// Keys in one buffer, and the offsets of their ends.
#[derive(Debug, Default)]
struct Keys {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    /// Whether keys came out of order.
    unsorted: bool,
}

impl Keys {
    fn push(&mut self, key: &[u8]) {
        let last = self.ends.len().checked_sub(1).map(|last| self.get(last));
        self.unsorted = self.unsorted || last.is_some_and(|last| last > key);
        self.bytes.extend_from_slice(key);
        self.ends
            .push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }

    fn get(&self, index: usize) -> &[u8] {
        let start = index
            .checked_sub(1)
            .map_or(0, |before| self.ends[before] as usize);
        &self.bytes[start..self.ends[index] as usize]
    }

    /// The indexes of the keys in sorted order.
    fn order(&self) -> Vec<u32> {
        let count = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        let mut order: Vec<u32> = (0..count).collect();
        if self.unsorted {
            // The stable sort finds and merges ascending runs, of which rows have long ones.
            order.sort_by(|a, b| self.get(*a as usize).cmp(self.get(*b as usize)));
        }
        order
    }
}

/// Sorts the keys of one index or family.
#[derive(Debug)]
pub(crate) struct Sorter {
    keys: Keys,
    runs: Arc<Mutex<Runs>>,
}

/// The sorted runs of one sorter, front-coded in a file without a name.
#[derive(Debug)]
struct Runs {
    folder: PathBuf,
    file: Option<File>,
    ends: Vec<u64>,
    failed: Option<io::Error>,
}

/// The thread that sorts full buffers while rows are added.
#[derive(Debug)]
pub(crate) struct SortThread {
    jobs: Option<SyncSender<(Keys, Arc<Mutex<Runs>>)>>,
    thread: Option<JoinHandle<()>>,
}

impl SortThread {
    pub(crate) fn start() -> io::Result<Self> {
        let (jobs, queue) = sync_channel::<(Keys, Arc<Mutex<Runs>>)>(QUEUE_CAPACITY);
        let work = move || {
            while let Ok((keys, runs)) = queue.recv() {
                runs.lock().unwrap_or_else(PoisonError::into_inner).add(&keys);
            }
        };
        let thread = std::thread::Builder::new()
            .name("c1z-sort".to_owned())
            .spawn(work)?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    fn submit(&self, keys: Keys, runs: &Arc<Mutex<Runs>>) -> io::Result<()> {
        let ended = || io::Error::other("the sorting thread has ended");
        self.jobs
            .as_ref()
            .ok_or_else(ended)?
            .send((keys, Arc::clone(runs)))
            .map_err(|_| ended())
    }

    /// Waits until all buffers are sorted and written.
    pub(crate) fn finish(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there surfaces as a poisoned or incomplete run list, which the merge reports.
            let _ = thread.join();
        }
    }
}

impl Drop for SortThread {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Sorter {
    pub(crate) fn new(folder: &Path) -> Self {
        let runs = Runs {
            folder: folder.to_owned(),
            file: None,
            ends: Vec::new(),
            failed: None,
        };
        Self {
            keys: Keys::default(),
            runs: Arc::new(Mutex::new(runs)),
        }
    }

    pub(crate) fn push(&mut self, key: &[u8], thread: &SortThread) -> io::Result<()> {
        self.keys.push(key);
        if self.keys.bytes.len() >= BUFFER_BYTES {
            thread.submit(take(&mut self.keys), &self.runs)?;
        }
        Ok(())
    }

    /// Calls the closure with all keys in ascending order. The sorting thread must have finished.
    pub(crate) fn merge(self, mut take_key: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let order = self.keys.order();
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = runs.failed.take() {
            return Err(error);
        }
        let Some(file) = runs.file.take() else {
            return order
                .into_iter()
                .try_for_each(|index| take_key(self.keys.get(index as usize)));
        };
        let starts = std::iter::once(0).chain(runs.ends.iter().copied());
        let mut readers: Vec<RunReader> = starts
            .zip(&runs.ends)
            .map(|(start, end)| RunReader::new(start, *end))
            .collect();
        let mut in_memory = order.into_iter();
        let mut heap = BinaryHeap::with_capacity(readers.len() + 1);
        let memory = readers.len();
        for source in 0..=memory {
            let mut key = Vec::new();
            if next_key(
                source,
                memory,
                &mut readers,
                &mut in_memory,
                &self.keys,
                &file,
                &mut key,
            )? {
                heap.push(Reverse((key, source)));
            }
        }
        while let Some(mut top) = heap.peek_mut() {
            let Reverse((key, source)) = &mut *top;
            take_key(key)?;
            if !next_key(
                *source,
                memory,
                &mut readers,
                &mut in_memory,
                &self.keys,
                &file,
                key,
            )? {
                std::collections::binary_heap::PeekMut::pop(top);
            }
        }
        Ok(())
    }
}

/// Reads the next key of a run, or of the buffer that stayed in memory.
fn next_key(
    source: usize,
    memory: usize,
    readers: &mut [RunReader],
    in_memory: &mut impl Iterator<Item = u32>,
    keys: &Keys,
    file: &File,
    key: &mut Vec<u8>,
) -> io::Result<bool> {
    if source < memory {
        return readers[source].next(file, key);
    }
    let Some(index) = in_memory.next() else {
        return Ok(false);
    };
    key.clear();
    key.extend_from_slice(keys.get(index as usize));
    Ok(true)
}

impl Runs {
    fn add(&mut self, keys: &Keys) {
        if self.failed.is_none() {
            self.failed = self.write(keys).err();
        }
    }

    /// Each key is stored as: number of bytes shared with the previous key, number of further bytes, those bytes.
    fn write(&mut self, keys: &Keys) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            empty => empty.insert(tempfile::tempfile_in(&self.folder)?),
        };
        let mut out = Vec::with_capacity(keys.bytes.len() / 3);
        let mut before: &[u8] = &[];
        for index in keys.order() {
            let key = keys.get(index as usize);
            let shared = before.iter().zip(key).take_while(|(a, b)| a == b).count();
            for length in [shared, key.len() - shared] {
                out.extend_from_slice(
                    &u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()[..LENGTH_BYTES],
                );
            }
            out.extend_from_slice(&key[shared..]);
            before = key;
        }
        file.write_all(&out)?;
        self.ends
            .push(self.ends.last().copied().unwrap_or(0) + out.len() as u64);
        Ok(())
    }
}

/// Bytes of a length in a run: keys are at most a few kilobytes for ids, but any text may be indexed.
const LENGTH_BYTES: usize = 4;

/// Reads a run from its part of the file.
#[derive(Debug)]
struct RunReader {
    at: u64,
    end: u64,
    buffer: Vec<u8>,
    start: usize,
}

impl RunReader {
    fn new(at: u64, end: u64) -> Self {
        Self {
            at,
            end,
            buffer: Vec::new(),
            start: 0,
        }
    }

    fn next(&mut self, file: &File, key: &mut Vec<u8>) -> io::Result<bool> {
        if self.start == self.buffer.len() && self.at == self.end {
            return Ok(false);
        }
        let shared = self.length(file)?;
        let own = self.length(file)?;
        self.fill(file, own)?;
        key.truncate(shared);
        key.extend_from_slice(&self.buffer[self.start..self.start + own]);
        self.start += own;
        Ok(true)
    }

    fn length(&mut self, file: &File) -> io::Result<usize> {
        self.fill(file, LENGTH_BYTES)?;
        let mut bytes = [0; LENGTH_BYTES];
        bytes.copy_from_slice(&self.buffer[self.start..self.start + LENGTH_BYTES]);
        self.start += LENGTH_BYTES;
        Ok(u32::from_le_bytes(bytes) as usize)
    }

    /// Fills the buffer to at least this many bytes.
    fn fill(&mut self, mut file: &File, min_bytes: usize) -> io::Result<()> {
        if self.buffer.len() - self.start >= min_bytes {
            return Ok(());
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        let missing = (min_bytes - self.buffer.len()).max(READ_BYTES) as u64;
        file.seek(SeekFrom::Start(self.at))?;
        let got = file
            .take(missing.min(self.end - self.at))
            .read_to_end(&mut self.buffer)?;
        self.at += got as u64;
        if self.buffer.len() < min_bytes {
            Err(io::ErrorKind::UnexpectedEof.into())
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merge_returns_keys_in_order() {
        for count in [0_u32, 1, 1000, 400_000] {
            let folder = tempfile::tempdir().unwrap();
            let mut thread = SortThread::start().unwrap();
            let mut sorter = Sorter::new(folder.path());
            let key = |n: u32| format!("role:{:03}:assigned:user:{n}", n % 97).into_bytes();
            for n in 0..count {
                sorter
                    .push(&key(n.wrapping_mul(2_654_435_761) % count.max(1)), &thread)
                    .unwrap();
            }
            thread.finish();
            let spilled = sorter.runs.lock().unwrap().ends.len();
            assert_eq!(spilled > 2, count > 100_000, "{spilled} runs");
            let mut keys = Vec::new();
            sorter
                .merge(|key| {
                    keys.push(key.to_vec());
                    Ok(())
                })
                .unwrap();
            assert_eq!(keys.len(), count as usize);
            assert!(keys.is_sorted());
        }
    }
}
