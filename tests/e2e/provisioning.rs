//! Changes by an administrator: output, refusals, the next sync and the audit log.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;
use ninjaone_sim::{Fault, FaultRule, SimConfig, Tenant, When};
use serde_json::{Value, json};

use crate::golden::read_rows;
use crate::harness::{RunOutput, SECRET, TestContext, split_words, without_counters};

/// Requests that change something, or would.
pub(crate) fn writes(context: &TestContext) -> Vec<(String, String)> {
    let calls = context.sim().ledger().calls().into_iter();
    calls
        .filter(|call| call.method != "GET" && !call.path.ends_with("/oauth/token"))
        .map(|call| (format!("{} {}", call.method, call.path), call.body))
        .collect()
}

/// The output, without values that differ from run to run.
pub(crate) fn printed(context: &TestContext, ran: &RunOutput) -> String {
    let text = ran
        .stdout
        .replace(context.base_url.as_deref().unwrap(), "[TENANT]");
    let lines = text.lines().map(|line| match line.trim_start().split_once("  ") {
        Some(("change", _)) => "  change    [ID]".to_owned(),
        Some(("request", _)) => "  request   [ID]".to_owned(),
        _ => line.to_owned(),
    });
    format!(
        "{}{}",
        context.error_snapshot(ran),
        lines.collect::<Vec<_>>().join("\n")
    )
}

const PRINTED: &str = r#"
grant "Network Engineering" --to sofia.marchetti@example.com --dry-run
grant "Network Engineering" --to sofia.marchetti@example.com -p
grant role:3:assigned --to user:16 -p
grant 3 --to 16 --dry-run
grant Onboarding --to priya.raghunathan@example.com -p
grant role:4 --to user:11 -p
revoke "network engineering" --from SOFIA.marchetti@example.com -p
revoke role:9:assigned --from user:4242 -p
revoke role:999 --from user:16 -p
create-account --kind technician --first-name Nia --last-name Okoro --email nia@example.com --phone "+1 612 555 0199" --role role:1 --role "Network Engineering" -p
create-account --profile '{"user_type":"TECHNICIAN","first_name":"Nia","last_name":"Okoro","email":"NIA@example.com","roles":["4"],"shoe":44}' -p
create-account --kind end-user --first-name Ola --last-name Berg --email ola@example.net --organization "cedar grove dental" --full-portal-access --send-invitation --role "Ticket Viewers" --dry-run
update-account user:903 --organization 3 --full-portal-access true -p
update-account user:903 --organization 3 -p
update-account ada.nystrom@example.com --last-name Nyström-Berg -p
delete-account user:912 -p
delete-account user:912 -p
"#;

/// Runs command lines one after the other and renders them with their results.
fn session(context: &TestContext, lines: &str, shown: fn(&TestContext, &RunOutput) -> String) -> String {
    let ran = lines.trim().lines().map(|line| {
        let words = split_words(line);
        let ran = context.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        format!("$ baton-ninja-one {line}\n{}", shown(context, &ran))
    });
    ran.collect::<Vec<_>>().join("\n\n")
}

#[test]
fn printed_output_of_changes() {
    let context = TestContext::msp();
    assert_snapshot!(session(&context, PRINTED, printed));
    let sent = writes(&context)
        .into_iter()
        .map(|(request, body)| format!("{request} {body}"));
    assert_snapshot!("what_is_sent", sent.collect::<Vec<_>>().join("\n"));
}

