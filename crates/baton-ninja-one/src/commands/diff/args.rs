//! The arguments of `diff`.

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::commands::inspect::timeline::PointInTime;
use crate::failure::Failure;

/// The command.
pub(crate) fn subcommand() -> Command {
    let location =
        |name: &'static str, help: &'static str| Arg::new(name).value_name(name.to_uppercase()).help(help);
    let sync = |name: &'static str, help: &'static str| Arg::new(name).long(name).value_name("ID").help(help);
    let time =
        |name: &'static str, help: &'static str| Arg::new(name).long(name).value_name("TIME").help(help);
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    Command::new("diff")
        .about("Compare two finished syncs: users, roles and other resources, entitlements, grants")
        .args([
            location("old", "A c1z file of any connector, or a dataset: its folder or URL [default: sync.c1z]"),
            location("new", "The location of the newer sync [default: OLD]"),
            sync("old-sync", "The older sync [default: with one location, the full sync before the newer one; else the latest of OLD]"),
            sync("new-sync", "The newer sync [default: the latest finished one, full ones first]"),
            time("from", "The older sync is the latest full one that had ended at this time: 2026-03-03 (the end of that day), 2026-03-03T10:15, 2026-03-03T10:15+02:00; UTC by default").conflicts_with("old-sync"),
            time("to", "The newer sync is the latest full one that had ended at this time").conflicts_with("new-sync"),
            flag("exit-code", "Exit with 1 if anything differs or NEW lacks a resource type of OLD, else with 0"),
            flag("no-pager", "Write to the terminal without a pager ($PAGER, else less)"),
        ])
}

/// The arguments of `diff`.
pub(crate) struct DiffArgs {
    /// The location of the old sync; `sync.c1z` in this folder by default.
    pub(super) old: Option<String>,
    /// The location of the new sync; that of the old one by default.
    pub(super) new: Option<String>,
    pub(super) old_sync: Option<String>,
    pub(super) new_sync: Option<String>,
    /// Selects the old sync: the latest one at this time.
    pub(super) from: Option<PointInTime>,
    /// Selects the new sync: the latest one at this time.
    pub(super) to: Option<PointInTime>,
    /// Whether differences set the exit code.
    pub(super) exit_code: bool,
    /// Whether a pager may be used.
    pub(super) paged: bool,
}

impl DiffArgs {
    /// # Errors
    /// [`Failure`] if a time is invalid.
    pub(crate) fn from_matches(matches: &ArgMatches) -> Result<Self, Failure> {
        let text = |name: &str| matches.get_one::<String>(name).cloned();
        Ok(Self {
            old: text("old"),
            new: text("new"),
            old_sync: text("old-sync"),
            new_sync: text("new-sync"),
            from: PointInTime::parse_flag("--from", text("from").as_deref())?,
            to: PointInTime::parse_flag("--to", text("to").as_deref())?,
            exit_code: matches.get_flag("exit-code"),
            paged: !matches.get_flag("no-pager"),
        })
    }
}
