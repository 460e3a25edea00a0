//! Two tenants of one provider at the same address: the second is never published over the first.

use std::fs;

use ninjaone_sim::{Edit, Fault, FaultRule, FaultSchedule, Rows, SimConfig, Tenant, To, When};
use serde_json::json;

use crate::harness::{RunOutput, TestContext};

const OTHER: &str = "other-client";

/// The fixture's tenant for another client. With `people`, its users are other people under the same ids.
fn tenant(people: Option<&str>) -> SimConfig {
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    OTHER.clone_into(&mut config.app.client_id);
    let edit = |path: &str, email: &str| FaultRule {
        method: None,
        path: path.to_owned(),
        when: When::Always,
        fault: Fault::Edit(Edit {
            list: "",
            rows: Rows::Every,
            field: "/email".to_owned(),
            to: To::Value(json!(email)),
        }),
    };
    let lists = ["/v2/users", "/v2/user/technicians", "/v2/user/end-users"];
    let rules = people
        .into_iter()
        .flat_map(|email| lists.map(|path| edit(path, email)));
    config.faults = FaultSchedule::new(rules);
    config
}

fn run(context: &TestContext, client: &str, arguments: &[&str]) -> RunOutput {
    context.finish(
        context
            .command(arguments)
            .env("BATON_NINJA_ONE_CLIENT_ID", client),
    )
}

/// The arguments of a sync, and the file that names what is published.
const SINKS: [(&[&str], &str); 5] = [
    (&["--sink=c1z=sync.c1z"], "sync.c1z"),
    (&["--sink=c1z=sync.c1z", "--storage-engine=pebble"], "sync.c1z"),
    (&["--sink=parquet=ds"], "ds/latest.json"),
    (&["--sink=csv=ds"], "ds/latest.json"),
    (&["--sink=html=report.html"], "report.html"),
];

#[test]
fn another_tenant_at_the_same_address_is_refused() {
    for (arguments, file) in SINKS {
        let context = TestContext::msp();
        let first = run(&context, "sim-client", arguments);
        assert_eq!(first.code, Some(0), "{arguments:?}: {}", first.stderr);
        let published = fs::read(context.path(file)).unwrap();
        let context = context.with_tenant_at_this_address(&tenant(Some("somebody@other.example")));
        let second = run(&context, OTHER, arguments);
        assert_eq!(second.code, Some(9), "{arguments:?}: {}", second.stderr);
        assert!(
            second
                .stderr
                .contains("it holds syncs of another tenant at this address")
                && second.stderr.contains("from sim-client to other-client"),
            "{arguments:?}: {}",
            second.stderr
        );
        assert!(
            fs::read(context.path(file)).unwrap() == published,
            "{arguments:?}"
        );
    }
}

#[test]
fn a_new_client_of_the_same_tenant_continues() {
    for (arguments, file) in SINKS {
        let context = TestContext::msp();
        assert_eq!(run(&context, "sim-client", arguments).code, Some(0));
        let published = fs::read(context.path(file)).unwrap();
        let context = context.with_tenant_at_this_address(&tenant(None));
        // Without users nobody knows whose roles these are. A v3 file takes no partial sync.
        let roles = [arguments, &["--sync-resource-types=role"][..]].concat();
        let takes_part = !arguments.contains(&"--storage-engine=pebble");
        if takes_part {
            let unknown = run(&context, OTHER, &roles);
            assert_eq!(unknown.code, Some(9), "{arguments:?}: {}", unknown.stderr);
            assert!(
                unknown.stderr.contains("this sync reads no users"),
                "{}",
                unknown.stderr
            );
        }
        assert!(
            fs::read(context.path(file)).unwrap() == published,
            "{arguments:?}"
        );
        let next = run(&context, OTHER, arguments);
        assert_eq!(next.code, Some(0), "{arguments:?}: {}", next.stderr);
        if takes_part {
            let next = run(&context, OTHER, &roles);
            assert_eq!(next.code, Some(0), "{arguments:?}: {}", next.stderr);
        }
    }
}

/// People may get other addresses, e.g. with a new domain, as long as the client is the same.
#[test]
fn new_addresses_of_all_users_are_no_other_tenant() {
    let context = TestContext::msp();
    assert_eq!(run(&context, "sim-client", &[]).code, Some(0));
    let mut config = tenant(Some("renamed@example.com"));
    "sim-client".clone_into(&mut config.app.client_id);
    let context = context.with_tenant_at_this_address(&config);
    let next = run(&context, "sim-client", &[]);
    assert_eq!(next.code, Some(0), "{}", next.stderr);
}
