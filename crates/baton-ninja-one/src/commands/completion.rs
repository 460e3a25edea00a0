//! Shell completion: a small script for each shell, which runs the program for candidates, so that commands, flags and
//! choices are those of the installed version.

use std::ffi::OsString;

use clap::ArgMatches;
use clap_complete::CompleteEnv;
use clap_complete::env::Shells;

use crate::cli::version::NAME;

/// The variable with which a shell requests completions.
const VARIABLE: &str = "_BATON_NINJA_ONE_COMPLETE";

/// A shell with completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

impl Shell {
    /// All shells.
    pub(crate) const ALL: [Self; 5] = [Self::Bash, Self::Elvish, Self::Fish, Self::Powershell, Self::Zsh];

    /// The name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Elvish => "elvish",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
            Self::Zsh => "zsh",
        }
    }

    /// The chosen shell. clap accepts no other word.
    pub(crate) fn from_matches(matches: &ArgMatches) -> Self {
        let word = matches.get_one::<String>("shell");
        let shell = Self::ALL
            .into_iter()
            .find(|shell| word.is_some_and(|word| word == shell.name()));
        shell.unwrap_or(Self::Bash)
    }
}

/// The script for a shell.
pub(crate) fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    if let Some(completer) = Shells::builtins().completer(shell.name()) {
        // Writing to memory cannot fail.
        let _ = completer.write_registration(VARIABLE, NAME, NAME, NAME, &mut script);
    }
    String::from_utf8_lossy(&script).into_owned()
}

/// Prints completions if a shell requests them, and returns whether one did.
pub(crate) fn answer(arguments: &[OsString], command_line: fn() -> clap::Command) -> bool {
    if std::env::var_os(VARIABLE).is_none_or(|shell| shell.is_empty()) {
        return false;
    }
    let folder = std::env::current_dir().ok();
    let completed = CompleteEnv::with_factory(command_line)
        .var(VARIABLE)
        .bin(NAME)
        .completer(NAME)
        .try_complete(arguments.to_owned(), folder.as_deref());
    // An invalid request gets no candidates; nobody would read an error.
    completed.unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap_complete::engine::complete;

    use super::*;

    fn candidates(words: &[&str], folder: &Path) -> Vec<String> {
        let line: Vec<OsString> = [NAME].iter().chain(words).map(OsString::from).collect();
        let last = line.len() - 1;
        let found = complete(&mut crate::cli::command(), line, last, Some(folder)).unwrap();
        found
            .iter()
            .map(|candidate| candidate.get_value().to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn scripts_are_small() {
        for shell in Shell::ALL {
            let script = script(shell);
            assert!(script.contains(NAME), "{}", shell.name());
            assert!(
                (200..5_000).contains(&script.len()),
                "{}: {}",
                shell.name(),
                script.len()
            );
        }
    }

    #[test]
    fn commands_choices_and_files_are_completed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("sync.c1z"), "").unwrap();
        let at = |words: &[&str]| candidates(words, folder.path());
        assert_eq!(at(&["insp"]), ["inspect"]);
        assert_eq!(at(&["check", "--output", "js"]), ["json"]);
        assert_eq!(at(&["completion", "f"]), ["fish"]);
        assert!(at(&["inspect", "sy"]).contains(&"sync.c1z".to_owned()));
        assert_eq!(at(&["sync", "--file", "sy"]), ["sync.c1z"]);
        assert_eq!(at(&["--color", "al"]), ["always"]);
        assert_eq!(at(&["sync", "--sink", "par"]), ["parquet="]);
        assert!(at(&["sync", "--ninja-one-b"]).contains(&"--ninja-one-base-url".to_owned()));
        assert!(at(&["inspect", "sync.c1z", "us"]).contains(&"users".to_owned()));
        assert_eq!(at(&["grant", "sy"]), [""; 0]);
    }
}
