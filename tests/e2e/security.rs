//! Promises of docs/concepts/threat-model.md that no other test covers.
#![cfg(unix)]

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use ninjaone_sim::{Fault, SimConfig, Tenant, When};

use crate::harness::{SECRET, TestContext, workspace};
use crate::provisioning::writes;
use crate::support::service::{Served, delete, grant, invoke, object, render_finish, revoke, text};

const SINKS: [&str; 6] = [
    "--sink",
    "c1z=sync.c1z",
    "--sink",
    "parquet=lake",
    "--sink",
    "csv=csv",
];

/// Every file below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] })
        .collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}

/// The fixture tenant with one name replaced by another.
pub(crate) fn renamed(from: &str, to: &str) -> TestContext {
    let folder = tempfile::tempdir().unwrap();
    let mut replaced = 0;
    for path in below(&workspace().join("fixtures/msp")) {
        let content = fs::read_to_string(&path).unwrap();
        replaced += content.matches(from).count();
        let to = serde_json::to_string(to).unwrap();
        let content = content.replace(from, &to[1..to.len() - 1]);
        fs::write(folder.path().join(path.file_name().unwrap()), content).unwrap();
    }
    assert!(replaced > 0);
    TestContext::with(&SimConfig::new(Tenant::folder(folder.path()).unwrap()))
}

#[test]
fn no_output_holds_a_secret() {
    let context = TestContext::msp();
    let sync = SINKS
        .into_iter()
        .chain(["--log-level", "debug", "--log-path", "log"]);
    assert_eq!(context.run(&sync.collect::<Vec<_>>()).code, Some(0));
    let change = [
        "grant",
        "role:3",
        "--to",
        "user:16",
        "-p",
        "--audit-log",
        "audit.jsonl",
    ];
    assert_eq!(context.run(&change).code, Some(0));
    let mut looked_at = 0;
    for path in below(context.folder.path()) {
        let mut bytes = fs::read(&path).unwrap();
        if path.extension().is_some_and(|extension| extension == "c1z") {
            bytes = zstd::decode_all(&bytes[5..]).unwrap();
            assert!(contains(&bytes, "sofia.marchetti@example.com"));
        }
        for secret in [SECRET, "sim-token-"] {
            assert!(!contains(&bytes, secret), "{}", path.display());
        }
        looked_at += 1;
    }
    assert!(looked_at > 14, "{looked_at} files");
}

#[test]
fn hostile_ids_cause_no_other_request() {
    const HOSTILE: [&str; 9] = [
        "901/../../../v2/users",
        "901%2f..%2f1",
        "901?includeRoles=true",
        "901#x",
        "901\r\nX-Injected: yes",
        "..",
        "901;x",
        "//elsewhere.example/901",
        "9\u{0}01",
    ];
    let served = Served::msp(&["--provisioning"]);
    for id in HOSTILE {
        let update = object(&[("user_id", text(id))]);
        for task in [
            grant(&format!("role:{id}:assigned"), "16"),
            grant("role:3:assigned", id),
            revoke("role:3:assigned", id),
            delete("user", id),
            invoke("update-account", update),
        ] {
            let finish = served.finished(&served.push(task));
            assert!(!finish.is_success(), "{id:?}: {}", render_finish(&finish));
        }
    }
    assert_eq!(writes(&served.context), []);
    for call in served.context.sim().ledger().calls() {
        let known = [
            "/ws/oauth/token",
            "/v2/users",
            "/v2/user/roles",
            "/v2/user/technicians",
            "/v2/user/end-users",
            "/v2/organizations",
        ];
        let members = call.path.strip_prefix("/v2/user/role/").is_some_and(|rest| {
            rest.strip_suffix("/members")
                .unwrap_or(rest)
                .bytes()
                .all(|byte| byte.is_ascii_digit())
        });
        assert!(known.contains(&call.path.as_str()) || members, "{}", call.path);
    }
}

#[test]
fn names_cannot_control_a_terminal() {
    let context = renamed(
        "Network Engineering",
        "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}Net\rwork",
    );
    let escape_control_chars = |shown: &str| {
        assert!(shown.contains("\\u001b[2J"), "{shown}");
        assert!(
            !shown.contains(|c: char| c.is_control() && c != '\n'),
            "{shown:?}"
        );
        assert!(!shown.contains('\u{202e}'), "{shown:?}");
    };
    let plan = context.run(&["grant", "role:3", "--to", "user:16", "--dry-run"]);
    assert_eq!(plan.code, Some(0), "{}", plan.stderr);
    escape_control_chars(&plan.stdout);
    let json = context.run(&[
        "grant",
        "role:3",
        "--to",
        "user:16",
        "--dry-run",
        "--output",
        "json",
    ]);
    escape_control_chars(&json.stdout);
    serde_json::from_str::<serde_json::Value>(&json.stdout).unwrap();
    // An error that names it, and a log line.
    let missing = "\u{1b}[2J\u{9b}x";
    let ran = context.run(&[
        "grant",
        missing,
        "--to",
        "user:16",
        "--dry-run",
        "--log-format",
        "console",
    ]);
    assert_ne!(ran.code, Some(0));
    escape_control_chars(&ran.stderr);
}

