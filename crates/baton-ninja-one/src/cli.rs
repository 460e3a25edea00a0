//! The command line, built from the settings table and the commands.

mod explain;
pub(crate) mod help;
pub(crate) mod usage;
pub(crate) mod version;

use clap::builder::ValueHint;
use clap::{Arg, ArgAction, Command};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::commands::COMMANDS;
use crate::settings::{
    COLOR_FLAG, QUIET_FLAG, Reference, SETTINGS, Setting, SettingScope, VERBOSE_FLAG, ValueType, keys,
};

/// The program's name.
pub(crate) const NAME: &str = "baton-ninja-one";

/// The whole command line, with help for the terminal's width.
pub(crate) fn command() -> Command {
    let width = crate::output::console::help_width();
    let mut program = bare(width).override_help(help::program(width));
    for entry in COMMANDS {
        let command = without_help_commands((entry.define)());
        program = program.subcommand(command);
    }
    with_value_hints(program)
}

/// There is one command for help, which knows the topics too.
fn without_help_commands(command: Command) -> Command {
    command
        .disable_help_subcommand(true)
        .mut_subcommands(without_help_commands)
}

/// The program without commands.
fn bare(width: usize) -> Command {
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
        // As in the reference: of a flag given twice the last counts; lists add up.
        .args_override_self(true)
        .args(messages())
        .args(
            SETTINGS
                .iter()
                .filter(|setting| setting.has_flag())
                .map(|setting| argument(setting)),
        )
        .args(other_flags_of_the_reference())
}

/// Flags about what goes to the terminal, for this run only.
fn messages() -> [Arg; 3] {
    [
        Arg::new(VERBOSE_FLAG)
            .short('v')
            .long(VERBOSE_FLAG)
            .action(ArgAction::Count)
            .global(true)
            .hide(true)
            .help("Log what is done; twice for details"),
        Arg::new(QUIET_FLAG)
            .short('q')
            .long(QUIET_FLAG)
            .action(ArgAction::SetTrue)
            .global(true)
            .hide(true)
            .conflicts_with(VERBOSE_FLAG)
            .help("Log errors only, and show no progress"),
        Arg::new(COLOR_FLAG)
            .long(COLOR_FLAG)
            .value_name("auto|always|never")
            .value_parser(["auto", "always", "never"])
            .hide_possible_values(true)
            .global(true)
            .hide(true)
            .help("Colors in help and messages; auto: at a terminal, unless NO_COLOR is set"),
    ]
}

/// The flags of [`messages`] for the help: letter, name, value, meaning.
pub(crate) fn message_flags() -> Vec<(Option<char>, String, String, String)> {
    let described = messages().into_iter().map(|argument| {
        let value = argument
            .get_value_names()
            .and_then(<[_]>::first)
            .filter(|_| argument.get_action().takes_values())
            .map_or_else(String::new, |name| format!(" <{name}>"));
        (
            argument.get_short(),
            argument.get_long().unwrap_or_default().to_owned(),
            value,
            argument.get_help().map(ToString::to_string).unwrap_or_default(),
        )
    });
    described.collect()
}

/// The flag of a setting. The help of commands lists settings by topic, so clap's own does not list them.
fn argument(setting: &Setting) -> Arg {
    let argument = Arg::new(setting.name)
        .long(setting.flag())
        .help(setting.help)
        .global(true)
        .hide(true)
        .value_name(value_name(setting));
    let argument = match setting.short {
        Some(letter) => argument.short(letter),
        None => argument,
    };
    let argument = if setting.name == keys::OUTPUT.setting.name {
        // As ConductorOne's tool for c1z files calls it.
        argument.alias("output-format")
    } else {
        argument
    };
    let argument = with_value_type(argument, setting.value_type);
    match setting.value_type {
        ValueType::Path => argument.value_hint(ValueHint::AnyPath),
        ValueType::Choice { words, .. } => argument.add(candidates(words)),
        ValueType::Switch => argument.add(candidates(&["true", "false"])),
        ValueType::List if setting.name == keys::SINK.setting.name => {
            argument.add(ArgValueCandidates::new(sink_kinds))
        }
        _ => argument.value_hint(ValueHint::Other),
    }
}

/// Values that a shell offers. Others may be accepted too: settings are judged where they are read.
fn candidates(words: &'static [&'static str]) -> ArgValueCandidates {
    ArgValueCandidates::new(move || words.iter().map(CompletionCandidate::new).collect())
}

fn sink_kinds() -> Vec<CompletionCandidate> {
    let kinds = crate::sinks::KINDS.into_iter();
    kinds
        .map(|kind| CompletionCandidate::new(format!("{}=", kind.name())))
        .collect()
}

/// Flags of the reference that do not work here are known all the same, so that what becomes of them is decided in one place.
fn other_flags_of_the_reference() -> impl Iterator<Item = Arg> {
    let flags = Reference::others().filter(|row| row.scope != SettingScope::Environment);
    flags.map(|row| {
        with_value_type(
            Arg::new(row.name).long(row.name).global(true).hide(true),
            row.value_type,
        )
    })
}

/// Values of all flags but switches are the next word whatever it is, as in the reference: a secret may begin with a hyphen.
fn with_value_type(argument: Arg, value_type: ValueType) -> Arg {
    match value_type {
        ValueType::Switch => argument
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        ValueType::List => argument.action(ArgAction::Append).allow_hyphen_values(true),
        _ => argument.allow_hyphen_values(true),
    }
}

/// Arguments whose values are files complete to files, others to nothing: without a hint a shell would offer files for all.
fn with_value_hints(command: Command) -> Command {
    let command = command.mut_args(|argument| {
        if !argument.get_action().takes_values() || argument.get_value_hint() != ValueHint::Unknown {
            return argument;
        }
        let names = argument.get_value_names().unwrap_or_default();
        let is_path = names.iter().any(|name| {
            [
                "FILE", "PATH", "FOLDER", "PLACE", "LOCATION", "DATASET", "FROM", "TO", "OLD", "NEW",
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

/// What the value of a setting looks like.
pub(crate) fn value_name(setting: &Setting) -> String {
    match setting.value_type {
        ValueType::Text | ValueType::Json => "TEXT".to_owned(),
        ValueType::Path => "PATH".to_owned(),
        ValueType::Switch => "true|false".to_owned(),
        ValueType::Integer { min, max, .. } => format!("{min}..{max}"),
        ValueType::Number => "NUMBER".to_owned(),
        ValueType::List => "LIST".to_owned(),
        ValueType::Choice { words, .. } => words.join("|"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    /// The name under which a command reads a setting must be that of an argument.
    #[test]
    fn flags_of_messages_are_no_settings() {
        for flag in [VERBOSE_FLAG, QUIET_FLAG, COLOR_FLAG] {
            assert!(SETTINGS.iter().all(|setting| setting.name != flag), "{flag}");
        }
    }
}
