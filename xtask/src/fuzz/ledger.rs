//! How long each fuzz target ran, over all runs and machines: tests/fuzz/ledger.tsv has a line of tab-separated values for each
//! target. It is committed, so that an hour may be the sum of several sessions.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use super::sources::SourcesDigest;
use crate::process::Failure;

/// What one slice did, or all slices of a target with the same sources.
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
    efforts: BTreeMap<String, (SourcesDigest, Effort)>,
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
        let mut efforts = BTreeMap::new();
        for (at, line) in text.lines().enumerate() {
            let (target, entry) = parse(line).ok_or_else(|| {
                Failure::Unexpected(format!(
                    "{}:{}: not a line of the fuzz ledger; remove the file to start again",
                    path.display(),
                    at + 1
                ))
            })?;
            efforts.insert(target, entry);
        }
        Ok(Self { path, efforts })
    }

    /// What was done with these sources of a target. Other sources count for nothing.
    pub(super) fn total(&self, target: &str, sources: &SourcesDigest) -> Effort {
        let entry = self.efforts.get(target).filter(|entry| entry.0 == *sources);
        entry.map(|entry| entry.1).unwrap_or_default()
    }

    /// Adds a slice, in the file too. It replaces what was done with other sources of the target.
    pub(super) fn record(
        &mut self,
        target: &str,
        sources: &SourcesDigest,
        effort: Effort,
    ) -> Result<(), Failure> {
        let mut total = self.total(target, sources);
        total.add(effort);
        self.efforts.insert(target.to_owned(), (sources.clone(), total));
        let lines: String = self.efforts.iter().map(line).collect();
        // A run that is killed must not take the hours of earlier ones with it.
        let temporary = self.path.with_extension("tsv.tmp");
        fs::write(&temporary, lines)
            .and_then(|()| fs::rename(&temporary, &self.path))
            .map_err(|source| Failure::file(&self.path, source))
    }
}

fn line((target, (sources, effort)): (&String, &(SourcesDigest, Effort))) -> String {
    format!(
        "{target}\t{}\t{}\t{}\t{}\n",
        sources.0,
        effort.processor.as_millis(),
        effort.inputs,
        if effort.failed { "failed" } else { "ok" }
    )
}

fn parse(line: &str) -> Option<(String, (SourcesDigest, Effort))> {
    let mut fields = line.split('\t');
    let target = fields.next()?.to_owned();
    let sources = SourcesDigest(fields.next()?.to_owned());
    let effort = Effort {
        processor: Duration::from_millis(fields.next()?.parse().ok()?),
        inputs: fields.next()?.parse().ok()?,
        failed: match fields.next()? {
            "failed" => true,
            "ok" => false,
            _ => return None,
        },
    };
    fields.next().is_none().then_some((target, (sources, effort)))
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
    fn slices_of_the_same_sources_add_up() {
        let path = std::env::temp_dir().join(format!("fuzz-ledger-{}.tsv", std::process::id()));
        let [old, new] = ["old", "new"].map(|name| SourcesDigest(name.to_owned()));
        let mut ledger = Ledger::open(path.clone()).unwrap();
        for (target, sources, seconds, failed) in [
            ("lists", &old, 300, true),
            ("rows", &old, 7, false),
            ("lists", &new, 300, false),
            ("lists", &new, 2, false),
        ] {
            ledger.record(target, sources, effort(seconds, failed)).unwrap();
        }
        let both = Effort {
            inputs: 20,
            ..effort(302, false)
        };
        for ledger in [&ledger, &Ledger::open(path.clone()).unwrap()] {
            assert_eq!(ledger.total("lists", &new), both);
            assert_eq!(ledger.total("lists", &old), Effort::default());
            assert_eq!(ledger.total("rows", &old), effort(7, false));
            assert_eq!(ledger.total("rows", &new), Effort::default());
        }
        fs::write(&path, "lists\tnew\t12\n").unwrap();
        let refused = Ledger::open(path.clone()).unwrap_err().to_string();
        fs::remove_file(&path).unwrap();
        assert!(refused.ends_with(":1: not a line of the fuzz ledger; remove the file to start again"));
    }
}
