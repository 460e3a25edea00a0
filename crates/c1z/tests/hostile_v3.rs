//! v3 files that claim more than they have: refused with the right words, in little memory and soon. One test, because the memory is
//! that of the process.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::Read;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use baton_proto::c1z_v3::{C1zManifestV3, IndexedFrameEntry, IndexedFrameIndex, PayloadEncoding};
use c1z::{Limits, Reader};
use prost::Message;
use prost::encoding::encode_varint;
use twox_hash::XxHash64;

const LIMITS: Limits = Limits {
    decoded_bytes: 64 << 20,
    window_bytes: 8 << 20,
};
/// What refusing may take at the most: the window, and what is unpacked.
const MEMORY: u64 = 64 << 20;

#[test]
fn rejected_with_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let before = peak_memory();
    let read = |name: &str, file: Vec<u8>, says: &str| {
        let path = folder.path().join("sync.c1z");
        fs::write(&path, file).unwrap();
        let begin = Instant::now();
        let error = Reader::open(&path, folder.path(), LIMITS, &AtomicBool::new(false)).unwrap_err();
        assert!(error.to_string().contains(says), "{name}: {error}");
        assert!(matches!(error.status(), 8 | 15), "{name}: {error:?}");
        let took = begin.elapsed();
        assert!(took < Duration::from_secs(20), "{name} took {took:?}");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "{name} left files"
        );
        if let (Some(before), Some(after)) = (before, peak_memory()) {
            let took = (after - before) >> 20;
            assert!(after - before < MEMORY, "after {name} refusing took {took} MiB");
        }
    };

    // Two bytes of a manifest or an index can be hundreds in memory.
    let descriptors = [b"\x52\x00".repeat(2 << 20), b"\x20\x09".to_vec()].concat();
    read(
        "descriptors",
        enveloped(&descriptors, b"", b""),
        "unknown encoding",
    );
    let syncs = b"\xC2\x02\x00".repeat(1 << 20);
    read(
        "a million syncs",
        enveloped(&syncs, b"", b""),
        "lists 1048576 syncs",
    );
    let entries = b"\x0A\x00".repeat(2 << 20);
    read(
        "two million files",
        enveloped(&manifest(PayloadEncoding::IndexedZstd), b"", &entries),
        "a place outside",
    );

    read(
        "says ten gigabytes",
        files(&[("x", b"", 10 << 30)]),
        "unpacks to more than",
    );
    read(
        "zeros, said to be few",
        files(&[("x", &zeros(1 << 30), 1000)]),
        "longer than its index says",
    );
    let mut edit = Vec::new();
    for number in 0..200_000 {
        for part in [100, 0, number, 1, 0, 0, 0, 0] {
            encode_varint(part, &mut edit);
        }
    }
    read("200,000 tables", store(&edit, &[]), "the list of its tables");
    read(
        "a log of ten megabytes",
        store(b"", &[("000007.log", &vec![0; 10 << 20])]),
        "the log of its store",
    );

    let many = columns(
        4,
        u32::MAX,
        &[
            (4, b"\x04\x00"),
            (3, b"\0"),
            (2, b"\0"),
            (1, b"\x01"),
            (3, b"\0"),
            (1, b"\x01"),
        ],
    );
    let index = columns(
        0,
        1,
        &[
            (3, b"\x01\0\x01\xFFx"),
            (2, &[0x80, 0, 0, 0, 0, 0, 0, 0, 0]),
            (2, &sized(many.len() as u64)),
        ],
    );
    read(
        "four billion rows",
        one_table(&table(&many, &index)),
        "more rows than bytes",
    );
    let many = columns(0, u32::MAX, &[(3, b"\0"), (2, b"\0"), (2, b"\0")]);
    read(
        "four billion blocks",
        one_table(&table(b"", &many)),
        "more rows than bytes",
    );

    let long_name = archive(&tar_header("x", b'L', 32 << 20), 32 << 20);
    read("a name of 32 MiB", long_name, "is too long");
    let file = archive(&tar_header("x", b'0', 100 << 20), 100 << 20);
    read("a file of 100 MiB", file, "unpacks to more than");
    let file = archive(&tar_header("x", b'0', 1 << 40), 1);
    read("a file that ends", file, "not readable");
}

