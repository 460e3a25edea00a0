//! The command line, made of the settings table.

use clap::{Arg, ArgAction, ArgMatches, Command};
use clap_complete::Shell;

use crate::settings::{GivenBy, Kind, Reference, SETTINGS, Setting};

const NAME: &str = "baton-ninja-one";

/// The whole command line.
pub(crate) fn command() -> Command {
    let shell = Arg::new("shell")
        .required(true)
        .value_parser(clap::value_parser!(Shell));
    Command::new(NAME)
        .about("Reads who can do what in a NinjaOne tenant and writes it to a c1z file")
        .version(concat!("version ", env!("CARGO_PKG_VERSION")))
        .disable_version_flag(true)
        .arg(Arg::new("version").short('v').long("version").action(ArgAction::Version).help("Print the version"))
        // As in the reference: of a flag given twice the last counts; lists add up.
        .args_override_self(true)
        .args(SETTINGS.iter().filter(|setting| setting.has_flag()).map(argument))
        .args(other_flags_of_the_reference())
        .subcommand(Command::new("capabilities").about("Print what the connector can do, as JSON"))
        .subcommand(Command::new("check").alias("validate").about("Make one real call for everything that a sync needs and say what is wrong"))
        .subcommand(Command::new("completion").about("Print a completion script for a shell").arg(shell))
        .subcommands(crate::provision::subcommands())
        .subcommand(export())
        .subcommand(crate::convert::subcommand())
        .subcommand(crate::diff::subcommand())
        .subcommand(crate::report::subcommand())
        .subcommand(crate::provision::apply_review_subcommand())
        .subcommand(crate::review::subcommand())
        .subcommand(crate::inspect::subcommand())
        .subcommands(crate::evidence::subcommands())
        .subcommand(crate::health::subcommand())
        .subcommand(Command::new("config").about("Print the settings' schema, as JSON"))
        .subcommand(Command::new("sync").about("Read the tenant and write the sinks, which is what happens without a command"))
        .subcommand(Command::new("version").hide(true).about("Print the version"))
        .after_help("Every setting can come from a flag, an environment variable or a config file, in this order of weight.")
}

fn export() -> Command {
    let from = Arg::new("from")
        .long("from")
        .required(true)
        .value_name("PLACE")
        .help("The c1z file, of any connector, or the folder or URL of a dataset");
    let sync = Arg::new("sync")
        .long("sync")
        .value_name("ID")
        .help("The sync to export; without it the latest finished one, full ones first");
    let tenant = Arg::new("tenant")
        .long("tenant")
        .value_name("TEXT")
        .help("Tenant of the sync, for a file that does not name it");
    Command::new("export")
        .about("Write a sync of a c1z file, of any connector, or of a dataset, to the sinks")
        .args([from, sync, tenant])
}

fn argument(setting: &Setting) -> Arg {
    let required = if setting.required { "required: " } else { "" };
    let default = if setting.default.is_empty() {
        String::new()
    } else {
        format!(" [default: {}]", setting.default)
    };
    let help = format!("{required}{}{default} (${})", setting.help, setting.variable());
    let argument = Arg::new(setting.name)
        .long(setting.flag())
        .help(help)
        .global(true)
        .value_name(value_name(setting));
    let argument = match setting.short {
        Some(letter) => argument.short(letter),
        None => argument,
    };
    let argument = if setting.name == "output" {
        // As ConductorOne's tool for c1z files calls it.
        argument.alias("output-format")
    } else {
        argument
    };
    of_kind(argument, setting.kind)
}

/// Flags of the reference that do not work here are known all the same, so that what becomes of them is decided in one place.
fn other_flags_of_the_reference() -> impl Iterator<Item = Arg> {
    let flags = Reference::others().filter(|row| row.given_by != GivenBy::Environment);
    flags.map(|row| {
        of_kind(
            Arg::new(row.name).long(row.name).global(true).hide(true),
            row.kind,
        )
    })
}

/// Values of all flags but switches are the next word whatever it is, as in the reference: a secret may begin with a hyphen.
fn of_kind(argument: Arg, kind: Kind) -> Arg {
    match kind {
        Kind::Bool => argument
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        Kind::List => argument.action(ArgAction::Append).allow_hyphen_values(true),
        _ => argument.allow_hyphen_values(true),
    }
}

pub(crate) fn value_name(setting: &Setting) -> String {
    match setting.kind {
        Kind::Text => "TEXT".to_owned(),
        Kind::Path => "PATH".to_owned(),
        Kind::Bool => "true|false".to_owned(),
        Kind::Integer { min, max } => format!("{min}..{max}"),
        Kind::Number => "NUMBER".to_owned(),
        Kind::List => "LIST".to_owned(),
        Kind::Choice(words) => words.join("|"),
    }
}

/// A completion script.
pub(crate) fn completion(chosen: &ArgMatches) -> String {
    let mut script = Vec::new();
    if let Some(shell) = chosen.get_one::<Shell>("shell") {
        clap_complete::generate(*shell, &mut command(), NAME, &mut script);
    }
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_sound_and_its_help_is_this() {
        let mut command = super::command();
        command.clone().debug_assert();
        insta::assert_snapshot!(command.render_help());
    }
}
