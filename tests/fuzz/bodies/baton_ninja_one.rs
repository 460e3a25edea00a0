//! Settings as the fuzzer makes them up (docs/development/testing.md). Not in the program: compiled with `--cfg fuzzing`, and for the
//! tests that replay the corpus.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "the fuzzer learns of what is wrong by a panic"
)]

#[path = "review_sheet.rs"]
mod review_sheet;

use std::ffi::OsString;
use std::path::Path;

use crate::cli;
use crate::settings::{Environment, Settings, SettingsError};

pub use review_sheet::sheet as review_sheet;

/// Secrets that no error may show. One is in the file, one in the environment.
const OF_FILE: &str = "canary-of-the-file-7Qx2";
const OF_ENVIRONMENT: &str = "canary-of-the-environment-9Zw4";

/// The kind of config file, and then, separated by zero bytes: what the file says before and after its secret, variables,
/// and flags, one a line.
///
/// # Panics
/// If an error shows a secret, or does not say where it comes from.
pub fn settings(input: &[u8]) {
    let [kind, rest @ ..] = input else { return };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    if text.contains("/dev/") || text.contains("/proc/") {
        return;
    }
    let mut parts = text.split('\0');
    let mut part = || parts.next().unwrap_or_default();
    let folder = tempfile::tempdir().expect("a folder");
    let (name, secret) = match kind % 4 {
        0 => (".baton.toml", format!("ninja-one-client-secret = \"{OF_FILE}\"")),
        1 => (".baton.yaml", format!("ninja-one-client-secret: {OF_FILE}")),
        // A quote that is missing spoils the rest.
        2 => (".baton.toml", format!("ninja-one-client-secret = \"{OF_FILE}")),
        _ => (".baton.yml", format!("ninja-one-client-secret: \"{OF_FILE}")),
    };
    let file = format!("{}\n{secret}\n{}", part(), part());
    std::fs::write(folder.path().join(name), file).expect("room for a file");
    let environment = environment(part());
    let flags = part().lines().filter(|line| !line.is_empty()).map(OsString::from);
    let flags = std::iter::once(OsString::from("baton-ninja-one")).chain(flags);
    let Ok(matches) = cli::command().try_get_matches_from(flags) else {
        return;
    };
    match Settings::load(crate::innermost(&matches), &environment, folder.path()) {
        Err(error) => judge(&error, folder.path(), name),
        Ok(settings) => {
            for error in errors(&settings) {
                judge(&error, folder.path(), name);
            }
        }
    }
}

/// Variables, one `NAME=VALUE` a line; files are not named, so that only what is made up is read.
fn environment(lines: &str) -> Environment {
    let secret = [("BATON_CLIENT_SECRET".to_owned(), OsString::from(OF_ENVIRONMENT))];
    let given = lines.lines().filter_map(|line| line.split_once('='));
    let given = given.filter(|(name, _)| !name.ends_with("_FILE") && *name != "BATON_CONFIG_PATH");
    let given = given.map(|(name, value)| (name.to_owned(), OsString::from(value)));
    given.chain(secret).collect()
}

/// Reads every setting.
fn errors(settings: &Settings) -> Vec<SettingsError> {
    let results = [
        settings.client().map(drop),
        settings.source_options().map(drop),
        settings.scope().map(drop),
        settings.c1z("sync.c1z".into()).map(drop),
        settings.limits().map(drop),
        settings.temp_folder().map(drop),
        settings.logs().map(drop),
        settings.output().map(drop),
        settings.progress().map(drop),
        settings.sinks().map(drop),
        settings.named_sinks().map(drop),
        settings.health_check().map(drop),
        settings.health_address().map(drop),
        settings.on_demand().map(drop),
        settings.provisioning_mode(true).map(drop),
        settings.provisioning().map(drop),
        settings.allow_admin_delete().map(drop),
        settings.audit_log().map(drop),
        settings.requested_by().map(drop),
        settings.serves().map(drop),
        settings.skip_full_sync().map(drop),
        settings.service().map(drop),
        settings.telemetry().map(drop),
    ];
    results.into_iter().filter_map(Result::err).collect()
}

fn judge(error: &SettingsError, folder: &Path, name: &str) {
    let shown = format!("{error} {error:?}");
    for secret in [OF_FILE, OF_ENVIRONMENT] {
        assert!(!shown.contains(secret), "shows a secret: {shown}");
    }
    match error {
        SettingsError::File { path, .. } | SettingsError::UnknownKey { path, .. } => {
            let ours = path.starts_with(folder) && path.ends_with(name);
            assert!(ours || !path.starts_with(folder), "another file: {shown}");
        }
        SettingsError::Value { origin, problem } => {
            assert!(!origin.is_empty() && !problem.is_empty(), "{shown}");
        }
        _ => {}
    }
}

#[cfg(test)]
#[path = "../replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay;

    #[test]
    fn the_corpora_hold() {
        replay::corpus("config", super::settings);
        replay::corpus("review_sheet", super::review_sheet);
    }
}
