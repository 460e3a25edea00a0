//! `check`: bad secret, wrong region, missing scope and network are told apart.

use insta::assert_snapshot;
use ninjaone_sim::{AppRegistration, Fault, Scopes, SimConfig, Tenant, When};

use crate::harness::TestContext;

fn checked(context: &TestContext) -> String {
    let ran = context.run(&[
        "check",
        "--ninja-one-retry-seconds=0",
        "--ninja-one-include-devices",
    ]);
    assert!(!context.path("sync.c1z").exists());
    let base_url = context.base_url.clone().unwrap();
    format!(
        "{}\n{}",
        context.shown(&ran),
        ran.stdout.replace(&base_url, "[TENANT]")
    )
}

fn with_scopes(scopes: &str) -> SimConfig {
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    config.app = AppRegistration {
        scopes: Scopes::parse(scopes),
        ..AppRegistration::default()
    };
    config
}

#[test]
fn a_good_tenant() {
    let context = TestContext::msp();
    assert_snapshot!(checked(&context));
    assert_eq!(context.sim().ledger().calls().len(), 7);
}

#[test]
fn wrong_region() {
    let mut config = with_scopes("monitoring management");
    config.app.other_region = true;
    assert_snapshot!(checked(&TestContext::with(&config)));
}

#[test]
fn scopes_missing_and_not_needed() {
    assert_snapshot!(
        "not_needed",
        checked(&TestContext::with(&with_scopes("monitoring management control")))
    );
    assert_snapshot!(
        "works_without",
        checked(&TestContext::with(&with_scopes("monitoring")))
    );
    let mut config = with_scopes("monitoring");
    config.switches.authorization.role_reads_need_management = true;
    assert_snapshot!("fails_without", checked(&TestContext::with(&config)));
}

#[test]
fn endpoints_that_fail() {
    assert_snapshot!(
        "devices_off",
        checked(&TestContext::faulty(
            "/v2/devices",
            When::Always,
            Fault::Status(403)
        ))
    );
    assert_snapshot!(
        "users_fail",
        checked(&TestContext::faulty("/v2/users", When::Always, Fault::Html(502)))
    );
    let mut config = with_scopes("monitoring management");
    config.switches.transport.old_instance = true;
    assert_snapshot!("older_instance", checked(&TestContext::with(&config)));
}

#[test]
fn nobody_there() {
    let context = TestContext {
        base_url: Some("http://127.0.0.1:1".to_owned()),
        ..TestContext::bare()
    };
    assert_snapshot!(checked(&context));
}
