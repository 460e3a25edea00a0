//! Small answers that stand for much memory: every list, every text, packed or not. No answer below 5 MB takes more than 256 MiB,
//! and a run that would take more ends with exit code 8 and names the answer.
#![expect(clippy::format_push_string, reason = "tests are plain")]

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use ninjaone_sim::{Fault, FaultRule, FaultSchedule, SimConfig, Tenant, When};

use super::memory::wait_measured;
use super::model::{DEVICES, END_USERS, ORGANIZATIONS, ROLES, TECHNICIANS, USERS};
use super::sweep::{exhaustive, sweep};
use crate::harness::{PROGRAM, TestContext};

/// The maximum resident memory for any answer of at most [`MAX_WIRE_BYTES`].
const MAX_RESIDENT: u64 = 256 << 20;
const MAX_WIRE_BYTES: usize = 5_000_000;
/// A label just below the bound of labels, and one just below that of texts.
const LABEL: usize = 4096;
const MAX_TEXT_BYTES: usize = (16 << 20) - 1;

const USER_TEXTS: &[&str] = &[
    "uid",
    "firstName",
    "lastName",
    "email",
    "phone",
    "authType",
    "userType",
    "invitationStatus",
];

/// Every list, with every text of its rows.
const LISTS: [(&str, &[&str]); 6] = [
    (TECHNICIANS, USER_TEXTS),
    (END_USERS, USER_TEXTS),
    (USERS, USER_TEXTS),
    (ROLES, &["name", "type", "description"]),
    (ORGANIZATIONS, &["name", "description"]),
    (
        DEVICES,
        &[
            "nodeClass",
            "approvalStatus",
            "displayName",
            "systemName",
            "dnsName",
        ],
    ),
];

