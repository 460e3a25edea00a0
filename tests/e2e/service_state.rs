//! State of service mode across restarts: the guard's baseline in a state folder, and the rules without one.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use baton_proto::connectorapi_baton_v1::task::{self as wire, TaskType};
use c1_sim::C1SimConfig;
use ninjaone_sim::{Fault, FaultRule, SimConfig, Tenant, When};

use crate::harness::TestContext;
use crate::support::service::{PATIENCE, Served, render_finish};

const STATE: &[&str] = &["--state-dir", "state"];

fn full() -> TaskType {
    TaskType::SyncFull(wire::SyncFullTask::default())
}

fn msp() -> SimConfig {
    SimConfig::new(Tenant::fixture("msp").unwrap())
}

/// A service with a state folder that is started.
fn served(arguments: &[&str]) -> Served {
    let mut served = Served::not_started(&msp(), C1SimConfig::default());
    fs::create_dir(served.context.path("state")).unwrap();
    served.start(arguments);
    served
}

fn answer_with_nothing(context: &TestContext, path: &str) {
    context.sim().faults().clear();
    context.sim().faults().add(FaultRule {
        method: None,
        path: path.to_owned(),
        when: When::Always,
        fault: Fault::EmptyList,
    });
}

/// A full sync that must succeed.
fn delivers(served: &Served) {
    let task = served.push(full());
    let finish = served.finished(&task);
    assert!(finish.is_success(), "{}", render_finish(&finish));
    assert_eq!(served.c1.tasks().progress(&task).unwrap().assets().count(), 1);
}

/// Runs a full sync that must be held back and returns its message.
fn held_back(served: &Served) -> String {
    let task = served.push(full());
    let message = render_finish(&served.finished(&task));
    assert!(message.starts_with("FailedPrecondition"), "{message}");
    assert_eq!(served.c1.tasks().progress(&task).unwrap().assets().count(), 0);
    message
}

fn state_file(served: &Served) -> PathBuf {
    served
        .context
        .path("state")
        .join("baton-ninja-one/delivered.state")
}

#[test]
fn the_guard_survives_a_restart() {
    let mut served = served(STATE);
    delivers(&served);
    assert_eq!(served.stop(), Some(0));
    let mode = fs::metadata(state_file(&served)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for (list, words) in [
        ("/v2/user/roles", "resources of type role are left"),
        (
            "/v2/organizations",
            "0 of 9 resources of type organization are left",
        ),
    ] {
        answer_with_nothing(&served.context, list);
        served.start(STATE);
        let message = held_back(&served);
        assert!(
            message.contains(words) && message.contains("in upload to "),
            "{message}"
        );
        assert_eq!(served.stop(), Some(0));
    }
    // It is still the first one that later ones are compared with.
    served.context.sim().faults().clear();
    served.start(STATE);
    delivers(&served);
    assert_eq!(served.stop(), Some(0));
    let left = fs::read_dir(state_file(&served).parent().unwrap()).unwrap();
    let mut left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["delivered.state", "lock"]);
}

#[test]
fn state_survives_a_kill() {
    let mut served = served(STATE);
    delivers(&served);
    served.signal(rustix::process::Signal::KILL);
    let _ = served.child.take().unwrap().wait();
    fs::write(state_file(&served).with_file_name("unfinished-x"), b"half").unwrap();
    answer_with_nothing(&served.context, "/v2/user/roles");
    served.start(STATE);
    held_back(&served);
    assert!(!state_file(&served).with_file_name("unfinished-x").exists());
    assert_eq!(served.stop(), Some(0));
}

/// No tenant has technicians and no role, so nothing needs to be remembered to refuse it.
#[test]
fn without_a_folder_absolute_rules_hold() {
    let mut served = Served::msp(&[]);
    delivers(&served);
    assert_eq!(served.stop(), Some(0));
    for (list, words) in [
        ("/v2/user/roles", "any role, although there are technicians"),
        (
            "/v2/organizations",
            "any organization, although there are end users",
        ),
    ] {
        answer_with_nothing(&served.context, list);
        served.start(&[]);
        let message = held_back(&served);
        assert!(
            message.contains(words) && message.contains("is not known"),
            "{message}"
        );
        assert_eq!(served.stop(), Some(0));
    }
    // The loss is accepted after inspection.
    served.start(&["--accept-drop", "organization"]);
    delivers(&served);
    assert_eq!(served.stop(), Some(0));
}

