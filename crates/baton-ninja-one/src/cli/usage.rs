//! Parses command lines. Spellings of the reference and of ConductorOne's tool for c1z files are rewritten, and a rejected
//! line is explained without repeating possible secrets.

use std::ffi::OsString;

use access_core::query::nearest;
use clap::ArgMatches;
use clap::builder::StyledStr;

use crate::cli;
use crate::cli::help;
use crate::commands::provision::account_switches;
use crate::failure::ErrorFormat;
use crate::failure::Failure;
use crate::output::console::ColorChoice;
use crate::output::console::escape_line;
use crate::output::console::help_width;
use crate::settings::{
    COLOR_FLAG, QUIET_FLAG, Reference, SETTINGS, SettingScope, VERBOSE_FLAG, ValueType, keys,
};

/// A parsed command line.
pub(crate) enum CommandLine {
    /// A command with its arguments.
    Parsed(ArgMatches),
    /// The requested help or version.
    Answered(StyledStr),
}

/// How messages are shown, known even if the command line is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Preferences {
    pub(crate) color: ColorChoice,
    pub(crate) errors: ErrorFormat,
}

/// Reads the preferences from flags and from the variable of `--output`.
pub(crate) fn preferences(arguments: &[OsString]) -> Preferences {
    let typed = TypedArguments::new(arguments.to_vec());
    let output = typed
        .value_of(keys::OUTPUT.setting.name)
        .or_else(|| std::env::var(keys::OUTPUT.setting.variable()).ok());
    Preferences {
        color: match typed.value_of(COLOR_FLAG).as_deref() {
            Some("always") => ColorChoice::Always,
            Some("never") => ColorChoice::Never,
            _ => ColorChoice::Auto,
        },
        errors: match output {
            Some(form) if form.trim().eq_ignore_ascii_case("json") => ErrorFormat::Json,
            _ => ErrorFormat::Text,
        },
    }
}

/// Help of the program, of a command, or of the settings.
///
/// # Errors
/// [`Failure`] if the words name none of them.
pub(crate) fn help(words: &[String]) -> Result<StyledStr, Failure> {
    let mut command = cli::command();
    command.build();
    match words {
        [] => return Ok(command.render_help()),
        [topic] if topic == "settings" => return Ok(help::settings(help_width())),
        _ => {}
    }
    let mut found = &mut command;
    for word in words {
        let shown = escape_line(word).into_owned();
        let names: Vec<String> = found
            .get_subcommands()
            .map(|command| command.get_name().to_owned())
            .collect();
        let Some(inner) = found.find_subcommand_mut(word) else {
            let near = nearest(&word.to_lowercase(), names.iter().map(String::as_str));
            return Err(usage_failure(
                format!("there is no command `{shown}`"),
                Some(near.map_or_else(
                    || "`baton-ninja-one help` lists the commands".to_owned(),
                    |name| format!("did you mean `baton-ninja-one help {name}`?"),
                )),
            ));
        };
        found = inner;
    }
    let help = found.render_help();
    Ok(match words.first() {
        Some(command) => help::add_examples_and_settings(help, command, help_width()),
        None => help,
    })
}

/// Reads a command line.
///
/// # Errors
/// [`Failure`] of the reference's exit code for a plain error, 2.
pub(crate) fn read(arguments: Vec<OsString>) -> Result<CommandLine, Failure> {
    // Alone, `-v` is the reference's flag for the version.
    if arguments.len() == 2 && arguments[1] == "-v" {
        let short = format!("{} version {}", cli::NAME, env!("CARGO_PKG_VERSION"));
        return Ok(CommandLine::Answered(short.into()));
    }
    let typed = TypedArguments::new(join_switch_values(arguments));
    typed.reject_flags_as_values()?;
    let line = typed.rewrite();
    match cli::command().try_get_matches_from(line) {
        Ok(matches) => Ok(CommandLine::Parsed(matches)),
        Err(error) if !error.use_stderr() => {
            let help = error.render();
            Ok(CommandLine::Answered(match typed.subcommand() {
                Some((_, command)) => help::add_examples_and_settings(help, &command, help_width()),
                None => help,
            }))
        }
        Err(error) => Err(typed.explain(&error)),
    }
}