const REFUSED: &str = r#"
grant "Network Engineering" --to user:16
grant "Service Desk" --to user:16 -p
grant role:2:assigned --to user:16 -p
grant role:3 --to user:901 -p
grant role:3 --to daniel.kowalski@example.com -p
grant role:3 --to nobody@example.com -p
grant role:3 --to user:77777 -p
grant role:77 --to user:16 -p
grant organization:2:member --to user:16 -p
grant role:3 --to role:1 -p
grant role:3 -p
create-account --kind technician -p
create-account --profile { -p
create-account --kind end-user --first-name A --last-name B --email ada.nystrom@example.com -p
create-account --kind technician --first-name A --last-name B --email a@example.com --organization 2 -p
update-account user:903 --email x@example.com -p
update-account user:903 --enabled false -p
update-account user:7 --organization 2 -p
delete-account user:2 -p
delete-account nobody@example.com -p
--grant-entitlement role:3:assigned --grant-principal 16
--grant-entitlement tenant:ninja-one:system-administrator --grant-principal 16 --grant-principal-type user
--grant-entitlement role:3:assigned --grant-principal 2 --grant-principal-type organization
--revoke-grant role:3
--revoke-grant role:3:assigned:user:7 --delete-resource 7 --delete-resource-type user
--delete-resource 3 --delete-resource-type role
--create-account-email a@example.com
--create-account-login a@example.com --create-account-resource-type role
--invoke-action enable-account
export --from x.c1z --revoke-grant role:3:assigned:user:7
"#;

#[test]
fn refused_changes_send_nothing() {
    let context = TestContext::msp();
    let before = context.sim().state();
    let shown = session(&context, REFUSED, TestContext::error_snapshot);
    assert!(writes(&context).is_empty());
    assert_eq!(context.sim().state(), before);
    assert_snapshot!(shown);
}

#[test]
fn a_dry_run_sends_nothing_and_leaves_no_trace() {
    let context = TestContext::msp();
    for arguments in [
        &["revoke", "role:1", "--from", "user:7", "--dry-run", "-p"][..],
        &["--revoke-grant", "role:1:assigned:user:7", "--dry-run"],
        &["delete-account", "user:15", "--dry-run", "--output", "json"],
    ] {
        let ran = context.run(&[arguments, &["--audit-log", "audit.jsonl"]].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    }
    assert!(writes(&context).is_empty());
    context.assert_only_files(&[]);
}

#[test]
fn the_next_sync_shows_the_change_under_the_printed_ids() {
    let context = TestContext::msp();
    let json = |arguments: &[&str]| -> Value {
        let ran = context.run(&[arguments, &["-p", "--output", "json"]].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let granted = json(&["grant", "Onboarding", "--to", "sofia.marchetti@example.com"]);
    let revoked = json(&["revoke", "role:1", "--from", "user:7"]);
    let created = json(&[
        "create-account",
        "--kind",
        "end-user",
        "--first-name",
        "Ola",
        "--last-name",
        "Berg",
        "--email",
        "ola@example.net",
        "--organization",
        "2",
        "--role",
        "role:9",
    ]);
    let deleted = json(&["delete-account", "user:910"]);
    let ran = context.run(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let rows: Vec<String> = read_rows(&context.path("sync.c1z"))
        .into_iter()
        .map(|row| row.shown)
        .collect();
    let has = |text: &str| rows.iter().any(|row| row.contains(text));
    let id = |outcome: &Value| outcome["account"]["id"]["id"].as_str().unwrap().to_owned();
    assert!(has(granted["grant_id"].as_str().unwrap()));
    assert!(!has(revoked["grant_id"].as_str().unwrap()));
    assert!(has(&format!("role:9:assigned:user:{}", id(&created))));
    assert!(has(&format!("organization:2:member:user:{}", id(&created))));
    assert!(!has(&format!(":user:{}", id(&deleted))));
    // The resource equals the one of a sync, except for fields that only the common list has.
    assert_eq!(
        created["resource"]["profile"]["organization_name"],
        json!("Alder & Finch Accountants")
    );
}

#[test]
fn every_attempt_is_in_the_audit_log() {
    let context = TestContext::msp();
    let audited = |arguments: &[&str]| {
        let more = [
            "-p",
            "--audit-log",
            "audit.jsonl",
            "--requested-by",
            "ticket CHG-1042",
        ];
        context.run(&[arguments, &more].concat()).code
    };
    assert_eq!(
        audited(&["grant", "Network Engineering", "--to", "user:16"]),
        Some(0)
    );
    assert_eq!(
        audited(&["grant", "Network Engineering", "--to", "user:16"]),
        Some(0)
    );
    assert_eq!(audited(&["grant", "Service Desk", "--to", "user:16"]), Some(3));
    context.sim().faults().add(FaultRule {
        method: Some("PATCH".to_owned()),
        path: "/v2/user/role/1/add-members".to_owned(),
        when: When::Always,
        fault: Fault::Status(503),
    });
    assert_eq!(
        audited(&[
            "create-account",
            "--kind",
            "technician",
            "--first-name",
            "Nia",
            "--last-name",
            "Okoro",
            "--email",
            "nia@example.com",
            "--role",
            "role:3",
            "--role",
            "role:1",
            "--ninja-one-retry-seconds=0",
        ]),
        Some(14)
    );
    assert_eq!(audited(&["delete-account", "user:15"]), Some(0));
    let text = fs::read_to_string(context.path("audit.jsonl")).unwrap();
    assert!(!text.contains(SECRET) && !text.contains("sim-token"));
    assert_eq!(
        fs::metadata(context.path("audit.jsonl"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    let lines = text.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        line["time"] = json!("[TIME]");
        line["change_id"] = json!("[ID]");
        line["tenant"] = json!("[TENANT]");
        let requests = line.get_mut("requests").and_then(Value::as_array_mut);
        for request in requests.into_iter().flatten() {
            request["request_id"] = json!("[ID]");
        }
        line.to_string()
            .replace(context.base_url.as_deref().unwrap(), "[TENANT]")
    });
    assert_snapshot!(without_counters(&lines.collect::<Vec<_>>().join("\n")));
}

#[test]
fn no_change_without_an_audit() {
    let context = TestContext::msp();
    let ran = context.run(&[
        "revoke",
        "role:1",
        "--from",
        "user:7",
        "-p",
        "--audit-log",
        "no/such/folder/audit.jsonl",
    ]);
    assert_snapshot!("audit_unopenable", context.error_snapshot(&ran));
    let ran = context.run(&[
        "revoke",
        "role:1",
        "--from",
        "user:7",
        "-p",
        "--audit-log",
        "/dev/full",
    ]);
    assert_snapshot!("audit_full", context.error_snapshot(&ran));
    assert!(writes(&context).is_empty());
}

#[test]
fn an_older_instance_cannot_be_changed() {
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    config.behavior.transport.old_instance = true;
    let context = TestContext::with(&config);
    let mut shown = Vec::new();
    for arguments in [
        &["grant", "Service Desk", "--to", "user:16", "-p"][..],
        &["--revoke-grant", "role:1:assigned:user:7"],
        &[
            "--revoke-grant",
            "role:name:TECHNICIAN:Service Desk:assigned:user:7",
        ],
        &["delete-account", "user:15", "-p"],
        &["update-account", "user:15", "--first-name", "X", "-p"],
        &[
            "create-account",
            "--kind",
            "technician",
            "--first-name",
            "A",
            "--last-name",
            "B",
            "--email",
            "a@example.com",
            "-p",
        ],
    ] {
        let ran = context.run(arguments);
        shown.push(format!(
            "$ baton-ninja-one {}\n{}",
            arguments.join(" "),
            context.error_snapshot(&ran)
        ));
    }
    assert!(writes(&context).is_empty());
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn the_forms_shown_by_c1_are_printed() {
    let context = TestContext::bare();
    let schema = context.run(&["create-account", "--schema"]);
    let actions = context.run(&["--list-action-schemas"]);
    assert_eq!((schema.code, actions.code), (Some(0), Some(0)));
    assert_snapshot!(format!("{}{}", schema.stdout, actions.stdout));
}

#[test]
fn an_action_does_the_same_as_the_command() {
    let context = TestContext::msp();
    let ran = context.run(&[
        "--invoke-action",
        "update-account",
        "--invoke-action-args",
        r#"{"user_id":"903","full_portal_access":true}"#,
    ]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(
        context.sim().state()["users"]["903"]["fullPortalAccess"],
        json!(true)
    );
}
