//! Servers that repeat the request: neither the secret nor the token comes out of the program again.

use std::fs;

use access_core::secrets::REDACTED;
use baton_proto::connectorapi_baton_v1::task::{self as wire, TaskType};
use ninjaone_sim::{SimConfig, Tenant};
use rustix::process::{Pid, Signal, kill_process};

use crate::echo_server::{ECHO_LOCATIONS, EchoLocation, FORMS, Form, JSON, leak, start_echo_server};
use crate::harness::TestContext;
use crate::support::service::{Served, grant};

/// Changed by every encoding, and of no word.
const SECRET: &str = "s3cr+t/Key=9d81c0ffee~Zq&7 %x";
/// The first tokens of the simulator.
const TOKENS: [&str; 3] = ["sim-token-000001", "sim-token-000002", "sim-token-000003"];

fn full_sync() -> TaskType {
    TaskType::SyncFull(wire::SyncFullTask::default())
}

fn tenant() -> TestContext {
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    SECRET.clone_into(&mut config.app.client_secret);
    TestContext::with(&config)
}

/// Everything that the program has written, unpacked.
fn written(context: &TestContext) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![context.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut bytes = fs::read(&path).unwrap();
            if path.extension().is_some_and(|extension| extension == "c1z") {
                bytes = zstd::decode_all(&bytes[5..]).unwrap();
            }
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            files.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    files
}

/// Runs the program before a server that repeats what is sent to a path, and looks for the secrets everywhere. Whether one was
/// taken out of something.
fn runs_without_a_leak(
    context: &TestContext,
    path: &'static str,
    location: EchoLocation,
    form: Form,
    arguments: &[&str],
) -> bool {
    let address = start_echo_server(context.base_url.as_deref().unwrap(), path, location, form);
    let mut command = context.command(arguments);
    command
        .env("BATON_NINJA_ONE_BASE_URL", address)
        .env("BATON_NINJA_ONE_CLIENT_SECRET", SECRET)
        .env("BATON_NINJA_ONE_RETRY_SECONDS", "0")
        .env("BATON_HTTP_TIMEOUT_SECONDS", "5")
        .env("BATON_LOG_LEVEL", "debug")
        .env("BATON_LOG_PATH", "stderr,lines.log");
    let ran = context.finish(&mut command);
    let mut texts = written(context);
    texts.push(("stdout".to_owned(), ran.stdout));
    texts.push(("stderr".to_owned(), ran.stderr));
    for (name, text) in &texts {
        for secret in [SECRET].iter().chain(&TOKENS) {
            if let Some(leak) = leak(text, secret) {
                panic!("{name}, {path}, {location:?}, {form:?}: {leak}");
            }
        }
    }
    for entry in fs::read_dir(context.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::remove_file(path).unwrap();
        }
    }
    texts.iter().any(|(_, text)| text.contains(REDACTED))
}

#[test]
fn an_echoed_sign_in() {
    let context = tenant();
    let mut redacted = 0;
    for location in ECHO_LOCATIONS {
        let token = "/ws/oauth/token";
        redacted += u32::from(runs_without_a_leak(&context, token, *location, Form::Raw, &[]));
        redacted += u32::from(runs_without_a_leak(
            &context,
            token,
            *location,
            Form::Decoded,
            &["check"],
        ));
    }
    assert!(redacted > 5, "{redacted}");
}

