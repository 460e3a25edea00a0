//! The command line as a person at a terminal meets it, and as a program behind a pipe does: help, errors, log lines, `init`,
//! completions, manual pages.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::Value;

use crate::harness::{RunOutput, SECRET, TestContext};

/// Terminals that help and errors are shown on.
const WIDTHS: [u16; 3] = [60, 100, 160];

/// The screen and the exit code.
struct Seen {
    code: Option<i32>,
    text: String,
}

/// Runs a command with a terminal for all it reads and writes. Each answer is typed once its question is there.
fn at_terminal(command: &mut Command, columns: u16, answers: &[(&str, &str)]) -> Seen {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let open = || {
        File::options()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap()
    };
    let replica = open();
    let dimensions = Winsize {
        ws_row: 40,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&replica, dimensions).unwrap();
    let mut child = command
        .stdin(replica)
        .stdout(open())
        .stderr(open())
        .spawn()
        .unwrap();
    // Its copies of the terminal would keep the reading from ending.
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut reader = File::from(terminal);
    let (mut shown, mut chunk, mut answers) = (Vec::new(), [0; 4096], answers.iter());
    let mut next = answers.next();
    let mut seen = 0;
    // Reading a closed terminal ends with an error.
    while let Ok(got @ 1..) = reader.read(&mut chunk) {
        shown.extend_from_slice(&chunk[..got]);
        let text = String::from_utf8_lossy(&shown[seen..]).into_owned();
        if let Some((question, answer)) = next
            && text.contains(question)
        {
            seen = shown.len();
            reader.write_all(format!("{answer}\n").as_bytes()).unwrap();
            next = answers.next();
        }
    }
    Seen {
        code: child.wait().unwrap().code(),
        text: String::from_utf8(shown).unwrap().replace("\r\n", "\n"),
    }
}

fn output_at_width(context: &TestContext, arguments: &[&str], columns: u16) -> String {
    let seen = at_terminal(&mut context.command(arguments), columns, &[]);
    let mut text = seen.text;
    if let Some(base_url) = &context.base_url {
        text = text.replace(base_url, "[TENANT]");
    }
    text = text.replace(context.folder.path().to_str().unwrap(), "[FOLDER]");
    format!("exit {}\n{text}", seen.code.unwrap())
}

#[test]
fn help_and_errors_at_terminals_of_three_widths() {
    let bare = TestContext::bare();
    let tenant = TestContext::msp();
    for width in WIDTHS {
        let help = output_at_width(&bare, &["-h"], width);
        let lines = help.lines().count() - 1;
        assert!(width < 80 || lines <= 30, "{lines} lines");
        let pages = [
            ("no settings", output_at_width(&bare, &["check"], width)),
            ("-h", help),
            ("help grant", output_at_width(&bare, &["help", "grant"], width)),
            (
                "failure",
                output_at_width(
                    &tenant,
                    &["sync", "--no-progress", "--ninja-one-client-secret=wrong"],
                    width,
                ),
            ),
        ];
        let pages = pages.map(|(title, text)| format!("==== {title}\n{text}"));
        insta::assert_snapshot!(format!("terminal_of_{width}"), pages.join("\n"));
    }
}

#[test]
fn help_of_a_command_stays_within_the_terminal() {
    let context = TestContext::bare();
    let help = context.run(&["-h"]).stdout;
    for command in [
        "sync",
        "check",
        "init",
        "inspect",
        "diff",
        "report",
        "apply-review",
        "grant",
        "create-account",
        "verify",
        "export",
    ] {
        assert!(help.contains(command), "{command}");
        for width in WIDTHS {
            let page = output_at_width(&context, &[command, "-h"], width);
            let examples = page.find("Examples:");
            let output = page.find("\nOutput:");
            assert!(examples.is_some() && examples < output, "{command}: {page}");
            for line in page.lines().filter(|line| !line.contains("baton-ninja-one")) {
                let words = line.split_whitespace().count();
                assert!(
                    line.chars().count() <= usize::from(width) || words <= 3,
                    "{width}: {line}"
                );
            }
        }
        assert_eq!(
            context.run(&["help", command]).stdout,
            context.run(&[command, "--help"]).stdout
        );
    }
    let users = context.run(&["help", "inspect", "users"]).stdout;
    assert!(users.contains("--no-mfa") && users.contains("Output:"), "{users}");
}

