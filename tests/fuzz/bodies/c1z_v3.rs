//! v3 files, as they are and as stores within envelopes that are sound.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use baton_proto::c1z_v3::{C1zManifestV3, PayloadEncoding};
use prost::Message;

use super::{LIMITS, begin, continue_file, fast_folder, the_new_sync};
use crate::format::MAGIC_V3;
use crate::v3::pebble::ignore_checksums_for_fuzzing;
use crate::v3::{EnvelopeWriter, Frame, footed};
use crate::{C1zError, Container, Reader};

/// A file: how it is wrapped, and its bytes.
///
/// # Panics
/// If reading it breaks a promise.
pub fn file(input: &[u8]) {
    let [wrapping, bytes @ ..] = input else { return };
    let folder = tempfile::tempdir_in(fast_folder()).expect("a folder");
    let path = folder.path().join("sync.c1z");
    let file = match wrapping % 4 {
        0 => bytes.to_vec(),
        1 => [&MAGIC_V3, bytes].concat(),
        // A manifest, an index and frames, with lengths and hashes that are right.
        2 => {
            let (manifest, rest) = counted(bytes);
            let (index, frames) = counted(rest);
            let length = u32::try_from(manifest.len()).unwrap_or_default().to_be_bytes();
            let mut file = [&MAGIC_V3, &length[..], manifest, frames].concat();
            let footed = footed(index, file.len() as u64);
            file.extend_from_slice(&footed);
            file
        }
        // An archive: the first byte selects its type.
        _ => archive(bytes),
    };
    std::fs::write(&path, file).expect("room for a file");
    let syncs = Reader::syncs_of(&path, folder.path(), LIMITS, &AtomicBool::new(false));
    assert_classified(syncs.as_ref().err());
    read_twice(&path, folder.path());
    // Its index of the grants may say something else than the grants.
    assert_classified(previous_ids(&path, folder.path()).err().as_ref());
    // Results of a v1 belong to another target.
    if Container::detect(&path).expect("the file is there") == Container::V3
        && continue_file(&path, folder.path()).is_ok()
    {
        the_new_sync(&path, folder.path()).expect("a v3 is all ours");
    }
    nothing_is_left(folder.path());
}

/// The files of a store, each with its name, in an envelope that is sound; the sums within the files need not be.
///
/// # Panics
/// If reading it breaks a promise.
pub fn store(input: &[u8]) {
    let folder = tempfile::tempdir_in(fast_folder()).expect("a folder");
    let path = folder.path().join("sync.c1z");
    pack(input, &path);
    ignore_checksums_for_fuzzing(true);
    read_twice(&path, folder.path());
    assert_classified(previous_ids(&path, folder.path()).err().as_ref());
    ignore_checksums_for_fuzzing(false);
    nothing_is_left(folder.path());
}

/// How many rows there are in a store, with all sums looked at. As many ids are found as there are resources and grants.
#[cfg(test)]
pub(crate) fn rows_of_store(input: &[u8]) -> Result<u64, C1zError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sync.c1z");
    pack(input, &path);
    if let Some((sync, ids)) = previous_ids(&path, folder.path())? {
        let reader = Reader::open(&path, folder.path(), LIMITS, &AtomicBool::new(false))?;
        let found = std::cell::Cell::new(0);
        let count = || {
            found.set(found.get() + 1);
            Ok::<(), C1zError>(())
        };
        reader.resources(&sync, |_| count())?;
        reader.grants(&sync, |_| count())?;
        assert_eq!(ids, found.get(), "ids and rows differ");
    }
    let reader = Reader::open(&path, folder.path(), LIMITS, &AtomicBool::new(false))?;
    let mut rows = 0;
    for sync in reader.syncs()? {
        rows += super::rows_of(&reader, &sync.sync_id)?;
    }
    Ok(rows)
}

