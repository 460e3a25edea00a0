//! Explains why a command line was rejected, and suggests a correction. Possible secrets are not repeated.

use std::ffi::OsString;

use access_core::query::nearest;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::usage::{Part, TypedArguments, flags, is_switch_value, usage_failure};
use crate::cli;
use crate::failure::Failure;
use crate::output::console::escape_line;
use crate::settings::{changes_tenant, keys};

/// The queries of `inspect`.
const QUERIES: [&str; 10] = [
    "stats",
    "users",
    "roles",
    "resources",
    "entitlements",
    "grants",
    "access",
    "who",
    "history",
    "syncs",
];

impl TypedArguments {
    /// Arguments that may be secrets: those after the flag of a secret, or after a flag with a similar name.
    fn possible_secrets(&self) -> Vec<String> {
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
        let mut possible_secrets = Vec::new();
        for (n, text) in texts.iter().enumerate().skip(first) {
            if names_secret(text) {
                possible_secrets.extend(text.split_once('=').map(|(_, value)| value.to_owned()));
            } else if n > first && !is_flag(text) {
                possible_secrets.push(text.clone());
            }
        }
        possible_secrets.retain(|text| !text.is_empty());
        possible_secrets
    }

    /// Explains why a command line was rejected.
    pub(super) fn explain(&self, error: &clap::Error) -> Failure {
        let context = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.clone()),
            _ => None,
        };
        let possible_secrets = self.possible_secrets();
        match error.kind() {
            ErrorKind::UnknownArgument => {
                let argument = context(ContextKind::InvalidArg).unwrap_or_default();
                let suggested = context(ContextKind::SuggestedArg);
                self.unknown_argument(&argument, suggested.as_deref(), &possible_secrets)
            }
            ErrorKind::InvalidSubcommand => {
                let word = context(ContextKind::InvalidSubcommand).unwrap_or_default();
                self.unknown_command(&word, &possible_secrets)
            }
            _ => {
                let text = self.escaped_error(error);
                let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
                let text = possible_secrets
                    .iter()
                    .map(|word| escape_line(word).into_owned())
                    .filter(|word| word.chars().count() > 2)
                    .fold(text.to_owned(), |text, word| text.replace(&word, "…"));
                let (message, usage) = text.split_once('\n').unwrap_or((&text, ""));
                Failure::usage(message.to_owned(), usage, None)
            }
        }
    }

    /// The text of an error, which quotes arguments, with their line breaks and control characters escaped.
    fn escaped_error(&self, error: &clap::Error) -> String {
        let line = self.rewrite();
        let line = line.iter().map(|argument| match argument.to_str() {
            Some(text) => OsString::from(escape_line(text).as_ref()),
            None => argument.clone(),
        });
        let escaped_error = cli::command().try_get_matches_from(line).err();
        let escaped_error = escaped_error.filter(|escaped_error| escaped_error.kind() == error.kind());
        escaped_error.as_ref().unwrap_or(error).render().to_string()
    }

    fn unknown_argument(
        &self,
        argument: &str,
        suggested: Option<&str>,
        possible_secrets: &[String],
    ) -> Failure {
        let Some(shown) = without_secrets(argument, possible_secrets) else {
            return unexpected_after_secret();
        };
        let name = shown.trim_start_matches('-').trim_end_matches("=…");
        if !argument.starts_with('-') {
            let hint = self.hint_for_other_tools(name).or_else(|| {
                is_switch_value(name).then(|| {
                    format!("a switch takes its value after an equals sign, e.g. --no-progress={name}")
                })
            });
            return usage_failure(format!("unexpected argument '{shown}'"), hint);
        }
        let clap_suggestion = suggested.map(|flag| flag.trim_start_matches('-'));
        let names = flags().map(|flag| flag.long).chain(clap_suggestion);
        let near = nearest(
            &name.replace('_', "-").to_lowercase(),
            names.filter(|name| !changes_tenant(name)),
        );
        let hint = match near {
            Some(flag) => format!("did you mean --{flag}?"),
            None => self.flag_list_hint(),
        };
        usage_failure(format!("unexpected argument '{shown}'"), Some(hint))
    }

    fn flag_list_hint(&self) -> String {
        let command = self.subcommand().map(|(_, name)| name);
        let known = command.filter(|name| cli::command().find_subcommand(name).is_some());
        let topic = known.unwrap_or_else(|| "settings".to_owned());
        format!("`baton-ninja-one help {topic}` lists the flags")
    }

    fn unknown_command(&self, word: &str, possible_secrets: &[String]) -> Failure {
        let Some(shown) = without_secrets(word, possible_secrets) else {
            return unexpected_after_secret();
        };
        let commands: Vec<String> = cli::command()
            .get_subcommands()
            .map(|command| command.get_name().to_owned())
            .collect();
        let hint = self.hint_for_other_tools(word).or_else(|| {
            let safe = commands
                .iter()
                .map(String::as_str)
                .filter(|name| !changes_tenant(name));
            nearest(&word.to_lowercase(), safe).map(|name| format!("did you mean `baton-ninja-one {name}`?"))
        });
        let hint = hint.or_else(|| {
            is_switch_value(word)
                .then(|| format!("a switch takes its value after an equals sign, e.g. --no-progress={word}"))
        });
        usage_failure(
            format!("unrecognized subcommand '{shown}'"),
            Some(hint.unwrap_or_else(|| "`baton-ninja-one help` lists the commands".to_owned())),
        )
    }

    /// A hint for a command of another tool that this program lacks or has under another name.
    fn hint_for_other_tools(&self, word: &str) -> Option<String> {
        let file = self.parts.iter().find_map(|(_, part)| match part {
            Part::Flag { flag, value, .. } if flag.long == keys::FILE.setting.name => value.clone(),
            _ => None,
        });
        let words = self.parts.iter().filter(|(_, part)| matches!(part, Part::Word));
        let mut words = words.map(|(n, _)| self.arguments[*n].to_string_lossy());
        let inspected_location = match words.next().as_deref() {
            Some("inspect") => words.next().filter(|location| *location != word),
            _ => None,
        };
        let is_inspected = inspected_location.is_some();
        let file = file.or(inspected_location.map(std::borrow::Cow::into_owned));
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
            _ if is_inspected => nearest(&word.to_lowercase(), QUERIES).and_then(inspect),
            _ => None,
        }
    }
}

/// The part of an argument that may be repeated: without its value; `None` if all of it may be a secret.
fn without_secrets(argument: &str, possible_secrets: &[String]) -> Option<String> {
    if possible_secrets
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

fn unexpected_after_secret() -> Failure {
    usage_failure(
        "unexpected argument after the flag of a secret; it is not shown, because it may be a part of the secret".to_owned(),
        Some("put the secret into quotes, or into the flag's variable".to_owned()),
    )
}