/// Rows of a list.
#[derive(Clone)]
struct Rows {
    count: usize,
    /// These fields have a text of this number of bytes.
    texts: Vec<(&'static str, usize)>,
    /// More of each row.
    more: &'static str,
}

struct Case {
    path: &'static str,
    body: Body,
    packed: bool,
}

enum Body {
    Rows(Rows),
    Text(String),
}

impl Rows {
    fn write(&self, out: &mut impl Write) {
        let mut fields = String::new();
        for (field, bytes) in &self.texts {
            fields.push_str(&format!(",\"{field}\":\"{}\"", "x".repeat(*bytes)));
        }
        fields.push_str(self.more);
        out.write_all(b"[").unwrap();
        for id in 1..=self.count {
            let comma = if id > 1 { "," } else { "" };
            write!(out, "{comma}{{\"id\":{id}{fields}}}").unwrap();
        }
        out.write_all(b"]").unwrap();
    }
}

/// An answer on the wire.
fn answer(case: &Case) -> Vec<u8> {
    let mut body = Vec::new();
    let write = |out: &mut dyn Write| match &case.body {
        Body::Rows(rows) => rows.write(&mut { out }),
        Body::Text(text) => out.write_all(text.as_bytes()).unwrap(),
    };
    let encoding = if case.packed {
        let mut packed = GzEncoder::new(&mut body, Compression::fast());
        write(&mut packed);
        packed.finish().unwrap();
        "content-encoding: gzip\r\n"
    } else {
        write(&mut body);
        ""
    };
    assert!(body.len() <= MAX_WIRE_BYTES, "{} bytes", body.len());
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{encoding}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat()
}

/// The fixture tenant with this answer instead of one of its lists.
fn context(case: &Case) -> TestContext {
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    config.faults = FaultSchedule::new([FaultRule {
        method: None,
        path: case.path.to_owned(),
        when: When::First(1),
        fault: Fault::Raw(answer(case)),
    }]);
    TestContext::with(&config)
}

struct Peak {
    code: Option<i32>,
    resident: u64,
    output: String,
}

fn run(mut command: Command) -> Peak {
    let log = tempfile::tempfile().unwrap();
    command
        .stdout(Stdio::from(log.try_clone().unwrap()))
        .stderr(Stdio::from(log.try_clone().unwrap()));
    let mut child = command.spawn().unwrap();
    let (status, resident) = wait_measured(&mut child);
    let mut output = Vec::new();
    let mut log = log;
    std::io::Seek::rewind(&mut log).unwrap();
    std::io::Read::read_to_end(&mut log, &mut output).unwrap();
    Peak {
        code: status.code(),
        resident,
        output: String::from_utf8_lossy(&output).into_owned(),
    }
}

fn bounded(case: &Case) -> Result<String, String> {
    let context = context(case);
    let sinks = [
        "--sink=c1z=sync.c1z",
        "--sink=parquet=ds",
        "--ninja-one-include-devices",
    ];
    let peak = run(context.command(&sinks));
    let shown: String = peak.output.chars().take(2000).collect();
    // Rows that are in one list only make a sync partial, or a tenant implausible.
    if !matches!(peak.code, Some(0 | 8 | 9 | 15)) {
        return Err(format!("exit {:?}: {shown}", peak.code));
    }
    if peak.resident > MAX_RESIDENT {
        return Err(format!(
            "{} MiB were resident, exit {:?}: {shown}",
            peak.resident >> 20,
            peak.code
        ));
    }
    if peak.code == Some(8) && !peak.output.contains(case.path) {
        return Err(format!("it does not say which answer: {shown}"));
    }
    Ok(format!(
        "exit {} below {} MiB",
        peak.code.unwrap_or_default(),
        (peak.resident >> 20).next_multiple_of(64)
    ))
}

fn cases() -> Vec<(String, Case)> {
    let mut cases = Vec::new();
    let mut add = |name: String, path, body, packed| {
        let case = Case { path, body, packed };
        cases.push((name, case));
    };
    for (path, texts) in LISTS {
        // As long as any text may be, in every position.
        for (column, field) in texts.iter().enumerate() {
            // The same code reads all positions, so one is enough in a short run.
            if exhaustive() || column == 1 {
                let rows = Rows {
                    count: if exhaustive() { 36 } else { 4 },
                    texts: vec![(*field, MAX_TEXT_BYTES)],
                    more: "",
                };
                add(
                    format!("{path} longest {field} packed"),
                    path,
                    Body::Rows(rows),
                    true,
                );
            }
        }
        // As long as is kept, in all positions.
        for packed in [true, false] {
            if !exhaustive() && !packed && !matches!(path, USERS | ROLES) {
                continue;
            }
            let row = LABEL * texts.len();
            let rows = Rows {
                count: if packed {
                    (64 << 20) / row
                } else {
                    4_900_000 / (row + 300)
                },
                texts: texts.iter().map(|field| (*field, LABEL)).collect(),
                more: "",
            };
            add(
                format!("{path} labels packed {packed}"),
                path,
                Body::Rows(rows),
                packed,
            );
        }
        // As many rows as fit.
        let rows = Rows {
            count: 300_000,
            texts: Vec::new(),
            more: "",
        };
        if exhaustive() || matches!(path, TECHNICIANS | ORGANIZATIONS) {
            add(format!("{path} rows"), path, Body::Rows(rows), false);
        }
    }
    let members = |member: &str, count: usize| {
        format!(
            r#"[{{"id":1,"name":"R","type":"TECHNICIAN","members":[{member}{}]}}]"#,
            format!(",{member}").repeat(count)
        )
    };
    let named = format!(r#"{{"id":7,"name":"{0}","email":"{0}"}}"#, "x".repeat(LABEL));
    for (name, text) in [
        ("members with long names", members(&named, 12_000)),
        (
            "members without ids",
            members(&named.replace("\"id\":7,", ""), 12_000),
        ),
        ("members that are none", members("7", 1_900_000)),
        (
            "one id again and again",
            format!("[{}]", vec![r#"{"id":1,"name":"R"}"#; 200_000].join(",")),
        ),
    ] {
        add(name.to_owned(), ROLES, Body::Text(text), true);
    }
    let doubled = format!("[{}]", vec![r#"{"id":1,"firstName":"A"}"#; 400_000].join(","));
    add(
        "one technician again and again".to_owned(),
        TECHNICIANS,
        Body::Text(doubled),
        true,
    );
    cases
}

#[test]
fn small_answers_need_little_memory() {
    let test = "fault_injection::amplification::small_answers_need_little_memory";
    sweep(test, &cases(), || (), |(), case| bounded(case));
}

/// A change reads the same lists as a sync, and keeps only what it is about.
#[test]
fn small_answers_need_little_memory_before_a_change() {
    let unreadable = format!("[{}null]", "null,".repeat(1_000_000));
    let role = format!(r#"{{"id":1,"name":"R","type":"TECHNICIAN","members":{unreadable}}}"#);
    let many = |row: &str, count: usize| format!("[{}]", vec![row; count].join(","));
    let user = format!(
        r#"{{"id":3,"email":"ada@example.com","firstName":"{}"}}"#,
        "x".repeat(LABEL)
    );
    let other = format!(
        r#"{{"id":3,"email":"ada@example.com","uid":"{}"}}"#,
        "y".repeat(90)
    );
    for (path, text, account) in [
        (ROLES, many(&role, 24), "user:3"),
        (USERS, many(&format!("{user},{other}"), 15_000), "ada@example.com"),
    ] {
        let case = Case {
            path,
            body: Body::Text(text),
            packed: true,
        };
        let context = context(&case);
        let change = ["grant", "role:1", "--to", account, "--provisioning", "--yes"];
        let begin = Instant::now();
        let peak = run(context.command(&change));
        assert!(
            peak.resident <= MAX_RESIDENT && begin.elapsed() < Duration::from_mins(2),
            "{path}: {} MiB, {:?}",
            peak.resident >> 20,
            begin.elapsed()
        );
        assert!(
            matches!(peak.code, Some(8 | 15)),
            "{path}: {:?}: {:.2000}",
            peak.code,
            peak.output
        );
    }
}

/// 36 technicians with a first name of 15 MiB each, in half a megabyte.
#[test]
fn long_names_are_clipped_and_counted() {
    let case = Case {
        path: TECHNICIANS,
        body: Body::Rows(Rows {
            count: 36,
            texts: vec![("firstName", 15 << 20)],
            more: r#","administrator":false,"enabled":true"#,
        }),
        packed: true,
    };
    let context = context(&case);
    let peak = run(context.command(&["--sink=csv=ds", "--output=json"]));
    assert_eq!(peak.code, Some(0), "{:.3000}", peak.output);
    assert!(peak.resident < 96 << 20, "{} MiB", peak.resident >> 20);
    assert!(
        peak.output
            .contains("firstName has more than 4096 bytes in 36 rows of /v2/user/technicians"),
        "{:.3000}",
        peak.output
    );
    let users = walk(&context.path("ds/users"));
    let longest = users.split(|byte| *byte == b',').map(<[u8]>::len).max();
    assert!(
        longest.is_some_and(|longest| (4000..=4200).contains(&longest)),
        "{longest:?}"
    );
}

/// An address that is too long matches nobody: its beginning may be another person's.
#[test]
fn an_address_that_is_too_long_matches_nobody() {
    let long = format!("ceo@example.com{}", "x".repeat(5000));
    let body = format!(
        r#"[{{"id":1,"email":"{long}","uid":"{long}","userType":"TECHNICIAN","administrator":true}}]"#
    );
    let case = Case {
        path: USERS,
        body: Body::Text(body),
        packed: false,
    };
    let context = context(&case);
    let peak = run(context.command(&["--sink=csv=ds"]));
    assert_eq!(peak.code, Some(0), "{:.3000}", peak.output);
    assert!(
        peak.output.contains("email cannot be read in 1 row of /v2/users"),
        "{}",
        peak.output
    );
    let users = String::from_utf8(walk(&context.path("ds/users"))).unwrap();
    assert!(!users.contains("ceo@example.com"), "{users:.2000}");
}

/// All files below a folder, one after the other.
fn walk(folder: &std::path::Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        bytes.extend(if path.is_dir() {
            walk(&path)
        } else {
            std::fs::read(path).unwrap()
        });
    }
    bytes
}

/// The budget ends a run before the system does.
#[test]
fn a_run_out_of_memory_ends_cleanly() {
    let case = Case {
        path: TECHNICIANS,
        body: Body::Rows(Rows {
            count: 300,
            texts: vec![("firstName", LABEL), ("lastName", LABEL), ("phone", LABEL)],
            more: "",
        }),
        packed: false,
    };
    let context = context(&case);
    // Less than a debug build needs at startup: the first check reports it.
    let peak = run(context.command(&["--max-memory-mib=64"]));
    assert!(matches!(peak.code, Some(0 | 8)), "{:.3000}", peak.output);
    let limits = if exhaustive() {
        &[160, 256, 384, 512, 768][..]
    } else {
        &[256, 512]
    };
    for mib in limits {
        let large = Case {
            path: USERS,
            body: Body::Rows(Rows {
                count: 300_000,
                texts: Vec::new(),
                more: "",
            }),
            packed: false,
        };
        let context = self::context(&large);
        let mut command = Command::new("sh");
        let inner = context.command(&["--max-memory-mib=96"]);
        command
            .arg("-c")
            .arg(format!("ulimit -v {}; exec \"$0\" \"$@\"", mib << 10))
            .arg(PROGRAM)
            .arg("--max-memory-mib=96")
            .current_dir(context.folder.path())
            .env_clear();
        for (name, value) in inner.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        let peak = run(command);
        assert!(
            matches!(peak.code, Some(0 | 8)),
            "{mib} MiB: exit {:?}: {:.3000}",
            peak.code,
            peak.output
        );
        context.assert_only_files(if peak.code == Some(0) { &["sync.c1z"] } else { &[] });
    }
}

/// Requests keep to the pace.
#[test]
fn requests_respect_the_rate_limit() {
    let context = TestContext::msp();
    let begin = Instant::now();
    let ran = context.run(&["--ninja-one-requests-per-second=2"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    // Some seven requests: two at once, the others after each other.
    assert!(
        begin.elapsed() > Duration::from_millis(1500),
        "{:?}",
        begin.elapsed()
    );
}

/// An endless list with one row a page is bounded in pages, and a sync is bounded in time.
#[test]
fn endless_pages_are_stopped() {
    let address = one_organization_a_page();
    let context = TestContext::bare();
    let mut command = context.command(&["--ninja-one-requests-per-second=0"]);
    command
        .env("BATON_NINJA_ONE_BASE_URL", format!("http://{address}"))
        .env("BATON_NINJA_ONE_CLIENT_ID", "sim-client")
        .env("BATON_NINJA_ONE_CLIENT_SECRET", "any");
    let peak = run(command);
    assert_eq!(peak.code, Some(8), "{}", peak.output);
    assert!(
        peak.output
            .contains("/v2/organizations: the answer is too large: it has more than 2,000 pages"),
        "{}",
        peak.output
    );
    context.assert_only_files(&[]);
}

/// A tenant that has another organization on every page.
fn one_organization_a_page() -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve_pages(stream));
        }
    });
    address
}

fn serve_pages(stream: std::net::TcpStream) {
    use std::io::{BufRead, BufReader, Read};

    let mut out = stream.try_clone().unwrap();
    let mut lines = BufReader::new(stream);
    loop {
        let (mut request, mut line, mut length) = (String::new(), String::new(), 0);
        while lines.read_line(&mut line).is_ok_and(|count| count > 2) {
            if request.is_empty() {
                request.clone_from(&line);
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        if request.is_empty() {
            return;
        }
        lines.read_exact(&mut vec![0; length]).unwrap();
        let body = if request.contains("/token") {
            r#"{"access_token":"t","token_type":"Bearer","expires_in":3600}"#.to_owned()
        } else {
            let after = request
                .split("after=")
                .nth(1)
                .and_then(|rest| rest.split([' ', '&']).next());
            let next = after.map_or(1, |after| after.parse::<u64>().unwrap() + 1);
            format!(r#"[{{"id":{next},"name":"Organization {next}"}}]"#)
        };
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
        let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        if out.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