#[test]
fn help_that_does_not_exist_is_refused() {
    let context = TestContext::bare();
    let ran = context.run(&["help", "inspct"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr
            .contains("did you mean `baton-ninja-one help inspect`?"),
        "{}",
        ran.stderr
    );
    for settings in [
        context.run(&["help", "settings"]).stdout,
        context.run(&["help", "settings", "--color=never"]).stdout,
    ] {
        assert!(
            settings.contains("Connection:") && settings.contains("BATON_NINJA_ONE_BASE_URL"),
            "{settings}"
        );
    }
}

#[test]
fn colors_only_at_a_terminal_and_unless_disabled() {
    let context = TestContext::bare();
    let colored = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = context.command(arguments);
        command
            .env("TERM", "xterm-256color")
            .envs(variables.iter().copied());
        at_terminal(&mut command, 100, &[]).text.contains('\u{1b}')
    };
    for arguments in [
        &["-h"][..],
        &["help", "grant"],
        &["grant", "--help"],
        &["check"],
        &["chek"],
    ] {
        assert!(colored(arguments, &[]), "{arguments:?}");
        assert!(!colored(arguments, &[("NO_COLOR", "1")]), "{arguments:?}");
        assert!(!colored(arguments, &[("TERM", "dumb")]), "{arguments:?}");
        assert!(
            colored(
                &[arguments, &["--color", "always"]].concat(),
                &[("NO_COLOR", "1")]
            ),
            "{arguments:?}"
        );
        assert!(
            !colored(&[arguments, &["--color=never"]].concat(), &[]),
            "{arguments:?}"
        );
        let piped = context.run(arguments);
        assert!(
            !(piped.stdout + &piped.stderr).contains('\u{1b}'),
            "{arguments:?}"
        );
        let piped = context.run(&[&["--color", "always"], arguments].concat());
        assert!((piped.stdout + &piped.stderr).contains('\u{1b}'), "{arguments:?}");
    }
    assert_eq!(context.run(&["--color", "blue", "-h"]).code, Some(2));
}

#[test]
fn no_log_lines_for_machines_at_a_terminal() {
    let context = TestContext::msp();
    let text = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = context.command(arguments);
        command.envs(variables.iter().copied());
        let seen = at_terminal(&mut command, 100, &[]);
        assert_eq!(seen.code, Some(0), "{}", seen.text);
        seen.text
    };
    let is_machine =
        |text: &str| text.contains("\tINFO\t") || text.contains("\tWARN\t") || text.contains(r#"{"level""#);
    let wrong = [("BATON_TICKETING", "true")];
    let quiet = text(&["sync", "--no-progress"], &wrong);
    assert!(!is_machine(&quiet) && !quiet.contains("info:"), "{quiet}");
    assert!(quiet.contains("warning: BATON_TICKETING: "), "{quiet}");
    let verbose = text(&["sync", "--no-progress", "-v"], &[]);
    assert!(!is_machine(&verbose) && verbose.contains("info: "), "{verbose}");
    let silent = text(&["-q", "sync"], &wrong);
    assert!(!silent.contains("warning") && !is_machine(&silent), "{silent}");
    // A requested format is used.
    let console = text(&["sync", "--no-progress", "--log-format=console"], &[]);
    assert!(console.contains("\tINFO\t"), "{console}");
    // A file gets the machine format, even at a terminal.
    let path = context.path("log.txt");
    text(
        &["sync", "--no-progress", "--log-path", path.to_str().unwrap()],
        &[],
    );
    assert!(fs::read_to_string(&path).unwrap().contains("\tINFO\t"));
}

#[test]
fn the_log_behind_a_pipe_is_json() {
    let context = TestContext::msp();
    let lines = |arguments: &[&str]| {
        let ran = context.run(arguments);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran.stderr
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .collect::<Vec<_>>()
    };
    assert!(lines(&["sync"]).iter().any(|line| line["level"] == "info"));
    assert!(lines(&["sync", "-q"]).is_empty());
    let detailed = lines(&["sync", "-vv"]).len();
    assert!(detailed >= lines(&["sync", "--verbose"]).len());
}

