//! Files that lie about their size, and files that would unpack to anything: refused with the right words, in little memory.
//! One test, because the memory is that of the process.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use baton_proto::connector_v2::{Resource, ResourceId};
use c1z::{C1zError, Limits, Reader};
use prost::Message;
use rusqlite::{Connection, params};

const SYNC: &str = "2vU7QmBvvjK3kdYyV0000000001";
const LIMITS: Limits = Limits {
    decoded_bytes: 64 << 20,
    window_bytes: 8 << 20,
};
/// What refusing may take at the most; the window is a part of it.
const MEMORY: u64 = 48 << 20;
const PAGE: usize = 512;

#[test]
fn rejected_with_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str, packed: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, [b"C1ZF\0", packed].concat()).unwrap();
        let begin = Instant::now();
        let read = everything(&path, folder.path());
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "{name} took {:?}",
            begin.elapsed()
        );
        fs::remove_file(path).unwrap();
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            0,
            "{name} left files"
        );
        read
    };
    let intact = database();
    assert_eq!(read("whole", &frame(&intact)).unwrap(), ROWS);

    let before = peak_memory();
    let too_large =
        |error| matches!(error, C1zError::TooLarge { limit, .. } if limit == LIMITS.decoded_bytes);
    let too_much =
        |error| matches!(error, C1zError::TooMuchMemory { limit, .. } if limit == LIMITS.window_bytes);
    let corrupt = |error| matches!(error, C1zError::Corrupt { .. });

    assert!(too_large(
        read("ten gigabytes of zeros", &zeros(10 << 30)).unwrap_err()
    ));
    assert!(too_large(
        read("says a terabyte", &says(1 << 40, &intact[..PAGE])).unwrap_err()
    ));
    assert!(corrupt(
        read("says less than it holds", &says(7, &intact[..PAGE])).unwrap_err()
    ));
    assert!(too_much(
        read("a window of two gigabytes", &windowed(31)).unwrap_err()
    ));
    assert!(too_much(
        read("a window beyond the format", &windowed(41)).unwrap_err()
    ));

    let mut pages = intact.clone();
    pages[28..32].copy_from_slice(&u32::MAX.to_be_bytes());
    if let Ok(rows) = read("says four billion pages", &frame(&pages)) {
        assert_eq!(rows, ROWS);
    }
    assert!(corrupt(
        read("a row of two gigabytes", &frame(&long_row(intact.clone()))).unwrap_err()
    ));
    assert!(corrupt(
        read("pages wired to each other", &frame(&wired(intact))).unwrap_err()
    ));

    let huge = "alter table v1_resources rename to rows;
        create view v1_resources as select id, zeroblob(900000000) as data, sync_id from rows;";
    assert_eq!(
        read("a view", &frame(&database_with(huge))).unwrap(),
        0,
        "a view is no table"
    );
    let generated = "alter table v1_resources rename column data to kept;
        alter table v1_resources add column data as (zeroblob(900000000));";
    assert!(too_much(
        read("a generated column", &frame(&database_with(generated))).unwrap_err()
    ));

    let (Some(before), Some(after)) = (before, peak_memory()) else {
        println!("SKIPPED the bound of memory: this system does not tell a process's peak");
        return;
    };
    assert!(
        after - before < MEMORY,
        "refusing took {} MiB",
        (after - before) >> 20
    );
}

#[test]
fn window_limits_beyond_the_format_are_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    fs::write(&path, [b"C1ZF\0", frame(&database()).as_slice()].concat()).unwrap();
    for window_bytes in [1, 1 << 20, 1 << 40, u64::MAX] {
        let limits = Limits {
            window_bytes,
            ..Limits::default()
        };
        if let Err(error) = Reader::open(&path, folder.path(), limits, &AtomicBool::new(false)) {
            assert_eq!(window_bytes, 1, "{error}");
        }
    }
}

const ROWS: u64 = 2_000;

fn everything(path: &Path, folder: &Path) -> Result<u64, C1zError> {
    let reader = Reader::open(path, folder, LIMITS, &AtomicBool::new(false))?;
    let mut rows = 0;
    for sync in reader.syncs()? {
        reader.resources(&sync.sync_id, |_| {
            rows += 1;
            Ok::<(), C1zError>(())
        })?;
    }
    Ok(rows)
}

fn database() -> Vec<u8> {
    database_with("")
}

