//! Manual pages.

use std::fs;
use std::path::{Path, PathBuf};

use access_core::StatusCode;
use clap::Command;
use clap_mangen::Man;

use crate::cli::help;
use crate::cli::{self, NAME};
use crate::commands::COMMANDS;
use crate::failure::Failure;

/// Writes a page for the program and one for each command into a folder, and returns their number.
///
/// # Errors
/// [`Failure`] if a page cannot be written.
pub(crate) fn write(folder: &Path) -> Result<usize, Failure> {
    let pages = pages().map_err(|error| failure(folder, &error))?;
    for (name, text) in &pages {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| failure(&path, &error))?;
    }
    Ok(pages.len())
}

fn failure(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        format!("cannot write {}: {error}", path.display()),
        Some("name an existing folder that can be written to".to_owned()),
        StatusCode::InvalidArgument,
    )
}

/// Pages by file name.
fn pages() -> std::io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut program = cli::command();
    program.build();
    let mut pages = Vec::new();
    let settings = help::settings(100).to_string();
    let page = Man::new(program.clone());
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_subcommands_section(&mut text)?;
    verbatim(&mut text, "SETTINGS", &settings);
    page.render_version_section(&mut text)?;
    pages.push((PathBuf::from(format!("{NAME}.1")), text));
    for entry in COMMANDS.iter().filter(|entry| entry.group.is_some()) {
        if let Some(command) = program.find_subcommand(entry.name()) {
            let after = help::after_command(entry, 100).to_string();
            page_of(command, &after, NAME, &mut pages)?;
        }
    }
    Ok(pages)
}

/// The pages of a command and its subcommands.
fn page_of(
    command: &Command,
    after: &str,
    parent: &str,
    pages: &mut Vec<(PathBuf, Vec<u8>)>,
) -> std::io::Result<()> {
    let name = format!("{parent}-{}", command.get_name());
    let own = command.clone().name(name.clone()).display_name(name.clone());
    let page = Man::new(own);
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    page.render_subcommands_section(&mut text)?;
    verbatim(&mut text, "EXAMPLES AND SETTINGS", after);
    pages.push((PathBuf::from(format!("{name}.1")), text));
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        page_of(inner, after, &name, pages)?;
    }
    Ok(())
}

/// A section with verbatim lines.
fn verbatim(page: &mut Vec<u8>, title: &str, lines: &str) {
    if lines.trim().is_empty() {
        return;
    }
    page.extend(format!(".SH \"{title}\"\n.nf\n").bytes());
    for line in lines.lines() {
        // roff treats a dot or an apostrophe at the beginning of a line as a request, and a backslash as an escape.
        let line = line.replace('\\', "\\\\").replace('-', "\\-");
        let guard = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
        page.extend(format!("{guard}{line}\n").bytes());
    }
    page.extend(b".fi\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let pages = pages().unwrap();
        let names: Vec<&str> = pages.iter().filter_map(|(name, _)| name.to_str()).collect();
        for name in [
            "baton-ninja-one.1",
            "baton-ninja-one-grant.1",
            "baton-ninja-one-inspect-users.1",
        ] {
            assert!(names.contains(&name), "{names:?}");
        }
        for (name, page) in &pages {
            let page = String::from_utf8(page.clone()).unwrap();
            assert!(
                page.contains(".TH") && !page.contains('\u{1b}'),
                "{}",
                name.display()
            );
        }
        let grant = &pages
            .iter()
            .find(|(name, _)| name.ends_with("baton-ninja-one-grant.1"))
            .unwrap()
            .1;
        let grant = String::from_utf8_lossy(grant);
        assert!(
            grant.contains("\\-\\-to") && grant.contains("Connection"),
            "{grant}"
        );
    }
}
