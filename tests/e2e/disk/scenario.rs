//! One situation that runs are made in, again and again: what is there before, what the program is told to do, and what a
//! good run leaves.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use ninjaone_sim::{GeneratedSize, SimConfig, Tenant};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::outputs::Output;
use super::shim::{Call, Plan, calls};
use crate::datasets::files;
use crate::harness::{SECRET, TestContext};

/// No run takes this long.
const MAX_RUN_TIME: Duration = Duration::from_mins(2);

/// A situation: existing files, a command and its expected outputs.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    arguments: Vec<&'static str>,
    pub(super) outputs: &'static [Output],
    /// The tenant that runs read.
    pub(super) context: TestContext,
    /// The files before a run, copied for every run.
    before: TempDir,
    old: Vec<Vec<String>>,
    new: Vec<Vec<String>>,
}

/// The result of a run.
pub(super) struct RunResult {
    keep: TempDir,
    /// Where it ran; the report is beside it.
    pub(super) folder: PathBuf,
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
    pub(super) stderr: String,
    pub(super) calls: Vec<Call>,
}

/// A tenant that differs from every other seed's in each row.
pub(super) fn tenant(size: &GeneratedSize, seed: u64) -> SimConfig {
    let size = GeneratedSize { seed, ..size.clone() };
    SimConfig::new(Tenant::generated(size).unwrap())
}

