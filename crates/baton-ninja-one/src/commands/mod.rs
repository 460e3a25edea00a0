//! The commands. Each is one entry of [`COMMANDS`] and one variant of [`Command`]. The command line is built from the
//! entries, an entry parses into a variant, and the program matches variants exhaustively, so a command that is not wired
//! does not compile.

pub(crate) mod apply_review;
pub(crate) mod capabilities;
pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod context;
pub(crate) mod convert;
pub(crate) mod diff;
pub(crate) mod export;
pub(crate) mod health_check;
pub(crate) mod history;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod man;
pub(crate) mod provision;
pub(crate) mod report;
pub(crate) mod review;
pub(crate) mod service;
pub(crate) mod sync;
pub(crate) mod verify;

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches};

use apply_review::ApplyReviewArgs;
use completion::Shell;
use convert::ConvertArgs;
use diff::DiffArgs;
use export::ExportArgs;
use health_check::HealthCheckArgs;
use history::RebuildArgs;
use init::InitArgs;
use inspect::InspectArgs;
use provision::{ChangeArgs, ChangeCommand};
use report::ReportArgs;
use review::ReviewArgs;
use verify::VerifyArgs;

use crate::failure::Failure;

/// A parsed command. Not `Debug`, because arguments may be secrets.
pub(crate) enum Command {
    /// No command: a sync, the service, or the operation of one of ConductorOne's flags.
    Default,
    /// Read the tenant into the sinks.
    Sync,
    /// Test credentials, scopes, network and sinks.
    Check,
    /// Write a config file.
    Init(InitArgs),
    /// Query a finished sync.
    Inspect(InspectArgs),
    /// Compare two syncs.
    Diff(DiffArgs),
    /// Write a review report.
    Report(ReportArgs),
    /// Carry out the decisions of a review.
    ApplyReview(ApplyReviewArgs),
    /// Start a review, show its status, or close it.
    Review(ReviewArgs),
    /// Change the tenant.
    Change(ChangeArgs),
    /// Verify published files.
    Verify(VerifyArgs),
    /// Rebuild the history of a dataset.
    HistoryRebuild(RebuildArgs),
    /// Write a finished sync to sinks.
    Export(ExportArgs),
    /// Convert a c1z file to the other format.
    Convert(ConvertArgs),
    /// Probe a running service.
    HealthCheck(HealthCheckArgs),
    /// Print the capabilities of the connector.
    Capabilities,
    /// Print the schema of the settings.
    Config,
    /// Print a completion script.
    Completion(Shell),
    /// Write manual pages.
    Man(PathBuf),
    /// Print the help of a command or a topic.
    Help(Vec<String>),
    /// Print the version.
    Version,
}

/// The group of a command in help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Read,
    Ask,
    Review,
    Change,
    Evidence,
    Files,
    Service,
}

impl Group {
    /// All groups, in the order of the help.
    pub(crate) const ALL: [Self; 7] = [
        Self::Read,
        Self::Ask,
        Self::Review,
        Self::Change,
        Self::Evidence,
        Self::Files,
        Self::Service,
    ];

    /// The heading.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::Ask => "Ask",
            Self::Review => "Review",
            Self::Change => "Change",
            Self::Evidence => "Evidence",
            Self::Files => "Files",
            Self::Service => "Service",
        }
    }
}

/// Settings that the help of a command shows below its own arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// The scope of a sync, and its allowed losses.
    Sync,
    /// Consent to changes, and the audit log.
    Changes,
    /// The connection to NinjaOne.
    Connection,
    /// The outputs of a sync.
    Sinks,
    /// The format of results and messages.
    Output,
}

type Define = fn() -> clap::Command;
type Parse = fn(&ArgMatches) -> Result<Command, Failure>;

/// The entry of a command.
pub(crate) struct Entry {
    /// Its group in help; hidden without one.
    pub(crate) group: Option<Group>,
    /// A summary for the list of commands.
    pub(crate) summary: &'static str,
    /// Defines its name and arguments.
    pub(crate) define: Define,
    /// Parses its arguments.
    pub(crate) parse: Parse,
    /// The settings that its help shows.
    pub(crate) sections: &'static [Section],
    /// Examples, without the program's name.
    pub(crate) examples: &'static [&'static str],
}