/// Joins `--full-portal-access true` to one argument: these switches accept both spellings.
fn join_switch_values(arguments: Vec<OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let value = argument.to_str().filter(|text| is_switch_value(text));
        let switch = joined.last_mut().filter(|last| {
            let flag = last.to_str().and_then(|last| last.strip_prefix("--"));
            flag.is_some_and(|flag| account_switches().any(|switch| switch == flag))
        });
        match (value, switch) {
            (Some(value), Some(switch)) => {
                switch.push("=");
                switch.push(value);
            }
            _ => joined.push(argument),
        }
    }
    joined
}

/// The failure of a rejected command line.
pub(super) fn usage_failure(message: String, hint: Option<String>) -> Failure {
    Failure::usage(message, "", hint)
}

/// A flag of any command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flag {
    pub(super) long: &'static str,
    short: Option<char>,
    switch: bool,
    pub(super) secret: bool,
}

pub(super) fn flags() -> impl Iterator<Item = Flag> {
    let settings = SETTINGS
        .iter()
        .filter(|setting| setting.has_flag())
        .map(|setting| Flag {
            long: setting.flag(),
            short: setting
                .short
                .or((setting.name == keys::OUTPUT.setting.name).then_some('o')),
            switch: setting.value_type == ValueType::Switch,
            secret: setting.secret,
        });
    let others = Reference::others()
        .filter(|row| row.scope != SettingScope::Environment)
        .map(|row| Flag {
            long: row.name,
            short: None,
            switch: row.value_type == ValueType::Switch,
            secret: false,
        });
    let messages = [
        (VERBOSE_FLAG, Some('v'), true),
        (QUIET_FLAG, Some('q'), true),
        (COLOR_FLAG, None, false),
    ];
    let messages = messages.into_iter().map(|(long, short, switch)| Flag {
        long,
        short,
        switch,
        secret: false,
    });
    settings.chain(others).chain(messages)
}

/// A part of the command line.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// A flag of the settings, with its value.
    Flag {
        flag: Flag,
        short: bool,
        value: Option<String>,
        /// Number of arguments, value included.
        arguments: usize,
    },
    /// Another argument with a hyphen.
    Other,
    /// A command, or a value of a command.
    Word,
}

/// The arguments as typed, with their classification.
pub(super) struct TypedArguments {
    pub(super) arguments: Vec<OsString>,
    /// The parts with the index of their first argument.
    pub(super) parts: Vec<(usize, Part)>,
}

impl TypedArguments {
    fn new(arguments: Vec<OsString>) -> Self {
        let mut parts = Vec::new();
        let mut n = 1;
        while let Some(argument) = arguments.get(n) {
            let text = argument.to_string_lossy();
            if text == "--" {
                break;
            }
            let following = arguments
                .get(n + 1)
                .map(|next| next.to_string_lossy().into_owned());
            let part = classify(&text, following);
            let taken = match &part {
                Part::Flag { arguments, .. } => *arguments,
                Part::Other | Part::Word => 1,
            };
            parts.push((n, part));
            n += taken;
        }
        Self { arguments, parts }
    }

    /// The last value of a flag.
    fn value_of(&self, long: &str) -> Option<String> {
        self.parts.iter().rev().find_map(|(_, part)| match part {
            Part::Flag { flag, value, .. } if flag.long == long => value.clone(),
            _ => None,
        })
    }

    /// The subcommand and its index.
    pub(super) fn subcommand(&self) -> Option<(usize, String)> {
        let word = self.parts.iter().find(|(_, part)| matches!(part, Part::Word));
        word.map(|(n, _)| (*n, self.arguments[*n].to_string_lossy().into_owned()))
    }

    /// Rejects a flag whose value is a flag: the value was forgotten, and the other flag, e.g. `--dry-run`, must not be
    /// ignored.
    fn reject_flags_as_values(&self) -> Result<(), Failure> {
        for (_, part) in &self.parts {
            let Part::Flag {
                flag,
                value: Some(value),
                arguments: 2,
                ..
            } = part
            else {
                continue;
            };
            let name = value.split('=').next().unwrap_or_default();
            let swallowed = flags().any(|other| {
                name.strip_prefix("--") == Some(other.long)
                    || other.short.is_some_and(|short| *value == format!("-{short}"))
            });
            if swallowed {
                return Err(usage_failure(
                    format!(
                        "--{} needs a value, and {name}, which follows, is a flag",
                        flag.long
                    ),
                    Some(format!("write --{}=VALUE", flag.long)),
                ));
            }
        }
        Ok(())
    }

