//! The flags of every command: one for each setting, those for messages, and those that only the reference has.

use clap::builder::ValueHint;
use clap::{Arg, ArgAction};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::settings::{
    COLOR_FLAG, QUIET_FLAG, Reference, Setting, SettingScope, VERBOSE_FLAG, ValueType, keys,
};

/// The flags for messages on the terminal, for this run only.
pub(super) fn message_args() -> [Arg; 3] {
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

/// The flags of [`message_args`] for the help: letter, name, value, meaning.
pub(super) fn message_flags() -> Vec<(Option<char>, String, String, String)> {
    let described = message_args().into_iter().map(|argument| {
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
pub(super) fn setting_arg(setting: &Setting) -> Arg {
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
        // The name in ConductorOne's tool for c1z files.
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

/// Values that a shell suggests. Others may be accepted too: settings are validated where they are read.
fn candidates(words: &'static [&'static str]) -> ArgValueCandidates {
    ArgValueCandidates::new(move || words.iter().map(CompletionCandidate::new).collect())
}

fn sink_kinds() -> Vec<CompletionCandidate> {
    let kinds = crate::sinks::KINDS.into_iter();
    kinds
        .map(|kind| CompletionCandidate::new(format!("{}=", kind.name())))
        .collect()
}

/// The flags of the reference that do not work here. clap accepts them, so that `settings/reference.rs` decides about all
/// of them.
pub(super) fn other_reference_args() -> impl Iterator<Item = Arg> {
    let flags = Reference::others().filter(|row| row.scope != SettingScope::Environment);
    flags.map(|row| {
        with_value_type(
            Arg::new(row.name).long(row.name).global(true).hide(true),
            row.value_type,
        )
    })
}

/// Like in the reference, the value of every flag except switches is the next argument, whatever it is: a secret may begin
/// with a hyphen.
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

/// The placeholder of a setting's value in help.
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
    use crate::settings::SETTINGS;

    /// A command reads a setting by the name of its argument.
    #[test]
    fn message_flags_are_not_settings() {
        for flag in [VERBOSE_FLAG, QUIET_FLAG, COLOR_FLAG] {
            assert!(SETTINGS.iter().all(|setting| setting.name != flag), "{flag}");
        }
    }
}
