//! A machine that has too little of something: address space, open files, threads, the size that a file may have. A run ends well
//! or with exit code 8, never with a signal, a panic or a hang; it calls nothing damaged or a bug, touches no earlier output and
//! leaves nothing behind.
//!
//! By default a few limits of each kind are tried; `LIMITS=all` tries many.
#![cfg(unix)]
#![expect(clippy::print_stderr, reason = "figures")]
#![expect(clippy::case_sensitive_file_extension_comparisons, reason = "our own names")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::datasets::files;
use crate::harness::{TestContext, report_skipped};

const PATIENCE: Duration = Duration::from_mins(2);

const FOUR: &[&str] = &[
    "--sink",
    "c1z=sync.c1z",
    "--sink",
    "parquet=p",
    "--sink",
    "csv=c",
    "--sink",
    "html=report.html",
];

/// The limited resource, as `ulimit` names it.
#[derive(Debug, Clone, Copy)]
struct Limit {
    what: &'static str,
    flag: char,
}

const ADDRESS_SPACE: Limit = Limit {
    what: "address space (KiB)",
    flag: 'v',
};
const OPEN_FILES: Limit = Limit {
    what: "open files",
    flag: 'n',
};
const FILE_SIZE: Limit = Limit {
    what: "file size (512 bytes)",
    flag: 'f',
};

/// How a run ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    signal: Option<i32>,
    stderr: String,
}

/// The same command, within a limit.
fn within(limit: Limit, value: u64, command: &Command) -> Command {
    let mut limited = Command::new("sh");
    // Never a core file.
    let script = format!(
        "ulimit -c 0; ulimit -{} {value} || exit 99; exec \"$@\"",
        limit.flag
    );
    limited.args(["-c", &script, "sh"]).arg(command.get_program());
    limited.args(command.get_args());
    limited.env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            limited.env(name, value);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        limited.current_dir(folder);
    }
    limited
}

fn end(context: &TestContext, command: &mut Command) -> Ended {
    // Outside, so that a limit does not cut it.
    let (mut out, details) = std::io::pipe().unwrap();
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut out, &mut text).unwrap();
        text
    });
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(details)
        .spawn()
        .unwrap();
    // It has the other end of the pipe.
    command.stderr(Stdio::null());
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begin.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let ended = Ended {
        code: status.code(),
        signal: status.signal(),
        stderr: reading.join().unwrap(),
    };
    let left = fs::read_dir(context.path("tmp")).unwrap().count();
    assert_eq!(left, 0, "temporary files were left behind: {ended:?}");
    ended
}

/// The visible files, without the lock of a dataset.
fn outputs(context: &TestContext) -> BTreeMap<String, Vec<u8>> {
    let all = files(context.folder.path()).into_iter();
    all.filter(|(name, _)| !name.ends_with("/_lock")).collect()
}

fn judge(context: &TestContext, before: &BTreeMap<String, Vec<u8>>, ended: &Ended, details: &str) {
    assert_eq!(ended.signal, None, "{details}: {ended:?}");
    assert!(matches!(ended.code, Some(0 | 8)), "{details}: {ended:?}");
    if ended.code == Some(8) {
        assert!(ended.stderr.contains("hint: "), "{details}: {ended:?}");
        for word in ["panicked", "bug", "unexpectedly", "damaged"] {
            assert!(!ended.stderr.contains(word), "{details}: {ended:?}");
        }
        assert!(
            *before == outputs(context),
            "{details}: an output was touched, or something is left"
        );
    } else {
        let after = outputs(context);
        assert!(
            !after
                .keys()
                .any(|name| name.ends_with(".tmp") || name.contains("_scratch-"))
        );
    }
}

fn many() -> bool {
    std::env::var("LIMITS").is_ok_and(|limits| limits == "all")
}

