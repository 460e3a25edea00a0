//! Comments and documents that cite a page by its section: the page is there, and so is the section.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::workspace;

/// Files that can cite.
const EXTENSIONS: [&str; 10] = [
    "rs", "md", "toml", "js", "proto", "go", "yaml", "yml", "css", "html",
];
/// Folders that are foreign or generated.
const SKIPPED_FOLDERS: [&str; 6] = ["target", ".git", "snapshots", "corpus", "node_modules", "out"];
/// Documents elsewhere that are cited by section too.
const ELSEWHERE: [&str; 2] = ["SQLite file format ", "RFC "];
/// Where the pages are that are cited by section.
const REFERENCE: &str = "docs/reference/";

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !SKIPPED_FOLDERS.contains(&name.as_str()) {
                files(&path, found);
            }
        } else if path
            .extension()
            .is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known))
        {
            found.push(path);
        }
    }
}

/// A file in one line, without comment markers: a citation may continue in the next line.
fn joined(text: &str) -> String {
    let lines = text.lines().map(|line| {
        line.trim_start()
            .trim_start_matches("//!")
            .trim_start_matches("///")
            .trim_start_matches("//")
            .trim_start_matches(['*', '#'])
            .trim()
    });
    lines.collect::<Vec<_>>().join(" ")
}

/// The numbers of a page's headings.
fn sections(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    headings
        .filter_map(|line| line.trim_start_matches('#').split_whitespace().next())
        .map(|number| number.trim_end_matches('.').to_owned())
        .filter(|number| number.starts_with(|first: char| first.is_ascii_digit()))
        .collect()
}

fn pages() -> BTreeMap<String, BTreeSet<String>> {
    let mut pages = BTreeMap::new();
    for entry in fs::read_dir(workspace().join(REFERENCE)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        pages.insert(name, sections(&fs::read_to_string(&path).unwrap()));
    }
    pages
}

/// The problems of the citations in a text; `own` is the text's own page, if it is one.
fn mistakes(text: &str, own: Option<&str>, pages: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let text = joined(text);
    let mut found = Vec::new();
    let mut last: Option<String> = None;
    let mut read_to = 0;
    for (at, sign) in text.match_indices('§') {
        let behind = &text[at + sign.len()..];
        let end = behind
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(behind.len());
        let number = behind[..end].trim_end_matches('.');
        let before = &text[read_to..at];
        let shown: String = text[..at]
            .chars()
            .rev()
            .take(40)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        read_to = at + sign.len() + end;
        if number.is_empty() {
            found.push(format!("`{shown}§` names no section"));
            continue;
        }
        let page = match named(before) {
            Named::Page(page) => Some(page),
            Named::Elsewhere => {
                last = None;
                continue;
            }
            // `§1.2, §3`: the second is of the same page.
            Named::Nothing if matches!(before, ", " | " and ") => last.clone(),
            Named::Nothing => own.map(str::to_owned),
        };
        match page.as_ref().map(|page| (page, pages.get(page))) {
            None => found.push(format!("`{shown}§{number}` does not say of which page")),
            Some((page, None)) => found.push(format!("there is no {REFERENCE}{page}")),
            Some((page, Some(sections))) if !sections.contains(number) => {
                found.push(format!("{page} has no section {number}"));
            }
            Some(_) => {}
        }
        last = page;
    }
    found
}

/// The text right before a section sign.
enum Named {
    Page(String),
    Elsewhere,
    Nothing,
}

