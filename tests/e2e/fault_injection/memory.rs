//! Answers that try to fill memory. Each ends the run early, with its error class and in bounded memory.

use std::fs;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use ninjaone_sim::{Fault, When};

use super::model::{ORGANIZATIONS, ROLES, TECHNICIANS, USERS};
use super::sweep::{exhaustive, sweep};
use crate::harness::TestContext;

/// Longer than any run takes, beside all other tests.
const PATIENCE: Duration = Duration::from_mins(10);

/// Bytes of an endless answer: enough that keeping them would be visible.
fn much() -> u64 {
    if exhaustive() { 400 << 20 } else { 128 << 20 }
}

/// Maximum resident memory of a run in bytes. A healthy run needs about 25 MB.
const MAX_RESIDENT: u64 = 96 << 20;
/// The same where millions of rows have to be kept until it is clear that there are too many.
const MOST_WITH_ROWS: u64 = 512 << 20;

#[derive(Clone, Copy)]
struct Flood {
    path: &'static str,
    begin: &'static str,
    again: &'static str,
    code: i32,
    most: u64,
    /// Too slow for every day: millions of rows.
    long: bool,
}

const fn flood(path: &'static str, begin: &'static str, again: &'static str, code: i32) -> Flood {
    Flood {
        path,
        begin,
        again,
        code,
        most: MAX_RESIDENT,
        long: false,
    }
}

const fn of_rows(flood: Flood) -> Flood {
    Flood {
        most: MOST_WITH_ROWS,
        long: true,
        ..flood
    }
}

const FLOODS: [(&str, Flood); 16] = [
    ("garbage", flood(USERS, "", "xxxxxxxxxxxxxxxx", 15)),
    ("blanks", flood(USERS, "[", "                ", 14)),
    (
        "one text",
        flood(USERS, r#"[{"id":1,"firstName":""#, "xxxxxxxxxxxxxxxx", 15),
    ),
    ("one key", flood(ROLES, r#"[{"id":1,""#, "xxxxxxxxxxxxxxxx", 15)),
    ("one number", flood(USERS, r#"[{"id":1"#, "1111111111111111", 15)),
    (
        "one text that nobody reads",
        flood(ROLES, r#"[{"id":1,"other":""#, "xxxxxxxxxxxxxxxx", 15),
    ),
    ("lists in lists", flood(USERS, "", "[[[[[[[[[[[[[[[[", 15)),
    (
        "objects in objects",
        flood(ORGANIZATIONS, r#"[{"id":1,"userData":"#, r#"{"a":"#, 15),
    ),
    (
        "devices of one user",
        flood(TECHNICIANS, r#"[{"id":1,"assignedDeviceIds":["#, "501,", 15),
    ),
    ("organizations", flood(ORGANIZATIONS, "[", r#"{"id":1},"#, 15)),
    (
        "a token",
        flood("/ws/oauth/token", r#"{"access_token":""#, "xxxxxxxxxxxxxxxx", 15),
    ),
    (
        "a sign-in page",
        flood("/ws/oauth/token", "", "<html>          ", 14),
    ),
    ("technicians", of_rows(flood(TECHNICIANS, "[", r#"{"id":1},"#, 8))),
    ("users", of_rows(flood(USERS, "[", r#"{"id":2},"#, 8))),
    ("roles", flood(ROLES, "[", r#"{"id":1},"#, 8)),
    (
        "members of one role",
        of_rows(flood(ROLES, r#"[{"id":1,"members":["#, r#"{"id":1},"#, 15)),
    ),
];

#[test]
fn hostile_answers_do_not_fill_memory() {
    let floods = FLOODS
        .into_iter()
        .filter(|(_, flood)| exhaustive() || !flood.long);
    let cases: Vec<(String, Flood)> = floods.map(|(name, flood)| (name.to_owned(), flood)).collect();
    let test = "fault_injection::memory::hostile_answers_do_not_fill_memory";
    sweep(test, &cases, || (), |(), flood| survived(flood));
}

fn survived(flood: &Flood) -> Result<String, String> {
    let endless = Fault::Endless {
        begin: flood.begin.into(),
        again: flood.again.repeat(256).into(),
        bytes: much(),
    };
    let context = TestContext::faulty(flood.path, When::Always, endless);
    let mut command = context.command(&["--ninja-one-retry-seconds=0"]);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let stderr_reader = std::thread::spawn(move || {
        let mut stderr_reader = String::new();
        std::io::Read::read_to_string(&mut stderr, &mut stderr_reader).map(|_| stderr_reader)
    });
    let (status, resident) = wait_measured(&mut child);
    let stderr_reader = stderr_reader.join().unwrap().unwrap();
    if status.code() != Some(flood.code) || stderr_reader.len() > 4000 {
        return Err(format!(
            "exit {:?}, not {}: {stderr_reader:.2000}",
            status.code(),
            flood.code
        ));
    }
    if resident > flood.most {
        return Err(format!("{} MiB were resident: {stderr_reader}", resident >> 20));
    }
    Ok(format!(
        "exit {} below {} MiB",
        flood.code,
        (resident >> 20).next_multiple_of(32)
    ))
}

/// Waits until a program ends, and returns its peak resident memory in bytes (0 where the system does not provide it).
///
/// # Panics
/// If it does not end in ten minutes. It is killed.
pub(super) fn wait_measured(child: &mut Child) -> (ExitStatus, u64) {
    let begin = Instant::now();
    let mut resident = 0;
    loop {
        resident = resident.max(most_resident(child.id()));
        if let Some(status) = child.try_wait().unwrap() {
            return (status, resident);
        }
        if begin.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The peak resident memory of a running process in bytes. wait4 would include the parent's.
fn most_resident(process: u32) -> u64 {
    // A new process shares the parent's memory until it becomes the program, and may be seen before.
    let program = |process: &str| fs::read_link(format!("/proc/{process}/exe")).ok();
    let process = process.to_string();
    if program(&process).is_none_or(|of_child| Some(of_child) == program("self")) {
        return 0;
    }
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() << 10
}

/// Reads that come right after the start of a program must not show the memory of the tests.
#[test]
fn memory_of_the_tests_is_not_counted() {
    let own = vec![1_u8; 200 << 20];
    let spawn = || {
        for _ in 0..400 {
            let mut child = Command::new("true").spawn().unwrap();
            let resident = most_resident(child.id());
            child.wait().unwrap();
            assert!(resident < own.len() as u64 / 2, "{resident}");
        }
    };
    std::thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(spawn))));
}
