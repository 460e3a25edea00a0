//! The arguments of `inspect`.

use access_core::StatusCode;
use access_core::model::{ResourceTypeId, StatusState};
use access_core::query::TextQuery;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::commands::inspect::timeline::PointInTime;
use crate::failure::Failure;
use crate::output::rows::RowSelection;

/// The arguments of `inspect`.
#[derive(Debug, Clone)]
pub(crate) struct InspectArgs {
    /// The location; `sync.c1z` in this folder by default.
    pub(crate) location: Option<String>,
    pub(crate) sync: Option<String>,
    /// Selects the latest sync at this time.
    pub(crate) at: Option<PointInTime>,
    pub(crate) paged: bool,
    pub(crate) view: RowSelection,
    pub(crate) command: InspectCommand,
}

/// What to show.
#[derive(Debug, Clone)]
pub(crate) enum InspectCommand {
    /// Counts of everything.
    Stats,
    /// List users.
    Users(UserFilterArgs),
    /// List roles, or other resources of given types.
    Roles(ResourceFilterArgs),
    /// List resources of any type.
    Resources(ResourceFilterArgs),
    /// List entitlements.
    Entitlements(ResourceFilterArgs),
    /// List grants.
    Grants(GrantFilterArgs),
    /// List the access of a principal, with its provenance.
    Access(String),
    /// List the holders of a role or an entitlement, with their provenance.
    Who(String),
    /// Show the changes of a user or a role from sync to sync.
    History(String),
    /// List syncs.
    Syncs,
}

/// Filters of grants.
#[derive(Debug, Clone, Default)]
pub(crate) struct GrantFilterArgs {
    pub(crate) resources: ResourceFilterArgs,
    pub(crate) user: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) administrators: bool,
}

/// Filters of users.
#[derive(Debug, Clone, Default)]
pub(crate) struct UserFilterArgs {
    pub(crate) types: Vec<ResourceTypeId>,
    pub(crate) statuses: Vec<StatusState>,
    pub(crate) without_mfa: bool,
    pub(crate) administrators: bool,
    pub(crate) role: Option<String>,
    pub(crate) text: Option<TextQuery>,
}

/// Filters of resources and entitlements.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResourceFilterArgs {
    /// Types of the resource, or of the resource of an entitlement.
    pub(crate) types: Vec<ResourceTypeId>,
    pub(crate) text: Option<TextQuery>,
}

impl ResourceFilterArgs {
    /// Whether it excludes any row.
    pub(super) fn is_filter(&self) -> bool {
        !self.types.is_empty() || self.text.is_some()
    }

    /// Whether a row with this resource type and these texts is included.
    pub(super) fn includes(&self, resource_type: Option<&ResourceTypeId>, texts: &[&str]) -> bool {
        (self.types.is_empty()
            || resource_type.is_some_and(|resource_type| self.types.contains(resource_type)))
            && self
                .text
                .as_ref()
                .is_none_or(|query| texts.iter().any(|text| query.matches(text)))
    }
}

const STATUSES: [(&str, StatusState); 4] = [
    ("enabled", StatusState::Enabled),
    ("disabled", StatusState::Disabled),
    ("deleted", StatusState::Deleted),
    ("unspecified", StatusState::Unspecified),
];

/// The command.
pub(crate) fn subcommand() -> Command {
    let location = Arg::new("place").value_name("LOCATION").help(
        "A c1z file of any connector, or a dataset: its folder or URL [default: sync.c1z]. Put ./ before the name of a file that is called like a command, e.g. ./users",
    );
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let types = |help: &'static str| text("type", "TYPE", help).action(ArgAction::Append);
    let words = || {
        Arg::new("words")
            .value_name("TEXT")
            .help("Only rows with this text in a name, id or attribute")
    };
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    let status = text("status", "STATUS", "Only users with this status; repeatable")
        .action(ArgAction::Append)
        .value_parser(STATUSES.map(|(word, _)| word));
    let one = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).required(true).value_name(value).help(help)
    };
    Command::new("inspect")
        .about("Show what a finished sync contains, from a c1z file of any connector or from a dataset")
        .arg(location)
        .args(arguments_of_all())
        .subcommand(Command::new("stats").about("Counts of everything (the default)"))
        .subcommand(Command::new("users").about("List users").args([
            words(),
            types("Only users of this resource type; repeatable"),
            status,
            flag("no-mfa", "Only users without MFA"),
            flag("admin", "Only administrators"),
            text(
                "role",
                "ROLE|ENTITLEMENT",
                "Only users who hold it, directly or through another entitlement",
            ),
        ]))
        .subcommand(
            Command::new("roles")
                .about("List roles and how many users have them")
                .args([
                    words(),
                    types("Resources of this type instead of roles, e.g. organization; repeatable"),
                ]),
        )
        .subcommand(
            Command::new("resources")
                .about("List resources of every type, users included")
                .args([words(), types("Only resources of this type; repeatable")]),
        )
        .subcommand(
            Command::new("entitlements")
                .about("List entitlements, and how many principals hold each")
                .args([
                    words(),
                    types("Only entitlements on resources of this type; repeatable"),
                ]),
        )
        .subcommand(Command::new("grants").about("List grants").args([
            words(),
            types("Only grants on resources of this type; repeatable"),
            text("user", "USER", "Only what this user holds"),
            text("role", "ROLE|ENTITLEMENT", "Only who holds this"),
            flag("admin", "Only what administrators hold"),
        ]))
        .subcommand(
            Command::new("access")
                .about("Show the access of a user, and whether it is direct or inherited")
                .arg(one(
                    "who",
                    "USER",
                    "An id such as user:901 or 901, a login, an email address or a full name",
                )),
        )
        .subcommand(
            Command::new("who")
                .about("Show who has a role or an entitlement, and whether it is direct or inherited")
                .arg(one(
                    "what",
                    "ROLE|ENTITLEMENT",
                    "The id or the full name of a role, another resource or an entitlement",
                )),
        )
        .subcommand(
            Command::new("history")
                .about("Show how a user or role changed from sync to sync")
                .arg(one(
                    "of",
                    "USER|ROLE",
                    "An id such as user:901 or role:7, a login, an email address or a full name",
                )),
        )
        .subcommand(Command::new("syncs").about("List the syncs of the file or dataset"))
}

