//! How long each fuzz target ran, over all runs: a line of tab-separated values for each slice, in target/fuzz-ledger.tsv.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::files::sha256;
use crate::process::Failure;

/// The contents of a fuzz target's program: time counts only for what was really run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ProgramDigest(String);

/// What one slice did, or all slices of a program together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Effort {
    /// Processor time, user and system.
    pub(super) processor: Duration,
    pub(super) inputs: u64,
    /// An input was found that the program fails on.
    pub(super) failed: bool,
}

#[derive(Debug)]
pub(super) struct Ledger {
    path: PathBuf,
    efforts: BTreeMap<(String, ProgramDigest), Effort>,
}

impl ProgramDigest {
    pub(super) fn of(program: &Path) -> Result<Self, Failure> {
        let bytes = fs::read(program).map_err(|source| Failure::file(program, source))?;
        Ok(Self(sha256(&bytes)))
    }
}

impl Effort {
    fn add(&mut self, other: Self) {
        self.processor += other.processor;
        self.inputs += other.inputs;
        self.failed |= other.failed;
    }
}

impl Ledger {
    /// Reads the ledger; without a file it is empty.
    pub(super) fn open(path: PathBuf) -> Result<Self, Failure> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(source) => return Err(Failure::file(&path, source)),
        };
        let mut efforts = BTreeMap::<_, Effort>::new();
        for (at, line) in text.lines().enumerate() {
            let (key, effort) = parse(line).ok_or_else(|| {
                Failure::Unexpected(format!(
                    "{}:{}: not a line of the fuzz ledger; remove the file to start again",
                    path.display(),
                    at + 1
                ))
            })?;
            efforts.entry(key).or_default().add(effort);
        }
        Ok(Self { path, efforts })
    }

    pub(super) fn total(&self, target: &str, program: &ProgramDigest) -> Effort {
        let key = (target.to_owned(), program.clone());
        self.efforts.get(&key).copied().unwrap_or_default()
    }

    /// Adds a slice, in the file too.
    pub(super) fn record(
        &mut self,
        target: &str,
        program: &ProgramDigest,
        effort: Effort,
    ) -> Result<(), Failure> {
        let key = (target.to_owned(), program.clone());
        self.efforts.entry(key).or_default().add(effort);
        let line = format!(
            "{target}\t{}\t{}\t{}\t{}\n",
            program.0,
            effort.processor.as_millis(),
            effort.inputs,
            if effort.failed { "failed" } else { "ok" }
        );
        let file = OpenOptions::new().append(true).create(true).open(&self.path);
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .map_err(|source| Failure::file(&self.path, source))
    }
}

fn parse(line: &str) -> Option<((String, ProgramDigest), Effort)> {
    let mut fields = line.split('\t');
    let target = fields.next()?.to_owned();
    let program = ProgramDigest(fields.next()?.to_owned());
    let effort = Effort {
        processor: Duration::from_millis(fields.next()?.parse().ok()?),
        inputs: fields.next()?.parse().ok()?,
        failed: match fields.next()? {
            "failed" => true,
            "ok" => false,
            _ => return None,
        },
    };
    fields.next().is_none().then_some(((target, program), effort))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effort(seconds: u64, failed: bool) -> Effort {
        Effort {
            processor: Duration::from_secs(seconds),
            inputs: 10,
            failed,
        }
    }

    #[test]
    fn slices_of_one_program_add_up() {
        let path = std::env::temp_dir().join(format!("fuzz-ledger-{}", std::process::id()));
        let [old, new] = ["old", "new"].map(|name| ProgramDigest(name.to_owned()));
        let mut ledger = Ledger::open(path.clone()).unwrap();
        for (target, program, seconds, failed) in [
            ("lists", &old, 300, true),
            ("lists", &new, 300, false),
            ("lists", &new, 2, false),
            ("rows", &new, 7, false),
        ] {
            ledger.record(target, program, effort(seconds, failed)).unwrap();
        }
        let both = Effort {
            inputs: 20,
            ..effort(302, false)
        };
        for ledger in [&ledger, &Ledger::open(path.clone()).unwrap()] {
            assert_eq!(ledger.total("lists", &new), both);
            assert_eq!(ledger.total("lists", &old), effort(300, true));
            assert_eq!(ledger.total("rows", &old), Effort::default());
        }
        fs::write(&path, "lists\tnew\t12\n").unwrap();
        let refused = Ledger::open(path.clone()).unwrap_err().to_string();
        fs::remove_file(&path).unwrap();
        assert!(refused.ends_with(":1: not a line of the fuzz ledger; remove the file to start again"));
    }
}
