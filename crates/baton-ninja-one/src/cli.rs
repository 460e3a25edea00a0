//! The command line, built from the settings table and the commands.

mod explain;
pub(crate) mod flags;
pub(crate) mod help;
pub(crate) mod reference;
pub(crate) mod usage;
pub(crate) mod version;

use clap::builder::ValueHint;
use clap::{Arg, ArgAction, Command};

use crate::commands::COMMANDS;
use crate::settings::SETTINGS;

pub(crate) use self::version::NAME;

/// The complete command line, with help for the terminal's width.
pub(crate) fn command() -> Command {
    let width = crate::output::console::help_width();
    let mut program = program_without_commands(width).override_help(help::program(width));
    for entry in COMMANDS {
        let command = without_help_commands((entry.define)());
        program = program.subcommand(command);
    }
    with_value_hints(program)
}

/// Removes clap's help commands: the `help` command of this program knows the topics too.
fn without_help_commands(command: Command) -> Command {
    command
        .disable_help_subcommand(true)
        .mut_subcommands(without_help_commands)
}

/// The program without commands.
fn program_without_commands(width: usize) -> Command {
    Command::new(NAME)
        .bin_name(NAME)
        .about("Read who can do what in a NinjaOne tenant; query it, review it, change it")
        .version(crate::cli::version::LONG)
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .term_width(width)
        .styles(help::STYLES)
        .arg(
            Arg::new("version")
                .long("version")
                .action(ArgAction::Version)
                .help("Print the version"),
        )
        // Like in the reference, the last value of a repeated flag counts, and lists are joined.
        .args_override_self(true)
        .args(flags::message_args())
        .args(
            SETTINGS
                .iter()
                .filter(|setting| setting.has_flag())
                .map(|setting| flags::setting_arg(setting)),
        )
        .args(flags::other_reference_args())
}

/// Sets completion hints: files for arguments whose values are files, nothing for others. Without a hint a shell would
/// offer files for all.
fn with_value_hints(command: Command) -> Command {
    let command = command.mut_args(|argument| {
        if !argument.get_action().takes_values() || argument.get_value_hint() != ValueHint::Unknown {
            return argument;
        }
        let names = argument.get_value_names().unwrap_or_default();
        let is_path = names.iter().any(|name| {
            [
                "FILE", "PATH", "FOLDER", "LOCATION", "DATASET", "FROM", "TO", "OLD", "NEW",
            ]
            .iter()
            .any(|word| name.split(['|', '/']).any(|part| part == *word))
        });
        argument.value_hint(if is_path {
            ValueHint::AnyPath
        } else {
            ValueHint::Other
        })
    });
    command.mut_subcommands(with_value_hints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_consistent() {
        command().debug_assert();
    }
}
