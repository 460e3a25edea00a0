//! A day in service mode with a ConductorOne made of the SDK's own generated code, which holds everything that it hears
//! against the SDK's rules.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use ninjaone_sim::{Fault, FaultRule, When};
use serde_json::Value;

use super::rows::{assert_same, is_accepted, ours, text};
use super::{Operations, Reference};
use crate::harness::TestContext;
use crate::support::service::PATIENCE;

/// ConductorOne, as the SDK implements it.
struct Office {
    child: Child,
    input: ChildStdin,
    lines: mpsc::Receiver<String>,
}

impl Office {
    fn open(reference: &Reference, context: &TestContext) -> Self {
        fs::create_dir(context.path("office")).unwrap();
        let mut command: Command = reference.command(&["serve", context.path("office").to_str().unwrap()]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            let mut lines = output.lines().map_while(Result::ok);
            lines.all(|line| sender.send(line).is_ok())
        });
        Self {
            input: child.stdin.take().unwrap(),
            lines,
            child,
        }
    }

    /// Its next message. If it stops sending, the reason is on its stderr.
    fn next_message(&self, context: &TestContext) -> Value {
        let line = self.lines.recv_timeout(PATIENCE * 2);
        let line = line.unwrap_or_else(|error| {
            let log = fs::read_to_string(context.path("log")).unwrap_or_default();
            panic!("the office says nothing: {error}\n{log}")
        });
        serde_json::from_str(&line).unwrap()
    }

    fn proceed(&mut self) {
        self.input.write_all(b"\n").unwrap();
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program in service mode.
struct Worker(Child);

impl Worker {
    fn start(context: &TestContext, credentials: &Value) -> Self {
        fs::write(context.path("c1-ca.pem"), text(credentials, "ca")).unwrap();
        let mut command = context.command(&["--provisioning", "--audit-log", "audit.jsonl"]);
        command
            .env("BATON_CLIENT_ID", text(credentials, "client_id"))
            .env("BATON_CLIENT_SECRET", text(credentials, "client_secret"))
            .env("BATON_CA_FILE", "c1-ca.pem")
            .env("BATON_HOST_ID", "interop-host")
            .stdout(Stdio::null())
            .stderr(fs::File::create(context.path("log")).unwrap());
        Self(command.spawn().unwrap())
    }

    fn stop(&mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let begin = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            assert!(begin.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_day_of_tasks_from_the_reference_server() {
    let Some(reference) = Reference::here("a day in service mode") else {
        return;
    };
    let mut operations = Operations::on("a day in service mode");
    let context = TestContext::msp();
    let mut office = Office::open(reference, &context);
    let credentials = office.next_message(&context);
    let mut worker = Worker::start(&context, &credentials);
    let mut day = Vec::new();
    let mut ready = 0;
    loop {
        let line = office.next_message(&context);
        let name = text(&line, "task");
        if name == "ready" {
            // The sync that is to be cancelled must take its time; the one after that must not.
            context.sim().faults().clear();
            if ready == 0 {
                context.sim().faults().add(slow());
            }
            ready += 1;
            office.proceed();
            continue;
        }
        day.push(line);
        operations.pass();
        if name == "a sync after that" {
            break;
        }
    }
    assert_eq!(worker.stop(), Some(0));
    office.proceed();
    let end = office.next_message(&context);
    let problems = end["problems"].as_array().unwrap();
    let problems: Vec<&Value> = problems
        .iter()
        .filter(|problem| !is_accepted(problem.as_str().unwrap()))
        .collect();
    assert!(problems.is_empty(), "{problems:#?}");
    let sign_ins = end["sign_ins"].as_u64().unwrap();
    // The SDK's own client signed in once.
    assert!(sign_ins > 2, "tokens are renewed: {sign_ins}");
    operations.pass();

    // The delivered file equals the file of a run.
    let other = TestContext::msp();
    let ran = other.run(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let delivered = ours(&context.path("office").join("upload-0.c1z"), None);
    let mut expected = ours(&other.path("sync.c1z"), None);
    let tenant = ("resource".to_owned(), "tenant:ninja-one".to_owned());
    // The tenant is described by its address.
    let described = delivered[&tenant].clone();
    for (key, bytes) in &mut expected {
        if key.1.starts_with("tenant:") {
            bytes.clone_from(&delivered[key]);
        }
    }
    assert!(String::from_utf8_lossy(&described).contains(context.base_url.as_ref().unwrap()));
    assert_same(&delivered, &expected);
    operations.pass();
    assert_snapshot!(render_day(&day, &context));
    operations.print_counts();
}

fn slow() -> FaultRule {
    FaultRule {
        method: Some("GET".to_owned()),
        path: "/v2/users".to_owned(),
        when: When::Always,
        fault: Fault::SlowBody {
            first: Duration::from_secs(20),
            pause: Duration::ZERO,
            piece: 4096,
        },
    }
}

/// One line for each task, without values that differ from run to run.
fn render_day(day: &[Value], context: &TestContext) -> String {
    let lines: Vec<String> = day.iter().map(Value::to_string).collect();
    let text = lines
        .join("\n")
        .replace(context.base_url.as_ref().unwrap(), "[TENANT]");
    let is_ksuid = |part: &str| part.len() == 27 && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let parts: Vec<&str> = text
        .split('"')
        .map(|part| if is_ksuid(part) { "[KSUID]" } else { part })
        .collect();
    parts.join("\"")
}