/// A file with an archive that begins like this, and then has so many bytes.
fn archive(begin: &[u8], then: u64) -> Vec<u8> {
    let manifest = manifest(PayloadEncoding::TarZstd);
    let length = u32::try_from(manifest.len()).unwrap().to_be_bytes();
    let payload = begin.chain(std::io::repeat(b'n').take(then));
    let payload = zstd::stream::encode_all(payload, 1).unwrap();
    [b"C1Z3\0".as_slice(), &length, &manifest, &payload].concat()
}

fn manifest(encoding: PayloadEncoding) -> Vec<u8> {
    let manifest = C1zManifestV3 {
        engine: "pebble3".to_owned(),
        payload_encoding: encoding.into(),
        ..C1zManifestV3::default()
    };
    manifest.encode_to_vec()
}

/// A file around these bytes, with a footer that is right.
fn enveloped(manifest: &[u8], frames: &[u8], index: &[u8]) -> Vec<u8> {
    let length = u32::try_from(manifest.len()).unwrap().to_be_bytes();
    let mut file = [b"C1Z3\0".as_slice(), &length, manifest, frames].concat();
    let offset = (file.len() as u64).to_be_bytes();
    let length = u32::try_from(index.len()).unwrap().to_be_bytes();
    let hash = XxHash64::oneshot(0, index).to_be_bytes();
    file.extend([index, &offset, &length, &hash, b"C1ZIDX1\0"].concat());
    file
}

/// An indexed file: of each its name, its frame, and how long it is said to be.
fn files(files: &[(&str, &[u8], u64)]) -> Vec<u8> {
    let manifest = manifest(PayloadEncoding::IndexedZstd);
    let mut index = IndexedFrameIndex::default();
    let mut frames = Vec::new();
    for (name, frame, says) in files {
        // Nothing in it: a frame of nothing.
        let frame = if frame.is_empty() {
            zstd::bulk::compress(b"", 1).unwrap()
        } else {
            frame.to_vec()
        };
        let raw = zstd::bulk::decompress(&frame, 1 << 24).unwrap_or_default();
        index.entries.push(IndexedFrameEntry {
            name: (*name).to_owned(),
            frame_offset: i64::try_from(9 + manifest.len() + frames.len()).unwrap(),
            compressed_size: i64::try_from(frame.len()).unwrap(),
            raw_size: i64::try_from(*says).unwrap(),
            raw_xxh64: XxHash64::oneshot(0, &raw),
            raw_sha256: vec![0; 32],
        });
        frames.extend(frame);
    }
    enveloped(&manifest, &frames, &index.encode_to_vec())
}

/// A store with a manifest of one edit.
fn store(edit: &[u8], more: &[(&str, &[u8])]) -> Vec<u8> {
    let mut contents = vec![
        ("MANIFEST-000001", record(edit)),
        ("marker.manifest.000001.MANIFEST-000001", Vec::new()),
    ];
    contents.extend(more.iter().map(|(name, content)| (*name, content.to_vec())));
    let packed: Vec<_> = contents
        .iter()
        .map(|(name, content)| {
            (
                *name,
                zstd::bulk::compress(content, 1).unwrap(),
                content.len() as u64,
            )
        })
        .collect();
    let packed: Vec<_> = packed
        .iter()
        .map(|(name, frame, size)| (*name, frame.as_slice(), *size))
        .collect();
    files(&packed)
}

fn one_table(table: &[u8]) -> Vec<u8> {
    let mut edit = Vec::new();
    for part in [7, 6, 3, table.len() as u64] {
        encode_varint(part, &mut edit);
    }
    for key in [b"\0\x01\0\0\0\0\0\0\0", b"\xFF\x01\0\0\0\0\0\0\0"] {
        edit.push(9);
        edit.extend(key);
    }
    store(&edit, &[("000003.sst", table)])
}