/// The arguments of all subcommands.
fn arguments_of_all() -> [Arg; 6] {
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let arguments = [
        text("sync", "ID", "The sync to look at [default: the latest finished one, full ones first]"),
        text(
            "at",
            "TIME",
            "The latest full sync that had ended at this time: 2026-03-03 (the end of that day), 2026-03-03T10:15, 2026-03-03T10:15+02:00; UTC by default",
        )
        .conflicts_with("sync"),
        text("columns", "A,B,C|all", "Columns to show, in this order [default: those that fit]")
            .value_delimiter(',')
            .action(ArgAction::Append),
        text("sort", "COLUMN[:desc]", "Sort rows by a column; numbers by their value"),
        text("limit", "N", "Show the first N rows only").value_parser(value_parser!(u64).range(1..)),
        Arg::new("no-pager")
            .long("no-pager")
            .action(ArgAction::SetTrue)
            .help("Write to the terminal without a pager ($PAGER, else less)"),
    ];
    arguments.map(|argument| argument.global(true))
}

impl InspectArgs {
    /// # Errors
    /// [`Failure`] if a type or a time is invalid.
    pub(crate) fn from_matches(matches: &ArgMatches) -> Result<Self, Failure> {
        let inner = matches.subcommand().map_or(matches, |(_, inner)| inner);
        let text = |name: &str| inner.get_one::<String>(name).cloned();
        let command = match matches.subcommand() {
            Some(("users", inner)) => InspectCommand::Users(users(inner)?),
            Some(("roles", inner)) => InspectCommand::Roles(resources(inner)?),
            Some(("resources", inner)) => InspectCommand::Resources(resources(inner)?),
            Some(("entitlements", inner)) => InspectCommand::Entitlements(resources(inner)?),
            Some(("grants", inner)) => InspectCommand::Grants(GrantFilterArgs {
                resources: resources(inner)?,
                user: text("user"),
                role: text("role"),
                administrators: inner.get_flag("admin"),
            }),
            Some(("access", _)) => InspectCommand::Access(text("who").unwrap_or_default()),
            Some(("who", _)) => InspectCommand::Who(text("what").unwrap_or_default()),
            Some(("history", _)) => InspectCommand::History(text("of").unwrap_or_default()),
            Some(("syncs", _)) => InspectCommand::Syncs,
            _ => InspectCommand::Stats,
        };
        Ok(Self {
            location: matches.get_one::<String>("place").cloned(),
            sync: text("sync"),
            at: PointInTime::parse_flag("--at", text("at").as_deref())?,
            paged: !inner.get_flag("no-pager"),
            view: RowSelection {
                columns: inner.get_many("columns").into_iter().flatten().cloned().collect(),
                sort: text("sort"),
                limit: inner.get_one("limit").copied(),
            },
            command,
        })
    }
}

fn users(matches: &ArgMatches) -> Result<UserFilterArgs, Failure> {
    let words = matches.get_many::<String>("status").into_iter().flatten();
    let statuses = words.filter_map(|word| {
        STATUSES
            .iter()
            .find(|(name, _)| name == word)
            .map(|(_, state)| *state)
    });
    let ResourceFilterArgs { types, text } = resources(matches)?;
    Ok(UserFilterArgs {
        types,
        statuses: statuses.collect(),
        without_mfa: matches.get_flag("no-mfa"),
        administrators: matches.get_flag("admin"),
        role: matches.get_one::<String>("role").cloned(),
        text,
    })
}

fn resources(matches: &ArgMatches) -> Result<ResourceFilterArgs, Failure> {
    let types = matches.get_many::<String>("type").into_iter().flatten();
    let types = types.map(|text| {
        ResourceTypeId::new(text)
            .map_err(|error| Failure::new(format!("--type: {error}"), None, StatusCode::InvalidArgument))
    });
    Ok(ResourceFilterArgs {
        types: types.collect::<Result<_, _>>()?,
        text: matches
            .get_one::<String>("words")
            .map(|text| TextQuery::new(text)),
    })
}