fn named(before: &str) -> Named {
    // `docs/reference/NAME.md §1`, and `[words](NAME.md) §1`.
    let plain = before.strip_suffix(' ').filter(|text| is_page(text));
    let linked = before.strip_suffix(") ").filter(|text| is_page(text));
    let plain = plain.and_then(|text| Some(&text[text.rfind(REFERENCE)? + REFERENCE.len()..]));
    let linked = linked.and_then(|text| text.rsplit(['(', '/']).next());
    let elsewhere = |document: &str| {
        let after = before
            .rfind(document)
            .map(|at| before[at + document.len()..].trim());
        after.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    match plain.or(linked) {
        Some(page) => Named::Page(page.to_owned()),
        None if ELSEWHERE.iter().copied().any(elsewhere) => Named::Elsewhere,
        None => Named::Nothing,
    }
}

/// Whether a text ends with the name of a document.
fn is_page(text: &str) -> bool {
    Path::new(text)
        .extension()
        .is_some_and(|extension| extension == "md")
}

/// Citations of pages that were never in this repository.
fn old_forms() -> [String; 5] {
    let facts = "facts";
    [
        format!("c1z {facts} "),
        format!("runtime {facts} "),
        format!("NinjaOne {facts} "),
        format!("API {facts} "),
        format!("DESIGN {}", '§'),
    ]
}

/// Paths of documents that a text names.
fn documents_named(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("docs/") {
        let is_begin =
            !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.'));
        let path = &text[at..];
        let end = path
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '/' | '-' | '_' | '.'))
            .unwrap_or(path.len());
        let path = path[..end].trim_end_matches('.');
        if is_begin && is_page(path) {
            found.push(path);
        }
    }
    found
}

#[test]
fn citations_resolve() {
    let root = workspace();
    let pages = pages();
    let mut paths = Vec::new();
    files(root, &mut paths);
    assert!(paths.len() > 500, "{}", paths.len());
    let old_forms = old_forms();
    let mut found = Vec::new();
    let mut citations = 0;
    for path in paths {
        // This file is about citations, and has wrong ones.
        if path.ends_with("tests/e2e/citations.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let own = path.parent().unwrap().ends_with(REFERENCE.trim_end_matches('/'));
        let own = own.then(|| path.file_name().unwrap().to_string_lossy().into_owned());
        citations += text.matches('§').count();
        let wrong = mistakes(&text, own.as_deref(), &pages);
        found.extend(wrong.into_iter().map(|mistake| format!("{shown}: {mistake}")));
        let flat = joined(&text);
        for form in old_forms.iter().filter(|form| flat.contains(form.as_str())) {
            found.push(format!(
                "{shown}: cites \"{form}\", which is no page of this repository"
            ));
        }
        for named in documents_named(&text) {
            if !root.join(named).exists() {
                found.push(format!("{shown}: there is no {named}"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(citations > 180, "{citations}");
}

#[test]
fn wrong_citations_are_noticed() {
    let pages = BTreeMap::from([("c1z.md".to_owned(), sections("# A\n## 1. B\n### 1.2 C\n"))]);
    let wrong = |text: &str| mistakes(text, None, &pages).join("; ");
    assert_eq!(wrong("/// As (docs/reference/c1z.md §1.2, §1)."), "");
    assert_eq!(wrong("//! As (docs/reference/c1z.md\n//! §1.2)."), "");
    assert_eq!(wrong("See RFC 6749 §5.2 and SQLite file format §1.6."), "");
    assert_eq!(wrong("See [the page](c1z.md) §1."), "");
    assert_eq!(wrong("(docs/reference/c1z.md §1.3)"), "c1z.md has no section 1.3");
    assert_eq!(
        wrong("(docs/reference/c1z.md §1.2, §4)"),
        "c1z.md has no section 4"
    );
    assert_eq!(
        wrong("(docs/reference/other.md §1)"),
        "there is no docs/reference/other.md"
    );
    assert_eq!(wrong("(§1.2)"), "`(§1.2` does not say of which page");
    assert_eq!(
        wrong("docs/reference/c1z.md §x"),
        "`docs/reference/c1z.md §` names no section"
    );
    assert_eq!(
        mistakes("As §1.2 says.", Some("c1z.md"), &pages),
        Vec::<String>::new()
    );
    assert_eq!(
        documents_named("see docs/A.md, docs/b/c.md. Not ../docs/d.md"),
        ["docs/A.md", "docs/b/c.md"]
    );
}
