//! `export`: any connector's c1z becomes a dataset.

use std::fs;

use access_dataset::Table;
use insta::assert_snapshot;

use crate::datasets::files;
use crate::harness::TestContext;
use crate::support::dataset::{latest, rows};

#[test]
fn an_export_equals_a_sync_of_the_tenant() {
    let context = TestContext::msp();
    let ran = context.run(&["--sink", "c1z", "--sink", "parquet=direct"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let tenant = context.base_url.clone().unwrap();
    let calls = context.sim().ledger().calls().len();
    let export = [
        "export",
        "--from",
        "sync.c1z",
        "--tenant",
        &tenant,
        "--sink",
        "parquet=exported",
        "--sink",
        "csv=csv",
    ];
    let ran = context.run(&export);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(
        context.sim().ledger().calls().len(),
        calls,
        "the tenant is not asked"
    );
    let shown = ran.stdout.replace(
        &latest(&files(&context.path("direct"))).unwrap().sync.id,
        "[SYNC]",
    );
    let shown: Vec<&str> = shown
        .lines()
        .filter(|line| !line.starts_with("Exported") && !line.contains("file "))
        .collect();
    assert_snapshot!("export_summary", shown.join("\n"));

    let (direct, exported) = (files(&context.path("direct")), files(&context.path("exported")));
    let (of_direct, of_exported) = (latest(&direct).unwrap(), latest(&exported).unwrap());
    assert_eq!(of_direct.sync.id, of_exported.sync.id);
    // Rows left out of the file are in no export of it.
    for dataset in Table::ALL.into_iter().filter(|table| *table != Table::LeftOut) {
        let (mut a, mut b) = (
            rows(&direct, &of_direct, dataset),
            rows(&exported, &of_exported, dataset),
        );
        for row in a.iter_mut().chain(&mut b) {
            // Dropped rows are not in the file, and its times have another precision.
            for varying in ["synced_at", "ended_at", "ledger", "rows_dropped"] {
                row.remove(varying);
            }
        }
        assert_eq!(a.len(), b.len(), "{dataset}");
        for (a, b) in a.iter().zip(&b) {
            assert_eq!(a, b, "{dataset}");
        }
    }

    // Repeating it changes nothing.
    let before = files(&context.path("exported"));
    let ran = context.run(&export);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(files(&context.path("exported")), before);
}

#[test]
fn the_same_sync_with_other_content_is_refused() {
    let context = TestContext::msp();
    assert_eq!(context.run(&[]).code, Some(0));
    let export = |tenant| {
        [
            "export", "--from", "sync.c1z", "--sink", "csv=out", "--tenant", tenant,
        ]
    };
    assert_eq!(context.run(&export("one")).code, Some(0));
    let before = files(&context.path("out"));
    let sync = latest(&before).unwrap().sync.id;
    let ran = context.run(&export("two"));
    assert_snapshot!(
        "export_other_content",
        context.error_snapshot(&ran).replace(&sync, "[SYNC]")
    );
    assert_eq!(files(&context.path("out")), before);
}

#[test]
fn an_older_sync_is_not_added_after_a_later_one() {
    let context = TestContext::msp();
    assert_eq!(context.run(&[]).code, Some(0));
    assert_eq!(
        context
            .run(&["export", "--from", "sync.c1z", "--sink", "csv=first"])
            .code,
        Some(0)
    );
    let older = latest(&files(&context.path("first"))).unwrap().sync.id;
    assert_eq!(context.run(&[]).code, Some(0));
    assert_eq!(
        context
            .run(&["export", "--from", "sync.c1z", "--sink", "csv=out"])
            .code,
        Some(0)
    );
    let newer = latest(&files(&context.path("out"))).unwrap().sync.id;
    assert_ne!(older, newer);
    let before = files(&context.path("out"));
    let ran = context.run(&[
        "export", "--from", "sync.c1z", "--sync", &older, "--sink", "csv=out",
    ]);
    assert_eq!(ran.code, Some(9), "{}", ran.stderr);
    assert!(ran.stderr.contains("cannot become the latest"), "{}", ran.stderr);
    assert_eq!(files(&context.path("out")), before);
}

#[test]
fn invalid_exports() {
    let context = TestContext::msp();
    assert_eq!(context.run(&[]).code, Some(0));
    fs::write(context.path("v3.c1z"), b"C1Z3\0and more").unwrap();
    fs::write(context.path("notes.txt"), "The quarterly report.\n").unwrap();
    let good = fs::read(context.path("sync.c1z")).unwrap();
    fs::write(context.path("half.c1z"), &good[..good.len() / 2]).unwrap();
    let id = |ran: String| {
        let file = c1z::Reader::open(
            &context.path("sync.c1z"),
            context.folder.path(),
            c1z::Limits::default(),
            &false.into(),
        )
        .unwrap();
        ran.replace(&file.latest_finished().unwrap().sync_id, "[SYNC]")
    };
    for (name, arguments) in [
        ("no_from", &["export"][..]),
        ("no_sink", &["export", "--from", "sync.c1z"]),
        (
            "no_such_file",
            &["export", "--from", "nowhere.c1z", "--sink", "csv=out"],
        ),
        ("v3", &["export", "--from", "v3.c1z", "--sink", "csv=out"]),
        ("foreign", &["export", "--from", "notes.txt", "--sink", "csv=out"]),
        ("damaged", &["export", "--from", "half.c1z", "--sink", "csv=out"]),
        (
            "no_such_sync",
            &[
                "export",
                "--from",
                "sync.c1z",
                "--sync",
                "000000000000000000000000000",
                "--sink",
                "csv=out",
            ],
        ),
    ] {
        let ran = context.run(arguments);
        let shown = id(context.error_snapshot(&ran));
        // When the syncs of the file began and ended differs from run to run.
        let shown: String = shown
            .lines()
            .map(|line| line.split(" (").next().unwrap().to_owned() + "\n")
            .collect();
        assert_snapshot!(format!("export_{name}"), shown);
        assert!(!context.path("out").exists(), "{name}");
    }
}