#[test]
fn incomplete_files_are_private() {
    let slow = Fault::SlowBody {
        first: Duration::from_mins(10),
        pause: Duration::ZERO,
        piece: 1,
    };
    let context = TestContext::faulty("/v2/user/roles", When::Always, slow);
    let mut child = context
        .command(&SINKS)
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while context.sim().ledger().count("GET", "/v2/user/roles") == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&context.path("sync.c1z.tmp")), 0o600);
    let mut scratch = 0;
    for dataset in ["lake", "csv"] {
        for entry in fs::read_dir(context.path(dataset)).unwrap() {
            let path = entry.unwrap().path();
            if path
                .file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("_scratch-")
            {
                assert_eq!(mode(&path), 0o700, "{}", path.display());
                scratch += 1;
            }
        }
    }
    assert_eq!(scratch, 2);
    // Unpacked contents of a file that is read.
    let (other, temp) = (TestContext::msp(), tempfile::tempdir().unwrap());
    other.write_good_sync();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let reader = c1z::Reader::open(
        &other.path("sync.c1z"),
        temp.path(),
        c1z::Limits::default(),
        &stop,
    )
    .unwrap();
    let unpacked = fs::read_dir(temp.path()).unwrap().next().unwrap().unwrap().path();
    assert_eq!(mode(&unpacked), 0o700);
    drop(reader);
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&child),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    child.wait().unwrap();
}

#[test]
fn published_files_follow_the_umask() {
    for (umask, mode) in [("022", 0o644), ("077", 0o600)] {
        let context = TestContext::msp();
        let mut command = std::process::Command::new("sh");
        let of_program = context.command(&SINKS);
        command
            .arg("-c")
            .arg(format!("umask {umask}; exec \"$0\" \"$@\""))
            .arg(of_program.get_program())
            .args(of_program.get_args())
            .current_dir(context.folder.path())
            .env_clear();
        for (name, value) in of_program.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        assert_eq!(context.finish(&mut command).code, Some(0));
        for path in below(context.folder.path())
            .iter()
            .filter(|path| !path.ends_with("_lock"))
        {
            let found = fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(found, mode, "{}", path.display());
        }
    }
}

#[test]
fn links_at_temporary_paths_are_not_followed() {
    for link in ["sync.c1z.tmp", "lake/_lock", "lake/_scratch-x"] {
        let context = TestContext::msp();
        fs::create_dir_all(context.path("lake")).unwrap();
        fs::create_dir_all(context.path("precious")).unwrap();
        let victim = context.path("precious/file");
        fs::write(&victim, b"precious").unwrap();
        let to = if link.ends_with("-x") {
            context.path("precious")
        } else {
            victim.clone()
        };
        symlink(&to, context.path(link)).unwrap();
        let ran = context.run(&SINKS);
        assert_eq!(
            ran.code == Some(0),
            link.ends_with("-x"),
            "{link}: {}",
            ran.stderr
        );
        assert_eq!(fs::read(&victim).unwrap(), b"precious", "{link}");
        assert_eq!(
            fs::read_dir(context.path("precious")).unwrap().count(),
            1,
            "{link}"
        );
    }
}

#[test]
fn a_pointer_cannot_leave_the_dataset() {
    let context = TestContext::msp();
    assert_eq!(context.run(&["--sink", "parquet=lake"]).code, Some(0));
    let pointer = context.path("lake/latest.json");
    let good: serde_json::Value = serde_json::from_slice(&fs::read(&pointer).unwrap()).unwrap();
    fs::write(context.path("outside.json"), b"{\"private\": 1}").unwrap();
    for (key, value) in [
        ("manifest", "../outside.json"),
        ("manifest", "/etc/passwd"),
        ("sync_id", "../../outside"),
        ("manifest", "_manifests/../../outside.json"),
    ] {
        let mut forged = good.clone();
        forged[key] = value.into();
        fs::write(&pointer, forged.to_string()).unwrap();
        let ran = context.run(&["--sink", "parquet=lake"]);
        assert_eq!(ran.code, Some(15), "{key} {value}: {}", ran.stderr);
        assert!(!ran.stderr.contains("private"), "{}", ran.stderr);
    }
}

#[test]
fn a_sync_id_is_not_a_path() {
    // A foreign c1z whose sync id would be a path to another file.
    let context = TestContext::msp();
    assert_eq!(context.run(&[]).code, Some(0));
    let mut packed = Vec::new();
    fs::File::open(context.path("sync.c1z"))
        .unwrap()
        .read_to_end(&mut packed)
        .unwrap();
    let database = context.path("plain.db");
    fs::write(&database, zstd::decode_all(&packed[5..]).unwrap()).unwrap();
    let connection = rusqlite::Connection::open(&database).unwrap();
    for table in [
        "resource_types",
        "resources",
        "entitlements",
        "grants",
        "sync_runs",
    ] {
        connection
            .execute(
                &format!("update v1_{table} set sync_id = '../../../../tmp/owned'"),
                [],
            )
            .unwrap();
    }
    drop(connection);
    packed.truncate(5);
    packed.extend(zstd::encode_all(&*fs::read(&database).unwrap(), 1).unwrap());
    fs::write(context.path("hostile.c1z"), packed).unwrap();
    let ran = context.run(&["export", "--from", "hostile.c1z", "--sink", "csv=out"]);
    if ran.code == Some(0) {
        // We use a name of our own instead.
        assert!(
            below(&context.path("out"))
                .iter()
                .all(|path| !path.to_string_lossy().contains("owned"))
        );
    } else {
        assert!(ran.stderr.contains("is not a sync id"), "{}", ran.stderr);
    }
}
