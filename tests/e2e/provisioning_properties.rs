//! Random changes over real HTTP with random faults: the reported result matches the tenant.

use access_core::model::{NativeId, SyncId};
use access_core::ports::{Clock, NoopAuditLog, SyncIdGenerator};
use access_core::provisioning::{
    AccountRequest, Attributes, Change, ChangeExtent, ChangeResult, Outcome, Provisioning, ProvisioningError,
    Selector,
};
use access_core::{Diagnostic, StatusCode};
use ninjaone::{
    BaseUrl, ClientConfig, NinjaOneClient, NinjaOneProvisioner, RetryBudget, Secret, WritePolicy,
};
use ninjaone_sim::{Fault, FaultRule, Repeated, Sim, SimConfig, Tenant, When};
use proptest::prelude::*;
use serde_json::{Value, json};
use time::OffsetDateTime;

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH
    }
}

impl SyncIdGenerator for Fixed {
    fn next_id(&self, started_at: OffsetDateTime) -> SyncId {
        SyncId::from_parts(started_at, [0; 16])
    }
}

/// A requested change.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    Grant(u64, u64),
    Revoke(u64, u64),
    Create(bool, &'static str),
    Delete(u64),
}

fn request() -> impl Strategy<Value = Request> {
    let role = || prop::sample::select(&[1, 2, 3, 4, 9, 77][..]);
    let user = || prop::sample::select(&[2, 7, 16, 901, 903, 4242, 5555][..]);
    prop_oneof![
        3 => (role(), user()).prop_map(|(role, user)| Request::Grant(role, user)),
        3 => (role(), user()).prop_map(|(role, user)| Request::Revoke(role, user)),
        2 => (any::<bool>(), prop::sample::select(&["new@example.com", "ada.nystrom@example.com", "already.taken@example.com"][..]))
            .prop_map(|(technician, email)| Request::Create(technician, email)),
        1 => user().prop_map(Request::Delete),
    ]
}

fn rule() -> impl Strategy<Value = FaultRule> {
    let fault = prop::sample::select(vec![
        Fault::Status(503),
        Fault::Status(400),
        Fault::Status(404),
        Fault::Drop,
        Fault::Empty(200),
        Fault::Html(200),
        Fault::LostWrite(500),
        Fault::LostWrite(0),
        Fault::RateLimit(Some("0".to_owned())),
        Fault::RevokeTokens,
        Fault::MissingScope,
    ]);
    let method = prop::sample::select(&["PATCH", "POST", "DELETE", "GET"][..]);
    (method, 1_u64..4, fault).prop_map(|(method, call, fault)| {
        // A 400 or 404 for a read means an unknown id, which is another state of the tenant and not a fault.
        let path = if method == "GET" {
            "/v2/user/roles"
        } else {
            "/v2/user/*"
        };
        FaultRule {
            method: Some(method.to_owned()),
            path: path.to_owned(),
            when: When::Nth(call),
            fault,
        }
    })
}

pub(crate) fn change(request: &Request) -> Change {
    let id = |number: u64| Selector::Id(NativeId::from_number(number));
    match request {
        Request::Grant(role, user) => Change::Grant {
            role: id(*role),
            principal: id(*user),
        },
        Request::Revoke(role, user) => Change::Revoke {
            role: id(*role),
            principal: id(*user),
        },
        Request::Create(technician, email) => {
            let kind = if *technician { "TECHNICIAN" } else { "END_USER" };
            let attributes: Attributes = [
                ("user_type", kind),
                ("first_name", "New"),
                ("last_name", "Person"),
                ("email", email),
            ]
            .map(|(key, value)| (key.to_owned(), value.into()))
            .into();
            Change::CreateAccount(
                AccountRequest::parse(&attributes, &ninjaone::provisioning_terms()).unwrap(),
            )
        }
        Request::Delete(user) => Change::DeleteAccount {
            account: id(*user),
            allow_administrator: false,
        },
    }
}

/// The plain model: the state that is wanted, or nothing if the change is refused. A new account shows in its address
/// only.
pub(crate) fn expected_state(state: &Value, request: &Request) -> Option<Value> {
    let mut after = state.clone();
    let kind = |user: u64| {
        state["users"]
            .get(user.to_string())
            .map(|row| row["kind"].clone())
    };
    let member = |list: &Value, user: u64| list.as_array().unwrap().contains(&json!(user));
    match request {
        Request::Grant(role, user) => {
            let bundle = after["roles"].get_mut(role.to_string())?;
            if bundle["type"] != kind(*user)? {
                return None;
            }
            let members = bundle["members"].as_array_mut()?;
            if !members.contains(&json!(user)) {
                members.push(json!(user));
                members.sort_by_key(Value::as_i64);
            }
        }
        Request::Revoke(role, user) => {
            if let Some(bundle) = after["roles"].get_mut(role.to_string()) {
                bundle["members"].as_array_mut()?.retain(|id| *id != json!(user));
            }
        }
        Request::Create(technician, email) => {
            let kind = if *technician { "TECHNICIAN" } else { "END_USER" };
            let holders: Vec<&Value> = state["users"]
                .as_object()?
                .values()
                .filter(|row| {
                    row["email"]
                        .as_str()
                        .is_some_and(|own| own.eq_ignore_ascii_case(email))
                })
                .collect();
            if holders.iter().any(|row| row["kind"] == kind) {
                return Some(after);
            }
            if !holders.is_empty() || *email == "already.taken@example.com" {
                return None;
            }
            after["users"]["new"] = json!([kind, email]);
        }
        Request::Delete(user) => {
            if state["users"]
                .get(user.to_string())
                .is_some_and(|row| row["administrator"] == json!(true))
            {
                return None;
            }
            let there = after["users"]
                .as_object_mut()?
                .remove(&user.to_string())
                .is_some();
            for bundle in after["roles"].as_object_mut()?.values_mut() {
                // A ghost stays: nothing was deleted.
                if there && member(&bundle["members"], *user) {
                    bundle["members"].as_array_mut()?.retain(|id| *id != json!(user));
                }
            }
        }
    }
    Some(after)
}