const READS_TENANT: &[Section] = &[Section::Connection, Section::Output];
const READS_FILES: &[Section] = &[Section::Output];
const CHANGES: &[Section] = &[Section::Changes, Section::Connection, Section::Output];

const fn change(command: ChangeCommand, examples: &'static [&'static str]) -> Entry {
    let (define, parse): (Define, Parse) = match command {
        ChangeCommand::Grant => (
            || provision::subcommand(ChangeCommand::Grant),
            |matches| {
                Ok(Command::Change(ChangeArgs::from_matches(
                    ChangeCommand::Grant,
                    matches,
                )))
            },
        ),
        ChangeCommand::Revoke => (
            || provision::subcommand(ChangeCommand::Revoke),
            |matches| {
                Ok(Command::Change(ChangeArgs::from_matches(
                    ChangeCommand::Revoke,
                    matches,
                )))
            },
        ),
        ChangeCommand::CreateAccount => (
            || provision::subcommand(ChangeCommand::CreateAccount),
            |matches| {
                Ok(Command::Change(ChangeArgs::from_matches(
                    ChangeCommand::CreateAccount,
                    matches,
                )))
            },
        ),
        ChangeCommand::UpdateAccount => (
            || provision::subcommand(ChangeCommand::UpdateAccount),
            |matches| {
                Ok(Command::Change(ChangeArgs::from_matches(
                    ChangeCommand::UpdateAccount,
                    matches,
                )))
            },
        ),
        ChangeCommand::DeleteAccount => (
            || provision::subcommand(ChangeCommand::DeleteAccount),
            |matches| {
                Ok(Command::Change(ChangeArgs::from_matches(
                    ChangeCommand::DeleteAccount,
                    matches,
                )))
            },
        ),
    };
    Entry {
        group: Some(Group::Change),
        summary: "",
        define,
        parse,
        sections: CHANGES,
        examples,
    }
}

const fn hidden(define: Define, parse: Parse) -> Entry {
    Entry {
        group: None,
        summary: "",
        define,
        parse,
        sections: &[],
        examples: &[],
    }
}

