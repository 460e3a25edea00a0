//! The audit log on a failing disk: no change is sent before the line that announces it is on the disk, and no line is lost
//! in another.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::power_loss_model::lost_by_power_cut;
use super::shim::{Call, Effect, Fault, Outcome, Plan, calls, shim};
use super::sweep::{FAULTS, is_exhaustive};
use crate::harness::TestContext;
use crate::provisioning::writes;

const GRANT: &[&str] = &[
    "grant",
    "role:3",
    "--to",
    "user:16",
    "-p",
    "--audit-log",
    "log/audit.jsonl",
];
const REVOKE: &[&str] = &[
    "revoke",
    "role:1",
    "--from",
    "user:7",
    "-p",
    "--audit-log",
    "log/audit.jsonl",
];

/// Complete entries, and the number of torn ones.
fn lines(path: &Path) -> (Vec<serde_json::Value>, usize) {
    let text = fs::read_to_string(path).unwrap_or_default();
    let entries: Vec<_> = text.lines().map(serde_json::from_str).collect();
    let torn = entries.iter().filter(|entry| entry.is_err()).count();
    (entries.into_iter().filter_map(Result::ok).collect(), torn)
}

#[test]
fn no_change_before_its_audit_line() {
    let Some(shim) = shim() else { return };
    let mut struck = 0;
    for earlier in [false, true] {
        // With existing lines, only the line after a torn one matters.
        let these = |fault: &Fault| !earlier || is_exhaustive() || fault.kinds == "w";
        for (fault, _) in FAULTS.into_iter().filter(|(fault, _)| these(fault)) {
            struck += (1..=1000)
                .take_while(|at| attempt(shim, &Plan { fault, at: *at }, earlier))
                .count();
        }
    }
    assert!(struck > 40, "{struck} faults struck");
    eprintln!("audit log: {struck} faults struck");
}

/// By the time of the change its line was on the disk, and so was the log's name.
fn nothing_was_sent_too_early(plan: &Plan, earlier: bool, calls_made: &[Call], folder: &Path) {
    let is = |call: &Call, kind| call.kind == kind && call.outcome == Outcome::Done;
    let announced = calls_made.iter().position(|call| is(call, 'w'));
    let safe = announced.is_some_and(|at| {
        let mut later = calls_made[at..].iter();
        later.any(|call| is(call, 's') && call.path == calls_made[at].path)
    });
    let short = plan.fault.effect == Effect::Short;
    assert!(
        safe || short,
        "{plan:?}: sent before its line was safe: {calls_made:?}"
    );
    let named = earlier || calls_made.iter().any(|call| is(call, 's') && call.path == folder);
    assert!(
        named,
        "{plan:?}: sent before the log's name was safe: {calls_made:?}"
    );
}

/// Test of the check: it fails without the calls that make the line or the name durable.
#[test]
fn a_change_sent_before_its_line_is_detected() {
    let folder = Path::new("/log");
    let call = |kind, path: &str| Call {
        kind,
        path: path.into(),
        second: PathBuf::new(),
        outcome: Outcome::Done,
    };
    let good = [
        call('c', "/log/audit.jsonl"),
        call('s', "/log"),
        call('w', "/log/audit.jsonl"),
        call('s', "/log/audit.jsonl"),
    ];
    let judge = |calls_made: &[Call], earlier| {
        std::panic::catch_unwind(|| nothing_was_sent_too_early(&Plan::none(), earlier, calls_made, folder))
            .is_ok()
    };
    assert!(judge(&good, false));
    assert!(!judge(&good[..3], false), "the line is not safe");
    assert!(!judge(&good[..2], false), "there is no line");
    assert!(!judge(&good[2..], false), "the name is not safe");
    assert!(judge(&good[2..], true), "the name was there before");
    let mut failed = good.clone();
    failed[3].outcome = Outcome::Failed;
    assert!(!judge(&failed, false), "the line could not be made safe");
}

/// One change. Returns whether the fault occurred.
fn attempt(shim: &Path, plan: &Plan, earlier: bool) -> bool {
    let context = TestContext::msp();
    let folder = context.folder.path().canonicalize().unwrap().join("log");
    fs::create_dir(&folder).unwrap();
    let (report, audit) = (context.path("report"), folder.join("audit.jsonl"));
    if earlier {
        assert_eq!(context.run(REVOKE).code, Some(0));
    }
    let (before, writes_before) = (lines(&audit).0.len(), writes(&context).len());
    let mut command = context.command(GRANT);
    plan.apply(&mut command, shim, &folder, &report);
    let output = command.stdout(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let calls_made = calls(&report);
    let details = format!(
        "{plan:?} {earlier}: {:?}\n{stderr}\n{calls_made:?}",
        output.status
    );
    let sent = writes(&context).len() > writes_before;
    if sent {
        nothing_was_sent_too_early(plan, earlier, &calls_made, &folder);
    }
    if output.status.code() == Some(0) {
        assert!(sent, "{details}");
        // Opening a log that is there makes no name.
        let new = |call: &&Call| !earlier || call.kind != 'c';
        let changes: Vec<Call> = calls_made.iter().filter(new).cloned().collect();
        let lost = lost_by_power_cut(&changes, &folder);
        assert!(lost.is_empty(), "a power cut would lose {lost:?}: {details}");
        assert_eq!(lines(&audit).0.len(), before + 2, "{details}");
    }
    assert!(
        !stderr.contains("panicked") && output.status.code() != Some(13),
        "{details}"
    );
    let struck = calls_made.iter().any(|call| call.outcome == Outcome::Struck);
    if struck && plan.fault.effect == Effect::Fail && plan.fault.errno != 4 && !sent {
        // ENOMEM, ENFILE, EMFILE, EFBIG, ENOSPC, EDQUOT.
        let is_exhausted = [12, 23, 24, 27, 28, 122].contains(&plan.fault.errno);
        let expected = if is_exhausted { 8 } else { 9 };
        assert_eq!(output.status.code(), Some(expected), "{details}");
        assert!(
            stderr.contains("hint: ") && stderr.contains("audit.jsonl"),
            "{details}"
        );
    }

    // After a torn line the next change's lines are complete.
    let (complete, torn) = lines(&audit);
    assert!(complete.len() >= before && torn <= 1, "{details}");
    let ran = context.run(&[
        "delete-account",
        "user:912",
        "-p",
        "--audit-log",
        "log/audit.jsonl",
    ]);
    assert_eq!(ran.code, Some(0), "{details}");
    let (after, _) = lines(&audit);
    assert_eq!(
        after.len(),
        complete.len() + 2,
        "a line was lost in a torn one: {details}"
    );
    struck
}
