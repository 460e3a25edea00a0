//! The commands as a page of the documents: usage, arguments, options and examples, from the definition that the help is made of.

use std::fmt::Write;

use clap::{Arg, Command};

use super::flags::message_flags;
use super::version::NAME;
use crate::commands::{COMMANDS, Entry, Group};

/// All commands of the program by group, in Markdown.
pub(crate) fn document(mut program: Command) -> String {
    program.build();
    let mut page = Page::default();
    for group in Group::ALL.map(Some).into_iter().chain([None]) {
        page.heading(2, group.map_or("Other", Group::name));
        for entry in COMMANDS.iter().filter(|entry| entry.group == group) {
            if let Some(command) = program.find_subcommand(entry.name()) {
                page.command(command, "", 3, &[]);
                page.after_command(entry);
                page.inner_commands(command, &entry.name(), 4);
            }
        }
    }
    page.heading(2, "Flags of every command");
    page.row("Flag", "What it does");
    page.row("---", "---");
    for (short, long, value, help) in message_flags() {
        let short = short.map_or_else(String::new, |letter| format!("`-{letter}`, "));
        page.row(&format!("{short}`--{long}{}`", cell(&value)), &cell(&help));
    }
    page.row("`-h`, `--help`", "Print help");
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn heading(&mut self, level: usize, title: &str) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.line("");
        }
        self.line(&format!("{} {title}\n", "#".repeat(level)));
    }

    fn row(&mut self, name: &str, meaning: &str) {
        self.line(&format!("| {name} | {meaning} |"));
    }

    fn block(&mut self, lines: impl IntoIterator<Item = String>) {
        self.line("```text");
        for line in lines {
            self.line(&line);
        }
        self.line("```");
    }

    /// A command with its arguments and options, without those of the command that it is in.
    fn command(&mut self, command: &Command, parent: &str, level: usize, inherited: &[&Arg]) {
        let name = format!("{parent}{}", command.get_name());
        self.heading(level, &name);
        let about = command.get_about().map(ToString::to_string);
        self.line(&format!("{}.\n", prose(&about.unwrap_or_default())));
        let aliases: Vec<String> = command
            .get_all_aliases()
            .map(|alias| format!("`{alias}`"))
            .collect();
        if !aliases.is_empty() {
            self.line(&format!("Also called {}.\n", aliases.join(", ")));
        }
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage:").lines();
        self.block(usage.map(|line| line.trim().to_owned()));
        let own: Vec<&Arg> = command
            .get_arguments()
            .filter(|argument| !argument.is_hide_set() && argument.get_id() != "help")
            .filter(|argument| inherited.iter().all(|outer| outer.get_id() != argument.get_id()))
            .collect();
        let (arguments, options): (Vec<&Arg>, Vec<&Arg>) =
            own.iter().partition(|argument| argument.is_positional());
        for (title, arguments) in [("Argument", arguments), ("Option", options)] {
            if !arguments.is_empty() {
                self.line("");
                self.row(title, "What it does");
                self.row("---", "---");
                for argument in arguments {
                    self.row(&signature(argument), &meaning(argument));
                }
            }
        }
    }

    /// The commands in a command.
    fn inner_commands(&mut self, outer: &Command, name: &str, level: usize) {
        let inherited: Vec<&Arg> = outer
            .get_arguments()
            .filter(|argument| argument.is_global_set() && !argument.is_hide_set())
            .collect();
        let inner: Vec<&Command> = outer
            .get_subcommands()
            .filter(|inner| !inner.is_hide_set())
            .collect();
        if !inner.is_empty() && !inherited.is_empty() {
            let flags: Vec<String> = inherited
                .iter()
                .filter_map(|argument| argument.get_long())
                .map(|long| format!("`--{long}`"))
                .collect();
            self.line(&format!(
                "\nThe commands below also take the options of `{name}`: {}.",
                flags.join(", ")
            ));
        }
        for command in inner {
            self.command(command, &format!("{name} "), level, &inherited);
            self.inner_commands(command, &format!("{name} {}", command.get_name()), level + 1);
        }
    }

    /// Examples and the settings that the help of a command shows.
    fn after_command(&mut self, entry: &Entry) {
        let settings = entry.sections.iter().flat_map(|section| section.settings());
        let flags: Vec<String> = settings
            .map(|setting| format!("`--{}`", setting.flag()))
            .collect();
        if !flags.is_empty() {
            self.line(&format!("\nSettings that matter here: {}.", flags.join(", ")));
        }
        if !entry.examples.is_empty() {
            self.line("\nExamples:\n");
            self.block(entry.examples.iter().map(|example| format!("{NAME} {example}")));
        }
    }
}

/// An argument as it is written on the command line.
fn signature(argument: &Arg) -> String {
    let values: Vec<String> = argument
        .get_value_names()
        .unwrap_or_default()
        .iter()
        .map(|name| format!("<{name}>"))
        .collect();
    let takes_value = argument.get_action().takes_values() && !values.is_empty();
    let value = if takes_value {
        values.join(" ")
    } else {
        String::new()
    };
    if argument.is_positional() {
        return format!("`{}`", cell(&value));
    }
    let short = argument
        .get_short()
        .map_or_else(String::new, |letter| format!("`-{letter}`, "));
    let long = argument.get_long().unwrap_or_default();
    let gap = if takes_value { " " } else { "" };
    format!("{short}`--{long}{gap}{}`", cell(&value))
}

/// The help of an argument, with its choices and its default.
fn meaning(argument: &Arg) -> String {
    let mut text = prose(&argument.get_help().map(ToString::to_string).unwrap_or_default());
    let choices: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|choice| !choice.is_hide_set())
        .map(|choice| format!("`{}`", choice.get_name()))
        .collect();
    if argument.get_action().takes_values() && !choices.is_empty() && !argument.is_hide_possible_values_set()
    {
        let _ = write!(text, ". Values: {}", choices.join(", "));
    }
    let defaults: Vec<String> = argument
        .get_default_values()
        .iter()
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    if argument.get_action().takes_values() && !defaults.is_empty() {
        let _ = write!(text, ". Default: {}", defaults.join(", "));
    }
    text
}

/// Help as Markdown: what a page would read as markup is escaped, but not within code.
fn prose(text: &str) -> String {
    let pieces = text.split('`').enumerate().map(|(n, piece)| {
        if n % 2 == 1 {
            piece.to_owned()
        } else {
            piece.replace('<', "&lt;").replace('*', "\\*")
        }
    });
    cell(&pieces.collect::<Vec<_>>().join("`"))
}

/// Text for the cell of a table, which ends at a bar.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_and_brackets_are_escaped_outside_of_code() {
        assert_eq!(prose("a|b <c> `<d>`"), "a\\|b &lt;c> `<d>`");
    }
}