/// All commands, in the order of the help.
pub(crate) const COMMANDS: &[Entry] = &[
    Entry {
        group: Some(Group::Read),
        summary: "Read the tenant into a file or a feed",
        define: || {
            clap::Command::new("sync")
                .about("Read the tenant and write it to the sinks (the default command)")
        },
        parse: |_| Ok(Command::Sync),
        sections: &[
            Section::Sinks,
            Section::Sync,
            Section::Connection,
            Section::Output,
        ],
        examples: &[
            "sync",
            "sync --sink html=review.html",
            "sync --sink c1z=sync.c1z --sink parquet=s3://BUCKET/access",
        ],
    },
    Entry {
        group: Some(Group::Read),
        summary: "Test credentials, scopes, network and sinks",
        define: || {
            clap::Command::new("check").alias("validate").about(
                "Make one request for each list that a sync reads, open the sinks, and report what fails",
            )
        },
        parse: |_| Ok(Command::Check),
        sections: READS_TENANT,
        examples: &["check", "check --output json"],
    },
    Entry {
        group: Some(Group::Read),
        summary: "Set up: ask for address and client app, write .baton.yaml",
        define: init::subcommand,
        parse: |matches| Ok(Command::Init(InitArgs::from_matches(matches))),
        sections: READS_TENANT,
        examples: &[
            "init",
            "init --ninja-one-base-url https://eu.ninjarmm.com --ninja-one-client-id ID < secret.txt",
        ],
    },
    Entry {
        group: Some(Group::Ask),
        summary: "Who has what, and why",
        define: inspect::subcommand,
        parse: |matches| Ok(Command::Inspect(InspectArgs::from_matches(matches)?)),
        sections: READS_FILES,
        examples: &[
            "inspect sync.c1z users --admin --no-mfa",
            "inspect sync.c1z access zoe@example.com",
            "inspect out/access who \"Service Desk\"",
        ],
    },
    Entry {
        group: Some(Group::Ask),
        summary: "What changed between two syncs",
        define: diff::subcommand,
        parse: |matches| Ok(Command::Diff(DiffArgs::from_matches(matches)?)),
        sections: READS_FILES,
        examples: &["diff sync.c1z", "diff old.c1z new.c1z --exit-code"],
    },
    Entry {
        group: Some(Group::Review),
        summary: "Make a review report, one HTML file",
        define: report::subcommand,
        parse: |matches| Ok(Command::Report(ReportArgs::from_matches(matches))),
        sections: READS_FILES,
        examples: &[
            "report --from sync.c1z",
            "report --from s3://BUCKET/access --to review-2026-q4.html",
        ],
    },
    Entry {
        group: Some(Group::Review),
        summary: "Carry out the decisions of a review",
        define: apply_review::subcommand,
        parse: |matches| Ok(Command::ApplyReview(ApplyReviewArgs::from_matches(matches))),
        sections: CHANGES,
        examples: &[
            "apply-review decisions.csv --report report.html --dry-run",
            "apply-review decisions.csv --report report.html --provisioning --audit-log changes.jsonl",
        ],
    },
    Entry {
        group: Some(Group::Review),
        summary: "Start a review, see how far it is, close it",
        define: review::subcommand,
        parse: |matches| Ok(Command::Review(ReviewArgs::from_matches(matches))),
        sections: READS_FILES,
        examples: &["review status review-2026-q4"],
    },
    change(
        ChangeCommand::Grant,
        &[
            "grant \"Service Desk\" --to zoe@example.com --dry-run",
            "grant role:7:assigned --to user:901 --provisioning",
        ],
    ),
    change(
        ChangeCommand::Revoke,
        &["revoke \"Service Desk\" --from zoe@example.com --provisioning"],
    ),
    change(
        ChangeCommand::CreateAccount,
        &[
            "create-account --schema",
            "create-account --kind technician --email zoe@example.com --first-name Zoe --last-name Larsen --provisioning",
        ],
    ),
    change(
        ChangeCommand::UpdateAccount,
        &["update-account zoe@example.com --last-name Larsen --provisioning"],
    ),
    change(
        ChangeCommand::DeleteAccount,
        &["delete-account zoe@example.com --dry-run"],
    ),
    Entry {
        group: Some(Group::Evidence),
        summary: "Check that a dataset or a report was not altered",
        define: verify::subcommand,
        parse: |matches| Ok(Command::Verify(VerifyArgs::from_matches(matches)?)),
        sections: READS_FILES,
        examples: &[
            "verify out/access",
            "verify review-2026-q3.html review-2026-q4.html",
        ],
    },
    Entry {
        group: Some(Group::Evidence),
        summary: "Rebuild the history of a dataset",
        define: history::subcommand,
        parse: |matches| Ok(Command::HistoryRebuild(RebuildArgs::from_matches(matches))),
        sections: READS_FILES,
        examples: &["history rebuild out/access"],
    },
    Entry {
        group: Some(Group::Files),
        summary: "Write a finished sync to other sinks",
        define: export::subcommand,
        parse: |matches| Ok(Command::Export(ExportArgs::from_matches(matches))),
        sections: &[Section::Sinks, Section::Output],
        examples: &["export --from sync.c1z --sink parquet=out/access --sink csv=out/csv"],
    },
    Entry {
        group: Some(Group::Files),
        summary: "Convert a c1z file, v1 to v3 or v3 to v1",
        define: convert::subcommand,
        parse: |matches| Ok(Command::Convert(ConvertArgs::from_matches(matches))),
        sections: READS_FILES,
        examples: &["convert sync.c1z sync-v3.c1z"],
    },
    Entry {
        group: Some(Group::Service),
        summary: "",
        define: health_check::subcommand,
        parse: |matches| Ok(Command::HealthCheck(HealthCheckArgs::from_matches(matches))),
        sections: READS_FILES,
        examples: &["health-check --endpoint ready"],
    },
    Entry {
        group: Some(Group::Service),
        summary: "",
        define: || clap::Command::new("capabilities").about("Print what the connector can do, as JSON"),
        parse: |_| Ok(Command::Capabilities),
        sections: &[],
        examples: &[],
    },
    Entry {
        group: Some(Group::Service),
        summary: "",
        define: || clap::Command::new("config").about("Print the schema of the settings, as JSON"),
        parse: |_| Ok(Command::Config),
        sections: &[],
        examples: &[],
    },
    Entry {
        group: Some(Group::Service),
        summary: "",
        define: completion,
        parse: |matches| Ok(Command::Completion(Shell::from_matches(matches))),
        sections: &[],
        examples: &[
            "completion bash > ~/.local/share/bash-completion/completions/baton-ninja-one",
            "completion zsh > \"${fpath[1]}/_baton-ninja-one\"",
            "completion fish > ~/.config/fish/completions/baton-ninja-one.fish",
            "completion powershell >> $PROFILE",
        ],
    },
    hidden(man, |matches| {
        let folder = matches.get_one::<PathBuf>("folder");
        Ok(Command::Man(folder.cloned().unwrap_or_default()))
    }),
    hidden(help, |matches| {
        let words = matches.get_many::<String>("words").into_iter().flatten();
        Ok(Command::Help(words.cloned().collect()))
    }),
    hidden(
        || {
            clap::Command::new("version")
                .hide(true)
                .about("Print the version")
        },
        |_| Ok(Command::Version),
    ),
];

