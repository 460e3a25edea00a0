//! Command lines as people type them: the habits of the reference and of ConductorOne's tool for c1z files lead to the right
//! command, and a refused one is explained without repeating what may be a secret.

use std::ffi::OsString;

use access_core::query::nearest;
use clap::ArgMatches;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli;
use crate::cli::help;
use crate::commands::provision::account_switches;
use crate::failure::ErrorFormat;
use crate::failure::Failure;
use crate::output::console::ColorChoice;
use crate::output::console::escape_line;
use crate::output::console::help_width;
use crate::settings::{
    COLOR_FLAG, QUIET_FLAG, Reference, SETTINGS, SettingScope, VERBOSE_FLAG, ValueType, changes_tenant, keys,
};

/// What became of a command line.
pub(crate) enum CommandLine {
    /// It says what to do.
    Parsed(ArgMatches),
    /// It asked for help or the version, which is this.
    Answered(StyledStr),
}

/// What a command line wants of messages, whether it can be parsed or not.
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

fn refused(message: String, hint: Option<String>) -> Failure {
    Failure::usage(message, "", hint)
}

/// A flag of any command.
#[derive(Debug, Clone, Copy)]
struct Flag {
    long: &'static str,
    short: Option<char>,
    switch: bool,
    secret: bool,
}

