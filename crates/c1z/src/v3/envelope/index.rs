//! The index of the frames, and the footer that says where it is.

use std::path::{Component, Path};

use baton_proto::c1z_v3::{IndexedFrameEntry, IndexedFrameIndex};
use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, fixed64, skip_field};

use super::header::xxh64;

pub(super) const FOOTER_BYTES: usize = 28;
const FOOTER_MAGIC: [u8; 8] = *b"C1ZIDX1\0";
/// Maximum length of an index.
const MAX_INDEX_BYTES: u64 = 64 << 20;
const MAX_NAME_BYTES: usize = 4096;
/// Fields of the index.
const ENTRIES: u32 = 1;
const MANIFEST_HASH: u32 = 4;

/// Location and hash of the index.
#[derive(Debug, Clone, Copy)]
pub(super) struct Footer {
    pub(super) offset: u64,
    pub(super) length: u32,
    pub(super) hash: u64,
}

/// A frame whose location was checked.
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
    footed(&index.encode_to_vec(), offset)
}

/// The same for an encoded index.
pub(crate) fn footed(index: &[u8], offset: u64) -> Vec<u8> {
    let mut bytes = index.to_vec();
    let (length, hash) = (u32::try_from(bytes.len()).unwrap_or(u32::MAX), xxh64(&bytes));
    bytes.extend_from_slice(&offset.to_be_bytes());
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&hash.to_be_bytes());
    bytes.extend_from_slice(&FOOTER_MAGIC);
    bytes
}

impl Footer {
    /// Parses the footer of a file of this size.
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
        if u64::from(footer.length) > MAX_INDEX_BYTES {
            return Err(format!("its index is longer than {MAX_INDEX_BYTES} bytes"));
        }
        Ok(footer)
    }
}

/// Checks and decodes the index. Frames start at `begin` or later.
pub(super) fn decode(
    bytes: &[u8],
    footer: Footer,
    begin: u64,
    manifest: &[u8],
) -> Result<Vec<Entry>, String> {
    if xxh64(bytes) != footer.hash {
        return Err("its index is not the one that was written".to_owned());
    }
    let broken = |error| format!("its index is not readable: {error}");
    let (mut entries, mut manifest_hash, mut rest) = (Vec::new(), 0, bytes);
    // Decodes entry by entry: an invalid entry can take many times more memory than bytes.
    while !rest.is_empty() {
        match decode_key(&mut rest).map_err(broken)? {
            (ENTRIES, WireType::LengthDelimited) => {
                let entry = IndexedFrameEntry::decode_length_delimited(&mut rest).map_err(broken)?;
                entries.push(check(entry, begin, footer.offset)?);
            }
            (MANIFEST_HASH, kind) => {
                fixed64::merge(kind, &mut manifest_hash, &mut rest, DecodeContext::default())
                    .map_err(broken)?;
            }
            (number, kind) => {
                skip_field(kind, number, &mut rest, DecodeContext::default()).map_err(broken)?;
            }
        }
    }
    if manifest_hash != 0 && manifest_hash != xxh64(manifest) {
        return Err("its manifest is not the one that was written".to_owned());
    }
    let mut names: Vec<&str> = entries.iter().map(|entry: &Entry| entry.name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("its index names {:?} twice", pair[0])),
        None => Ok(entries),
    }
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

/// Whether a name stays in the folder to which it is unpacked.
fn is_local(name: &str) -> bool {
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    let unusual = name.contains(['\\', '\0']) || name.split('/').any(|part| matches!(part, "" | "."));
    (1..=MAX_NAME_BYTES).contains(&name.len()) && !unusual && Path::new(name).components().all(plain)
}
