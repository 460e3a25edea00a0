//! Reads the container. Memory is bounded by the limits of manifest, index and window, whatever the file claims.

use std::fs::File;
use std::hash::Hasher;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use baton_proto::c1z_v3::{C1zManifestV3, PayloadEncoding};
use twox_hash::XxHash64;

use super::archive;
use super::folder::UnpackFolder;
use super::header;
use super::index::{self, Entry, FOOTER_BYTES, Footer};
use super::one_pass::OnePass;
use crate::error::C1zError;
use crate::io::retry::retry_interrupted;
use crate::options::Limits;

const CHUNK_BYTES: usize = 256 << 10;

/// An opened container: its manifest and, where it has one, its index.
#[derive(Debug)]
pub(crate) struct Envelope {
    path: PathBuf,
    file: File,
    limits: Limits,
    manifest: C1zManifestV3,
    /// Offset of the payload.
    begin: u64,
    manifest_bytes: Vec<u8>,
    one_pass: OnePass,
    /// The memory of the file that was unpacked last.
    raw: Vec<u8>,
}

impl Envelope {
    /// Opens a file and reads its manifest.
    pub(crate) fn open(path: &Path, limits: Limits) -> Result<Self, C1zError> {
        let file = regular_file::open(path).map_err(|error| C1zError::file("reading", path, error))?;
        Self::from_file(path, file, limits)
    }