/// A database with small pages, so that its tables have several levels.
fn database_with(then: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let mut connection = Connection::open(&path).unwrap();
    connection
        .pragma_update(None, "page_size", i64::try_from(PAGE).unwrap())
        .unwrap();
    let tables = "create table v1_resources (id integer primary key, data blob, sync_id text);
        create table v1_sync_runs (id integer primary key, sync_id text, started_at datetime, ended_at datetime);";
    connection.execute_batch(tables).unwrap();
    let transaction = connection.transaction().unwrap();
    let run =
        "insert into v1_sync_runs (sync_id, started_at, ended_at) values (?, '2026-11-24', '2026-11-24')";
    transaction.execute(run, [SYNC]).unwrap();
    for n in 0..ROWS {
        let id = ResourceId {
            resource_type: "user".to_owned(),
            resource: n.to_string(),
            baton_resource: false,
        };
        let resource = Resource {
            id: Some(id),
            ..Resource::default()
        };
        let sql = "insert into v1_resources (data, sync_id) values (?, ?)";
        transaction
            .execute(sql, params![resource.encode_to_vec(), SYNC])
            .unwrap();
    }
    transaction.commit().unwrap();
    connection.execute_batch(then).unwrap();
    connection.close().unwrap();
    fs::read(path).unwrap()
}

fn frame(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 1).unwrap()
}

const ZSTD: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
/// Bytes of the largest block.
const BLOCK: u32 = 128 << 10;

/// A block's head: whether it is the last, its kind (0 as it is, 1 one byte many times), its size.
fn block(last: bool, kind: u32, size: u32) -> [u8; 3] {
    let [a, b, c, _] = (u32::from(last) | kind << 1 | size << 3).to_le_bytes();
    [a, b, c]
}

/// A frame that does not tell its size: one zero many times, in blocks of four bytes each.
fn zeros(bytes: u64) -> Vec<u8> {
    let mut frame = [ZSTD.as_slice(), &[0, (21 - 10) << 3]].concat();
    let blocks = bytes / u64::from(BLOCK);
    for n in 1..=blocks {
        frame.extend(block(n == blocks, 1, BLOCK));
        frame.push(0);
    }
    frame
}

/// A frame that tells a size and holds these bytes.
fn says(size: u64, bytes: &[u8]) -> Vec<u8> {
    let head = [
        ZSTD.as_slice(),
        &[0b1100_0000, (21 - 10) << 3],
        &size.to_le_bytes(),
    ]
    .concat();
    let size = u32::try_from(bytes.len()).unwrap();
    [head.as_slice(), &block(true, 0, size), bytes].concat()
}

/// A frame with a window of so many bits.
fn windowed(log: u8) -> Vec<u8> {
    [ZSTD.as_slice(), &[0, (log - 10) << 3], &block(true, 1, 9), &[0]].concat()
}

fn page(database: &mut [u8], number: u32) -> &mut [u8] {
    let at = (number as usize - 1) * PAGE;
    &mut database[at..at + PAGE]
}

fn root(database: &[u8]) -> u32 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    fs::write(&path, database).unwrap();
    let sql = "select rootpage from sqlite_schema where name = 'v1_resources'";
    Connection::open(path)
        .unwrap()
        .query_row(sql, [], |row| row.get(0))
        .unwrap()
}

/// Places of the child pointers of an inner page; none for a leaf.
fn children(page: &[u8]) -> Vec<usize> {
    match page[0] {
        13 => Vec::new(),
        5 => {
            let cells = usize::from(u16::from_be_bytes([page[3], page[4]]));
            let cell = |n: usize| usize::from(u16::from_be_bytes([page[12 + 2 * n], page[13 + 2 * n]]));
            (0..cells).map(cell).chain([8]).collect()
        }
        other => panic!("a page of kind {other}"),
    }
}

fn child(page: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(page[at..at + 4].try_into().unwrap())
}

/// Says of the first row that it has two gigabytes, the rest of which are on page 2.
fn long_row(mut database: Vec<u8>) -> Vec<u8> {
    let mut number = root(&database);
    loop {
        let leaf = page(&mut database, number);
        let Some(first) = children(leaf).first().copied() else {
            break;
        };
        number = child(leaf, first);
    }
    let leaf = page(&mut database, number);
    let cell = usize::from(u16::from_be_bytes([leaf[8], leaf[9]]));
    // Payload of 2^31 - 1 bytes, row 1, and a record's head: the id, a blob of nearly all of it, a text.
    let lie = [
        0x87, 0xFF, 0xFF, 0xFF, 0x7F, 1, 8, 0, 0x8F, 0xFF, 0xFF, 0xFF, 0x00, 13, 2,
    ];
    leaf[cell..cell + lie.len()].copy_from_slice(&lie);
    database
}

/// Wires inner pages one after the other, so that all children of each are the next: with a few of them there are more rows
/// than a disk could hold.
fn wired(mut database: Vec<u8>) -> Vec<u8> {
    let root = root(&database);
    let top = page(&mut database, root).to_vec();
    let mut chain = vec![root];
    for at in children(&top) {
        let number = child(&top, at);
        if page(&mut database, number)[0] == 5 {
            chain.push(number);
        }
    }
    assert!(chain.len() > 2, "the table has too few levels: {chain:?}");
    for pair in chain.windows(2) {
        let inner = page(&mut database, pair[0]);
        for at in children(inner) {
            inner[at..at + 4].copy_from_slice(&pair[1].to_be_bytes());
        }
    }
    database
}

/// The largest resident set of this process so far, in bytes.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib << 10)
}
