//! Panics, of this program or of a library, end as an internal error: exit code 13 and a message, never 101.

use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

use access_core::StatusCode;

use crate::failure::Failure;
use crate::output::console::Text;
use crate::output::console::print_error;

/// Runs the program. A panic on this thread is its failure; one on another thread is reported by whoever waits for it.
pub(crate) fn caught<T>(run: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    panic::set_hook(Box::new(|panic| {
        print_error(&Text::from_own_lines(&words(panic)));
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

/// Where it happened. The words of a panic are shown only if they stand in the source code: others may hold a secret.
fn words(panic: &PanicHookInfo<'_>) -> String {
    let location = panic.location().map_or_else(
        || "an unknown line".to_owned(),
        |location| format!("{}:{}", short(location.file()), location.line()),
    );
    match panic.payload().downcast_ref::<&'static str>() {
        Some(words) => format!("internal error at {location}: {words}\n"),
        None => format!("internal error at {location}\n"),
    }
}

/// The end of a path: its beginning is of the machine that built the program.
fn short(path: &str) -> &str {
    let parts = path.rmatch_indices('/').nth(2);
    parts.map_or(path, |(slash, _)| &path[slash + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_internal_error() {
        let failure = caught::<()>(|| panic!("on purpose")).unwrap_err();
        assert_eq!(failure.status(), StatusCode::Internal);
        assert_eq!(caught(|| Ok(7)).unwrap(), 7);
    }

    #[test]
    fn places_are_short() {
        assert_eq!(
            short("/home/a/registry/object_store-0.14/src/aws/mod.rs"),
            "src/aws/mod.rs"
        );
        assert_eq!(short("src/main.rs"), "src/main.rs");
    }
}
