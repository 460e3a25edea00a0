//! Output at terminals of several widths.
#![cfg(unix)]
#![expect(clippy::format_collect, reason = "tests are plain")]

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use insta::assert_snapshot;
use ninjaone_sim::{Fault, When};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use unicode_width::UnicodeWidthStr;

use crate::harness::TestContext;
use crate::inspect::synced;

const WIDTHS: [u16; 3] = [60, 100, 160];

/// The screen of a terminal, for the control sequences this program uses.
struct Screen {
    width: usize,
    lines: Vec<String>,
    row: usize,
    column: usize,
}

impl Screen {
    fn new(width: u16) -> Self {
        Self {
            width: width.into(),
            lines: Vec::new(),
            row: 0,
            column: 0,
        }
    }

    /// Applies written bytes.
    fn write(&mut self, text: &str) {
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\r' => self.column = 0,
                '\n' => {
                    self.row += 1;
                    self.column = 0;
                }
                '\u{1b}' => {
                    let mut sequence = String::new();
                    for c in chars.by_ref().skip_while(|c| *c == '[') {
                        sequence.push(c);
                        if c.is_ascii_alphabetic() {
                            break;
                        }
                    }
                    let kind = sequence.pop().unwrap_or_default();
                    let number: usize = sequence.parse().unwrap_or(1);
                    match kind {
                        'A' => self.row = self.row.saturating_sub(number),
                        'B' => self.row += number,
                        'K' => {
                            let column = if number == 2 { 0 } else { self.column };
                            let line = self.line();
                            *line = line.chars().take(column).collect();
                        }
                        'J' => {
                            let (row, column) = (self.row, self.column);
                            let line = self.line();
                            *line = line.chars().take(column).collect();
                            self.lines.truncate(row + 1);
                        }
                        _ => {}
                    }
                }
                c => {
                    if self.column == self.width {
                        self.row += 1;
                        self.column = 0;
                    }
                    let column = self.column;
                    let line = self.line();
                    let mut chars: Vec<char> = line.chars().collect();
                    chars.resize(chars.len().max(column + 1), ' ');
                    chars[column] = c;
                    *line = chars.into_iter().collect();
                    self.column += 1;
                }
            }
        }
    }

    fn line(&mut self) -> &mut String {
        if self.lines.len() <= self.row {
            self.lines.resize(self.row + 1, String::new());
        }
        &mut self.lines[self.row]
    }

    fn shown(&self) -> String {
        let lines = self.lines.iter().map(|line| line.trim_end());
        lines.collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }
}

/// Runs the program with a terminal of a width as its standard error, and calls `look` with what is there whenever that changes;
/// if it returns true, the program is interrupted. Returns the final screen and the exit code.
fn run(
    context: &TestContext,
    width: u16,
    arguments: &[&str],
    look: impl FnMut(&str) -> bool,
) -> (String, Option<i32>) {
    let mut command = context.command(arguments);
    command.stdout(Stdio::null());
    run_at_terminal(command, false, width, look)
}

