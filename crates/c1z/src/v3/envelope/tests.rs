//! Damage to every class of positions in the container.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use baton_proto::c1z_v3::{C1zManifestV3, PayloadEncoding};

use super::*;
use crate::error::C1zError;
use crate::options::Limits;

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
fn frames(intact: &[u8]) -> std::ops::Range<usize> {
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |number, byte| number << 8 | usize::from(*byte))
    };
    let footer = intact.len() - 28;
    9 + number(&intact[5..9])..number(&intact[footer..footer + 8])
}

#[test]
fn written_rows_are_read() {
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
fn damage_to_any_byte_is_detected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let intact = write(&path);
    read(&path).unwrap();
    for at in 0..intact.len() {
        let mut spoilt = intact.clone();
        spoilt[at] ^= 0x20;
        fs::write(&path, &spoilt).unwrap();
        match read(&path) {
            // Some bits of a frame's header only record how it was compressed; the hashes prove that nothing else changed.
            Ok(()) => assert!(frames(&intact).contains(&at), "byte {at} of {}", intact.len()),
            Err(error) => assert!(matches!(error.status(), 8 | 12 | 15), "byte {at}: {error}"),
        }
    }
    for length in 0..intact.len() {
        fs::write(&path, &intact[..length]).unwrap();
        assert_eq!(read(&path).unwrap_err().status(), 15, "cut at {length}");
    }
    fs::write(&path, [&intact[..], b"\0"].concat()).unwrap();
    let error = read(&path).unwrap_err();
    assert!(error.to_string().contains("footer"), "{error}");
}

#[test]
fn claimed_sizes_are_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let intact = write(&path);
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
        let mut spoilt = intact.clone();
        spoilt[5..9].copy_from_slice(&length.to_be_bytes());
        fs::write(&path, &spoilt).unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn escaping_names_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    for name in ["../x", "/x", "a//b", "", "a\\b", "a/../../b", ".", "a/./b", "a/."] {
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

/// A file with an archive of these entries: kind, name, mode, content.
fn archived(path: &Path, entries: &[(tar::EntryType, &str, u32, &[u8])], packed: bool) {
    let mut archive = tar::Builder::new(Vec::new());
    for (kind, name, mode, content) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(*kind);
        header.set_mode(*mode);
        header.set_size(content.len() as u64);
        // As it is: the crate refuses names that lead elsewhere.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        archive.append(&header, *content).unwrap();
    }
    let mut payload = archive.into_inner().unwrap();
    let mut encoding = PayloadEncoding::Tar;
    if packed {
        payload = zstd::bulk::compress(&payload, 1).unwrap();
        encoding = PayloadEncoding::TarZstd;
    }
    let manifest = C1zManifestV3 {
        payload_encoding: encoding.into(),
        ..C1zManifestV3::default()
    };
    // What comes behind the archive is not looked at.
    let file = [header::encode(&manifest).unwrap(), payload, b"more".to_vec()].concat();
    fs::write(path, file).unwrap();
}

fn unpack(path: &Path, to: &Path) -> Result<(), C1zError> {
    Envelope::open(path, Limits::default())?.unpack_to(to, &AtomicBool::new(false))
}