impl Scenario {
    /// A situation: `arguments` run over what `earlier` left when it was run against another tenant, or over nothing.
    pub(super) fn new(
        name: &'static str,
        size: &GeneratedSize,
        earlier: &[&[&str]],
        arguments: &[&'static str],
        outputs: &'static [Output],
    ) -> Self {
        let before = tempfile::tempdir().unwrap();
        fs::create_dir(before.path().join("tmp")).unwrap();
        let other = TestContext::with(&tenant(size, 1));
        for arguments in earlier {
            run_ok(&other, before.path(), arguments);
        }
        // The tenant of tomorrow has the address of the one of today.
        let context = other.on_another_day(&tenant(size, 2));
        let mut scenario = Self {
            name,
            arguments: arguments.to_vec(),
            outputs,
            context,
            old: Vec::new(),
            new: Vec::new(),
            before,
        };
        scenario.old = scenario.visible(scenario.before.path());
        scenario
    }

    /// Does something with the tenant that runs read, before all of them.
    pub(super) fn prepare(&mut self, arguments: &[&str]) {
        run_ok(&self.context, self.before.path(), arguments);
        self.old = self.visible(self.before.path());
    }

    /// Records the outputs of a good run.
    pub(super) fn rehearse(&mut self, shim: &Path) -> RunResult {
        let result = self.run(shim, &Plan::none());
        assert_eq!(result.code, Some(0), "{}", result.stderr);
        self.new = self.visible(&result.folder);
        for (new, old) in self.new.iter().zip(&self.old) {
            assert_ne!(new, old, "the new output cannot be told from the old one");
        }
        self.assert_no_leftovers(&result);
        result
    }

    /// The folder that every run starts from.
    pub(super) fn before(&self) -> &Path {
        self.before.path()
    }

    fn visible(&self, folder: &Path) -> Vec<Vec<String>> {
        self.outputs.iter().map(|output| output.visible(folder)).collect()
    }

    /// One run in a fresh copy.
    pub(super) fn run(&self, shim: &Path, plan: &Plan) -> RunResult {
        let keep = tempfile::tempdir().unwrap();
        let folder = keep.path().canonicalize().unwrap().join("run");
        copy(self.before.path(), &folder);
        self.run_in(keep, folder, shim, plan)
    }

    /// The next run, on a healthy disk, over the files of another one.
    pub(super) fn run_again(&self, result: RunResult, shim: &Path) -> RunResult {
        let _ = fs::remove_file(result.folder.with_file_name("report"));
        self.run_in(result.keep, result.folder, shim, &Plan::none())
    }

    /// One run that is ended from outside after a while, unless it ends before.
    pub(super) fn run_until(&self, shim: &Path, after: Duration, signal: Signal) -> RunResult {
        let keep = tempfile::tempdir().unwrap();
        let folder = keep.path().canonicalize().unwrap().join("run");
        copy(self.before.path(), &folder);
        self.supervise(keep, folder, shim, &Plan::none(), Some((after, signal)))
    }

    fn run_in(&self, keep: TempDir, folder: PathBuf, shim: &Path, plan: &Plan) -> RunResult {
        self.supervise(keep, folder, shim, plan, None)
    }

    fn supervise(
        &self,
        keep: TempDir,
        folder: PathBuf,
        shim: &Path,
        plan: &Plan,
        mut end: Option<(Duration, Signal)>,
    ) -> RunResult {
        let report = folder.with_file_name("report");
        let stderr_path = folder.with_file_name("stderr");
        let mut command = self.context.command(&self.arguments);
        // The tenants of yesterday and today have little in common.
        command.env("BATON_MAX_DROP_PERCENT", "99");
        command
            .current_dir(&folder)
            .env("TMPDIR", folder.join("tmp"))
            // The tenants of yesterday and today have little in common.
            .env("BATON_MAX_DROP_PERCENT", "99")
            .stdout(Stdio::null())
            .stderr(fs::File::create(&stderr_path).unwrap());
        plan.apply(&mut command, shim, &folder, &report);
        let mut child = command.spawn().unwrap();
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if let Some((_, signal)) = end.take_if(|(after, _)| begin.elapsed() > *after) {
                kill_process(Pid::from_child(&child), signal).unwrap();
            }
            if begin.elapsed() > MAX_RUN_TIME {
                child.kill().unwrap();
                panic!("it does not end: {}", fs::read_to_string(&stderr_path).unwrap());
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let stderr = fs::read_to_string(&stderr_path).unwrap();
        assert!(!stderr.contains(SECRET), "the secret was told");
        RunResult {
            code: status.code(),
            signal: status.signal(),
            calls: calls(&report),
            stderr,
            folder,
            keep,
        }
    }

    /// For each output, whether it is the new one. It must be the old one or the new one, whole; what is old is
    /// untouched to the byte.
    pub(super) fn is_new(&self, result: &RunResult) -> Vec<bool> {
        let visible = self.visible(&result.folder);
        let each = self
            .outputs
            .iter()
            .zip(visible)
            .zip(self.old.iter().zip(&self.new));
        each.map(|((output, visible), (old, new))| {
            let is_new = visible == *new;
            assert!(
                is_new || visible == *old,
                "{} is neither old nor new",
                output.name()
            );
            for (name, bytes) in self.published_before(*output) {
                if is_new && (output.replaces() || name.ends_with("/latest.json")) {
                    continue;
                }
                assert!(
                    fs::read(result.folder.join(&name)).is_ok_and(|now| now == bytes),
                    "{name} was touched"
                );
            }
            is_new
        })
        .collect()
    }

    /// After a further run: the latest sync is the new one.
    pub(super) fn assert_latest_is_new(&self, result: &RunResult) {
        for ((output, visible), new) in self
            .outputs
            .iter()
            .zip(self.visible(&result.folder))
            .zip(&self.new)
        {
            assert_eq!(visible.last(), new.last(), "{}", output.name());
        }
    }

    fn published_before(&self, output: Output) -> Vec<(String, Vec<u8>)> {
        let all = files(self.before.path()).into_iter();
        let of_output = |name: &str| {
            name == output.name()
                || name
                    .strip_prefix(output.name())
                    .is_some_and(|rest| rest.starts_with('/'))
        };
        all.filter(|(name, _)| of_output(name) && !name.ends_with("/_lock"))
            .collect()
    }

    /// No temporary files, nothing that no reader and no later run knows of. A claim says what a later run is to look
    /// at.
    pub(super) fn assert_no_leftovers(&self, result: &RunResult) {
        let mut expected: BTreeSet<String> = files(self.before.path()).into_keys().collect();
        for output in self.outputs {
            expected.extend(output.belongs(&result.folder));
        }
        let found: Vec<String> = files(&result.folder)
            .into_keys()
            .filter(|name| !expected.contains(name) && !may_stay(result, name))
            .collect();
        assert!(found.is_empty(), "left behind: {found:?}");
        let temporary = fs::read_dir(result.folder.join("tmp")).unwrap().count();
        assert_eq!(temporary, 0, "a temporary folder was left behind");
    }
}

/// A claim may stay where a power cut may still restore the old pointer, and where a run was stopped
/// while it wrote the claim.
fn may_stay(result: &RunResult, name: &str) -> bool {
    let stopped = result.code == Some(1);
    let is_claim = name.contains("_staging/");
    is_claim && (stopped || result.stderr.contains("the disk did not confirm it"))
        || stopped && name.contains("/_scratch-")
}

fn run_ok(context: &TestContext, folder: &Path, arguments: &[&str]) {
    let output = context
        .command(arguments)
        .current_dir(folder)
        .env("TMPDIR", folder.join("tmp"))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copy_to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &copy_to);
        } else {
            fs::copy(&path, &copy_to).unwrap();
        }
    }
}