#[test]
fn an_echoed_list() {
    let context = tenant();
    let mut redacted = 0;
    for location in ECHO_LOCATIONS {
        redacted += u32::from(runs_without_a_leak(
            &context,
            "/v2/user/roles",
            *location,
            Form::Raw,
            &[],
        ));
    }
    assert!(redacted > 15, "{redacted}");
    for path in ["/v2/users", "/v2/user/technicians", "/v2/organizations"] {
        runs_without_a_leak(
            &context,
            path,
            EchoLocation::Body(500, JSON, r#"{"message":"{}"}"#),
            Form::Raw,
            &[],
        );
    }
}

#[test]
fn an_echoed_change() {
    let context = tenant();
    let arguments = [
        "grant",
        "role:3",
        "--to",
        "user:16",
        "-p",
        "--audit-log",
        "audit.jsonl",
    ];
    let mut redacted = 0;
    for location in ECHO_LOCATIONS {
        redacted += u32::from(runs_without_a_leak(
            &context,
            "/v2/user/role/3/",
            *location,
            Form::Raw,
            &arguments,
        ));
    }
    assert!(redacted > 10, "{redacted}");
}

#[test]
fn secrets_are_found_in_every_encoding() {
    let context = tenant();
    let locations = [
        EchoLocation::Body(
            400,
            JSON,
            r#"{"error":"invalid_client","error_description":"{}"}"#,
        ),
        EchoLocation::Body(500, JSON, r#"{"errorMessage":"{}"}"#),
        EchoLocation::Header(403, "x-nj-request-id", "{}"),
        EchoLocation::Header(302, "Location", "https://elsewhere.example/?{}"),
    ];
    for form in FORMS {
        for location in locations {
            for path in ["/ws/oauth/token", "/v2/users"] {
                let redacted = runs_without_a_leak(&context, path, location, form, &[]);
                // Other text of a sign-in is never repeated.
                assert!(redacted || path == "/ws/oauth/token", "{location:?} {form:?}");
            }
        }
    }
}

#[test]
fn a_token_in_a_name_is_not_published() {
    let context = tenant();
    let location = EchoLocation::Body(
        200,
        JSON,
        r#"[{"id":3,"name":"{}","description":"{}","type":"TECHNICIAN","members":[{"id":1}]},{"id":4,"name":"Desk","type":"TECHNICIAN","members":[]}]"#,
    );
    let sinks = ["--sink", "c1z=sync.c1z,csv=data", "--accept-drop", "all"];
    assert!(runs_without_a_leak(
        &context,
        "/v2/user/roles",
        location,
        Form::Raw,
        &sinks
    ));
}

#[test]
fn conductorone_gets_no_secret() {
    for path in ["/ws/oauth/token", "/v2/user/roles"] {
        let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
        SECRET.clone_into(&mut config.app.client_secret);
        let mut served = Served::not_started(&config, c1_sim::C1SimConfig::default());
        let location = EchoLocation::Body(403, "text/html", "<title>blocked: {}</title>");
        let tenant = served.context.base_url.clone().unwrap();
        let address = start_echo_server(&tenant, path, location, Form::Raw);
        served.start_with(&["--provisioning"], |command| {
            command
                .env("BATON_NINJA_ONE_BASE_URL", address)
                .env("BATON_NINJA_ONE_CLIENT_SECRET", SECRET)
                .env("BATON_NINJA_ONE_RETRY_SECONDS", "0");
        });
        for task in [full_sync(), grant("role:3:assigned", "16")] {
            let id = served.push(task);
            let finish = format!("{:?}", served.finished(&id));
            for secret in [SECRET].iter().chain(&TOKENS) {
                assert_eq!(leak(&finish, secret), None, "{path}");
                assert_eq!(leak(&served.log(), secret), None, "{path}");
            }
        }
        served.stop();
    }
}

#[test]
fn no_core_is_dumped() {
    let mut served = Served::msp(&[]);
    let id = served.push(full_sync());
    served.finished(&id);
    let limits = fs::read_to_string(format!("/proc/{}/limits", served.pid())).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    let values: Vec<&str> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(values, ["0", "0"], "{core}");
    // The process's files in `/proc` belong to root or are closed to its own user.
    let dumped = kill_process(
        Pid::from_raw(i32::try_from(served.pid()).unwrap()).unwrap(),
        Signal::ABORT,
    );
    dumped.unwrap();
    let mut child = served.child.take().unwrap();
    let status = child.wait().unwrap();
    assert!(
        !std::os::unix::process::ExitStatusExt::core_dumped(&status),
        "{status}"
    );
}

#[test]
fn a_secret_on_the_command_line_is_warned_about() {
    let context = TestContext::msp();
    let secret = crate::harness::SECRET;
    let ran = context.run(&["--ninja-one-client-secret", secret]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("readable by every local user"),
        "{}",
        ran.stderr
    );
    // With a typing error beside it.
    for arguments in [
        ["--ninja-one-client-secret", secret, "--bogus"],
        ["--ninja-one-client-secret", "--file", secret],
    ] {
        context.run(&arguments);
    }
    let by_equals = format!("--ninja-one-client-secret={secret}");
    context.run(&[&by_equals, "--bogus"]);
}