    /// The same for a file that is open.
    pub(crate) fn from_file(path: &Path, mut file: File, limits: Limits) -> Result<Self, C1zError> {
        let reading = |error| C1zError::io("reading", path, error);
        file.seek(SeekFrom::Start(0)).map_err(reading)?;
        let manifest_bytes = header::read(&mut file)
            .map_err(reading)?
            .map_err(|detail| corrupt(path, detail))?;
        let manifest = header::decode(&manifest_bytes).map_err(|detail| corrupt(path, detail))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            limits,
            manifest,
            begin: (header::HEADER_BYTES + manifest_bytes.len()) as u64,
            manifest_bytes,
            one_pass: OnePass::new().map_err(reading)?,
            raw: Vec::new(),
        })
    }

    pub(crate) fn manifest(&self) -> &C1zManifestV3 {
        &self.manifest
    }

    /// Checks what can be checked without the payload: the index, if there is one, and by it the manifest.
    pub(crate) fn check(&mut self) -> Result<(), C1zError> {
        match self.encoding()? {
            PayloadEncoding::IndexedZstd => self.entries().map(drop),
            _ => Ok(()),
        }
    }

    fn encoding(&self) -> Result<PayloadEncoding, C1zError> {
        let number = self.manifest.payload_encoding;
        PayloadEncoding::try_from(number)
            .ok()
            .filter(|encoding| *encoding != PayloadEncoding::Unspecified)
            .ok_or_else(|| {
                corrupt(
                    &self.path,
                    format!("its payload has the unknown encoding {number}"),
                )
            })
    }

    /// The files of an indexed payload, with checked locations.
    fn entries(&mut self) -> Result<Vec<Entry>, C1zError> {
        let reading = |error| C1zError::io("reading", &self.path, error);
        let corrupt = |detail| corrupt(&self.path, detail);
        let bytes = self.file.metadata().map_err(reading)?.len();
        let footer_at = bytes
            .checked_sub(FOOTER_BYTES as u64)
            .filter(|at| *at >= self.begin);
        let footer_at = footer_at.ok_or_else(|| corrupt("it ends before its footer".to_owned()))?;
        let mut footer = [0; FOOTER_BYTES];
        self.file.seek(SeekFrom::Start(footer_at)).map_err(reading)?;
        self.file.read_exact(&mut footer).map_err(reading)?;
        let footer = Footer::parse(&footer, bytes).map_err(corrupt)?;
        if footer.offset < self.begin {
            return Err(corrupt("its index overlaps its manifest".to_owned()));
        }
        let mut index = vec![0; footer.length as usize];
        self.file.seek(SeekFrom::Start(footer.offset)).map_err(reading)?;
        self.file.read_exact(&mut index).map_err(reading)?;
        let entries = index::decode(&index, footer, self.begin, &self.manifest_bytes).map_err(corrupt)?;
        let total = entries
            .iter()
            .try_fold(0_u64, |sum, entry| sum.checked_add(entry.raw_bytes));
        match total {
            Some(total) if total <= self.limits.decoded_bytes => Ok(entries),
            _ => Err(C1zError::TooLarge {
                path: self.path.clone(),
                limit: self.limits.decoded_bytes,
            }),
        }
    }

    /// Calls `visit` with the content of one file, and checks its length and hash against the index.
    pub(crate) fn unpack(
        &mut self,
        entry: &Entry,
        stop: &AtomicBool,
        mut visit: impl FnMut(&[u8]) -> Result<(), C1zError>,
    ) -> Result<(), C1zError> {
        let mut raw = std::mem::take(&mut self.raw);
        let unpacked = self.unpack_at_once(entry, stop, &mut raw);
        let visited = unpacked.map(|unpacked| unpacked.then(|| visit(&raw)));
        self.raw = raw;
        visited?.unwrap_or_else(|| self.stream(entry, stop, visit))
    }

    /// Unpacks one file into memory. `false` if it is too large for that or not what its index says.
    pub(crate) fn unpack_at_once(
        &mut self,
        entry: &Entry,
        stop: &AtomicBool,
        raw: &mut Vec<u8>,
    ) -> Result<bool, C1zError> {
        if stop.load(Ordering::Relaxed) {
            return Err(C1zError::Stopped);
        }
        let max_bytes = self.limits.window_bytes;
        let unpacked = self.one_pass.unpack(&self.file, entry, max_bytes, raw);
        unpacked.map_err(|error| C1zError::io("reading", &self.path, error))
    }

    fn stream(
        &mut self,
        entry: &Entry,
        stop: &AtomicBool,
        mut visit: impl FnMut(&[u8]) -> Result<(), C1zError>,
    ) -> Result<(), C1zError> {
        let path = self.path.as_path();
        let reading = |error| C1zError::io("reading", path, error);
        let broken = |error| match C1zError::zstd(path, self.limits.window_bytes, error) {
            C1zError::Corrupt { detail, .. } => corrupt(
                path,
                format!("{:?} in it cannot be unpacked: {detail}", entry.name),
            ),
            other => other,
        };
        let differs = |what: &str| corrupt(path, format!("{:?} in it {what}", entry.name));
        self.file.seek(SeekFrom::Start(entry.offset)).map_err(reading)?;
        let packed = BufReader::with_capacity(CHUNK_BYTES, (&self.file).take(entry.packed_bytes));
        let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(reading)?;
        decoder
            .window_log_max(self.limits.window_log())
            .map_err(reading)?;
        let (mut hash, mut total) = (XxHash64::with_seed(0), 0);
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            if stop.load(Ordering::Relaxed) {
                return Err(C1zError::Stopped);
            }
            let got = retry_interrupted(|| decoder.read(&mut chunk)).map_err(broken)?;
            total += got as u64;
            if total > entry.raw_bytes {
                return Err(differs("is longer than its index says"));
            }
            if got == 0 {
                break;
            }
            hash.write(&chunk[..got]);
            visit(&chunk[..got])?;
        }
        if total < entry.raw_bytes {
            return Err(differs("is shorter than its index says"));
        }
        if hash.finish() != entry.raw_xxh64 {
            return Err(differs("is not what was written"));
        }
        Ok(())
    }

    /// Unpacks all files into a folder.
    pub(crate) fn unpack_to(&mut self, folder: &Path, stop: &AtomicBool) -> Result<(), C1zError> {
        match self.encoding()? {
            PayloadEncoding::IndexedZstd => {
                let entries = self.entries()?;
                self.unpack_entries(&entries, folder, stop)
            }
            encoding => self.unpack_archive(encoding == PayloadEncoding::TarZstd, folder, stop),
        }
    }

    /// The same, except for the files that `stays` accepts, which are returned. All files of an archive are unpacked.
    pub(crate) fn unpack_partly(
        &mut self,
        folder: &Path,
        stop: &AtomicBool,
        stays: impl Fn(&Entry) -> bool,
    ) -> Result<Option<Vec<Entry>>, C1zError> {
        if self.encoding()? != PayloadEncoding::IndexedZstd {
            self.unpack_to(folder, stop)?;
            return Ok(None);
        }
        let (packed, unpacked): (Vec<Entry>, Vec<Entry>) = self.entries()?.into_iter().partition(stays);
        self.unpack_entries(&unpacked, folder, stop)?;
        Ok(Some(packed))
    }

    fn unpack_entries(
        &mut self,
        entries: &[Entry],
        folder: &Path,
        stop: &AtomicBool,
    ) -> Result<(), C1zError> {
        let path = self.path.clone();
        let mut folder = UnpackFolder::create(&path, folder)?;
        for entry in entries {
            let (mut out, to) = folder.file(&entry.name)?;
            let writing = |error| C1zError::io("unpacking to", &to, error);
            self.unpack(entry, stop, |bytes| out.write_all(bytes).map_err(writing))?;
        }
        Ok(())
    }

    fn unpack_archive(&mut self, packed: bool, folder: &Path, stop: &AtomicBool) -> Result<(), C1zError> {
        let reading = |error| C1zError::io("reading", &self.path, error);
        self.file.seek(SeekFrom::Start(self.begin)).map_err(reading)?;
        let payload = BufReader::with_capacity(CHUNK_BYTES, &self.file);
        if !packed {
            return archive::unpack(payload, &self.path, folder, self.limits, stop);
        }
        let mut decoder = zstd::stream::read::Decoder::with_buffer(payload).map_err(reading)?;
        decoder
            .window_log_max(self.limits.window_log())
            .map_err(reading)?;
        // One frame. What follows it is ignored.
        archive::unpack(decoder.single_frame(), &self.path, folder, self.limits, stop)
    }

    /// Unpacks all files without storing them, which checks that the file is complete.
    pub(crate) fn verify(&mut self, stop: &AtomicBool) -> Result<(), C1zError> {
        for entry in self.entries()? {
            self.unpack(&entry, stop, |_| Ok(()))?;
        }
        Ok(())
    }
}

fn corrupt(path: &Path, detail: String) -> C1zError {
    C1zError::Corrupt {
        path: path.to_owned(),
        detail,
    }
}
