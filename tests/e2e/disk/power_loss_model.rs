//! What a power cut would leave, worked out from the calls that were made: bytes count when their file was synced after
//! them, names when their folder was.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::shim::{Call, Outcome};

/// The unsynced state.
#[derive(Debug, Default)]
struct Unsafe {
    /// Files with bytes or a mode that are not on the disk.
    bytes: BTreeSet<PathBuf>,
    /// Names that are not on the disk.
    names: BTreeSet<PathBuf>,
}

/// Whether a path relative to the run's folder is a file that nobody reads after a power cut.
fn is_scratch(path: &Path) -> bool {
    path.iter().any(|part| {
        let part = part.to_string_lossy();
        part.starts_with("_scratch-") || part == "_lock" || part == "tmp" || part.starts_with('#')
    })
}

impl Unsafe {
    fn apply(&mut self, call: &Call) {
        let path = &call.path;
        match call.kind {
            'c' => {
                self.bytes.insert(path.clone());
                self.names.insert(path.clone());
            }
            'w' | 't' | 'm' => {
                self.bytes.insert(path.clone());
            }
            's' => {
                self.bytes.remove(path);
                self.names.retain(|name| name.parent() != Some(path));
            }
            'n' => {
                self.names.remove(path);
                self.names.insert(call.second.clone());
                if self.bytes.remove(path) {
                    self.bytes.insert(call.second.clone());
                }
            }
            'u' => {
                self.names.remove(path);
                self.bytes.remove(path);
            }
            'd' => {
                self.names.insert(path.clone());
            }
            _ => {}
        }
    }

    /// Unsynced paths below a folder of the run.
    fn below(&self, folder: &Path, root: &Path) -> Vec<&Path> {
        let lost = self.bytes.union(&self.names).map(PathBuf::as_path);
        let counts = |path: &&Path| path.strip_prefix(root).is_ok_and(|inside| !is_scratch(inside));
        lost.filter(|path| path.starts_with(folder))
            .filter(counts)
            .collect()
    }
}

/// Walks through the calls of a run. Whatever is given its final name must be on the disk by then, and what the pointer
/// or a manifest names must be there before them. Gives what a power cut at the end would lose.
pub(super) fn lost_by_power_cut(calls: &[Call], root: &Path) -> Vec<PathBuf> {
    let mut now = Unsafe::default();
    for call in calls.iter().filter(|call| call.outcome == Outcome::Done) {
        if call.kind == 'n' {
            assert!(
                !now.bytes.contains(&call.path),
                "renamed before it was on the disk: {call:?}"
            );
            let to = &call.second;
            let names_others = to.ends_with("latest.json") || to.iter().any(|part| part == "_manifests");
            if let Some(folder) = to.parent().filter(|_| names_others) {
                let dataset = if to.ends_with("latest.json") {
                    folder
                } else {
                    folder.parent().unwrap()
                };
                // The file itself is being moved, and its folders were created for it.
                let lost = now.below(dataset, root);
                assert!(
                    lost.is_empty(),
                    "{} names what is not on the disk: {lost:?}",
                    to.display()
                );
            }
        }
        now.apply(call);
    }
    now.below(root, root).into_iter().map(Path::to_owned).collect()
}
