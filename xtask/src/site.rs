//! `cargo xtask docs --site`: the documents as a site, built with mdbook. The pages stay where they are, because code and other pages
//! refer to them by path; what mdbook reads is a copy with the layout of the repository, so that links between pages keep working.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::process::{Failure, fresh_folder, succeed, workspace};

/// Folders that pages link into.
const FOLDERS: [&str; 2] = ["docs", "config"];
/// The table of contents, relative to the workspace.
const SUMMARY: &str = "docs/SUMMARY.md";

/// Builds the site into `out/site/book`, or says that it was skipped and how to install mdbook.
pub(crate) fn build() -> Result<(), Failure> {
    if !is_installed("mdbook") {
        eprintln!("SKIPPED site: mdbook is not installed; run `cargo install mdbook --locked`");
        return Ok(());
    }
    let site = workspace().join("out").join("site");
    stage(&workspace(), &site)?;
    succeed(Command::new("mdbook").arg("build").arg(&site))?;
    println!("open {}", site.join("book").join("index.html").display());
    Ok(())
}

fn is_installed(program: &str) -> bool {
    let mut command = Command::new(program);
    command
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Copies `book.toml` and everything that the pages link to into an empty folder.
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
            copy(&entry, &source.join(name))?;
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

/// The table of contents of `docs/`, with links as they are from the folder above.
fn at_root(summary: &str) -> String {
    summary.replace("](", "](docs/").replace("](docs/../", "](")
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), Failure> {
    fresh_folder(to)?;
    for entry in entries(from)? {
        let Some(name) = entry.file_name() else { continue };
        if entry.is_dir() {
            copy_folder(&entry, &to.join(name))?;
        } else {
            copy(&entry, &to.join(name))?;
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<std::path::PathBuf>, Failure> {
    let failed = |source| Failure::file(folder, source);
    let entries = fs::read_dir(folder).map_err(failed)?;
    entries
        .map(|entry| entry.map(|entry| entry.path()).map_err(failed))
        .collect()
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::copy(from, to)
        .map(|_| ())
        .map_err(|source| Failure::file(from, source))
}

#[cfg(test)]
mod tests {
    use super::at_root;

    #[test]
    fn links_of_the_summary_are_relative_to_the_root() {
        let summary = "[Start](../README.md)\n- [c1z](reference/c1z.md)\n";
        assert_eq!(
            at_root(summary),
            "[Start](README.md)\n- [c1z](docs/reference/c1z.md)\n"
        );
    }
}
