//! Command lines as people type them: the habits of the reference and of ConductorOne's tool for c1z files lead to the right
//! command, and a refused one is explained without repeating what may be a secret.

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

/// A command line that was read.
pub(crate) enum CommandLine {
    /// A command with its arguments.
    Parsed(ArgMatches),
    /// Help or the version, which was asked for.
    Answered(StyledStr),
}

/// How messages are shown, whether the command line can be parsed or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Preferences {
    pub(crate) color: ColorChoice,
    pub(crate) errors: ErrorFormat,
}

/// Reads the preferences from the flags and from the variable of `--output`.
pub(crate) fn preferences(arguments: &[OsString]) -> Preferences {
    let typed = Typed::new(arguments.to_vec());
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
            return Err(refused(
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
        Some(command) => help::completed(help, command, help_width()),
        None => help,
    })
}

/// Reads a command line.
///
/// # Errors
/// [`Failure`] of the reference's exit code for a plain error, 2.
pub(crate) fn read(arguments: Vec<OsString>) -> Result<CommandLine, Failure> {
    // The reference's letter for the version, where nothing can be meant by more messages.
    if arguments.len() == 2 && arguments[1] == "-v" {
        let short = format!("{} version {}", cli::NAME, env!("CARGO_PKG_VERSION"));
        return Ok(CommandLine::Answered(short.into()));
    }
    let typed = Typed::new(with_joined_values(arguments));
    typed.refuse_flags_as_values()?;
    let line = typed.rewritten();
    match cli::command().try_get_matches_from(line) {
        Ok(matches) => Ok(CommandLine::Parsed(matches)),
        Err(error) if !error.use_stderr() => {
            let help = error.render();
            Ok(CommandLine::Answered(match typed.subcommand() {
                Some((_, command)) => help::completed(help, &command, help_width()),
                None => help,
            }))
        }
        Err(error) => Err(typed.explain(&error)),
    }
}

/// The arguments, in which `--full-portal-access true` is one: these switches take their value either way.
fn with_joined_values(arguments: Vec<OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let value = argument.to_str().filter(|text| switch_value(text));
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

/// A command line that is refused.
pub(super) fn refused(message: String, hint: Option<String>) -> Failure {
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
        /// Arguments that it takes.
        arguments: usize,
    },
    /// Anything else that begins with a hyphen.
    Other,
    /// A command or a value of one.
    Word,
}

/// The arguments, and what they are.
pub(super) struct Typed {
    pub(super) arguments: Vec<OsString>,
    /// By the index of their first argument.
    pub(super) parts: Vec<(usize, Part)>,
}

impl Typed {
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
            let part = part(&text, following);
            let taken = match &part {
                Part::Flag { arguments, .. } => *arguments,
                Part::Other | Part::Word => 1,
            };
            parts.push((n, part));
            n += taken;
        }
        Self { arguments, parts }
    }

    /// The value of a flag, the last one if it is given several times.
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

    /// The next word is the value of a flag, whatever it is. Where it is a flag itself, the value was forgotten, and what the
    /// other flag says, `--dry-run` for one, must not get lost.
    fn refuse_flags_as_values(&self) -> Result<(), Failure> {
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
                return Err(refused(
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

    /// The command line with habits written as this program takes them: `-f FILE` after a command that reads a place, and
    /// `-o FORMAT`.
    pub(super) fn rewritten(&self) -> Vec<OsString> {
        let Some((at, command)) = self.subcommand() else {
            return self.with(
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
        self.with(
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

    /// The arguments with some parts put otherwise, from the command on where there is one, and a word after an argument.
    fn with(
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

/// What an argument is.
fn part(text: &str, following: Option<String>) -> Part {
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
            Some(flag) => flag_part(flag, false, inline, following),
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
    flag_part(flag, true, (!rest.is_empty()).then(|| rest.to_owned()), following)
}

fn flag_part(flag: Flag, short: bool, inline: Option<String>, following: Option<String>) -> Part {
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

/// Whether a word is the value of a switch.
pub(super) fn switch_value(word: &str) -> bool {
    word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false")
}
