//! Why a command line was refused, without repeating what may be a secret, and what may have been meant.

use std::ffi::OsString;

use access_core::query::nearest;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::usage::{Part, Typed, flags, refused, switch_value};
use crate::cli;
use crate::failure::Failure;
use crate::output::console::escape_line;
use crate::settings::{changes_tenant, keys};

impl Typed {
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
    pub(super) fn explain(&self, error: &clap::Error) -> Failure {
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
