//! The header of a v3 file: magic, length of the manifest, manifest.

use std::io::{self, Read};

use baton_proto::c1z_v3::C1zManifestV3;
use prost::Message;
use prost::encoding::{DecodeContext, decode_key, skip_field};

use crate::format::MAGIC_V3;

/// Bytes before the manifest.
pub(super) const HEADER_BYTES: usize = MAGIC_V3.len() + 4;
/// Maximum length of a manifest.
const MAX_MANIFEST_BYTES: u32 = 16 << 20;
/// Fields that are skipped because they are not used: the engine's own, the descriptors, record types. Two bytes of a descriptor
/// can take hundreds in memory.
const SKIPPED_FIELDS: [u32; 3] = [3, 10, 11];
const SYNC_RUNS: u32 = 40;
/// Maximum number of sync summaries. A file has one sync.
const MAX_SYNC_RUNS: usize = 1000;

/// The hash of the format, with its seed.
pub(crate) fn xxh64(bytes: &[u8]) -> u64 {
    twox_hash::XxHash64::oneshot(0, bytes)
}

/// Magic, length and manifest in one.
pub(super) fn encode(manifest: &C1zManifestV3) -> io::Result<Vec<u8>> {
    let manifest = manifest.encode_to_vec();
    let length = u32::try_from(manifest.len()).unwrap_or(u32::MAX);
    if length > MAX_MANIFEST_BYTES {
        return Err(io::Error::other("the manifest is longer than the format allows"));
    }
    Ok([&MAGIC_V3[..], &length.to_be_bytes(), &manifest].concat())
}

/// Decodes a manifest without the fields that are skipped.
pub(super) fn decode(bytes: &[u8]) -> Result<C1zManifestV3, String> {
    let broken = |error| format!("its manifest is not readable: {error}");
    let (mut kept, mut rest, mut runs) = (Vec::new(), bytes, 0);
    while !rest.is_empty() {
        let field = rest;
        let (number, kind) = decode_key(&mut rest).map_err(broken)?;
        skip_field(kind, number, &mut rest, DecodeContext::default()).map_err(broken)?;
        if !SKIPPED_FIELDS.contains(&number) {
            kept.extend_from_slice(&field[..field.len() - rest.len()]);
        }
        runs += usize::from(number == SYNC_RUNS);
    }
    if runs > MAX_SYNC_RUNS {
        return Err(format!("its manifest lists {runs} syncs instead of one"));
    }
    C1zManifestV3::decode(kept.as_slice()).map_err(broken)
}

/// Reads the bytes of the manifest, or says what is wrong with them.
pub(super) fn read(mut file: impl Read) -> io::Result<Result<Vec<u8>, String>> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    file.by_ref().take(HEADER_BYTES as u64).read_to_end(&mut header)?;
    let Some((magic, length)) = header.split_first_chunk::<5>() else {
        return Ok(Err("it ends within its magic".to_owned()));
    };
    if *magic != MAGIC_V3 {
        return Ok(Err("it does not begin with the magic of v3".to_owned()));
    }
    let Ok(length) = <[u8; 4]>::try_from(length) else {
        return Ok(Err("it ends before its manifest".to_owned()));
    };
    let length = u32::from_be_bytes(length);
    if length > MAX_MANIFEST_BYTES {
        return Ok(Err(format!(
            "its manifest claims {length} bytes; at most {MAX_MANIFEST_BYTES} are allowed"
        )));
    }
    // Memory grows with the data, not with the claimed length.
    let mut manifest = Vec::new();
    file.take(u64::from(length)).read_to_end(&mut manifest)?;
    if manifest.len() < length as usize {
        return Ok(Err("it ends within its manifest".to_owned()));
    }
    Ok(Ok(manifest))
}