/// A record of a log, in blocks of 32 KiB.
fn record(mut bytes: &[u8]) -> Vec<u8> {
    let mut log = Vec::new();
    let mut first = true;
    loop {
        let (piece, rest) = bytes.split_at(bytes.len().min((32 << 10) - 7));
        let kind = match (first, rest.is_empty()) {
            (true, true) => 1,
            (true, false) => 2,
            (false, false) => 3,
            (false, true) => 4,
        };
        let summed = [&[kind], piece].concat();
        log.extend(masked_crc32c(&summed).to_le_bytes());
        log.extend(u16::try_from(piece.len()).unwrap().to_le_bytes());
        log.extend(summed);
        if rest.is_empty() {
            return log;
        }
        (bytes, first) = (rest, false);
    }
}

fn masked_crc32c(bytes: &[u8]) -> u32 {
    let sum = !bytes.iter().fold(!0_u32, |mut sum, byte| {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0x82F6_3B78 & (sum & 1).wrapping_neg());
        }
        sum
    });
    sum.rotate_right(15).wrapping_add(0xA282_EAD8)
}

/// A block of columns: kind and bytes of each. Numbers begin where they may.
fn columns(own_header: usize, rows: u32, columns: &[(u8, &[u8])]) -> Vec<u8> {
    let mut block = vec![0; own_header];
    block.push(1);
    block.extend(u16::try_from(columns.len()).unwrap().to_le_bytes());
    block.extend(rows.to_le_bytes());
    let mut data: Vec<u8> = Vec::new();
    let begin = block.len() + 5 * columns.len();
    for (kind, bytes) in columns {
        block.push(*kind);
        block.extend(u32::try_from(begin + data.len()).unwrap().to_le_bytes());
        data.extend(*bytes);
    }
    block.extend(data);
    block
}

/// A column of numbers that are all the same.
fn sized(number: u64) -> Vec<u8> {
    [&[0x80][..], &number.to_le_bytes()].concat()
}

/// A table in format 5: blocks of columns, described by blocks of rows.
fn table(rows: &[u8], index: &[u8]) -> Vec<u8> {
    let mut table = Vec::new();
    let mut add = |block: &[u8]| {
        let mut handle = Vec::new();
        encode_varint(table.len() as u64, &mut handle);
        encode_varint(block.len() as u64, &mut handle);
        table.extend(block);
        table.push(0);
        let summed = [block, &[0]].concat();
        table.extend(&XxHash64::oneshot(0, &summed).to_le_bytes()[..4]);
        handle
    };
    let plain = |key: &[u8], value: &[u8]| {
        let mut block = Vec::new();
        for number in [0, key.len(), value.len()] {
            encode_varint(number as u64, &mut block);
        }
        block.extend([key, value, &[0; 4], &[1, 0, 0, 0]].concat());
        block
    };
    add(rows);
    let index = add(index);
    let properties = add(&plain(b"rocksdb.comparator", b"leveldb.BytewiseComparator"));
    let meta = add(&plain(b"rocksdb.properties", &properties));
    let mut footer = [&[3][..], &meta, &index].concat();
    footer.resize(41, 0);
    footer.extend(5_u32.to_le_bytes());
    footer.extend([0xF0, 0x9F, 0xAA, 0xB3, 0xF0, 0x9F, 0xAA, 0xB3]);
    table.extend(footer);
    table
}

fn zeros(bytes: u64) -> Vec<u8> {
    zstd::stream::encode_all(std::io::repeat(0).take(bytes), 1).unwrap()
}

fn tar_header(name: &str, kind: u8, size: u64) -> Vec<u8> {
    let mut header = vec![0; 512];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644\0");
    put(124, &format!("{size:011o} "));
    put(148, "        ");
    header[156] = kind;
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

/// The largest resident set of this process so far, in bytes.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib << 10)
}