/// One limit after the other over existing outputs. Returns the number of runs that ended with 8.
fn sweep(limit: Limit, name: &str, arguments: &[&str], values: impl IntoIterator<Item = u64>) -> usize {
    let context = TestContext::msp();
    let first = context.run(arguments);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let mut ends: BTreeMap<i32, usize> = BTreeMap::new();
    let mut unstarted = 0;
    for value in values {
        let plain = context.command(&["--version"]);
        // Where not even this works, the system does not load the program.
        if end(&context, &mut within(limit, value, &plain)).code != Some(0) {
            unstarted += 1;
            continue;
        }
        let before = outputs(&context);
        let ended = end(&context, &mut within(limit, value, &context.command(arguments)));
        judge(
            &context,
            &before,
            &ended,
            &format!("{name}, {} {value}", limit.what),
        );
        *ends.entry(ended.code.unwrap()).or_default() += 1;
    }
    eprintln!("{name}: {}: {unstarted} not loaded, ends {ends:?}", limit.what);
    let again = context.run(arguments);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    ends.get(&8).copied().unwrap_or_default()
}

#[test]
fn too_little_address_space() {
    let step = if many() { 16 } else { 128 };
    let values = (60..=1_600).step_by(step).map(|mib| mib << 10);
    assert!(sweep(ADDRESS_SPACE, "four sinks", FOUR, values) > 2);
}

#[test]
fn too_few_open_files() {
    let step = if many() { 1 } else { 13 };
    assert!(sweep(OPEN_FILES, "four sinks", FOUR, (5..=100).step_by(step)) > 3);
}

#[test]
fn files_that_may_not_grow() {
    for (name, arguments) in [
        ("c1z v1", &["--file", "sync.c1z"][..]),
        ("c1z v3", &["--file", "sync.c1z", "--storage-engine", "pebble"]),
        ("report", &["--sink", "html=report.html"]),
        ("parquet", &["--sink", "parquet=p"]),
        ("csv", &["--sink", "csv=c"]),
        ("four sinks", FOUR),
    ] {
        // In blocks of 512 bytes.
        let every: Vec<u64> = (0..40).chain((40..2_000).step_by(37)).collect();
        let some = [0, 1, 7, 30, 120, 400];
        let values = if many() { every } else { some.to_vec() };
        assert!(sweep(FILE_SIZE, name, arguments, values) > 1, "{name}");
    }
}

/// The limit of processes does not bind root, so the run is another user's.
#[test]
fn too_few_threads() {
    const USER: u32 = 60_123;
    let usable = Command::new("setpriv").arg("--version").output().is_ok()
        && Command::new("prlimit").arg("--version").output().is_ok()
        && rustix::process::geteuid().is_root();
    if !usable {
        return report_skipped("too few threads", "this needs root, setpriv and prlimit");
    }
    let context = TestContext::msp();
    let own = |path: &std::path::Path| std::os::unix::fs::chown(path, Some(USER), Some(USER)).unwrap();
    let as_user = |arguments: &[&str], limit: Option<u64>| {
        let plain = context.command(arguments);
        let mut command = Command::new("setpriv");
        command.args([
            format!("--reuid={USER}"),
            format!("--regid={USER}"),
            "--clear-groups".to_owned(),
        ]);
        if let Some(limit) = limit {
            command.args(["prlimit".to_owned(), format!("--nproc={limit}")]);
        }
        command.arg(plain.get_program()).args(plain.get_args());
        command.env_clear().current_dir(plain.get_current_dir().unwrap());
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    };
    fs::create_dir_all(context.path("tmp")).unwrap();
    own(context.folder.path());
    own(&context.path("tmp"));
    let first = end(&context, &mut as_user(FOUR, None));
    if first.code != Some(0) {
        // E.g. a target folder that others may not look into.
        return report_skipped("too few threads", &first.stderr);
    }
    let mut ends: BTreeMap<i32, usize> = BTreeMap::new();
    let values: Vec<u64> = if many() {
        (1..=48).collect()
    } else {
        vec![1, 2, 3, 5, 8, 13, 21, 24, 25, 40]
    };
    for value in values {
        let before = outputs(&context);
        let ended = end(&context, &mut as_user(FOUR, Some(value)));
        judge(&context, &before, &ended, &format!("threads {value}"));
        *ends.entry(ended.code.unwrap()).or_default() += 1;
    }
    eprintln!("threads: ends {ends:?}");
    assert!(ends.contains_key(&8) && ends.contains_key(&0), "{ends:?}");
}
