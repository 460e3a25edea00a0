//! The generated parts of the documents are what the program says of itself. `cargo xtask docs` writes them.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = vec![root.join("README.md")];
    for folder in [
        "docs/guides",
        "docs/concepts",
        "docs/reference",
        "docs/development",
    ] {
        let entries = fs::read_dir(root.join(folder)).unwrap();
        paths.extend(entries.map(|entry| entry.unwrap().path()));
    }
    paths
}

#[test]
fn generated_parts_are_current() {
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    let mut found = Vec::new();
    for path in documents()
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
    {
        let old = fs::read_to_string(path).unwrap();
        let mut new = old.clone();
        for (name, part) in baton_ninja_one::generated_documents() {
            let (begin, end) = (format!("<!-- generated: {name} -->\n"), "<!-- end generated -->");
            let Some((before, rest)) = new
                .clone()
                .split_once(&begin)
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
            else {
                continue;
            };
            let (_, after) = rest
                .split_once(end)
                .unwrap_or_else(|| panic!("{}: {name} does not end", path.display()));
            new = format!("{before}{begin}{part}{end}{after}");
            found.push(name);
        }
        if update {
            fs::write(path, new).unwrap();
        } else {
            assert_eq!(old, new, "{} is stale: run `cargo xtask docs`", path.display());
        }
    }
    found.sort_unstable();
    let mut all: Vec<&str> = baton_ninja_one::generated_documents()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    all.sort_unstable();
    assert_eq!(found, all, "every generated part is in one document");
}
