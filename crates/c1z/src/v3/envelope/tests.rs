//! Every class of positions in the container, spoilt.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use baton_proto::c1z_v3::{C1zManifestV3, PayloadEncoding};

use super::*;
use crate::error::C1zError;
use crate::unpack::Limits;

const FILES: [(&str, &[u8]); 3] = [
    ("000001.sst", &[7; 3000]),
    ("MANIFEST-000001", b"edit"),
    ("marker", b""),
];

fn write(path: &Path) -> Vec<u8> {
    let file = fs::File::create(path).unwrap();
    let manifest = C1zManifestV3 {
        engine: "pebble3".to_owned(),
        payload_encoding: PayloadEncoding::IndexedZstd.into(),
        ..C1zManifestV3::default()
    };
    let mut writer = EnvelopeWriter::begin(&file, &manifest).unwrap();
    for (name, raw) in FILES {
        writer.add(Frame::pack(name.to_owned(), raw, 1).unwrap()).unwrap();
    }
    writer.finish().unwrap();
    fs::read(path).unwrap()
}

fn read(path: &Path) -> Result<(), C1zError> {
    Envelope::open(path, Limits::default())?.verify(&AtomicBool::new(false))
}

/// Where the frames are.
fn frames(whole: &[u8]) -> std::ops::Range<usize> {
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |number, byte| number << 8 | usize::from(*byte))
    };
    let footer = whole.len() - 28;
    9 + number(&whole[5..9])..number(&whole[footer..footer + 8])
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    write(&path);
    let mut envelope = Envelope::open(&path, Limits::default()).unwrap();
    assert_eq!(envelope.manifest().engine, "pebble3");
    let out = folder.path().join("out");
    envelope.unpack_to(&out, &AtomicBool::new(false)).unwrap();
    for (name, raw) in FILES {
        assert_eq!(fs::read(out.join(name)).unwrap(), raw, "{name}");
    }
}

#[test]
fn every_byte_matters() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let whole = write(&path);
    read(&path).unwrap();
    for at in 0..whole.len() {
        let mut spoilt = whole.clone();
        spoilt[at] ^= 0x20;
        fs::write(&path, &spoilt).unwrap();
        match read(&path) {
            // Some bits of a frame's header say only how it was made; the hashes say that nothing else changed.
            Ok(()) => assert!(frames(&whole).contains(&at), "byte {at} of {}", whole.len()),
            Err(error) => assert!(matches!(error.status(), 8 | 12 | 15), "byte {at}: {error}"),
        }
    }
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(read(&path).unwrap_err().status(), 15, "cut at {length}");
    }
    fs::write(&path, [&whole[..], b"\0"].concat()).unwrap();
    let error = read(&path).unwrap_err();
    assert!(error.to_string().contains("footer"), "{error}");
}

#[test]
fn sizes_are_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let whole = write(&path);
    let small = Limits {
        decoded_bytes: 3000,
        ..Limits::default()
    };
    let error = Envelope::open(&path, small)
        .unwrap()
        .verify(&AtomicBool::new(false))
        .unwrap_err();
    assert!(matches!(error, C1zError::TooLarge { limit: 3000, .. }), "{error}");
    // A manifest that claims more than the file has, and one that claims more than is allowed.
    for (length, says) in [(1_u32 << 20, "within its manifest"), (1 << 30, "at most")] {
        let mut spoilt = whole.clone();
        spoilt[5..9].copy_from_slice(&length.to_be_bytes());
        fs::write(&path, &spoilt).unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    for name in ["../x", "/x", "a//b", "", "a\\b", "a/../../b", "."] {
        let file = fs::File::create(&path).unwrap();
        let manifest = C1zManifestV3 {
            payload_encoding: PayloadEncoding::IndexedZstd.into(),
            ..C1zManifestV3::default()
        };
        let mut writer = EnvelopeWriter::begin(&file, &manifest).unwrap();
        writer
            .add(Frame::pack(name.to_owned(), b"x", 1).unwrap())
            .unwrap();
        writer.finish().unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.to_string().contains("leads elsewhere"), "{name:?}: {error}");
    }
}
