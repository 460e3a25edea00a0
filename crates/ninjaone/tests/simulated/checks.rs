//! `check`: one call for each list, and the report about the responses.

use access_core::ports::{AccessSource, CheckOutcome};
use ninjaone::{NinjaOneSource, SourceOptions, WritePolicy};
use ninjaone_sim::{Edit, Fault, Rows, Scopes, SimConfig, Tenant, To, When};

use crate::tenant::TestTenant;

fn report(test_tenant: &TestTenant, devices: bool) -> String {
    let report = test_tenant.block_on(test_tenant.source(devices).check()).unwrap();
    let mut lines = vec![test_tenant.without_address(&report.tenant)];
    for check in report.endpoints {
        let outcome = match check.outcome {
            CheckOutcome::Ok { detail } => format!("ok: {detail}"),
            CheckOutcome::Degraded { detail } => format!("degraded: {detail}"),
            CheckOutcome::Failed {
                status,
                message,
                hint,
            } => {
                format!("failed: {status:?}: {message} ({})", hint.unwrap_or_default())
            }
        };
        lines.push(format!(
            "{} | {} | {}",
            check.endpoint,
            check.purpose,
            test_tenant.without_address(&outcome)
        ));
    }
    for scope in report.scopes {
        lines.push(format!(
            "{} {:?} {} | {}",
            scope.scope, scope.granted, scope.needed, scope.advice
        ));
    }
    lines.extend(test_tenant.drain_calls());
    lines.join("\n")
}

/// Removes incident numbers, which differ from run to run.
fn without_incidents(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| line.split(" (incident").next().unwrap_or(line).to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn check_of_a_healthy_tenant() {
    insta::assert_snapshot!("healthy", report(&TestTenant::healthy(), false));
    insta::assert_snapshot!("healthy_with_devices", report(&TestTenant::healthy(), true));
}

#[test]
fn check_of_an_older_instance() {
    let test_tenant = TestTenant::with_behavior(|behavior| behavior.transport.old_instance = true);
    insta::assert_snapshot!("older", without_incidents(&report(&test_tenant, true)));
}

#[test]
fn check_of_empty_and_refused_lists() {
    let test_tenant = TestTenant::with_fault("/v2/*", When::Always, Fault::EmptyList);
    insta::assert_snapshot!("empty", report(&test_tenant, true));
    let test_tenant = TestTenant::with_fault("/v2/*", When::Always, Fault::MissingScope);
    insta::assert_snapshot!("refused", without_incidents(&report(&test_tenant, true)));
    let test_tenant = TestTenant::with_fault("/v2/*", When::Always, Fault::MissingEndpoint);
    insta::assert_snapshot!("missing", without_incidents(&report(&test_tenant, true)));
}

/// The endpoints with a remark, of a check that reads everything as a sync does.
fn remarks<const N: usize>(faults: [(&str, When, Fault); N]) -> String {
    let report = report(&TestTenant::with_faults(faults), true);
    let report = without_incidents(&report);
    let remarks = report
        .lines()
        .filter(|line| line.contains(" | degraded: ") || line.contains(" | failed: "));
    remarks.collect::<Vec<_>>().join("\n")
}

/// The first entry of each list is fine; what a sync would report shows only when the lists are read to their end.
#[test]
fn problems_beyond_the_first_entry_are_reported() {
    let second = When::After(1);
    insta::assert_snapshot!(remarks([("/v2/devices", second, Fault::NoProgress)]), @"GET /v2/devices | devices (opted in) | degraded: answers, but a sync is not complete: GET <tenant>/v2/devices: the page after id 516 has 16 entries and no new id: treated as the end, but the server may ignore `after`, and entries may be missing");
    insta::assert_snapshot!(remarks([("/v2/user/roles", second, Fault::Status(401))]), @"GET /v2/user/roles | roles and who holds them | failed: Unauthenticated: GET <tenant>/v2/user/roles: 401: FAILURE: something went wrong (request sim-request-000015, incident WEB_MGMT_SERVICE-0002) (see in NinjaOne (Administration > Apps > API) whether the app was changed, and what it may do)");
    let silent = || {
        Fault::Edit(Edit {
            list: "",
            rows: Rows::Every,
            field: "/administrator".to_owned(),
            to: To::Absent,
        })
    };
    insta::assert_snapshot!(
        remarks([
            ("/v2/user/*", When::Always, silent()),
            ("/v2/users", When::Always, silent()),
        ]),
        @"GET /v2/users | all users: privileges, invitations | degraded: answers, but a first sync is not complete: the tenant does not state administrator of users"
    );
}

#[test]
fn missing_and_needless_scopes_are_reported() {
    let with = |scopes: &str| {
        let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
        config.app.scopes = Scopes::parse(scopes);
        TestTenant::new(&config)
    };
    insta::assert_snapshot!(
        "scopes_too_many",
        report(&with("monitoring management control"), false)
    );
    insta::assert_snapshot!("scopes_missing", report(&with("monitoring"), false));
    let test_tenant = with("monitoring");
    test_tenant.sim.faults().add(ninjaone_sim::FaultRule {
        method: None,
        path: "/v2/user/roles".to_owned(),
        when: When::Always,
        fault: Fault::MissingScope,
    });
    insta::assert_snapshot!(
        "scopes_missing_and_needed",
        without_incidents(&report(&test_tenant, false))
    );
}

/// NinjaOne refuses all scopes because of one, and does not name it.
#[test]
fn the_refused_scope_is_found_by_itself() {
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    config.app.scopes = Scopes::parse("monitoring");
    let test_tenant = TestTenant::new(&config);
    let sign_in = |scope| {
        let client = test_tenant.client_with_scope(WritePolicy::Disabled, Some(scope));
        let source = NinjaOneSource::new(client, SourceOptions { devices: false });
        test_tenant.block_on(source.check()).map(|_| ())
    };
    sign_in("monitoring").unwrap();
    let error = sign_in("monitoring management control").unwrap_err().to_string();
    assert!(
        error.contains("management control") && !error.contains("monitoring"),
        "{error}"
    );
}