#[test]
fn errors_are_one_json_object_where_results_are_json() {
    let bare = TestContext::bare();
    fs::write(
        bare.path("bad.yaml"),
        "output: json\nninja-one-retry-seconds: many\n",
    )
    .unwrap();
    let tenant = TestContext::msp();
    let error = |ran: &RunOutput, class: &str| {
        assert_eq!(ran.stdout, "", "{class}");
        let last = ran.stderr.lines().last().unwrap();
        let value: Value = serde_json::from_str(last).unwrap_or_else(|_| panic!("{}", ran.stderr));
        let error = value["error"].as_object().unwrap();
        assert_eq!(error["code"], ran.code.unwrap(), "{last}");
        assert_eq!(error["class"], class, "{last}");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|message| !message.is_empty()),
            "{last}"
        );
        assert!(error.contains_key("hint"), "{last}");
        assert!(!ran.stderr.contains("error:"), "{}", ran.stderr);
    };
    error(&bare.run(&["chek", "--output=json"]), "unknown");
    error(&bare.run(&["--output", "json", "sync", "--filee"]), "unknown");
    error(&bare.run(&["inspect", "absent.c1z", "-o", "json"]), "not_found");
    error(&bare.run(&["sync", "--output-format", "json"]), "unknown");
    error(&bare.run(&["sync", "--config", "bad.yaml"]), "invalid_argument");
    error(
        &bare.finish(bare.command(&["sync"]).env("BATON_OUTPUT", "JSON")),
        "unknown",
    );
    error(
        &tenant.run(&["sync", "--output=json", "--ninja-one-client-secret=wrong"]),
        "unauthenticated",
    );
    let text = bare.run(&["sync"]);
    assert!(
        text.stderr.contains("error: ") && text.stderr.contains("  hint: run `baton-ninja-one init`"),
        "{}",
        text.stderr
    );
}

