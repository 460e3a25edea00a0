//! Parts of a tenant: by type, by single resource, without access; and the requests for them.

use insta::assert_snapshot;
use ninjaone_sim::{Fault, SimConfig, Tenant, When};

use crate::golden::rows_of;
use crate::harness::TestContext;

/// Ids of all rows, and the calls that read them.
fn part(arguments: &[&str]) -> String {
    let context = TestContext::msp();
    let ran = context.run(arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let rows = rows_of(&context);
    let mut shown: Vec<String> = rows
        .lines()
        .map(|line| {
            line.split_whitespace()
                .take(if line.starts_with("resource type") { 3 } else { 2 })
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    let many = shown.len();
    shown.dedup();
    assert_eq!(shown.len(), many);
    shown.extend(
        context
            .sim()
            .ledger()
            .calls()
            .iter()
            .map(|call| format!("call {}", call.path)),
    );
    shown.extend(
        ran.stdout
            .lines()
            .filter(|line| line.contains("left out by the filter") || line.contains("there is no"))
            .map(str::to_owned),
    );
    shown.join("\n")
}

#[test]
fn by_type() {
    assert_snapshot!(
        "organizations_only",
        part(&["--sync-resource-types", "organization"])
    );
    assert_snapshot!("roles_only", part(&["--sync-resource-types", "role"]));
}

#[test]
fn without_access() {
    assert_snapshot!(part(&["--skip-entitlements-and-grants"]));
}

#[test]
fn without_grants() {
    assert_snapshot!(part(&["--sync-resources", "bid:r:role/3", "--skip-grants"]));
    let context = TestContext::msp();
    let ran = context.run(&["--skip-grants"]);
    assert_snapshot!("without_grants_of_everything", context.error_snapshot(&ran));
    assert!(context.sim().ledger().calls().is_empty());
}

#[test]
fn single_resources_with_their_members() {
    assert_snapshot!("one_role", part(&["--sync-resources", "bid:r:role/3"]));
    assert_snapshot!(
        "the_tenant",
        part(&["--sync-resources", "bid:r:tenant/ninja-one"])
    );
    assert_snapshot!(
        "a_user_and_nobody",
        part(&["--sync-resources", "bid:r:user/7,bid:r:role/4711"])
    );
    assert_snapshot!(
        "one_organization",
        part(&["--sync-resources", "bid:r:organization/3"])
    );
}

#[test]
fn unreadable_devices_do_not_stop_the_sync() {
    let context = TestContext::faulty("/v2/devices", When::Always, Fault::Status(403));
    let ran = context.run(&["--ninja-one-include-devices", "--output", "json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let summary: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(summary["sync"]["completeness"]["device"]["state"], "incomplete");
    assert_eq!(summary["sync"]["completeness"]["user"]["state"], "complete");
    assert_eq!(summary["sync"]["sync_type"], "partial");
    assert_eq!(summary["warnings"][0]["code"], "devices_incomplete");
}

#[test]
fn a_role_of_an_older_instance_with_its_members() {
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    config.behavior.transport.old_instance = true;
    let context = TestContext::with(&config);
    let of_role = |rows: &str| -> Vec<String> {
        let lines = rows
            .lines()
            .filter(|line| line.contains("role:name:END_USER:Service Desk:assigned"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(context.run(&[]).code, Some(0));
    let all = of_role(&rows_of(&context));
    assert!(all.len() > 1);
    std::fs::remove_file(context.path("sync.c1z")).unwrap();
    let ran = context.run(&["--sync-resources", r"bid:r:role/name\:END_USER\:Service Desk"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(of_role(&rows_of(&context)), all);
}
