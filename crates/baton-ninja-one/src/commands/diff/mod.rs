//! `diff`: compares two finished syncs of any locations.

mod args;
mod inputs;
mod render;

use std::process::ExitCode;

use access_dataset::{DatasetError, differences};

use crate::commands::context::CommandContext;
use crate::commands::inspect::OutputTarget;
use crate::failure::Failure;
use crate::runtime::cancellation::run_blocking_cancellable;
use crate::settings::Settings;
pub(crate) use args::DiffArgs;
pub(crate) use args::subcommand;
use inputs::DiffInputs;
use render::DiffPrinter;

/// The exit code for differences with `--exit-code`, as in git.
const DIFFERENT: u8 = 1;

/// Prints the differences on standard output.
pub(crate) fn run(settings: &Settings, args: DiffArgs) -> Result<ExitCode, Failure> {
    let _context = CommandContext::new(settings)?;
    let format = settings.row_format()?;
    let (paged, by_code) = (args.paged, args.exit_code);
    let settings = settings.clone();
    let differ = run_blocking_cancellable(move |cancellation| {
        let DiffInputs { mut old, mut new } = DiffInputs::open(&settings, args, cancellation)?;
        for note in new.notes(&old) {
            tracing::warn!("{note}");
        }
        let mut output = OutputTarget::open(format, paged);
        let mut printer = DiffPrinter::new(format, &mut output, cancellation);
        printer.begin(&old.label, &new.label);
        let compared = differences(&mut *old.snapshot, &mut *new.snapshot, &mut |change| {
            // A closed output stops the comparison.
            printer.change(&change).map_err(|_| DatasetError::Stopped)
        });
        let differ = printer.end(&new.notes(&old));
        output.close();
        match compared {
            // A type that was not read any more is a difference, although its missing rows are unknown.
            Ok(()) | Err(DatasetError::Stopped) => Ok(differ || !new.types_not_read(&old).is_empty()),
            Err(error) => Err(error.into()),
        }
    })?;
    Ok(if by_code && differ {
        ExitCode::from(DIFFERENT)
    } else {
        ExitCode::SUCCESS
    })
}
