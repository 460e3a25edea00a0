//! Panics, of this program or of a library, end as an internal error: exit code 13 and a message, never 101.

use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

use access_core::StatusCode;

use crate::failure::Failure;
use crate::output::console::Text;
use crate::output::console::print_error;

/// Runs the program. A panic on this thread becomes its failure; one on another thread is reported by the thread that joins
/// it.
pub(crate) fn caught<T>(run: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    panic::set_hook(Box::new(|panic| {
        print_error(&Text::from_own_lines(&describe(panic)));
    }));
    panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        Err(Failure::new(
            "internal error: the program ended unexpectedly".to_owned(),
            Some(
                "report this with the line above; run again, or leave out the setting that was changed last"
                    .to_owned(),
            ),
            StatusCode::Internal,
        ))
    })
}

/// Describes a panic with its location. Only messages that are literals in the source are shown: others may contain
/// secrets.
fn describe(panic: &PanicHookInfo<'_>) -> String {
    let location = panic.location().map_or_else(
        || "an unknown line".to_owned(),
        |location| format!("{}:{}", end_of_path(location.file()), location.line()),
    );
    match panic.payload().downcast_ref::<&'static str>() {
        Some(message) => format!("internal error at {location}: {message}\n"),
        None => format!("internal error at {location}\n"),
    }
}

/// The end of a path, because its beginning is specific to the build machine.
fn end_of_path(path: &str) -> &str {
    let parts = path.rmatch_indices('/').nth(2);
    parts.map_or(path, |(slash, _)| &path[slash + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_is_an_internal_error() {
        let failure = caught::<()>(|| panic!("on purpose")).unwrap_err();
        assert_eq!(failure.status(), StatusCode::Internal);
        assert_eq!(caught(|| Ok(7)).unwrap(), 7);
    }

    #[test]
    fn locations_are_short() {
        assert_eq!(
            end_of_path("/home/a/registry/object_store-0.14/src/aws/mod.rs"),
            "src/aws/mod.rs"
        );
        assert_eq!(end_of_path("src/main.rs"), "src/main.rs");
    }
}
