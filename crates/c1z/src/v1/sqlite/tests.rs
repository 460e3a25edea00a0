//! SQLite verifies the databases that are written.

use std::collections::BTreeSet;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use rusqlite::types::Value as Stored;
use rusqlite::{Connection, params_from_iter};

use super::database::FinishError;
use super::page_file::LOCK_PAGE;
use super::*;

const TABLES: [Table; 2] = [
    Table {
        name: "things",
        columns: &[
            Column {
                name: "a",
                declaration: "text not null",
            },
            Column {
                name: "b",
                declaration: "text",
            },
            Column {
                name: "data",
                declaration: "blob not null",
            },
            Column {
                name: "flag",
                declaration: "integer not null",
            },
        ],
        indexes: &[
            Index {
                name: "by_a",
                columns: &["a"],
                unique: false,
                only: None,
            },
            Index {
                name: "by_b_a",
                columns: &["b", "a"],
                unique: false,
                only: None,
            },
            Index {
                name: "by_a_id",
                columns: &["a", "id"],
                unique: false,
                only: None,
            },
            Index {
                name: "flagged",
                columns: &["a"],
                unique: false,
                only: Some(Predicate::IsOne("flag")),
            },
            Index {
                name: "with_b",
                columns: &["a"],
                unique: false,
                only: Some(Predicate::NotNull("b")),
            },
        ],
    },
    Table {
        name: "names",
        columns: &[Column {
            name: "name",
            declaration: "text not null",
        }],
        indexes: &[Index {
            name: "names_once",
            columns: &["name"],
            unique: true,
            only: None,
        }],
    },
];

#[derive(Debug, Clone)]
struct Row {
    a: String,
    b: Option<String>,
    data: Vec<u8>,
    flag: i64,
}

impl Row {
    fn values(&self) -> [Value<'_>; 4] {
        let b = self.b.as_deref().map_or(Value::Null, Value::from);
        [
            Value::from(self.a.as_str()),
            b,
            Value::Blob(&self.data),
            Value::Integer(self.flag),
        ]
    }

    fn stored(&self) -> Vec<Stored> {
        vec![
            self.a.clone().into(),
            self.b.clone().into(),
            self.data.clone().into(),
            self.flag.into(),
        ]
    }
}

/// The written file.
fn written(rows: &[Row], names: &BTreeSet<String>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let mut database = Database::create(folder.path(), &TABLES, Arc::new(AtomicBool::new(false))).unwrap();
    for row in rows {
        database.insert(0, &row.values()).unwrap();
    }
    for name in names.iter().rev() {
        database.insert(1, &[Value::from(name.as_str())]).unwrap();
    }
    let mut file = database.finish(&|_, _| {}).unwrap();
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

/// The check of pages.
fn fits_together(bytes: &[u8], locks_on: u32) -> std::io::Result<()> {
    let mut check = PageCheck::new(bytes.len() as u64)?.with_locks_on(locks_on);
    // Chunks end anywhere between pages.
    for chunk in bytes.chunks(7 * PAGE_BYTES) {
        check.check(chunk)?;
    }
    check.finish(trees(&TABLES))
}

/// The written file, opened by SQLite.
fn ours(rows: &[Row], names: &BTreeSet<String>) -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let bytes = written(rows, names);
    fits_together(&bytes, LOCK_PAGE).unwrap();
    let path = folder.path().join("db");
    std::fs::write(&path, bytes).unwrap();
    let connection = Connection::open(path).unwrap();
    (folder, connection)
}

/// The same content, written by SQLite.
fn theirs(rows: &[Row], names: &BTreeSet<String>) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    for table in &TABLES {
        connection.execute_batch(&table.create_statement()).unwrap();
        table
            .indexes
            .iter()
            .for_each(|index| connection.execute_batch(&index.create_statement(table)).unwrap());
    }
    for row in rows {
        let sql = "insert into things (a, b, data, flag) values (?, ?, ?, ?)";
        connection.execute(sql, params_from_iter(row.stored())).unwrap();
    }
    names.iter().rev().for_each(|name| {
        connection
            .execute("insert into names (name) values (?)", [name])
            .unwrap();
    });
    connection
}

fn dump(connection: &Connection, sql: &str) -> Vec<Vec<Stored>> {
    let mut statement = connection.prepare(sql).unwrap();
    let width = statement.column_count();
    let rows = statement
        .query_map([], |row| (0..width).map(|at| row.get(at)).collect())
        .unwrap();
    rows.map(Result::unwrap).collect()
}

fn judge(rows: &[Row], names: &BTreeSet<String>) {
    let (_folder, ours) = ours(rows, names);
    let theirs = theirs(rows, names);
    let verdict: String = ours
        .query_row("pragma integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok", "{} rows", rows.len());
    for sql in [
        "select type, name, tbl_name, sql from sqlite_schema order by type desc, rowid",
        "select * from things",
        "select * from names",
        "select a, id from things indexed by by_a order by a",
        "select b, a, id from things indexed by by_b_a order by b, a",
        "select a, id from things indexed by by_a_id order by a, id desc",
        "select a from things indexed by flagged where flag = 1 order by a",
        "select a from things indexed by with_b where b is not null order by a",
        "select name from names indexed by names_once order by name",
    ] {
        assert!(
            dump(&ours, sql) == dump(&theirs, sql),
            "{sql}: differs from SQLite's own for {} rows",
            rows.len()
        );
    }
}