#[test]
fn version_shows_commit_and_target() {
    let context = TestContext::bare();
    let version = context.run(&["--version"]).stdout;
    let start = concat!("baton-ninja-one version ", env!("CARGO_PKG_VERSION"), " (");
    assert!(
        version.starts_with(start) && version.ends_with(")\n"),
        "{version}"
    );
    assert!(version.contains(std::env::consts::ARCH), "{version}");
    assert_eq!(context.run(&["version"]).stdout, version);
    let short = context.run(&["-v"]).stdout;
    assert_eq!(
        short,
        concat!("baton-ninja-one version ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn init_asks_checks_and_writes() {
    let context = TestContext::msp();
    let base_url = context.base_url.clone().unwrap();
    let without_settings = || {
        let mut command = context.command(&["init"]);
        for name in ["BASE_URL", "CLIENT_ID", "CLIENT_SECRET"] {
            command.env_remove(format!("BATON_NINJA_ONE_{name}"));
        }
        command
    };
    // A wrong secret writes nothing.
    let answers = |secret| {
        [
            ("Address:", base_url.as_str()),
            ("Client id:", "sim-client"),
            ("not shown):", secret),
        ]
    };
    let seen = at_terminal(&mut without_settings(), 100, &answers("wrong"));
    assert_eq!(seen.code, Some(16), "{}", seen.text);
    assert!(seen.text.contains("no config file was written"), "{}", seen.text);
    assert!(!context.path(".baton.yaml").exists());

    let seen = at_terminal(&mut without_settings(), 100, &answers(SECRET));
    assert_eq!(seen.code, Some(0), "{}", seen.text);
    assert!(!seen.text.contains(SECRET), "the secret was shown");
    assert!(
        seen.text
            .contains("Next: baton-ninja-one sync --sink html=review.html"),
        "{}",
        seen.text
    );
    let path = context.path(".baton.yaml");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let written = fs::read_to_string(&path).unwrap();
    assert!(written.contains(SECRET) && written.contains("# "), "{written}");

    // The written file is enough for a sync.
    let bare = TestContext::bare();
    fs::copy(&path, bare.path(".baton.yaml")).unwrap();
    let ran = bare.run(&["sync"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);

    // An existing file is never replaced.
    let seen = at_terminal(&mut without_settings(), 100, &[("Replace it? [y/N]", "n")]);
    assert_eq!(seen.code, Some(6), "{}", seen.text);
    assert_eq!(fs::read_to_string(&path).unwrap(), written);
    fs::write(&path, "").unwrap();
    let mut all = vec![("Replace it? [y/N]", "y")];
    all.extend(answers(SECRET));
    let seen = at_terminal(&mut without_settings(), 100, &all);
    assert_eq!(seen.code, Some(0), "{}", seen.text);
    assert_eq!(fs::read_to_string(&path).unwrap(), written);
}

#[test]
fn init_without_a_terminal() {
    let context = TestContext::msp();
    // Everything is given.
    let ran = context.run(&["init"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let written = fs::read_to_string(context.path(".baton.yaml")).unwrap();
    // Never over a file without a word.
    let ran = context.run(&["init"]);
    assert_eq!(ran.code, Some(6), "{}", ran.stderr);
    assert!(ran.stderr.contains("--replace"), "{}", ran.stderr);
    assert_eq!(context.run(&["init", "--replace"]).code, Some(0));
    // Nor through a link to one.
    std::os::unix::fs::symlink(context.path("elsewhere.yaml"), context.path("link.yaml")).unwrap();
    assert_eq!(context.run(&["init", "link.yaml"]).code, Some(6));
    assert!(!context.path("elsewhere.yaml").exists());

    // The secret comes from standard input.
    let piped = |input: &str, arguments: &[&str]| {
        let mut command = context.command(arguments);
        command.env_remove("BATON_NINJA_ONE_CLIENT_SECRET");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        RunOutput {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    };
    let ran = piped(&format!("{SECRET}\n"), &["init", "config.toml"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("--config config.toml"), "{}", ran.stdout);
    let toml = fs::read_to_string(context.path("config.toml")).unwrap();
    assert!(
        toml.contains(&format!("ninja-one-client-secret = \"{SECRET}\"")),
        "{toml}"
    );
    assert!(
        written.contains(&format!("ninja-one-client-secret: \"{SECRET}\"")),
        "{written}"
    );
    let ran = piped("", &["init", "other.yaml"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("BATON_NINJA_ONE_CLIENT_SECRET"),
        "{}",
        ran.stderr
    );
    assert_eq!(context.run(&["init", "config.json"]).code, Some(3));
    for name in ["other.yaml", "config.json"] {
        assert!(!context.path(name).exists(), "{name}");
    }
}

#[test]
fn completions_are_small_and_call_the_program() {
    let context = TestContext::bare();
    fs::write(context.path("sync.c1z"), "").unwrap();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = context.run(&["completion", shell]).stdout;
        assert!(
            (200..5_000).contains(&script.len()),
            "{shell}: {} bytes",
            script.len()
        );
        let ask = |words: &[&str]| {
            let mut command = context.command(&[&["--", "baton-ninja-one"], words].concat());
            command.env("_BATON_NINJA_ONE_COMPLETE", shell);
            command.env("_CLAP_COMPLETE_INDEX", words.len().to_string());
            command.env("_CLAP_IFS", "\n");
            context.finish(&mut command).stdout
        };
        assert!(ask(&["inspect", "sync.c1z", "us"]).contains("users"), "{shell}");
        assert!(ask(&["check", "--output", "js"]).contains("json"), "{shell}");
        assert!(ask(&["inspect", "sy"]).contains("sync.c1z"), "{shell}");
    }
}

#[test]
fn manual_pages() {
    let context = TestContext::bare();
    fs::create_dir(context.path("man")).unwrap();
    let ran = context.run(&["man", "man"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let page = fs::read_to_string(context.path("man/baton-ninja-one-grant.1")).unwrap();
    assert!(page.contains("Assign a role"), "{page}");
    assert_eq!(context.run(&["man", "absent"]).code, Some(3));
}
