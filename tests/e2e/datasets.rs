//! Datasets in folders: their contents, failures, and that a reader who follows the pointer never sees half a sync.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Duration;

use access_dataset::Table;
use insta::assert_snapshot;
use ninjaone_sim::{Fault, SimConfig, Tenant, When};

use crate::golden::{assert_same_rows, reference_lines};
use crate::harness::{TestContext, example_configurations};
use crate::support::dataset::{CONTRACT, Files, Rows, latest, named, parts, rows};

/// Everything in a folder but the lock.
pub(crate) fn files(root: &Path) -> Files {
    let mut found = Files::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found.remove("_lock");
    found
}

/// All three sinks, CSV as it is.
fn three_sinks(context: &TestContext) {
    let config = "
        [[sinks]]
        kind = \"c1z\"
        [[sinks]]
        kind = \"parquet\"
        url = \"parquet\"
        [[sinks]]
        kind = \"csv\"
        url = \"csv\"
        spreadsheet_safe = false
    ";
    fs::write(context.path(".baton.toml"), config).unwrap();
}

#[test]
fn three_sinks_get_the_same_rows_in_one_pass() {
    let context = TestContext::msp();
    three_sinks(&context);
    let ran = context.run(&["--ninja-one-include-devices"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(
        context.sim().ledger().count("GET", "/v2/user/roles"),
        1,
        "one pass over the tenant"
    );

    let (parquet, csv) = (files(&context.path("parquet")), files(&context.path("csv")));
    let (of_parquet, of_csv) = (latest(&parquet).unwrap(), latest(&csv).unwrap());
    assert_eq!(of_parquet.sync, of_csv.sync);
    for dataset in Table::ALL {
        let from_parquet = rows(&parquet, &of_parquet, dataset);
        let mut from_csv = rows(&csv, &of_csv, dataset);
        for row in &mut from_csv {
            for column in CONTRACT
                .columns(dataset)
                .iter()
                .filter(|column| column.kind == access_dataset::ColumnKind::TextList)
            {
                let list: Vec<String> = serde_json::from_str(row[column.name].as_ref().unwrap()).unwrap();
                row.insert(column.name.to_owned(), Some(format!("[{}]", list.join(", "))));
            }
        }
        assert_eq!(from_parquet, from_csv, "{dataset}");
    }

    let mut from_parquet: Vec<String> = Vec::new();
    let text =
        |row: &std::collections::BTreeMap<String, Option<String>>, name: &str| row[name].clone().unwrap();
    for row in rows(&parquet, &of_parquet, Table::Resources) {
        let id = format!("{}/{}", text(&row, "resource_type_id"), text(&row, "resource_id"));
        from_parquet.push(format!("resource {id} {:?}", text(&row, "display_name")));
    }
    for row in rows(&parquet, &of_parquet, Table::Entitlements) {
        from_parquet.push(format!(
            "entitlement {} on {}",
            text(&row, "entitlement_id"),
            text(&row, "resource_id")
        ));
    }
    for row in rows(&parquet, &of_parquet, Table::Grants) {
        let (id, entitlement) = (text(&row, "grant_id"), text(&row, "entitlement_id"));
        from_parquet.push(format!(
            "grant {id} of {entitlement} to {}",
            text(&row, "principal_id")
        ));
    }
    let mut from_c1z: Vec<String> = reference_lines(&context);
    from_parquet.sort_unstable();
    from_c1z.sort_unstable();
    assert_same_rows(&from_parquet.join("\n"), &from_c1z.join("\n"), "Parquet and c1z");
}

/// A table of names and values, without missing values and values that differ from run to run.
fn render_table(rows: &Rows, dataset: Table, address: &str) -> String {
    let mut text = String::new();
    for row in rows {
        for column in CONTRACT
            .columns(dataset)
            .iter()
            .filter(|column| !matches!(column.name, "sync_id" | "synced_at" | "ended_at"))
        {
            if let Some(value) = &row[column.name] {
                let value = value.replace(address, "[TENANT]");
                let _ = write!(text, "{}={value} ", column.name);
            }
        }
        text.push('\n');
    }
    text
}

#[test]
fn every_row_of_the_fixture_tenant() {
    let context = TestContext::msp();
    assert_eq!(context.run(&["--sink", "parquet=out"]).code, Some(0));
    let files = files(&context.path("out"));
    let manifest = latest(&files).unwrap();
    for dataset in Table::ALL {
        let shown = render_table(
            &rows(&files, &manifest, dataset),
            dataset,
            context.base_url.as_ref().unwrap(),
        );
        assert_snapshot!(format!("dataset_{dataset}"), shown);
    }
}

#[test]
fn difficult_content_round_trips() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tenant.json"), r#"{"name": "hostile"}"#).unwrap();
    let long = "x".repeat(1 << 20);
    let hard = [
        "=HYPERLINK(\"http://x\")",
        "a,b;c\td",
        "line\r\nbreak",
        "quote \" and \"\"",
        "nul \u{0} byte",
        "\u{202e}rtl\u{200f}",
        "🧑‍💻 émoji",
        "",
        " ",
        "+1",
        "-1",
        "@x",
        "null",
        "\\N",
        "'",
        long.as_str(),
    ];
    let users: Vec<serde_json::Value> = hard
        .iter()
        .enumerate()
        .map(|(n, text)| {
            serde_json::json!({
                "id": n + 1, "firstName": text, "lastName": if n % 2 == 0 { serde_json::Value::Null } else { "".into() },
                "email": format!("u{n}@example.com"), "enabled": true, "phone": text, "userType": "TECHNICIAN",
                "administrator": n == 0
            })
        })
        .collect();
    fs::write(
        folder.path().join("technicians.json"),
        serde_json::to_string(&users).unwrap(),
    )
    .unwrap();
    let role = serde_json::json!([{
        "id": 100, "name": "Desk", "userType": "TECHNICIAN", "custom": true, "members": [{ "id": 1 }]
    }]);
    fs::write(folder.path().join("roles.json"), role.to_string()).unwrap();
    let context = TestContext::with(&SimConfig::new(Tenant::folder(folder.path()).unwrap()));
    three_sinks(&context);
    let ran = context.run(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for location in ["parquet", "csv"] {
        let files = files(&context.path(location));
        let manifest = latest(&files).unwrap();
        let rows = rows(&files, &manifest, Table::Users);
        for (n, text) in hard.iter().enumerate() {
            let row = rows
                .iter()
                .find(|row| row["user_id"] == Some((n + 1).to_string()))
                .unwrap();
            // Values longer than a label are clipped when they are read.
            let clipped = format!("{}…", "x".repeat(4093));
            let expected = if text.len() > 4096 {
                clipped.as_str()
            } else {
                *text
            };
            assert_eq!(row["phone"].as_deref(), Some(expected), "{location} {n}");
            let profile: serde_json::Value = serde_json::from_str(row["profile"].as_ref().unwrap()).unwrap();
            assert_eq!(profile["first_name"], expected, "{location} {n}");
            assert_eq!(
                profile.get("last_name").is_some(),
                n % 2 == 1,
                "an empty name is not the same as none"
            );
        }
    }
}

#[test]
fn csv_has_no_formulas_and_can_be_compressed() {
    for (compression, extension) in [("none", "csv"), ("gzip", "csv.gz"), ("zstd", "csv.zst")] {
        let context = TestContext::msp();
        let config = format!("[[sinks]]\nkind = \"csv\"\nurl = \"out\"\ncompression = {compression:?}\n");
        fs::write(context.path(".baton.toml"), config).unwrap();
        assert_eq!(context.run(&[]).code, Some(0));
        let files = files(&context.path("out"));
        assert_eq!(
            files.keys().filter(|path| path.ends_with(extension)).count(),
            Table::ALL.len() + Table::HISTORY.len()
        );
        if compression == "none" {
            let manifest = latest(&files).unwrap();
            for dataset in Table::ALL {
                for row in rows(&files, &manifest, dataset) {
                    let cells = row.values().flatten();
                    for cell in cells {
                        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
                    }
                }
            }
        }
    }
}

#[test]
fn invalid_sinks() {
    for (name, arguments) in [
        ("unknown_kind", &["--sink", "excel=out"][..]),
        ("no_place", &["--sink", "parquet"]),
        ("unknown_store", &["--sink", "parquet=ftp://host/x"]),
        ("no_bucket", &["--sink", "csv=s3://"]),
        ("secret_in_url", &["--sink", "csv=s3://key:secret@bucket/x"]),
        ("same_place", &["--sink", "csv=out", "--sink", "parquet=out"]),
        ("unused_file", &["--file", "other.c1z", "--sink", "csv=out"]),
    ] {
        let context = TestContext::msp();
        let ran = context.run(arguments);
        context.assert_only_files(&[]);
        assert!(context.sim().ledger().calls().is_empty());
        assert_snapshot!(format!("sink_{name}"), context.error_snapshot(&ran));
    }
    for (name, config) in [
        ("no_kind", "[[sinks]]\nurl = \"out\"\n"),
        ("unknown_key", "[[sinks]]\nkind = \"parquet\"\npath = \"out\"\n"),
        ("not_a_list", "sinks = \"parquet\"\n"),
        (
            "compression",
            "[[sinks]]\nkind = \"csv\"\nurl = \"out\"\ncompression = \"rar\"\n",
        ),
        (
            "not_a_flag",
            "[[sinks]]\nkind = \"csv\"\nurl = \"out\"\nspreadsheet_safe = \"no\"\n",
        ),
    ] {
        let context = TestContext::msp();
        fs::write(context.path(".baton.toml"), config).unwrap();
        assert_snapshot!(format!("sinks_{name}"), context.error_snapshot(&context.run(&[])));
        context.assert_only_files(&[".baton.toml"]);
    }
}

#[test]
fn a_flag_overrides_the_config_file() {
    let context = TestContext::msp();
    three_sinks(&context);
    assert_eq!(context.run(&["--sink", "csv=elsewhere"]).code, Some(0));
    context.assert_only_files(&[".baton.toml", "elsewhere"]);
}

#[test]
fn every_example_configuration_is_valid() {
    for path in example_configurations() {
        let context = TestContext::msp();
        let ran = context.run(&["check", "--config", path.to_str().unwrap()]);
        assert_eq!(ran.code, Some(0), "{}: {}", path.display(), ran.stderr);
        // Also with every line enabled; only secrets and locations are replaced.
        let text = fs::read_to_string(&path).unwrap().replace("#: ", "");
        let name = path.file_name().unwrap().to_str().unwrap();
        fs::write(
            context.path(name),
            text.replace("/etc/ssl/certs/proxy.pem", "ca.pem"),
        )
        .unwrap();
        let ran = context.run(&["capabilities", "--config", name]);
        assert_eq!(ran.code, Some(0), "{}: {}", path.display(), ran.stderr);
    }
}

#[test]
fn a_failing_sink_keeps_all_others_from_publishing() {
    let context = TestContext::msp();
    fs::write(context.path("file"), "in the way").unwrap();
    let ran = context.run(&["--sink", "c1z", "--sink", "csv=csv", "--sink", "parquet=file"]);
    assert_snapshot!("sink_file_in_the_way", context.error_snapshot(&ran));
    assert!(!context.path("sync.c1z").exists());
    assert!(files(&context.path("csv")).is_empty());
    assert!(
        context.sim().ledger().calls().is_empty(),
        "nothing is read for a run that cannot end well"
    );

    // Also when the tenant fails after all sinks are open.
    let context = TestContext::faulty("/v2/user/roles", When::Always, Fault::Status(400));
    let ran = context.run(&["--sink", "c1z", "--sink", "csv=csv", "--sink", "parquet=parquet"]);
    assert_ne!(ran.code, Some(0));
    assert!(!context.path("sync.c1z").exists());
    for location in ["csv", "parquet"] {
        assert!(files(&context.path(location)).is_empty(), "{location}");
        assert_eq!(
            fs::read_dir(context.path(location)).unwrap().count(),
            1,
            "only the lock"
        );
    }
}

#[test]
fn a_concurrent_run_is_refused() {
    let slow = Fault::SlowBody {
        first: Duration::from_secs(2),
        pause: Duration::ZERO,
        piece: 1 << 20,
    };
    let context = TestContext::faulty("/v2/users", When::Always, slow);
    let mut first = context
        .command(&["--sink", "parquet=out"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while context.sim().ledger().count("GET", "/v2/users") == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let second = context.command(&["--sink", "csv=out"]).output().unwrap();
    assert_eq!(second.status.code(), Some(10));
    assert!(
        String::from_utf8(second.stderr)
            .unwrap()
            .contains("another run is publishing to out")
    );
    assert!(first.wait().unwrap().success());
    assert!(latest(&files(&context.path("out"))).is_some());
}

#[test]
fn partial_syncs_do_not_move_the_pointer() {
    let context = TestContext::msp();
    assert_eq!(context.run(&["--sink", "parquet=out"]).code, Some(0));
    let full = latest(&files(&context.path("out"))).unwrap();
    assert_eq!(
        context
            .run(&["--sink", "parquet=out", "--sync-resource-types", "user"])
            .code,
        Some(0)
    );
    let files = files(&context.path("out"));
    assert_eq!(latest(&files).unwrap().sync, full.sync);
    assert_eq!(
        files
            .keys()
            .filter(|path| path.starts_with("_manifests/"))
            .count(),
        2
    );
}

/// After a kill at any time the pointer names a complete sync, and the next run removes leftovers.
#[test]
#[cfg(unix)]
fn killed_at_any_time() {
    let context = TestContext::msp();
    assert_eq!(context.run(&["--sink", "parquet=out"]).code, Some(0));
    let (mut syncs, mut died) = (1, 0);
    for delay in (0..60).map(|n| Duration::from_millis(n * 5)) {
        let mut child = context
            .command(&["--sink", "parquet=out"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(delay);
        child.kill().unwrap();
        died += usize::from(!child.wait().unwrap().success());
        let files = files(&context.path("out"));
        latest(&files).expect("the pointer names a whole sync");
        syncs = syncs.max(
            files
                .keys()
                .filter(|path| path.starts_with("_manifests/"))
                .count(),
        );
    }
    assert!(died > 5, "{died} runs were killed in time");
    assert_eq!(context.run(&["--sink", "parquet=out"]).code, Some(0));
    let files = files(&context.path("out"));
    assert_eq!(
        parts(&files),
        named(&files),
        "nothing is left of runs that were killed"
    );
    assert!(
        !files
            .keys()
            .any(|path| path.starts_with("_staging") || path.starts_with("_scratch")),
        "{:?}",
        files.keys()
    );
}
