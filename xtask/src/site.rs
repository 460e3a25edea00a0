//! `cargo xtask docs --site`: builds the documentation site with mdbook. Code and other pages refer to pages by path, so mdbook
//! reads a copy with the layout of the repository, in which links between pages keep working.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use crate::files::{copy, copy_folder, entries, fresh_folder};
use crate::process::{Failure, run_ok, workspace};

/// Folders that pages link into.
const FOLDERS: [&str; 2] = ["docs", "config"];
/// The table of contents, relative to the workspace.
const SUMMARY: &str = "docs/SUMMARY.md";

/// Builds the site in `out/site/book`; without mdbook it is skipped with a message.
pub(crate) fn build() -> Result<(), Failure> {
    if !is_installed("mdbook") {
        eprintln!("SKIPPED site: mdbook is not installed; run `cargo install mdbook --locked`");
        return Ok(());
    }
    let site = workspace().join("out").join("site");
    stage(&workspace(), &site)?;
    run_ok(Command::new("mdbook").arg("build").arg(&site))?;
    let book = site.join("book");
    let (pages, links) = check_links(&book)?;
    println!(
        "{pages} pages, {links} links resolve; open {}",
        book.join("index.html").display()
    );
    Ok(())
}

/// Checks that each link between the pages of a site leads to a file and, if it names one, to an id in it. Gives the numbers of pages
/// and links.
fn check_links(book: &Path) -> Result<(usize, usize), Failure> {
    let mut pages = BTreeMap::new();
    collect_pages(book, &mut pages)?;
    let (mut links, mut broken) = (0, Vec::new());
    for (page, html) in &pages {
        for link in attributes(html, "href").chain(attributes(html, "src")) {
            if link.contains(':') || link.starts_with("//") {
                continue;
            }
            links += 1;
            if !leads_somewhere(&pages, page, link) {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    if broken.is_empty() {
        Ok((pages.len(), links))
    } else {
        Err(Failure::Unexpected(format!(
            "links that lead nowhere:\n{}",
            broken.join("\n")
        )))
    }
}

fn leads_somewhere(pages: &BTreeMap<PathBuf, String>, page: &Path, link: &str) -> bool {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() {
        page.to_owned()
    } else {
        normalized(&page.with_file_name(file))
    };
    if !target.exists() {
        return false;
    }
    let anchored = |html: &String| attributes(html, "id").any(|id| id == anchor);
    anchor.is_empty() || pages.get(&target).is_none_or(anchored)
}

/// A path without `.` and `..`.
fn normalized(path: &Path) -> PathBuf {
    let mut normalized = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normalized.pop();
            }
            Component::CurDir => {}
            part => normalized.push(part),
        }
    }
    normalized
}

/// The pages of a site. The page to print has all others in it, with their links.
fn collect_pages(folder: &Path, pages: &mut BTreeMap<PathBuf, String>) -> Result<(), Failure> {
    for entry in entries(folder)? {
        if entry.is_dir() {
            collect_pages(&entry, pages)?;
        } else if entry.extension().is_some_and(|extension| extension == "html")
            && !entry.ends_with("print.html")
        {
            let html = fs::read_to_string(&entry).map_err(|source| Failure::file(&entry, source))?;
            pages.insert(entry, html);
        }
    }
    Ok(())
}

/// The values of an attribute in a page.
fn attributes<'a>(html: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let begin = format!(" {name}=\"");
    let mut rest = html;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&begin)?;
        let (value, after) = after.split_once('"')?;
        rest = after;
        Some(value)
    })
}

fn is_installed(program: &str) -> bool {
    let mut command = Command::new(program);
    command
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Copies `book.toml` and everything that pages link to into an empty folder.
fn stage(repository: &Path, site: &Path) -> Result<(), Failure> {
    fresh_folder(site)?;
    copy(&repository.join("book.toml"), &site.join("book.toml"))?;
    let source = site.join("src");
    fresh_folder(&source)?;
    for entry in entries(repository)? {
        let is_page = entry.extension().is_some_and(|extension| extension == "md");
        if let Some(name) = entry.file_name()
            && (is_page || name == "LICENSE")
        {
            let text = fs::read_to_string(&entry).map_err(|error| Failure::file(&entry, error))?;
            let page = source.join(name);
            fs::write(&page, with_source_links(&text)).map_err(|error| Failure::file(&page, error))?;
        }
    }
    for folder in FOLDERS {
        copy_folder(&repository.join(folder), &source.join(folder))?;
    }
    let summary = repository.join(SUMMARY);
    let text = fs::read_to_string(&summary).map_err(|source| Failure::file(&summary, source))?;
    let path = source.join("SUMMARY.md");
    fs::write(&path, at_root(&text)).map_err(|source| Failure::file(&path, source))
}

/// The table of contents of `docs/`, with links relative to the repository's root.
fn at_root(summary: &str) -> String {
    summary.replace("](", "](docs/").replace("](docs/../", "](")
}

/// A page at the root whose links to source files lead to the repository: the site has the documents only.
fn with_source_links(page: &str) -> String {
    page.replace(
        "](crates/",
        &format!("]({}/tree/main/crates/", env!("CARGO_PKG_REPOSITORY")),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::{at_root, check_links, fresh_folder, leads_somewhere, with_source_links};

    #[test]
    fn broken_links_are_found() {
        let book = std::env::temp_dir().join(format!("baton-site-{}", std::process::id()));
        fresh_folder(&book).expect("a temporary folder");
        let write = |name: &str, html: &str| fs::write(book.join(name), html).expect("a page");
        write(
            "a.html",
            r##"<h1 id="top">A</h1> <a href="b.html#c">B</a> <a href="#top">up</a> <a href="https://x.example">X</a>"##,
        );
        write("b.html", r#"<h1 id="c">C</h1> <a href="./a.html">A</a>"#);
        assert_eq!(check_links(&book).ok(), Some((2, 3)));
        write("b.html", r#"<a href="c.html">C</a>"#);
        let broken = check_links(&book).expect_err("two links are broken").to_string();
        assert!(
            broken.contains("a.html: b.html#c") && broken.contains("b.html: c.html"),
            "{broken}"
        );
        assert!(!leads_somewhere(&BTreeMap::new(), &book.join("a.html"), "d.html"));
        fs::remove_dir_all(&book).expect("the folder is removed");
    }

    #[test]
    fn links_to_sources_lead_to_the_repository() {
        let page = with_source_links("[a](crates/c1z/src/lib.rs) [b](docs/SUMMARY.md)");
        assert!(
            page.starts_with("[a](https://")
                && page.ends_with("/tree/main/crates/c1z/src/lib.rs) [b](docs/SUMMARY.md)")
        );
    }

    #[test]
    fn links_of_the_summary_are_relative_to_the_root() {
        let summary = "[Start](../README.md)\n- [c1z](reference/c1z.md)\n";
        assert_eq!(
            at_root(summary),
            "[Start](README.md)\n- [c1z](docs/reference/c1z.md)\n"
        );
    }
}