fn pack(mut input: &[u8], path: &Path) {
    let file = std::fs::File::create(path).expect("room for a file");
    let manifest = C1zManifestV3 {
        engine: "pebble3".to_owned(),
        payload_encoding: PayloadEncoding::IndexedZstd.into(),
        ..C1zManifestV3::default()
    };
    let mut writer = EnvelopeWriter::begin(&file, &manifest).expect("room for a file");
    while !input.is_empty() {
        let (name, rest) = counted(input);
        let (content, rest) = counted(rest);
        input = rest;
        let name = String::from_utf8_lossy(name).into_owned();
        let frame = Frame::pack(name, content, 1).expect("memory is there");
        writer.add(frame).expect("room for a file");
    }
    writer.finish().expect("room for a file");
}

/// Bytes with their length before them, as far as they are there, and the rest.
fn counted(bytes: &[u8]) -> (&[u8], &[u8]) {
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else {
        return (&[], &[]);
    };
    let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
    rest.split_at(length)
}

fn archive(bytes: &[u8]) -> Vec<u8> {
    let [packed, bytes @ ..] = bytes else {
        return Vec::new();
    };
    let (encoding, payload) = if packed & 1 == 0 {
        (PayloadEncoding::Tar, bytes.to_vec())
    } else {
        let frame = zstd::bulk::compress(bytes, 1).expect("memory is there");
        (PayloadEncoding::TarZstd, frame)
    };
    let manifest = C1zManifestV3 {
        engine: "pebble3".to_owned(),
        payload_encoding: encoding.into(),
        ..C1zManifestV3::default()
    };
    let manifest = manifest.encode_to_vec();
    let length = u32::try_from(manifest.len()).unwrap_or_default().to_be_bytes();
    [&MAGIC_V3, &length[..], &manifest, &payload].concat()
}

/// Repeated reads give the same rows, and an unreadable file has a reason that is not a fault of ours.
fn read_twice(path: &Path, folder: &Path) {
    let first = everything(path, folder);
    assert_classified(first.as_ref().err());
    let second = everything(path, folder);
    match (first, second) {
        (Ok(first), Ok(second)) => assert_eq!(first, second, "read twice, found two things"),
        (Err(first), Err(second)) => assert_eq!(first.to_string(), second.to_string()),
        (first, second) => panic!("{first:?} {second:?}"),
    }
}

fn assert_classified(error: Option<&C1zError>) {
    if let Some(error) = error {
        assert!(!error.to_string().is_empty());
        assert!(matches!(error.status(), 3 | 5 | 8 | 12 | 15), "{error:?}");
    }
}

/// A sum over all rows.
fn everything(path: &Path, folder: &Path) -> Result<u64, C1zError> {
    let reader = Reader::open(path, folder, LIMITS, &AtomicBool::new(false))?;
    let mut sum = DefaultHasher::new();
    for sync in reader.syncs()?.into_iter().take(4) {
        format!("{sync:?}").hash(&mut sum);
        let id = &sync.sync_id;
        let mut add = |row: Vec<u8>| {
            row.hash(&mut sum);
            Ok::<(), C1zError>(())
        };
        reader.resource_types(id, |row| add(row.encode_to_vec()))?;
        reader.resources(id, |row| add(row.encode_to_vec()))?;
        reader.entitlements(id, |row| add(row.encode_to_vec()))?;
        reader.grants(id, |row| add(row.encode_to_vec()))?;
        reader.expandable_grants(id, |row| add(format!("{row:?}").into_bytes()))?;
    }
    Ok(sum.finish())
}

/// The sync in a v3 that a full one would replace, and how many ids it has.
fn previous_ids(path: &Path, folder: &Path) -> Result<Option<(String, u64)>, C1zError> {
    if Container::detect(path)? != Container::V3 {
        return Ok(None);
    }
    let mut writer = begin(path, folder, "full")?;
    let sync = writer.previous().map(|(sync, _)| sync.to_owned());
    let ids = writer.fold_previous_ids(|| 0, |ids, _| *ids += 1)?;
    Ok(sync.map(|sync| (sync, ids)))
}

fn nothing_is_left(folder: &Path) {
    let left = std::fs::read_dir(folder).expect("the folder").count();
    assert_eq!(left, 1, "files were left behind");
}
