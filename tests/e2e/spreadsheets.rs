//! CSV as spreadsheets open it: no formula wherever a line is split, every option is read back, and wrong ones are named.

use std::fs;

use ninjaone_sim::{SimConfig, Tenant};
use serde_json::json;

use crate::datasets::files;
use crate::harness::TestContext;

/// A tenant in which every name is difficult for spreadsheets.
fn hostile() -> TestContext {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tenant.json"), r#"{"name": "hostile"}"#).unwrap();
    let names = [
        "Bob;=1+1;x",
        "a\t=1",
        "a|@b",
        "x, -y",
        "＝1",
        "a;\"＋2",
        "l\r\n=3",
        " =4",
        "\t=5",
    ];
    let users: Vec<serde_json::Value> = names
        .iter()
        .enumerate()
        .map(|(n, name)| {
            json!({
                "id": n + 1, "firstName": name, "lastName": name, "email": format!("u{n}@example.com"),
                "enabled": true, "userType": "TECHNICIAN",
                "administrator": n == 0
            })
        })
        .collect();
    let members: Vec<serde_json::Value> = (1..=names.len()).map(|id| json!({ "id": id })).collect();
    let roles: Vec<serde_json::Value> = names
        .iter()
        .enumerate()
        .map(|(n, name)| {
            json!({ "id": n + 100, "name": name, "userType": "TECHNICIAN", "custom": true, "members": members })
        })
        .collect();
    let write = |name: &str, rows: &[serde_json::Value]| {
        fs::write(folder.path().join(name), serde_json::to_string(rows).unwrap()).unwrap();
    };
    write("technicians.json", &users);
    write("roles.json", &roles);
    TestContext::with(&SimConfig::new(Tenant::folder(folder.path()).unwrap()))
}

/// Whether a spreadsheet reads a piece as a formula.
fn is_live(piece: &str) -> bool {
    let piece = piece.trim_matches(|c: char| c == '"' || c.is_whitespace());
    piece.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

fn assert_harmless(text: &str, name: &str) {
    for separator in [';', ',', '\t', '|', '\n', '\r'] {
        let live = text.split(separator).find(|piece| is_live(piece));
        assert_eq!(live, None, "{name} split at {separator:?}");
    }
    let (mut quoted, mut begin) = (false, 0);
    for (at, c) in text.char_indices() {
        quoted ^= c == '"';
        if !quoted && [';', ',', '\t', '|', '\n', '\r'].contains(&c) {
            assert!(!is_live(&text[begin..at]), "{name}: {}", &text[begin..at]);
            begin = at + 1;
        }
    }
}

fn configure(context: &TestContext, options: &str) {
    let config = format!("[[sinks]]\nkind = \"csv\"\nurl = \"out\"\n{options}");
    fs::write(context.path(".baton.toml"), config).unwrap();
}

#[test]
fn no_cell_is_a_formula_and_all_options_round_trip() {
    let context = hostile();
    let mut listed: Option<String> = None;
    for (n, (delimiter, byte)) in [(",", ','), (";", ';'), ("tab", '\t'), ("\\\\t", '\t'), ("|", '|')]
        .into_iter()
        .enumerate()
    {
        for (bom, sep) in [(false, false), (true, false), (false, true), (true, true)] {
            let _ = fs::remove_dir_all(context.path("out"));
            let safe = n % 2 == 0 || !sep;
            configure(
                &context,
                &format!(
                    "delimiter = \"{delimiter}\"\nbom = {bom}\nsep = {sep}\nspreadsheet_safe = {safe}\n"
                ),
            );
            // The second sync reads the output of the first.
            for _ in 0..2 {
                let ran = context.run(&[]);
                assert_eq!(ran.code, Some(0), "{}", ran.stderr);
            }
            for (name, bytes) in files(&context.path("out")) {
                if !name.contains("/part-") {
                    continue;
                }
                let text = String::from_utf8(bytes).unwrap();
                let rest = text.strip_prefix('\u{feff}');
                assert_eq!(rest.is_some(), bom, "{name}");
                let rest = rest.unwrap_or(&text);
                assert_eq!(rest.starts_with(&format!("sep={byte}\r\n")), sep, "{name}");
                assert!(rest.contains(&format!("sync_id{byte}synced_at{byte}")), "{name}");
                if safe {
                    assert_harmless(&text, &name);
                }
            }
            let verified = context.run(&["verify", "out"]);
            assert_eq!(verified.code, Some(0), "{}", verified.stderr);
            let users = context.run(&["inspect", "out", "users", "--output", "json"]);
            assert_eq!(users.code, Some(0), "{}", users.stderr);
            assert!(users.stdout.contains("Bob;=1+1;x"), "{}", users.stdout);
            assert_eq!(*listed.get_or_insert_with(|| users.stdout.clone()), users.stdout);
            let shown = context.run(&["inspect", "out", "users", "--output", "csv"]);
            assert_harmless(&shown.stdout, "inspect");
            // Nothing changed between the two syncs.
            let changes = files(&context.path("out"));
            let rows = changes.iter().filter(|(name, _)| name.starts_with("changes/"));
            let rows: usize = rows
                .map(|(_, bytes)| String::from_utf8_lossy(bytes).matches("changed").count())
                .sum();
            assert_eq!(rows, 0, "{delimiter} {bom} {sep}");
        }
    }
}

#[test]
fn invalid_options_are_named_with_the_valid_ones() {
    for (kind, option, expected) in [
        (
            "csv",
            "delimiter = \":\"",
            "`delimiter`: `:` is not one of ,  ;  tab  |",
        ),
        ("csv", "delimiter = 1", "`delimiter`: expected a string"),
        ("csv", "bom = \"yes\"", "`bom`: expected true or false"),
        ("csv", "sep = \";\"", "`sep`: expected true or false"),
        (
            "parquet",
            "compression = \"lz4\"",
            "`compression`: `lz4` is not one of zstd, snappy, gzip, none",
        ),
        ("parquet", "bom = true", "unknown key `bom`"),
    ] {
        let context = TestContext::msp();
        let config = format!("[[sinks]]\nkind = \"{kind}\"\nurl = \"out\"\n{option}\n");
        fs::write(context.path(".baton.toml"), config).unwrap();
        let ran = context.run(&[]);
        assert_eq!(ran.code, Some(3), "{option}: {}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{option}: {}", ran.stderr);
        context.assert_only_files(&[".baton.toml"]);
    }
}

#[test]
fn parquet_of_every_compression_round_trips() {
    for codec in ["zstd", "snappy", "gzip", "none"] {
        let context = TestContext::msp();
        let config = format!("[[sinks]]\nkind = \"parquet\"\nurl = \"out\"\ncompression = \"{codec}\"\n");
        fs::write(context.path(".baton.toml"), config).unwrap();
        for _ in 0..2 {
            let ran = context.run(&[]);
            assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        }
        let verified = context.run(&["verify", "out"]);
        assert_eq!(verified.code, Some(0), "{}", verified.stderr);
        let manifest = crate::support::dataset::latest(&files(&context.path("out"))).unwrap();
        assert_eq!(manifest.format_options["compression"], codec);
    }
}
