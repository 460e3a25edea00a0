//! The documents' commands, run.
#![expect(clippy::case_sensitive_file_extension_comparisons, reason = "our own names")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::harness::{SECRET, TestContext, split_words, workspace};

/// Commands that the continuous integration runs itself, on the way to this test or after it.
const RUN_BY_CI: [&str; 5] = [
    "cargo xtask demo",
    "cargo xtask test",
    "cargo xtask lint",
    "cargo xtask feed",
    "cargo xtask report-tests",
];
/// Commands that are for machines this test is not on, or take too long here; only their names are checked, and that the files of ours
/// that they name are there.
const NAMED_ONLY: [&str; 21] = [
    "cargo xtask bench",
    "cargo xtask docs",
    "cargo xtask fuzz",
    "cargo xtask ci",
    "cargo xtask audit",
    "cargo xtask deny",
    "cargo xtask dist",
    "cargo xtask mutants",
    "cargo xtask report-picture",
    "cargo build --release",
    "cargo run -p access-core --example",
    "cargo test --release",
    "cargo test --package",
    "git clone",
    // These would change the machine, or need a cluster, a Docker daemon or systemd, which a test has no right to or no access to.
    // deployment.rs checks the files that they use.
    "docker",
    "install",
    "journalctl",
    "kubectl",
    "sha256sum",
    "systemctl",
    // PowerShell's way to give a command of ours a name.
    "function baton-ninja-one { docker run ",
];

/// The parts of the documentation below `docs/`.
pub(crate) const DOC_FOLDERS: [&str; 4] = ["guides", "concepts", "reference", "development"];

fn documents() -> Vec<PathBuf> {
    let mut folders = vec![workspace().to_owned(), workspace().join("docs")];
    folders.extend(DOC_FOLDERS.map(|folder| workspace().join("docs").join(folder)));
    let crates = fs::read_dir(workspace().join("crates")).unwrap();
    folders.extend(crates.map(|entry| entry.unwrap().path()));
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    paths
}

/// Lines of ```` ```sh ```` and ```` ```powershell ```` blocks.
fn commands() -> Vec<String> {
    let mut commands = Vec::new();
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        let blocks = ["```sh\n", "```powershell\n"].map(|fence| text.split(fence).skip(1));
        for block in blocks.into_iter().flatten() {
            let block = block.split("```").next().unwrap_or_default();
            commands.extend(block.replace("\\\n", " ").lines().map(str::to_owned));
        }
    }
    commands.retain(|line| !line.trim().is_empty() && !line.starts_with('#'));
    commands
}

#[test]
fn every_command_works() {
    let commands = commands();
    assert!(commands.len() > 8);
    let mut exports: Vec<(String, String)> = Vec::new();
    for line in &commands {
        let known = |list: &[&str]| list.iter().any(|command| line.starts_with(command));
        if known(&RUN_BY_CI) || known(&NAMED_ONLY) || line.starts_with("cd ") {
            for word in split_words(line)
                .iter()
                .filter(|word| word.starts_with("config/"))
            {
                assert!(workspace().join(word).exists(), "`{line}`: there is no {word}");
            }
            continue;
        }
        if let Some(export) = line.strip_prefix("export ") {
            let (name, value) = export.split_once('=').unwrap();
            exports.push((name.to_owned(), value.to_owned()));
            continue;
        }
        if let Some(export) = line.strip_prefix("$env:") {
            let (name, value) = export.split_once(" = ").unwrap();
            exports.push((name.to_owned(), value.to_owned()));
            continue;
        }
        let words = split_words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(words[0], "baton-ninja-one", "nobody runs `{line}`");
        let context = TestContext::msp();
        fs::copy(workspace().join("config/baton.yaml"), context.path("baton.yaml")).unwrap();
        if ["report", "apply-review", "report.html"]
            .iter()
            .any(|word| words.contains(word))
        {
            let ran = context.run(&["--sink", "c1z", "--sink", "html=report.html"]);
            assert_eq!(ran.code, Some(0), "{}", ran.stderr);
            fs::copy(context.path("report.html"), context.path("review-2026-q2.html")).unwrap();
            fs::write(context.path("review.csv"), review_sheet(&context)).unwrap();
        }
        if ["export", "inspect", "diff", "convert"]
            .iter()
            .any(|command| words.contains(command))
        {
            let file = context.write_good_sync();
            fs::write(context.path("sync.c1z.candidate"), file).unwrap();
        }
        if ["verify", "history", "out/access"]
            .iter()
            .any(|command| words.contains(command))
        {
            assert_eq!(context.run(&["--sink", "parquet=out/access"]).code, Some(0));
        }
        let ran = context.run(&words[1..]);
        assert_eq!(ran.code, Some(0), "`{line}`: {}", ran.stderr);
    }
    // Exported variables are settings, including all that a sync requires.
    let names: BTreeSet<&str> = exports.iter().map(|(name, _)| name.as_str()).collect();
    for needed in [
        "BATON_NINJA_ONE_BASE_URL",
        "BATON_NINJA_ONE_CLIENT_ID",
        "BATON_NINJA_ONE_CLIENT_SECRET",
    ] {
        assert!(names.contains(needed), "{needed} is in no document");
    }
    assert!(!exports.iter().any(|(_, value)| value.contains(SECRET)));
}

/// A sheet as a reviewer exports it.
fn review_sheet(context: &TestContext) -> String {
    let tenant = context.base_url.as_deref().unwrap();
    let head = "decision,reviewer,note,entitlement_id,principal_type,principal_id,principal_name,entitlement_name,tenant,sync_id";
    format!("{head}\r\nrevoke,Ada,,role:1:assigned,user,7,Ada Nyström,Service Desk role,{tenant},c\r\n")
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let summary = fs::read_to_string(workspace().join("docs/SUMMARY.md")).unwrap();
    for path in documents() {
        let name = path.strip_prefix(workspace()).unwrap().to_str().unwrap();
        if name == "docs/SUMMARY.md" || name.starts_with("crates/") {
            continue;
        }
        let link = name
            .strip_prefix("docs/")
            .map_or_else(|| format!("(../{name})"), |page| format!("({page})"));
        assert!(summary.contains(&link), "docs/SUMMARY.md has no {link}");
    }
}

#[test]
fn every_folder_of_documents_is_known() {
    let entries = fs::read_dir(workspace().join("docs")).unwrap();
    let folders = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir());
    let names: BTreeSet<String> = folders
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, DOC_FOLDERS.map(str::to_owned).into());
}

#[test]
fn links_resolve() {
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("http") || link.starts_with('#') {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = path.parent().unwrap().join(file);
            assert!(target.exists(), "{}: {link}", path.display());
            if !anchor.is_empty() && file.ends_with(".md") {
                let page = fs::read_to_string(&target).unwrap();
                let anchors: Vec<String> = page.lines().filter_map(anchor_of).collect();
                assert!(
                    anchors.iter().any(|known| known == anchor),
                    "{}: {link}",
                    path.display()
                );
            }
        }
    }
}

/// The anchor that a heading gets: GitHub and mdbook agree on it for the headings that we have.
fn anchor_of(line: &str) -> Option<String> {
    let heading = line
        .strip_prefix('#')?
        .trim_start_matches('#')
        .strip_prefix(' ')?;
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    Some(kept.map(|c| if c == ' ' { '-' } else { c }).collect())
}
