//! c1z files of other writers, or altered ones: small files that stand for much memory.

use std::fs;

use super::others_datasets::{MAX_RESIDENT, run};
use crate::harness::{TestContext, edit_v1};

/// Every command that reads a c1z file.
const READERS: [&[&str]; 6] = [
    &["inspect", "sync.c1z", "users"],
    &["diff", "sync.c1z", "sync.c1z"],
    &["export", "--from", "sync.c1z", "--sink", "csv=out"],
    &["convert", "sync.c1z", "other.c1z"],
    &["report", "--from", "sync.c1z", "--to", "report.html"],
    &["--sink", "c1z=sync.c1z"],
];

/// Changes a database with annotations and a long text.
type Edit = fn(&rusqlite::Connection, &[u8], &str);

#[test]
fn a_small_file_with_a_large_row_needs_little_memory() {
    // An empty annotation takes two bytes in a file, and many times as many in memory.
    let annotations = [0x22_u8, 0].repeat(6 << 20);
    let text = "x".repeat(100 << 20);
    let edits: [(&str, Edit); 2] = [
        ("annotations", |connection, annotations, _| {
            let sql = "update v1_resources set data = ? where resource_type_id = 'user'";
            assert!(connection.execute(sql, [annotations]).unwrap() > 1);
        }),
        ("an id", |connection, _, text| {
            let sql = "update v1_resources set external_id = ? where id = \
                       (select max(id) from v1_resources where resource_type_id = 'user')";
            assert_eq!(connection.execute(sql, [text]).unwrap(), 1);
        }),
    ];
    for (name, edit) in edits {
        let context = TestContext::msp();
        context.write_good_sync();
        let file = context.path("sync.c1z");
        edit_v1(&file, |connection| edit(connection, &annotations, &text));
        let altered = fs::read(&file).unwrap();
        assert!(altered.len() < 5_000_000, "{} bytes", altered.len());
        for arguments in READERS {
            fs::write(&file, &altered).unwrap();
            let (code, resident, output) = run(&context, arguments);
            assert!(
                matches!(code, Some(0 | 2 | 5 | 8 | 9 | 15)) && resident <= MAX_RESIDENT,
                "{name}, {arguments:?}: {code:?}, {} MiB: {output:.2000}",
                resident >> 20
            );
        }
        // Columns that a command does not need are not read.
        if name == "annotations" {
            fs::write(&file, &altered).unwrap();
            let (code, _, output) = run(&context, READERS[0]);
            assert_eq!(code, Some(8), "{name}: {output:.2000}");
        }
    }
}