impl Entry {
    /// Whether a word is the name or an alias of this command.
    pub(crate) fn is_called(&self, word: &str) -> bool {
        let command = (self.define)();
        command.get_name() == word || command.get_all_aliases().any(|alias| alias == word)
    }

    /// The command's name.
    pub(crate) fn name(&self) -> String {
        (self.define)().get_name().to_owned()
    }
}

impl Command {
    /// The command of a parsed command line.
    ///
    /// # Errors
    /// [`Failure`] if an argument is invalid.
    pub(crate) fn from_matches(matches: &ArgMatches) -> Result<Self, Failure> {
        let Some((name, inner)) = matches.subcommand() else {
            return Ok(Self::Default);
        };
        let entry = COMMANDS.iter().find(|entry| entry.name() == name);
        // The command line was built from these entries, so one is found.
        entry.map_or_else(
            || Ok(Self::Help(vec![name.to_owned()])),
            |entry| (entry.parse)(inner),
        )
    }
}

fn completion() -> clap::Command {
    let shell = Arg::new("shell")
        .required(true)
        .value_name("SHELL")
        .value_parser(PossibleValuesParser::new(Shell::ALL.map(Shell::name)))
        .help("The shell");
    clap::Command::new("completion")
        .about("Print a completion script for a shell")
        .arg(shell)
}

fn man() -> clap::Command {
    let folder = Arg::new("folder")
        .required(true)
        .value_name("FOLDER")
        .value_parser(clap::value_parser!(PathBuf))
        .help("An existing folder; pages of earlier versions in it are replaced");
    clap::Command::new("man")
        .hide(true)
        .about("Write manual pages for the program and its commands")
        .arg(folder)
}

fn help() -> clap::Command {
    let words = Arg::new("words")
        .value_name("COMMAND")
        .action(ArgAction::Append)
        .num_args(0..)
        .help("A command, or `settings` for all settings by topic");
    clap::Command::new("help")
        .hide(true)
        .about("Print help: of the program, of a command, or of all settings")
        .arg(words)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn commands_have_unique_names_and_a_group() {
        let mut names = BTreeSet::new();
        for entry in COMMANDS {
            let command = (entry.define)();
            assert!(names.insert(entry.name()), "{}", entry.name());
            assert_eq!(command.is_hide_set(), entry.group.is_none(), "{}", entry.name());
            assert!(command.get_about().is_some(), "{}", entry.name());
        }
    }

    #[test]
    fn examples_parse() {
        for entry in COMMANDS {
            for example in entry.examples {
                let line = example.split(" < ").next().unwrap().split(" > ").next().unwrap();
                let line = line.split(" >> ").next().unwrap();
                let mut words = vec![String::from("baton-ninja-one")];
                for (n, part) in line.split('"').enumerate() {
                    if n % 2 == 1 {
                        words.push(part.to_owned());
                    } else {
                        words.extend(part.split_whitespace().map(str::to_owned));
                    }
                }
                let parsed = crate::cli::command().try_get_matches_from(words);
                assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
            }
        }
    }
}
