//! Configuration for Kubernetes, systemd and Docker, checked against the program: nothing may be misspelled, and nothing may
//! ask for more than the program needs.

mod container;
mod kubernetes;
mod systemd;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::harness::{TestContext, workspace};

/// The account that the image runs as, wherever it is named.
const NOBODY: u64 = 65532;

fn read(path: impl AsRef<Path>) -> String {
    let path = workspace().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Files of a folder in config/, by extension.
fn files(folder: &str, extension: &str) -> Vec<String> {
    let folder = format!("config/{folder}");
    let mut names: Vec<String> = fs::read_dir(workspace().join(&folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(&format!(".{extension}")))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    names.sort_unstable();
    assert!(!names.is_empty());
    names
}

/// Every variable that the program reads: its own, which docs/reference/settings.md lists (a test keeps it current), and other programs'
/// that docs/reference/sinks.md names.
fn is_variable(name: &str) -> bool {
    let listed = |document: &str| read(document).contains(&format!("`{name}`"));
    let file_of = name
        .strip_suffix("_SECRET_FILE")
        .map(|start| format!("{start}_SECRET"));
    file_of.is_some_and(|secret| is_variable(&secret))
        || listed("docs/reference/settings.md")
        || (!name.starts_with("BATON_") && listed("docs/reference/sinks.md"))
}

/// Flags and subcommands are those that help shows.
fn assert_arguments(source: &str, arguments: &[&str]) {
    let help = TestContext::bare().run(&["help", "settings"]).stdout;
    let words: BTreeSet<&str> = help
        .split(|c: char| c.is_whitespace() || "[]=,".contains(c))
        .collect();
    for argument in arguments.iter().filter(|argument| argument.starts_with('-')) {
        let flag = argument.split('=').next().unwrap();
        assert!(words.contains(flag), "{source}: there is no {flag}");
    }
    // The program itself has the last word on values.
    let ran = TestContext::msp().run(&[arguments, &["--help"]].concat());
    assert_eq!(ran.code, Some(0), "{source}: {}", ran.stderr);
}

/// One sync with the settings of a one-shot job, with the simulated tenant and local folders.
fn syncs_with(source: &str, variables: &[(String, String)], arguments: &[&str]) {
    let context = TestContext::msp();
    let mut command = context.command(arguments);
    for (name, value) in variables {
        // The tenant, its secret and the temporary folder are the test's own.
        let tenants = [
            "_BASE_URL",
            "_CLIENT_ID",
            "_CLIENT_SECRET",
            "_CLIENT_SECRET_FILE",
            "_TMPDIR",
        ];
        if tenants.iter().any(|end| name.ends_with(end)) {
            continue;
        }
        let here = ["s3://your-bucket/", "/var/lib/baton-ninja-one-feed/"]
            .iter()
            .fold(value.clone(), |value, there| value.replace(there, ""));
        command.env(name, here);
    }
    let ran = context.finish(&mut command);
    assert_eq!(ran.code, Some(0), "{source}: {}", ran.stderr);
    assert!(context.path("access").is_dir(), "{source} publishes nothing");
    let warning = ran.stderr.lines().find(|line| line.contains(r#""level":"warn""#));
    assert_eq!(warning, None, "{source}");
}
