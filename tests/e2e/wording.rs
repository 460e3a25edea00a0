//! The documents use plain words. The listed phrases were found in them once and have standard replacements.

use std::fs;
use std::path::PathBuf;

use crate::documents::DOC_FOLDERS;
use crate::harness::workspace;

/// Banned phrases with their replacements.
const DIALECT: [(&str, &str); 36] = [
    ("told", "reported, shown, instructed"),
    ("tells", "says, reports, shows"),
    ("anew", "again, from scratch"),
    ("nought", "zero, nothing"),
    ("whoever", "anyone who, readers who"),
    ("of whom", "whose, for which"),
    ("for ever", "indefinitely, without end"),
    ("blanks", "spaces"),
    ("mend", "fix"),
    ("mends", "fixes"),
    ("mended", "fixed"),
    ("spoilt", "damaged, corrupted"),
    ("as ever", "as usual, or nothing"),
    ("nothing is said", "by default"),
    ("leave away", "remove, omit"),
    ("is no", "is not, does not"),
    ("are no", "are not, do not"),
    ("is none", "is not one"),
    ("break off", "abort, cancel"),
    ("breaks off", "aborts, is interrupted"),
    ("broken off", "aborted, cancelled"),
    ("breaking off", "aborting, cancelling"),
    ("sort of", "type of"),
    ("sorts of", "types of"),
    ("so already", "already in this state"),
    ("looked into", "checked"),
    ("is well", "is healthy"),
    ("takes for", "treats as"),
    ("taken for", "treated as, mistaken for"),
    ("be had", "be available"),
    ("held against", "compared with, checked against"),
    ("written down", "recorded"),
    ("is wanted", "is expected, is required"),
    ("are wanted", "are expected, are required"),
    ("for gone", "as deleted"),
    ("meanwhile", "in the meantime, during the run"),
];
/// Usual English around a phrase of the list: `there is no`, `is no longer`.
const USUAL_BEFORE: [&str; 1] = ["there"];
const USUAL_AFTER: [&str; 2] = ["longer", "more"];

fn pages() -> Vec<PathBuf> {
    let mut folders = vec![workspace().to_owned(), workspace().join("docs")];
    folders.extend(DOC_FOLDERS.map(|folder| workspace().join("docs").join(folder)));
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    paths
}

/// The prose of a page: without generated parts, blocks of code and code in a line.
fn prose(page: &str) -> String {
    let mut prose = String::new();
    let (mut in_code, mut in_generated) = (false, false);
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if line.starts_with("<!-- generated") {
            in_generated = true;
        } else if line.starts_with("<!-- end generated") {
            in_generated = false;
        } else if !in_code && !in_generated {
            // Each second piece between backticks is code. A sentence continues over the end of a line.
            let pieces: Vec<&str> = line.split('`').step_by(2).collect();
            prose.push_str(&pieces.join(" , "));
            prose.push_str(if line.trim().is_empty() { " , " } else { "\n" });
        }
    }
    prose
}

/// Words in small letters; what separates sentences, cells and clauses is a word of its own, so that no phrase goes across it.
fn tokens(prose: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for word in prose.split_whitespace() {
        let trimmed = word.trim_matches(|c: char| !c.is_alphanumeric());
        if !trimmed.is_empty() {
            tokens.push(trimmed.to_lowercase());
        }
        if trimmed.is_empty() || !word.ends_with(trimmed) {
            tokens.push(".".to_owned());
        }
    }
    tokens
}

/// Uses of the phrases in a page, with the words around them.
pub(crate) fn findings(page: &str) -> Vec<String> {
    let tokens = tokens(&prose(page));
    let mut found = Vec::new();
    for (phrase, instead) in DIALECT {
        let words: Vec<&str> = phrase.split(' ').collect();
        for (at, window) in tokens.windows(words.len()).enumerate() {
            let before = at.checked_sub(1).map_or("", |before| tokens[before].as_str());
            let after = tokens.get(at + words.len()).map_or("", String::as_str);
            if window == words && !USUAL_BEFORE.contains(&before) && !USUAL_AFTER.contains(&after) {
                let around = tokens[at.saturating_sub(4)..tokens.len().min(at + words.len() + 4)].join(" ");
                found.push(format!("`{phrase}` in \"{around}\"; write: {instead}"));
            }
        }
    }
    found
}

#[test]
fn the_documents_use_plain_words() {
    let mut found = Vec::new();
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(workspace()).unwrap().display().to_string();
        found.extend(findings(&page).iter().map(|finding| format!("{name}: {finding}")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_search_finds_words_without_false_alarms() {
    assert_eq!(findings("It is written\nanew.").len(), 1);
    assert_eq!(findings("A file is\nno report.").len(), 1);
    for usual in [
        "There is no file.",
        "It is no longer read.",
        "The answer is. No file.",
        "`anew`",
        "```text\nanew\n```\n",
        "<!-- generated: x -->\nanew\n<!-- end generated -->\n",
        "| is | no |",
    ] {
        assert_eq!(findings(usual), Vec::<String>::new(), "{usual}");
    }
}
