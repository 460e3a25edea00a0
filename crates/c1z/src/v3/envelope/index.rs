//! The index of the frames, and the footer that says where it is.

use std::collections::HashSet;
use std::path::{Component, Path};

use baton_proto::c1z_v3::{IndexedFrameEntry, IndexedFrameIndex};
use prost::Message;

use super::header::xxh64;

pub(super) const FOOTER_BYTES: usize = 28;
const FOOTER_MAGIC: [u8; 8] = *b"C1ZIDX1\0";
/// A longer index is refused.
const INDEX_BYTES: u64 = 64 << 20;
const NAME_BYTES: usize = 4096;

/// Where the index is and what its bytes hash to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Footer {
    pub(super) offset: u64,
    pub(super) length: u32,
    pub(super) hash: u64,
}

/// A frame whose place was checked.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(super) offset: u64,
    pub(super) packed_bytes: u64,
    pub(crate) raw_bytes: u64,
    pub(super) raw_xxh64: u64,
}

/// Index and footer as they end the file.
pub(super) fn encode(index: &IndexedFrameIndex, offset: u64) -> Vec<u8> {
    let mut bytes = index.encode_to_vec();
    let (length, hash) = (u32::try_from(bytes.len()).unwrap_or(u32::MAX), xxh64(&bytes));
    bytes.extend_from_slice(&offset.to_be_bytes());
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&hash.to_be_bytes());
    bytes.extend_from_slice(&FOOTER_MAGIC);
    bytes
}

impl Footer {
    /// Reads the footer of a file of so many bytes.
    pub(super) fn parse(bytes: &[u8; FOOTER_BYTES], file_bytes: u64) -> Result<Self, String> {
        let (mut offset, mut length, mut hash) = ([0; 8], [0; 4], [0; 8]);
        offset.copy_from_slice(&bytes[..8]);
        length.copy_from_slice(&bytes[8..12]);
        hash.copy_from_slice(&bytes[12..20]);
        let footer = Self {
            offset: u64::from_be_bytes(offset),
            length: u32::from_be_bytes(length),
            hash: u64::from_be_bytes(hash),
        };
        let end = footer
            .offset
            .checked_add(u64::from(footer.length) + FOOTER_BYTES as u64);
        if bytes[20..] != FOOTER_MAGIC {
            return Err(
                "it does not end with a footer; it is cut off, or something was added to it".to_owned(),
            );
        }
        if end != Some(file_bytes) {
            return Err("its footer does not fit its size".to_owned());
        }
        if u64::from(footer.length) > INDEX_BYTES {
            return Err(format!("its index is longer than {INDEX_BYTES} bytes"));
        }
        Ok(footer)
    }
}

/// Checks and reads the index; `begin` is where frames may begin.
pub(super) fn decode(
    bytes: &[u8],
    footer: Footer,
    begin: u64,
    manifest: &[u8],
) -> Result<Vec<Entry>, String> {
    if xxh64(bytes) != footer.hash {
        return Err("its index is not the one that was written".to_owned());
    }
    let index =
        IndexedFrameIndex::decode(bytes).map_err(|error| format!("its index is not readable: {error}"))?;
    if index.manifest_xxh64 != 0 && index.manifest_xxh64 != xxh64(manifest) {
        return Err("its manifest is not the one that was written".to_owned());
    }
    let mut names = HashSet::new();
    let entries = index.entries.into_iter().map(|entry| {
        if !names.insert(entry.name.clone()) {
            return Err(format!("its index names {:?} twice", entry.name));
        }
        check(entry, begin, footer.offset)
    });
    entries.collect()
}

fn check(entry: IndexedFrameEntry, begin: u64, end: u64) -> Result<Entry, String> {
    let name = entry.name;
    let wrong = |what: &str| Err(format!("its index has {what} for {name:?}"));
    let sizes = (
        u64::try_from(entry.frame_offset),
        u64::try_from(entry.compressed_size),
        u64::try_from(entry.raw_size),
    );
    let (Ok(offset), Ok(packed_bytes), Ok(raw_bytes)) = sizes else {
        return wrong("a negative number");
    };
    let inside = offset >= begin && offset.checked_add(packed_bytes).is_some_and(|last| last <= end);
    if !inside || packed_bytes == 0 {
        return wrong("a place outside of the frames");
    }
    if entry.raw_sha256.len() != 32 {
        return wrong("a hash of the wrong length");
    }
    if !is_local(&name) {
        return wrong("a path that leads elsewhere");
    }
    Ok(Entry {
        name,
        offset,
        packed_bytes,
        raw_bytes,
        raw_xxh64: entry.raw_xxh64,
    })
}

/// Whether a name stays in the folder that it is unpacked to.
fn is_local(name: &str) -> bool {
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    let unusual = name.contains(['\\', '\0']) || name.split('/').any(str::is_empty);
    (1..=NAME_BYTES).contains(&name.len()) && !unusual && Path::new(name).components().all(plain)
}