    /// Rewrites spellings of other tools: `-f FILE` after a command that reads a location, and `-o FORMAT`.
    pub(super) fn rewrite(&self) -> Vec<OsString> {
        let Some((at, command)) = self.subcommand() else {
            return self.replace_parts(
                |part| match part {
                    Part::Flag {
                        flag,
                        short: true,
                        value: Some(value),
                        ..
                    } if flag.long == keys::OUTPUT.setting.name => Some(vec![format!("--output={value}")]),
                    _ => None,
                },
                None,
            );
        };
        let has_from = self.arguments.iter().any(|argument| {
            let text = argument.to_string_lossy();
            text == "--from" || text.starts_with("--from=")
        });
        let file = self.parts.iter().rev().find_map(|(n, part)| match part {
            Part::Flag { flag, value, .. } if flag.long == keys::FILE.setting.name && *n > at => {
                value.clone()
            }
            _ => None,
        });
        let after = (command == "inspect")
            .then(|| file.map(|file| (at, file)))
            .flatten();
        self.replace_parts(
            |part| match part {
                Part::Flag {
                    flag,
                    value: Some(value),
                    ..
                } if flag.long == keys::FILE.setting.name => match command.as_str() {
                    "inspect" => Some(Vec::new()),
                    "diff" | "verify" => Some(vec![value.clone()]),
                    "report" if !has_from => Some(vec![format!("--from={value}")]),
                    _ => None,
                },
                // `report` and `review` have an -o of their own.
                Part::Flag {
                    flag,
                    short: true,
                    value: Some(value),
                    ..
                } if flag.long == keys::OUTPUT.setting.name
                    && !["report", "review"].contains(&command.as_str()) =>
                {
                    Some(vec![format!("--output={value}")])
                }
                _ => None,
            },
            after.as_ref(),
        )
    }

    /// Replaces parts of the arguments, after the command if there is one, and inserts a word after an argument.
    fn replace_parts(
        &self,
        replace: impl Fn(&Part) -> Option<Vec<String>>,
        after: Option<&(usize, String)>,
    ) -> Vec<OsString> {
        let command = self.subcommand().map(|(n, _)| n);
        let mut line = Vec::new();
        let mut n = 0;
        while n < self.arguments.len() {
            let part = self
                .parts
                .iter()
                .find(|(index, _)| *index == n)
                .map(|(_, part)| part);
            let of_command = |part: &&Part| {
                command.is_none_or(|command| n > command)
                    || matches!(part, Part::Flag { flag, .. } if flag.long == keys::OUTPUT.setting.name)
            };
            let replaced = part.filter(of_command).map(|part| (part, replace(part)));
            if let Some((Part::Flag { arguments, .. }, Some(words))) = replaced {
                line.extend(words.into_iter().map(OsString::from));
                n += arguments;
            } else {
                line.push(self.arguments[n].clone());
                n += 1;
            }
            if let Some((_, word)) = after.filter(|(index, _)| n == index + 1) {
                line.push(word.into());
            }
        }
        line
    }
}

/// Classifies an argument.
fn classify(text: &str, following: Option<String>) -> Part {
    let (name, inline) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    if let Some(long) = name.strip_prefix("--") {
        let long = if long == "output-format" {
            keys::OUTPUT.setting.name
        } else {
            long
        };
        return match flags().find(|flag| flag.long == long) {
            Some(flag) => classify_flag(flag, false, inline, following),
            None => Part::Other,
        };
    }
    let mut letters = text.strip_prefix('-').unwrap_or_default().chars();
    let Some(letter) = letters.next() else {
        return Part::Word;
    };
    let Some(flag) = flags().find(|flag| flag.short == Some(letter)) else {
        return Part::Other;
    };
    let rest = letters.as_str();
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    classify_flag(flag, true, (!rest.is_empty()).then(|| rest.to_owned()), following)
}

fn classify_flag(flag: Flag, short: bool, inline: Option<String>, following: Option<String>) -> Part {
    let (value, arguments) = match inline {
        Some(value) => (Some(value), 1),
        None if flag.switch => (None, 1),
        None => (following, 2),
    };
    Part::Flag {
        flag,
        short,
        value,
        arguments,
    }
}

/// Whether a word is a value of a switch.
pub(super) fn is_switch_value(word: &str) -> bool {
    word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false")
}