/// Deterministic rows with keys of many lengths.
fn some_rows(count: usize, data_len: usize, name_len: usize) -> Vec<Row> {
    (0..count)
        .map(|n| {
            let scrambled = n.wrapping_mul(2_654_435_761) % 1_000_003;
            Row {
                a: format!("{scrambled:0name_len$}"),
                b: (n % 3 == 0).then(|| format!("b{}\0{}", n % 11, "\u{1}ü".repeat(n % 5))),
                data: vec![n.to_le_bytes()[0]; data_len],
                flag: i64::from(n % 7 == 0),
            }
        })
        .collect()
}

#[test]
fn trees_of_every_height() {
    for count in [0, 1, 2, 3, 50, 4_000, 60_000] {
        let names = (0..count).map(|n| format!("name {n}")).collect();
        judge(&some_rows(count, 40, 12), &names);
    }
}

#[test]
fn leaf_boundaries_one_row_at_a_time() {
    for count in 120..260 {
        let names = (0..count).map(|n| format!("n{n:030}")).collect();
        judge(&some_rows(count, 3, 9), &names);
    }
}

#[test]
fn interior_boundaries_with_wide_keys() {
    for count in (20..400).step_by(7) {
        judge(
            &some_rows(count, 2, 900),
            &(0..count).map(|n| format!("{n:0980}")).collect(),
        );
    }
}

#[test]
fn payloads_around_the_overflow_thresholds() {
    for len in (3_990..4_080).chain(8_120..8_160).chain([100_000, 1_000_000]) {
        judge(&some_rows(3, len, 5), &BTreeSet::new());
    }
    for len in (950..1_040).chain([4_096, 5_090, 50_000]) {
        judge(
            &some_rows(9, 5, len),
            &(0..9).map(|n| format!("{n:0len$}")).collect(),
        );
    }
}

/// SQLite keeps one page in the middle of large files for its locks, and calls a file damaged that has data there.
#[test]
fn the_lock_page_is_skipped() {
    let rows = some_rows(400, 9_000, 12);
    let sql = "select a, b, data, flag from things order by id";
    let expected = dump(&theirs(&rows, &BTreeSet::new()), sql);
    // The page lies between rows, within a chain of overflow pages, and among the indexes.
    for before in [1, 2, 3, 4, 1_150, 1_215] {
        let folder = tempfile::tempdir().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let mut database = Database::create(folder.path(), &TABLES, stop).unwrap();
        let first = LOCK_PAGE - before;
        database.begin_at(first);
        for row in &rows {
            database.insert(0, &row.values()).unwrap();
        }
        let mut file = database.finish(&|_, _| {}).unwrap();
        // All but the first page and what was written is a hole, which is not worth a copy.
        let path = folder.path().join("db");
        let mut copy = std::fs::File::create(&path).unwrap();
        let mut page = [0; PAGE_BYTES];
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_exact(&mut page).unwrap();
        copy.write_all(&page).unwrap();
        let begin = SeekFrom::Start(u64::from(first - 1) * PAGE_BYTES as u64);
        file.seek(begin).unwrap();
        copy.seek(begin).unwrap();
        std::io::copy(&mut file, &mut copy).unwrap();
        let ours = Connection::open(&path).unwrap();
        assert!(dump(&ours, sql) == expected, "{before} pages before");
        for index in ["by_a", "by_a_id"] {
            let sql = format!("select count(a), min(a), max(a) from things indexed by {index} where a >= ''");
            assert_eq!(dump(&ours, &sql)[0][0], Stored::Integer(400), "{index}");
        }
        let mut statement = ours.prepare("pragma quick_check(1000000)").unwrap();
        let said = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let said: Vec<String> = said.map(Result::unwrap).collect();
        // The hole is known.
        let known = |line: &&str| line.ends_with("never used") || *line == "*** in database main ***";
        let complaints: Vec<&str> = said
            .iter()
            .flat_map(|all| all.lines())
            .filter(|line| !known(line))
            .collect();
        assert_eq!(complaints, [] as [&str; 0], "{before} pages before");
    }
}

