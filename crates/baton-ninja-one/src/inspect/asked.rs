//! The command line of `inspect`.

use access_core::StatusCode;
use access_core::explore::Words;
use access_core::model::{ResourceTypeId, StatusState};
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::exit::Failure;

/// Everything that one call asks.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) place: String,
    pub(crate) sync: Option<String>,
    pub(crate) paged: bool,
    pub(crate) question: Question,
}

/// A question.
#[derive(Debug, Clone)]
pub(crate) enum Question {
    /// How many there are of everything.
    Stats,
    /// Which people there are.
    Users(Users),
    /// Which roles there are, or other things of some types.
    Roles(Things),
    /// Which resources there are, of any type.
    Resources(Things),
    /// What can be held.
    Entitlements(Things),
    /// Who holds what.
    Grants(Things),
    /// Everything that a principal holds, and through what.
    Access(String),
    /// Who holds a role or an entitlement, and through what.
    Who(String),
    /// Which syncs there are.
    Syncs,
}

/// Which people are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Users {
    pub(crate) types: Vec<ResourceTypeId>,
    pub(crate) statuses: Vec<StatusState>,
    pub(crate) without_mfa: bool,
    pub(crate) administrators: bool,
    pub(crate) role: Option<String>,
    pub(crate) words: Option<Words>,
}

/// Which things are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Things {
    /// Of the resource, or of the one that an entitlement is on.
    pub(crate) types: Vec<ResourceTypeId>,
    pub(crate) words: Option<Words>,
}

const STATUSES: [(&str, StatusState); 4] = [
    ("enabled", StatusState::Enabled),
    ("disabled", StatusState::Disabled),
    ("deleted", StatusState::Deleted),
    ("unspecified", StatusState::Unspecified),
];

/// The command.
pub(crate) fn subcommand() -> Command {
    let place = Arg::new("place")
        .required(true)
        .value_name("FILE|DATASET")
        .help("A c1z file of any connector, or a dataset: its folder or its URL");
    let sync = Arg::new("sync")
        .long("sync")
        .value_name("ID")
        .global(true)
        .help("The sync to look at; without it the latest finished one, full ones first");
    let no_pager = Arg::new("no-pager")
        .long("no-pager")
        .action(ArgAction::SetTrue)
        .global(true)
        .help("Write to the terminal without a pager ($PAGER, else less)");
    let types = |help: &'static str| {
        Arg::new("type")
            .long("type")
            .value_name("TYPE")
            .action(ArgAction::Append)
            .help(help)
    };
    let words = || {
        Arg::new("words")
            .value_name("TEXT")
            .help("Only those that have this text in a name, an id or an attribute")
    };
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    let status = Arg::new("status")
        .long("status")
        .value_name("STATUS")
        .action(ArgAction::Append)
        .value_parser(STATUSES.map(|(word, _)| word))
        .help("Only those in this state; may be given several times");
    let role = Arg::new("role")
        .long("role")
        .value_name("ROLE|ENTITLEMENT")
        .help("Only those who hold it, directly or through something else");
    let one = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).required(true).value_name(value).help(help)
    };
    Command::new("inspect")
        .about("Look at a finished sync in a c1z file, of any connector, or in a dataset")
        .args([place, sync, no_pager])
        .subcommand(Command::new("stats").about("How many there are of everything (what is shown without a command)"))
        .subcommand(
            Command::new("users")
                .about("The people and accounts")
                .args([
                    words(),
                    types("Only users of this resource type; may be given several times"),
                    status,
                    flag("no-mfa", "Only those of whom the tenant says that they have no second factor"),
                    flag("admin", "Only those of whom the tenant says that they are administrators"),
                    role,
                ]),
        )
        .subcommand(Command::new("roles").about("The roles, and how many hold them").args([
            words(),
            types("Things of this resource type instead of roles, e.g. organization; may be given several times"),
        ]))
        .subcommand(Command::new("resources").about("The resources of every type, people included").args([
            words(),
            types("Only resources of this type; may be given several times"),
        ]))
        .subcommand(Command::new("entitlements").about("What can be held, and how many hold it").args([
            words(),
            types("Only entitlements on resources of this type; may be given several times"),
        ]))
        .subcommand(Command::new("grants").about("Who holds what").args([
            words(),
            types("Only grants on resources of this type; may be given several times"),
        ]))
        .subcommand(
            Command::new("access")
                .about("Everything that one principal holds, and why: directly, or through what")
                .arg(one("who", "USER", "An id such as user:901 or 901, a login, an address, or a whole name")),
        )
        .subcommand(
            Command::new("who")
                .about("Who holds a role or an entitlement, and why: directly, or through what")
                .arg(one(
                    "what",
                    "ROLE|ENTITLEMENT",
                    "The id or the whole name of an entitlement, or of a role or anything else that is held",
                )),
        )
        .subcommand(Command::new("syncs").about("The syncs that the file or dataset holds"))
}

impl Asked {
    /// What the command line asks.
    pub(crate) fn of(chosen: &ArgMatches) -> Result<Self, Failure> {
        let inner = chosen.subcommand().map_or(chosen, |(_, inner)| inner);
        let text = |name: &str| inner.get_one::<String>(name).cloned();
        let question = match chosen.subcommand() {
            Some(("users", inner)) => Question::Users(users(inner)?),
            Some(("roles", inner)) => Question::Roles(things(inner)?),
            Some(("resources", inner)) => Question::Resources(things(inner)?),
            Some(("entitlements", inner)) => Question::Entitlements(things(inner)?),
            Some(("grants", inner)) => Question::Grants(things(inner)?),
            Some(("access", _)) => Question::Access(text("who").unwrap_or_default()),
            Some(("who", _)) => Question::Who(text("what").unwrap_or_default()),
            Some(("syncs", _)) => Question::Syncs,
            _ => Question::Stats,
        };
        Ok(Self {
            place: chosen.get_one::<String>("place").cloned().unwrap_or_default(),
            sync: text("sync"),
            paged: !inner.get_flag("no-pager"),
            question,
        })
    }
}

fn users(chosen: &ArgMatches) -> Result<Users, Failure> {
    let words = chosen.get_many::<String>("status").into_iter().flatten();
    let statuses = words.filter_map(|word| {
        STATUSES
            .iter()
            .find(|(name, _)| name == word)
            .map(|(_, state)| *state)
    });
    let Things { types, words } = things(chosen)?;
    Ok(Users {
        types,
        statuses: statuses.collect(),
        without_mfa: chosen.get_flag("no-mfa"),
        administrators: chosen.get_flag("admin"),
        role: chosen.get_one::<String>("role").cloned(),
        words,
    })
}

fn things(chosen: &ArgMatches) -> Result<Things, Failure> {
    let types = chosen.get_many::<String>("type").into_iter().flatten();
    let types = types.map(|text| {
        ResourceTypeId::new(text)
            .map_err(|error| Failure::found(format!("--type: {error}"), None, StatusCode::InvalidArgument))
    });
    Ok(Things {
        types: types.collect::<Result<_, _>>()?,
        words: chosen.get_one::<String>("words").map(|text| Words::new(text)),
    })
}