fn flags() -> impl Iterator<Item = Flag> {
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
enum Part {
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
struct Typed {
    arguments: Vec<OsString>,
    /// By the place of their first argument.
    parts: Vec<(usize, Part)>,
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

    /// The subcommand and its place.
    fn subcommand(&self) -> Option<(usize, String)> {
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
    fn rewritten(&self) -> Vec<OsString> {
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
                .find(|(place, _)| *place == n)
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
            if let Some((_, word)) = after.filter(|(place, _)| n == place + 1) {
                line.push(word.into());
            }
        }
        line
    }

    /// Arguments that may be secrets: whatever follows a secret's flag, or a flag that is called like one.
    fn hidden(&self) -> Vec<String> {
        let texts: Vec<String> = self
            .arguments
            .iter()
            .skip(1)
            .map(|text| text.to_string_lossy().into_owned())
            .collect();
        let names_secret = |text: &str| {
            let name = text.split('=').next().unwrap_or_default().to_lowercase();
            if let Some(flag) = flags().find(|flag| name.strip_prefix("--") == Some(flag.long)) {
                return flag.secret;
            }
            let words = ["secret", "token", "password", "key"];
            (name.starts_with('-') || text.contains('=')) && words.iter().any(|word| name.contains(word))
        };
        let Some(first) = texts.iter().position(|text| names_secret(text)) else {
            return Vec::new();
        };
        let is_flag = |text: &str| {
            let name = text.split('=').next().unwrap_or_default();
            flags().any(|flag| name.strip_prefix("--") == Some(flag.long) && !flag.secret)
        };
        let mut hidden = Vec::new();
        for (n, text) in texts.iter().enumerate().skip(first) {
            if names_secret(text) {
                hidden.extend(text.split_once('=').map(|(_, value)| value.to_owned()));
            } else if n > first && !is_flag(text) {
                hidden.push(text.clone());
            }
        }
        hidden.retain(|text| !text.is_empty());
        hidden
    }

    /// Why a command line was refused.
    fn explain(&self, error: &clap::Error) -> Failure {
        let context = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.clone()),
            _ => None,
        };
        let hidden = self.hidden();
        match error.kind() {
            ErrorKind::UnknownArgument => {
                let argument = context(ContextKind::InvalidArg).unwrap_or_default();
                let suggested = context(ContextKind::SuggestedArg);
                self.unknown_argument(&argument, suggested.as_deref(), &hidden)
            }
            ErrorKind::InvalidSubcommand => {
                let word = context(ContextKind::InvalidSubcommand).unwrap_or_default();
                self.unknown_command(&word, &hidden)
            }
            _ => {
                let text = self.escaped(error);
                let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
                let text = hidden
                    .iter()
                    .map(|word| escape_line(word).into_owned())
                    .filter(|word| word.chars().count() > 2)
                    .fold(text.to_owned(), |text, word| text.replace(&word, "…"));
                let (message, usage) = text.split_once('\n').unwrap_or((&text, ""));
                Failure::usage(message.to_owned(), usage, None)
            }
        }
    }

    /// The words of an error, in which line breaks and control characters of the arguments are written out: they are quoted
    /// in it, and may come from anywhere.
    fn escaped(&self, error: &clap::Error) -> String {
        let line = self.rewritten();
        let line = line.iter().map(|argument| match argument.to_str() {
            Some(text) => OsString::from(escape_line(text).as_ref()),
            None => argument.clone(),
        });
        let escaped = cli::command().try_get_matches_from(line).err();
        let escaped = escaped.filter(|escaped| escaped.kind() == error.kind());
        escaped.as_ref().unwrap_or(error).render().to_string()
    }

    fn unknown_argument(&self, argument: &str, suggested: Option<&str>, hidden: &[String]) -> Failure {
        let Some(shown) = shown(argument, hidden) else {
            return after_secret();
        };
        let name = shown.trim_start_matches('-').trim_end_matches("=…");
        if !argument.starts_with('-') {
            let hint = self.habit(name).or_else(|| {
                switch_value(name).then(|| {
                    format!("a switch takes its value after an equals sign, e.g. --no-progress={name}")
                })
            });
            return refused(format!("unexpected argument '{shown}'"), hint);
        }
        let own = suggested.map(|flag| flag.trim_start_matches('-'));
        let names = flags().map(|flag| flag.long).chain(own);
        let near = nearest(
            &name.replace('_', "-").to_lowercase(),
            names.filter(|name| !changes_tenant(name)),
        );
        let hint = match near {
            Some(flag) => format!("did you mean --{flag}?"),
            None => self.where_flags_are_listed(),
        };
        refused(format!("unexpected argument '{shown}'"), Some(hint))
    }

    fn where_flags_are_listed(&self) -> String {
        let command = self.subcommand().map(|(_, name)| name);
        let known = command.filter(|name| cli::command().find_subcommand(name).is_some());
        let topic = known.unwrap_or_else(|| "settings".to_owned());
        format!("`baton-ninja-one help {topic}` lists the flags")
    }

    fn unknown_command(&self, word: &str, hidden: &[String]) -> Failure {
        let Some(shown) = shown(word, hidden) else {
            return after_secret();
        };
        let commands: Vec<String> = cli::command()
            .get_subcommands()
            .map(|command| command.get_name().to_owned())
            .collect();
        let hint = self.habit(word).or_else(|| {
            let safe = commands
                .iter()
                .map(String::as_str)
                .filter(|name| !changes_tenant(name));
            nearest(&word.to_lowercase(), safe).map(|name| format!("did you mean `baton-ninja-one {name}`?"))
        });
        let hint = hint.or_else(|| {
            switch_value(word)
                .then(|| format!("a switch takes its value after an equals sign, e.g. --no-progress={word}"))
        });
        refused(
            format!("unrecognized subcommand '{shown}'"),
            Some(hint.unwrap_or_else(|| "`baton-ninja-one help` lists the commands".to_owned())),
        )
    }

    /// What other tools call something that this program has under another name, or has not.
    fn habit(&self, word: &str) -> Option<String> {
        let file = self.parts.iter().find_map(|(_, part)| match part {
            Part::Flag { flag, value, .. } if flag.long == keys::FILE.setting.name => value.clone(),
            _ => None,
        });
        let words = self.parts.iter().filter(|(_, part)| matches!(part, Part::Word));
        let mut words = words.map(|(n, _)| self.arguments[*n].to_string_lossy());
        let inspected = match words.next().as_deref() {
            Some("inspect") => words.next().filter(|place| *place != word),
            _ => None,
        };
        let file = file.or(inspected.map(std::borrow::Cow::into_owned));
        let file = file.map_or_else(|| "FILE".to_owned(), |file| escape_line(&file).into_owned());
        let inspect = |rest: &str| Some(format!("use `baton-ninja-one inspect {file} {rest}`"));
        match word {
            "grants" | "entitlements" | "users" | "roles" | "resources" | "stats" | "syncs" => inspect(word),
            "access" => inspect("access USER"),
            "who" => inspect("who ROLE"),
            "principals" | "accounts" | "people" => inspect("users"),
            "resource-types" | "resource_types" | "types" => inspect("stats"),
            "csv" | "xlsx" | "excel" => Some(format!(
                "use `baton-ninja-one export --from {file} --sink csv=FOLDER`, or `baton-ninja-one inspect {file} grants --output csv`"
            )),
            "service" | "serve" | "run" | "daemon" => Some(
                "without a command the program runs a sync, or with --client-id and --client-secret the service".to_owned(),
            ),
            "setup" | "remove" | "start" | "stop" | "status" => Some(
                "only the Windows build of the reference is a Windows service; docs/guides/deploy.md shows how to run this program".to_owned(),
            ),
            "lambda" | "_connector-service" => Some(
                "only the reference runs so; docs/guides/deploy.md shows how to run this program".to_owned(),
            ),
            "health" | "ready" | "live" | "probe" => Some(format!(
                "use `baton-ninja-one health-check{}`",
                if word == "health" || word == "probe" { String::new() } else { format!(" --endpoint={word}") }
            )),
            "actions" | "schemas" => Some("use `baton-ninja-one --list-action-schemas`".to_owned()),
            "settings" | "options" | "flags" => Some("use `baton-ninja-one help settings`".to_owned()),
            "schema" => Some("use `baton-ninja-one config`".to_owned()),
            "configure" | "login" | "auth" => Some("use `baton-ninja-one init`".to_owned()),
            "test" | "ping" | "doctor" => Some("use `baton-ninja-one check`".to_owned()),
            _ => None,
        }
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

/// An argument as it may be repeated: without the value that was written to it; nothing if all of it may be a secret.
fn shown(argument: &str, hidden: &[String]) -> Option<String> {
    if hidden
        .iter()
        .any(|word| word == argument || argument.contains(word.as_str()) && word.len() > 3)
    {
        return match argument.split_once('=') {
            Some((name, _)) if name.starts_with('-') => Some(format!("{name}=…")),
            _ => None,
        };
    }
    Some(match argument.split_once('=') {
        Some((name, _)) => format!("{name}=…"),
        None => argument.to_owned(),
    })
}

fn after_secret() -> Failure {
    refused(
        "unexpected argument after the flag of a secret; it is not shown, because it may be a part of the secret".to_owned(),
        Some("put the secret into quotes, or into the flag's variable".to_owned()),
    )
}

fn switch_value(word: &str) -> bool {
    word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false")
}