/// What is on a terminal of a width once a command has ended that reads and writes there, without what differs from run to run.
fn final_screen(context: &TestContext, width: u16, arguments: &[&str]) -> String {
    let (screen, code) = run_at_terminal(context.command(arguments), true, width, |_| false);
    assert_eq!(code, Some(0), "{screen}");
    for line in screen.lines() {
        assert!(line.width() <= width.into(), "{width}: {line}");
    }
    let tenant = context.base_url.as_deref().unwrap_or("no tenant");
    let lines = screen.lines().map(|line| {
        let line = line.replace(tenant, "[TENANT]");
        let after = |start: &str| line.strip_prefix(start).map(str::to_owned);
        if let Some((start, rest)) = line.split_once("[TENANT] in ") {
            let end = rest.split_once(':').map_or("", |(_, end)| end);
            return format!("{start}[TENANT] in [TIME]:{end}");
        }
        if let Some(rest) = after("  sync     ") {
            return format!("  sync     [SYNC]{}", &rest[27..]);
        }
        for what in ["file", "report", "dataset"] {
            if let Some(rest) = after(&format!("  {what:<7}  ")) {
                let location = rest.split(" (").next().unwrap_or_default();
                return format!("  {what:<7}  {location} ([BYTES])");
            }
        }
        line
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn run_at_terminal(
    mut command: Command,
    all: bool,
    width: u16,
    mut look: impl FnMut(&str) -> bool,
) -> (String, Option<i32>) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let size = Winsize {
        ws_row: 40,
        ws_col: width,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(terminal.as_fd(), size).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let open = || {
        File::options()
            .read(true)
            .write(true)
            .open(Path::new(name.to_str().unwrap()))
            .unwrap()
    };
    command.env("TERM", "xterm").stderr(open());
    if all {
        command.env("NO_COLOR", "1").stdin(open()).stdout(open());
    }
    let mut child = command.spawn().unwrap();
    // Its copy of the terminal would keep the reading from ending.
    drop(command);
    let mut screen = Screen::new(width);
    let mut reader = File::from(terminal);
    let (mut chunk, mut rest) = ([0; 4096], Vec::new());
    // Reading a closed terminal ends with an error.
    while let Ok(got @ 1..) = reader.read(&mut chunk) {
        rest.extend_from_slice(&chunk[..got]);
        let complete = match std::str::from_utf8(&rest) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let text: Vec<u8> = rest.drain(..complete).collect();
        screen.write(&String::from_utf8(text).unwrap());
        if look(&screen.shown()) {
            let _ = kill_process(Pid::from_child(&child), Signal::INT);
        }
    }
    (screen.shown(), child.wait().unwrap().code())
}

/// Removes values that differ from run to run: the spinner, the time and the bytes.
fn steady(shown: &str) -> String {
    let lines = shown.lines().map(|line| {
        let spinner = line.starts_with(|c: char| ('\u{2800}'..='\u{28ff}').contains(&c));
        let mut parts: Vec<String> = line.split(" · ").map(str::to_owned).collect();
        if spinner {
            parts[0] = parts[0].split_whitespace().skip(2).collect::<Vec<_>>().join(" ");
        }
        for part in &mut parts {
            // Perhaps cut off at the terminal's edge.
            if part.starts_with(|c: char| c.is_ascii_digit()) && part.contains('.') {
                "[BYTES]".clone_into(part);
            }
        }
        parts.join(" · ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn tables_fit_the_terminal() {
    let context = synced();
    for change in [
        &["grant", "role:3", "--to", "user:16", "-p"][..],
        &["revoke", "role:3", "--from", "user:7", "-p", "--yes"],
    ] {
        assert_eq!(context.run(change).code, Some(0));
    }
    let ran = context.run(&[]);
    let changes = "Since the last sync\n  role          grants +1 −1\n";
    assert!(ran.stdout.contains(changes), "{}", ran.stdout);
    let next = "Next: baton-ninja-one inspect users --admin --no-mfa · baton-ninja-one diff\n";
    assert!(ran.stdout.ends_with(next), "{}", ran.stdout);
    for width in WIDTHS {
        for (name, arguments) in [
            (
                "users",
                &["inspect", "users", "--status", "enabled", "--limit", "12"][..],
            ),
            ("access", &["inspect", "access", "user:3"]),
            ("grants", &["inspect", "grants", "--type", "tenant"]),
            ("diff", &["diff"]),
        ] {
            let screen = final_screen(&context, width, &[arguments, &["--no-pager"]].concat());
            // The lines that name the syncs, and where these are broken.
            let lines = screen.lines().filter(|line| {
                !line.contains(": sync ") && !line.contains("ended 20") && !line.contains(" UTC")
            });
            let shown: String = lines.map(|line| format!("{line}\n")).collect();
            let rows = shown.lines().filter(|line| line.starts_with("  "));
            assert!(rows.clone().count() > 1, "{shown}");
            for row in rows {
                assert!(row.width() <= width.into(), "{name} {width}: {row}");
            }
            assert_snapshot!(format!("terminal_{width}_{name}"), shown);
        }
    }
}

#[test]
fn sync_and_dry_run_fit_the_terminal() {
    for width in WIDTHS {
        let context = TestContext::msp();
        let first = final_screen(&context, width, &["sync"]);
        let grant = [
            "grant",
            "Network Engineering",
            "--to",
            "sofia.marchetti@example.com",
        ];
        let dry_run = final_screen(&context, width, &[&grant[..], &["--dry-run"]].concat());
        let done = context.run(&[&grant[..], &["--provisioning"]].concat());
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        let second = final_screen(
            &context,
            width,
            &["sync", "--sink", "c1z", "--sink", "html=report.html"],
        );
        let pages = [("sync", first), ("dry run", dry_run), ("sync again", second)];
        let pages = pages.map(|(title, screen)| format!("==== {title}\n{screen}\n"));
        assert_snapshot!(format!("terminal_{width}_sync"), pages.join("\n"));
    }
}

#[test]
fn columns_rows_and_order_can_be_chosen() {
    let context = synced();
    for (name, arguments) in [
        (
            "columns",
            &[
                "users",
                "--columns",
                "name,login,mfa",
                "--sort",
                "name:desc",
                "--limit",
                "5",
            ][..],
        ),
        ("all_columns", &["users", "--columns", "all", "--limit", "2"]),
        ("administrators", &["users", "--admin", "--no-mfa"]),
        ("administrators_of_users", &["users", "--admin"]),
        ("grants_of_user", &["grants", "--user", "zoe.larsen@example.com"]),
        ("grants_of_role", &["grants", "--role", "role:3", "--sort", "who"]),
        (
            "grants_of_both",
            &["grants", "--role", "role:3", "--user", "user:3"],
        ),
        (
            "grants_of_administrators",
            &["grants", "--admin", "--type", "role"],
        ),
        (
            "json",
            &[
                "users",
                "--columns",
                "user_id,login",
                "--sort",
                "user_id",
                "--limit",
                "3",
                "--output",
                "json",
            ],
        ),
        (
            "csv",
            &[
                "users",
                "--columns",
                "user_id,login",
                "--limit",
                "2",
                "--output",
                "csv",
            ],
        ),
        ("no_such_column", &["users", "--columns", "nmae"]),
        ("no_such_order", &["users", "--sort", "name:up"]),
        ("mistyped", &["uers"]),
    ] {
        let ran = context.run(&[&["inspect"], arguments].concat());
        let run_text = format!("exit {}\n{}{}", ran.code.unwrap_or(-1), ran.stdout, ran.stderr);
        assert_snapshot!(format!("chosen_{name}"), run_text);
    }
}

#[test]
fn a_slow_sync_shows_what_it_waits_for() {
    for width in WIDTHS {
        let wait = Fault::RateLimit(Some("2".to_owned()));
        let context = TestContext::faulty("/v2/users", When::First(1), wait);
        let (mut waiting, mut steps) = (None, Vec::new());
        let (last, code) = run(&context, width, &["--log-level", "error"], |shown| {
            let shown = steady(shown);
            let step = shown.lines().next().unwrap_or_default().to_owned();
            if shown.contains("asks to wait 2 s") && waiting.is_none() {
                waiting = Some(shown);
            }
            if steps.last() != Some(&step) {
                steps.push(step);
            }
            false
        });
        assert_eq!(
            (code, last.as_str()),
            (Some(0), ""),
            "nothing stays on the screen"
        );
        assert_snapshot!(
            format!("terminal_{width}_slow_sync"),
            waiting.unwrap_or_else(|| steps.join("\n"))
        );
        // It continues to count.
        assert!(
            steps.iter().any(|step| step.contains("asks to wait 1 s")),
            "{steps:?}"
        );
    }
}

#[test]
fn an_interrupt_leaves_a_clean_screen() {
    let wait = Fault::SlowBody {
        first: Duration::from_mins(10),
        pause: Duration::from_mins(10),
        piece: 1,
    };
    let context = TestContext::faulty("/v2/users", When::Always, wait);
    let (last, code) = run(&context, 100, &[], |shown| shown.contains("reading users"));
    assert_eq!(code, Some(1));
    assert_eq!(last, "error: stopped on request; nothing was published");
}
