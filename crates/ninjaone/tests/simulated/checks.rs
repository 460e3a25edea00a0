//! `check`: one call for each list, and what is made of the answers.

use access_core::ports::{AccessSource, CheckOutcome};
use ninjaone_sim::{Fault, Scopes, SimConfig, Tenant, When};

use crate::tenant::Desk;

fn report(desk: &Desk, devices: bool) -> String {
    let report = desk.wait(desk.source(devices).check()).unwrap();
    let mut lines = vec![desk.shown(&report.tenant)];
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
            desk.shown(&outcome)
        ));
    }
    for scope in report.scopes {
        lines.push(format!(
            "{} {:?} {} | {}",
            scope.scope, scope.granted, scope.needed, scope.advice
        ));
    }
    lines.extend(desk.calls());
    lines.join("\n")
}

/// Incident numbers change from run to run.
fn settled(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| line.split(" (incident").next().unwrap_or(line).to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_healthy_tenant() {
    insta::assert_snapshot!("healthy", report(&Desk::msp(), false));
    insta::assert_snapshot!("healthy_with_devices", report(&Desk::msp(), true));
}

#[test]
fn an_older_instance() {
    let desk = Desk::switched(|behavior| behavior.transport.old_instance = true);
    insta::assert_snapshot!("older", settled(&report(&desk, true)));
}

#[test]
fn empty_lists_and_refusals() {
    let desk = Desk::with("/v2/*", When::Always, Fault::EmptyList);
    insta::assert_snapshot!("empty", report(&desk, true));
    let desk = Desk::with("/v2/*", When::Always, Fault::MissingScope);
    insta::assert_snapshot!("refused", settled(&report(&desk, true)));
    let desk = Desk::with("/v2/*", When::Always, Fault::MissingEndpoint);
    insta::assert_snapshot!("missing", settled(&report(&desk, true)));
}

#[test]
fn scopes_that_are_missing_or_too_many() {
    let with = |scopes: &str| {
        let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
        config.app.scopes = Scopes::parse(scopes);
        Desk::new(&config)
    };
    insta::assert_snapshot!(
        "scopes_too_many",
        report(&with("monitoring management control"), false)
    );
    insta::assert_snapshot!("scopes_missing", report(&with("monitoring"), false));
    let desk = with("monitoring");
    desk.sim.faults().add(ninjaone_sim::FaultRule {
        method: None,
        path: "/v2/user/roles".to_owned(),
        when: When::Always,
        fault: Fault::MissingScope,
    });
    insta::assert_snapshot!("scopes_missing_and_needed", settled(&report(&desk, false)));
}