#[test]
fn archives_are_unpacked() {
    use tar::EntryType;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let long = format!("{}/{}", "folder".repeat(20), "name".repeat(30));
    let property = format!("{} path={long}\n", long.len() + 10);
    let nul_ended = format!("{long}2\0");
    let entries: [(EntryType, &str, u32, &[u8]); 9] = [
        (EntryType::Directory, "./", 0o755, b""),
        (EntryType::Directory, "empty/", 0o755, b""),
        (EntryType::Regular, "./a/b", 0o644, b"first"),
        (EntryType::Symlink, "link", 0o777, b""),
        (EntryType::XGlobalHeader, "global", 0o644, b"15 comment=none\n"),
        (EntryType::XHeader, "x", 0o644, property.as_bytes()),
        (EntryType::Regular, "cut", 0o644, &[7; 9_000]),
        (EntryType::GNULongName, "x", 0o644, nul_ended.as_bytes()),
        (EntryType::Regular, "cut", 0o600, b""),
    ];
    for packed in [false, true] {
        archived(&path, &entries, packed);
        let out = folder.path().join(format!("out-{packed}"));
        unpack(&path, &out).unwrap();
        assert_eq!(fs::read(out.join("a/b")).unwrap(), b"first");
        assert_eq!(fs::read(out.join(&long)).unwrap(), [7; 9_000]);
        assert_eq!(fs::read(out.join(format!("{long}2"))).unwrap(), b"");
        assert!(out.join("empty").is_dir());
        assert_eq!(fs::read_dir(&out).unwrap().count(), 3, "links are left out");
    }
}

#[test]
fn archives_with_escaping_names_are_rejected() {
    use tar::EntryType::{Directory, Regular, XHeader};

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let name_with_nul = b"14 path=a\0bcd\n";
    for (number, (entries, says)) in [
        (&[(Regular, "../x", 0o644, &b""[..])][..], "leads elsewhere"),
        (&[(Regular, "/x", 0o644, b"")], "leads elsewhere"),
        (&[(Regular, "a\\b", 0o644, b"")], "leads elsewhere"),
        (&[(Regular, "", 0o644, b"")], "leads elsewhere"),
        (&[(Directory, "a/../..", 0o644, b"")], "leads elsewhere"),
        (
            &[(XHeader, "x", 0o644, name_with_nul), (Regular, "a", 0o644, b"")],
            "leads elsewhere",
        ),
        (&[(Regular, "x", 0o4755, b"")], "unusual mode"),
        (
            &[(Regular, "x", 0o644, b""), (Regular, "x", 0o644, b"")],
            "cannot be the name",
        ),
        (
            &[(Regular, "x", 0o644, b""), (Regular, "x/y", 0o644, b"")],
            "cannot be the name",
        ),
        (&[(XHeader, "x", 0o644, b"12 size=999\n")], "more than 8 GiB"),
    ]
    .into_iter()
    .enumerate()
    {
        archived(&path, entries, false);
        let error = unpack(&path, &folder.path().join(number.to_string())).unwrap_err();
        assert!(error.to_string().contains(says), "{number}: {error}");
        assert!(matches!(error.status(), 12 | 15), "{error}");
    }
    // A file truncated anywhere is either complete already or refused.
    archived(&path, &[(Regular, "x", 0o644, b"content")], false);
    let intact = fs::read(&path).unwrap();
    for length in 0..intact.len() - 4 {
        fs::write(&path, &intact[..length]).unwrap();
        let out = folder.path().join("cut");
        match unpack(&path, &out) {
            Ok(()) if out.join("x").exists() => assert_eq!(fs::read(out.join("x")).unwrap(), b"content"),
            Ok(()) => assert!(length < 600, "{length}"),
            Err(error) => assert_eq!(error.status(), 15, "{length}: {error}"),
        }
        let _ = fs::remove_dir_all(out);
    }
}

#[test]
fn names_the_file_system_rejects_are_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    for (number, names) in [vec!["n".repeat(300)], vec!["a".to_owned(), "a/b".to_owned()]]
        .iter()
        .enumerate()
    {
        let file = fs::File::create(&path).unwrap();
        let manifest = C1zManifestV3 {
            payload_encoding: PayloadEncoding::IndexedZstd.into(),
            ..C1zManifestV3::default()
        };
        let mut writer = EnvelopeWriter::begin(&file, &manifest).unwrap();
        for name in names {
            writer.add(Frame::pack(name.clone(), b"x", 1).unwrap()).unwrap();
        }
        writer.finish().unwrap();
        let error = unpack(&path, &folder.path().join(number.to_string())).unwrap_err();
        assert!(matches!(error, C1zError::Corrupt { .. }), "{error}");
    }
}
