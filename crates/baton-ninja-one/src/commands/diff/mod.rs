//! `diff`: what differs between two finished syncs, wherever they are.

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

/// The exit code of syncs that differ with `--exit-code`, as in git.
const DIFFERENT: u8 = 1;

/// Prints the differences on standard output.
pub(crate) fn run(settings: &Settings, args: DiffArgs) -> Result<ExitCode, Failure> {
    let _context = CommandContext::new(settings)?;
    let form = settings.sheet_form()?;
    let (paged, by_code) = (args.paged, args.exit_code);
    let settings = settings.clone();
    let differ = run_blocking_cancellable(move |cancellation| {
        let DiffInputs { mut old, mut new } = DiffInputs::open(&settings, args, cancellation)?;
        for note in new.notes(&old) {
            tracing::warn!("{note}");
        }
        let mut output = OutputTarget::open(form, paged);
        let mut printer = DiffPrinter::new(form, &mut output, cancellation);
        printer.begin(&old.label, &new.label);
        let compared = differences(&mut *old.snapshot, &mut *new.snapshot, &mut |change| {
            // Whoever stops reading wants no more.
            printer.change(&change).map_err(|_| DatasetError::Stopped)
        });
        let differ = printer.end(&new.notes(&old));
        output.close();
        match compared {
            // A type that is not there any more is a difference, though nobody can say which of its rows are gone.
            Ok(()) | Err(DatasetError::Stopped) => Ok(differ || !new.unread(&old).is_empty()),
            Err(error) => Err(error.into()),
        }
    })?;
    Ok(if by_code && differ {
        ExitCode::from(DIFFERENT)
    } else {
        ExitCode::SUCCESS
    })
}