/// What the check of a finished file would have said when the page of the locks was still written to, and what else it sees.
#[test]
fn inconsistent_pages_are_detected() {
    let intact = written(&some_rows(400, 9_000, 12), &BTreeSet::new());
    fits_together(&intact, LOCK_PAGE).unwrap();
    let pages = u32::try_from(intact.len() / PAGE_BYTES).unwrap();
    for page in 2..=pages {
        assert!(fits_together(&intact, page).is_err(), "page {page} has data");
    }

    let mut bytes = intact.clone();
    let page = |number: usize| (number - 1) * PAGE_BYTES;
    // The first overflow page of the file leads to the second; then it leads nowhere, beyond the end, and to itself.
    assert_eq!(bytes[page(2)..page(2) + 4], [0, 0, 0, 3]);
    for next in [0, pages + 1, u32::MAX, 2, 1, 3 + 1] {
        bytes[page(2)..page(2) + 4].copy_from_slice(&next.to_be_bytes());
        assert!(fits_together(&bytes, LOCK_PAGE).is_err(), "{next}");
    }
    bytes.clone_from(&intact);
    for kind in [2, 5, 10, 13] {
        let at = (1..=intact.len() / PAGE_BYTES)
            .find(|at| bytes[page(*at) + 100 * usize::from(*at == 1)] == kind)
            .unwrap();
        let begin = page(at) + 100 * usize::from(at == 1);
        // Its kind, how many cells it has (thousands more), where the first is.
        for offset in [0, 3, if kind < 10 { 12 } else { 8 }] {
            let mut bytes = bytes.clone();
            bytes[begin + offset] ^= 0x11;
            assert!(
                fits_together(&bytes, LOCK_PAGE).is_err(),
                "{offset} of a page {kind}"
            );
        }
    }
    let mut longer = intact.clone();
    longer.extend([0; PAGE_BYTES]);
    assert!(
        fits_together(&longer, LOCK_PAGE).is_err(),
        "a page more than the header says"
    );
    longer[28..32].copy_from_slice(&(pages + 1).to_be_bytes());
    assert!(
        fits_together(&longer, LOCK_PAGE).is_err(),
        "a page that nothing refers to"
    );
    assert!(
        fits_together(&intact[..intact.len() - PAGE_BYTES], LOCK_PAGE).is_err(),
        "a page less"
    );
    assert!(
        fits_together(&intact[..intact.len() - 1], LOCK_PAGE).is_err(),
        "a byte less"
    );
    assert!(fits_together(&[], LOCK_PAGE).is_err());

    let mut check = PageCheck::new(intact.len() as u64).unwrap();
    check.check(&intact).unwrap();
    assert!(
        check.finish(trees(&TABLES) + 1).is_err(),
        "a tree that is not there"
    );
}

#[test]
fn varints_survive_a_round_trip() {
    for shift in 0..64 {
        for number in [(1_u64 << shift) - 1, 1 << shift, u64::MAX >> shift] {
            let mut bytes = Vec::new();
            super::record::push_varint(&mut bytes, number);
            bytes.push(7);
            let read = super::record::read_varint(&bytes);
            assert_eq!(read, Some((number, &[7][..])), "{number}");
            let torn = &bytes[..bytes.len() - 2];
            assert_eq!(super::record::read_varint(torn), None);
        }
    }
}

#[test]
fn duplicate_keys_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let mut database = Database::create(folder.path(), &TABLES, Arc::new(AtomicBool::new(false))).unwrap();
    for name in ["x", "y", "x"] {
        database.insert(1, &[Value::from(name)]).unwrap();
    }
    let Err(FinishError::Duplicate(duplicate)) = database.finish(&|_, _| {}) else {
        panic!("must be refused")
    };
    assert_eq!((duplicate.table, duplicate.values.as_str()), ("names", "x"));
}

/// The second index is found to fail while the first is still built, and the third by the thread that built the first.
#[test]
fn of_several_duplicates_the_first_is_reported() {
    const fn table(name: &'static str) -> Table {
        Table {
            name,
            columns: &[Column {
                name: "name",
                declaration: "text not null",
            }],
            indexes: &[Index {
                name: "by_name",
                columns: &["name"],
                unique: true,
                only: None,
            }],
        }
    }
    const NAMES: [Table; 3] = [table("long"), table("second"), table("third")];
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..20 {
        let mut database = Database::create(folder.path(), &NAMES, Arc::new(AtomicBool::new(false))).unwrap();
        for number in 0..2000 {
            let name = format!("{number}");
            database.insert(0, &[Value::from(name.as_str())]).unwrap();
        }
        for table in [1, 1, 2, 2] {
            database.insert(table, &[Value::from("x")]).unwrap();
        }
        let Err(FinishError::Duplicate(duplicate)) = database.finish(&|_, _| {}) else {
            panic!("must be refused")
        };
        assert_eq!((duplicate.table, duplicate.values.as_str()), ("second", "x"));
    }
}

#[test]
fn stop_flag_cancels() {
    let folder = tempfile::tempdir().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let mut database = Database::create(folder.path(), &TABLES, Arc::clone(&stop)).unwrap();
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let rows = some_rows(200, 100, 9);
    let stopped = rows.iter().try_for_each(|row| database.insert(0, &row.values()));
    assert_eq!(stopped.unwrap_err().kind(), std::io::ErrorKind::Interrupted);
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let text = || "[a-c\\x00\\x01é]{0,12}";
    let row = (
        text(),
        prop::option::of(text()),
        prop::collection::vec(any::<u8>(), 0..3000),
        0_i64..3,
    )
        .prop_map(|(a, b, data, flag)| Row { a, b, data, flag });
    prop::collection::vec(row, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_rows(rows in rows(), names in prop::collection::btree_set("[a-z\\x00]{0,40}", 0..300)) {
        judge(&rows, &names);
    }
}