/// A process without own deliveries compares with the delivery of another one.
#[test]
fn replicas_share_the_delivered_state() {
    let mut served = served(STATE);
    delivers(&served);
    let credentials = served.c1.credentials().clone();
    let mut command = served.context.command(&[STATE, &["--log-path", "log2"]].concat());
    let mut other = command
        .env("BATON_CLIENT_ID", &credentials.client_id)
        .env("BATON_CLIENT_SECRET", &credentials.client_secret)
        .env("BATON_CA_FILE", "c1-ca.pem")
        .env("BATON_HOST_ID", "other-host")
        .spawn()
        .unwrap();
    assert_eq!(served.c1.tasks().wait_for_hellos(2, PATIENCE).len(), 2);
    assert_eq!(served.stop(), Some(0));
    answer_with_nothing(&served.context, "/v2/user/roles");
    let task = served.push(full());
    let finish = served.finished(&task);
    assert_eq!(finish.host_id, "other-host");
    let message = render_finish(&finish);
    assert!(message.contains("resources of type role are left"), "{message}");
    let pid = rustix::process::Pid::from_child(&other);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(other.wait().unwrap().code(), Some(0));
}

/// Each sync of a dataset waits for the one before, within a process (A23).
#[test]
fn syncs_of_one_dataset_queue() {
    let mut served = Served::msp(&[
        "--sink",
        "parquet=access",
        "--sink",
        "html=report.html",
        "--task-concurrency",
        "4",
    ]);
    let tasks: Vec<_> = (0..8).map(|_| served.push(full())).collect();
    for task in &tasks {
        let finish = served.finished(task);
        assert!(finish.is_success(), "{}", render_finish(&finish));
        assert_eq!(served.c1.tasks().progress(task).unwrap().assets().count(), 1);
    }
    assert_eq!(served.stop(), Some(0));
    let manifests = fs::read_dir(served.context.path("access/_manifests")).unwrap();
    assert_eq!(manifests.count(), tasks.len());
    let verified = served.context.run(&["verify", "access"]);
    assert_eq!(verified.code, Some(0), "{}", verified.stderr);
    assert!(served.temp_is_empty());
}

/// Unusable state never counts as missing.
#[test]
fn unusable_state_is_an_error() {
    let mut served = served(STATE);
    delivers(&served);
    assert_eq!(served.stop(), Some(0));
    let path = state_file(&served);
    let good = fs::read(&path).unwrap();
    answer_with_nothing(&served.context, "/v2/user/roles");
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    let mut newer = good.clone();
    newer[8] = 2;
    let text = String::from_utf8_lossy(&good[16..]).into_owned();
    assert!(text.starts_with("{\"tenant\":\"http"), "{text}");
    for (bytes, reason) in [
        (flipped, "DataLoss"),
        (good[..good.len() / 3].to_vec(), "DataLoss"),
        (Vec::new(), "DataLoss"),
        (b"BNOSTATE".to_vec(), "DataLoss"),
        (newer, "Unimplemented"),
    ] {
        fs::write(&path, &bytes).unwrap();
        served.start(STATE);
        let task = served.push(full());
        let message = render_finish(&served.finished(&task));
        assert!(
            message.starts_with(reason) && message.contains("delivered.state"),
            "{message}"
        );
        assert_eq!(served.c1.tasks().progress(&task).unwrap().assets().count(), 0);
        assert_eq!(served.stop(), Some(0));
        assert_eq!(fs::read(&path).unwrap(), bytes, "it is left as it is");
    }
    // Another tenant's: the same file in the service of another tenant with the same connector.
    fs::write(&path, &good).unwrap();
    let other = TestContext::with(&msp());
    let base = other.sim().base_url();
    served.start_with(STATE, |command| {
        command.env("BATON_NINJA_ONE_BASE_URL", &base);
    });
    let message = held_back(&served);
    assert!(message.contains("is the state of connector "), "{message}");
    assert_eq!(served.stop(), Some(0));
}

/// State that others could have written is not used, and a folder without write permission is reported at startup.
#[test]
fn a_foreign_state_folder_is_refused_at_startup() {
    let mut served = Served::not_started(&msp(), C1SimConfig::default());
    let ends = |served: &mut Served, words: &str, code: i32| {
        served.start(STATE);
        assert_eq!(served.ended(), Some(code));
        assert!(served.log().contains(words), "{}", served.log());
    };
    ends(&mut served, "is not a folder", 3);
    fs::write(served.context.path("state"), "a file").unwrap();
    ends(&mut served, "is not a folder", 3);
    fs::remove_file(served.context.path("state")).unwrap();
    let own = served.context.path("state/baton-ninja-one");
    fs::create_dir_all(&own).unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o777)).unwrap();
    ends(&mut served, "everyone can write to it", 9);
    fs::remove_dir(&own).unwrap();
    std::os::unix::fs::symlink(served.context.path("tmp"), &own).unwrap();
    ends(&mut served, "is not a folder", 3);
}
