//! The queries of `inspect`, printed as rows.

mod grants;
mod history;
mod resource_types;
mod resources;
mod runner;
mod stats;
mod syncs;
mod user_totals;
mod users;

use access_core::ports::AccessSnapshot;

use self::runner::QueryRunner;
use super::args::{InspectArgs, InspectCommand};
use crate::failure::Failure;
use crate::output::format::OutputFormat;
use crate::output::pager::OutputTarget;
use crate::runtime::cancellation::Cancellation;

pub(super) use self::history::print_history;
pub(super) use self::syncs::print_syncs;

/// Runs the query of a command on one sync and prints its rows, below a heading for people.
pub(super) fn run(
    args: &InspectArgs,
    heading: Option<String>,
    snapshot: &dyn AccessSnapshot,
    format: OutputFormat,
    output: &mut OutputTarget,
    cancellation: &Cancellation,
) -> Result<(), Failure> {
    let mut runner = QueryRunner {
        snapshot,
        view: &args.view,
        heading,
        format,
        output,
        cancellation,
    };
    match &args.command {
        InspectCommand::Stats => runner.stats(),
        InspectCommand::Users(filter) => runner.users(filter),
        InspectCommand::Roles(filter) => runner.roles(filter),
        InspectCommand::Resources(filter) => runner.resources(filter),
        InspectCommand::Entitlements(filter) => runner.entitlements(filter),
        InspectCommand::Grants(filter) => runner.grants(filter),
        InspectCommand::Access(user) => runner.access(user),
        InspectCommand::Who(role) => runner.who(role),
        // They read several syncs, see `print_history` and `print_syncs`.
        InspectCommand::History(_) | InspectCommand::Syncs => Ok(()),
    }
}