/// The state, with an account that was not there before by its kind and address alone.
pub(crate) fn state(sim: &Sim, before: &Value) -> Value {
    let mut now = sim.state();
    let users = now["users"].as_object_mut().unwrap();
    let new = users
        .keys()
        .find(|id| before["users"].get(id.as_str()).is_none())
        .cloned();
    if let Some(row) = new.and_then(|id| users.remove(&id)) {
        users.insert("new".to_owned(), json!([row["kind"], row["email"]]));
    }
    now
}

pub(crate) fn provisioner(sim: &Sim, writes: WritePolicy) -> NinjaOneProvisioner {
    let client = NinjaOneClient::new(ClientConfig {
        base_url: BaseUrl::parse(&sim.base_url()).unwrap(),
        token_path: ninjaone::DEFAULT_TOKEN_PATH.to_owned(),
        client_id: "sim-client".to_owned(),
        client_secret: Secret::new("sim-secret".to_owned()),
        scope: None,
        ca_file: None,
        timeout: std::time::Duration::from_secs(10),
        retry: RetryBudget {
            attempts: 2,
            first_backoff: std::time::Duration::from_millis(1),
            ..RetryBudget::default()
        },
        pace: None,
        writes,
        user_agent: "test".to_owned(),
    });
    NinjaOneProvisioner::new(client.unwrap())
}

pub(crate) async fn make(
    tenant: &NinjaOneProvisioner,
    change: &Change,
) -> Result<Outcome, ProvisioningError> {
    let provisioning = Provisioning {
        provisioner: tenant,
        audit: &NoopAuditLog,
        clock: &Fixed,
        ids: &Fixed,
        requested_by: "test".to_owned(),
    };
    let plan = provisioning.prepare(change).await?;
    provisioning.execute(&plan).await
}

#[test]
fn a_read_only_client_sends_no_write() {
    let sim = Sim::start(&SimConfig::new(Tenant::fixture("msp").unwrap())).unwrap();
    let tenant = provisioner(&sim, WritePolicy::Disabled);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for request in [
        Request::Grant(3, 16),
        Request::Revoke(1, 7),
        Request::Create(true, "new@example.com"),
        Request::Delete(15),
    ] {
        let error = runtime.block_on(make(&tenant, &change(&request))).unwrap_err();
        assert_eq!(
            (error.extent(), error.status()),
            (ChangeExtent::Nothing, StatusCode::FailedPrecondition)
        );
    }
    let calls = sim.ledger().calls();
    assert!(
        calls
            .iter()
            .all(|call| call.method == "GET" || call.path.ends_with("/oauth/token"))
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn reported_results_are_true(
        steps in prop::collection::vec((request(), prop::collection::vec(rule(), 0..3)), 1..6),
        repeats in prop::sample::select(&[Repeated::Unchanged, Repeated::Refused(400), Repeated::Refused(404)][..]),
        silent: bool,
    ) {
        let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
        config.behavior.writes.repeated_membership = repeats;
        config.behavior.writes.empty_role_answer = silent;
        let sim = Sim::start(&config).unwrap();
        let tenant = provisioner(&sim, WritePolicy::Enabled);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        for (request, rules) in steps {
            let before = sim.state();
            for rule in &rules {
                sim.faults().add(rule.clone());
            }
            let ended = runtime.block_on(make(&tenant, &change(&request)));
            sim.faults().clear();
            let now = state(&sim, &before);
            let expected_state = expected_state(&before, &request);
            match ended {
                Ok(outcome) => {
                    prop_assert_eq!(Some(&now), expected_state.as_ref(), "{:?} said {:?}", request, outcome.result);
                    prop_assert!(outcome.result == ChangeResult::Changed || now == before, "{:?}", request);
                }
                Err(error) => match error.extent() {
                    ChangeExtent::Nothing => {
                        prop_assert_eq!(&now, &before, "{:?} said {}", request, error);
                        prop_assert!(!rules.is_empty() || expected_state.is_none(), "{:?} said {}", request, error);
                    }
                    ChangeExtent::Unknown => prop_assert!(now == before || Some(&now) == expected_state.as_ref(), "{:?} said {}", request, error),
                    ChangeExtent::Part | ChangeExtent::All => prop_assert!(false, "no roles, no audit: {}", error),
                },
            }
        }
    }
}
