//! The simulated tenant against docs/reference/ninjaone-api.md, over real HTTP.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use ninjaone_sim::{
    AppRegistration, Behavior, Fault, GeneratedSize, OfflineAccess, Repeated, Scopes, Sim, SimConfig,
    TechnicianWrites, Tenant, UserContext, When, WrongSecret,
};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

struct Tester {
    sim: Sim,
    http: Client,
    token: String,
}

impl Tester {
    async fn new(config: SimConfig) -> Self {
        let sim = Sim::start(&config).unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let mut tester = Self {
            sim,
            http,
            token: String::new(),
        };
        let (_, answer) = tester.sign_in(&[]).await;
        answer["access_token"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut tester.token);
        tester
    }

    async fn msp() -> Self {
        Self::new(SimConfig::new(Tenant::fixture("msp").unwrap())).await
    }

    async fn switched(change: impl FnOnce(&mut Behavior)) -> Self {
        let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
        change(&mut config.behavior);
        Self::new(config).await
    }

    /// Signs in with the default app's values, some of them replaced.
    async fn sign_in(&self, replaced: &[(&str, &str)]) -> (StatusCode, Value) {
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", "sim-client"),
            ("client_secret", "sim-secret"),
        ];
        form.retain(|(key, _)| !replaced.iter().any(|(other, _)| key == other));
        form.extend(replaced);
        let request = self
            .http
            .post(format!("{}/ws/oauth/token", self.sim.base_url()))
            .form(&form);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or(Value::Null))
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.sim.base_url()))
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, None).await
    }

    async fn rows(&self, path: &str) -> Vec<Value> {
        let (status, answer) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer.as_array().unwrap().clone()
    }
}

fn shown((status, mut answer): (impl std::fmt::Display, Value)) -> String {
    for key in ["access_token", "incidentId"] {
        if let Some(value) = answer.get_mut(key) {
            *value = Value::from("[VARIES]");
        }
    }
    format!("{status} {answer}")
}

#[tokio::test]
async fn the_token_endpoint() {
    let mut lines = Vec::new();
    let msp = Tester::msp().await;
    for replaced in [
        &[][..],
        &[("scope", "monitoring")],
        &[("scope", "monitoring control")],
        &[("scope", "monitoring offline_access")],
        &[("client_id", "unknown")],
        &[("client_secret", "wrong")],
        &[("grant_type", "password")],
    ] {
        lines.push(format!("{replaced:?}: {}", shown(msp.sign_in(replaced).await)));
    }
    let tolerant =
        Tester::switched(|behavior| behavior.token.offline_access = OfflineAccess::Tolerated).await;
    lines.push(format!(
        "tolerated: {}",
        shown(tolerant.sign_in(&[("scope", "monitoring offline_access")]).await)
    ));
    let hiding = Tester::switched(|behavior| behavior.token.wrong_secret = WrongSecret::NotFound).await;
    lines.push(format!(
        "hiding: {}",
        shown(hiding.sign_in(&[("client_secret", "wrong")]).await)
    ));
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test]
async fn authorization_is_checked_in_order() {
    let mut tester = Tester::msp().await;
    let url = format!("{}/v2/users", tester.sim.base_url());
    let mut lines = Vec::new();
    for header in [None, Some("Basic eDp5"), Some("Bearer nonsense")] {
        let mut request = tester.http.get(&url);
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let answer = request.send().await.unwrap();
        lines.push(shown((answer.status().as_u16(), answer.json().await.unwrap())));
    }
    tester.sim.revoke_tokens();
    lines.push(shown(tester.get("/v2/users").await));

    let (_, answer) = tester.sign_in(&[("scope", "monitoring")]).await;
    tester.token = answer["access_token"].as_str().unwrap().to_owned();
    lines.push(shown(
        tester.call(Method::DELETE, "/v2/user/technician/7", None).await,
    ));
    assert_eq!(tester.get("/v2/users").await.0, 200);
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test]
async fn user_context_and_administrator_rights() {
    let run = "/v2/device/501/script/run";
    let tester = Tester::msp().await;
    insta::assert_snapshot!(shown(tester.call(Method::POST, run, None).await), @r#"403 {"error":"user_context_required","error_code":5,"error_description":"Access key does not have user context which is required for this request"}"#);
    let old =
        Tester::switched(|behavior| behavior.authorization.user_context = UserContext::NullPointer).await;
    assert_eq!(old.call(Method::POST, run, None).await.0, 500);
    for (writes, status) in [
        (TechnicianWrites::Allowed, 204),
        (TechnicianWrites::UserContextRequired, 403),
        (TechnicianWrites::SystemAdministratorRequired, 403),
    ] {
        let tester = Tester::switched(|behavior| behavior.authorization.technician_writes = writes).await;
        assert_eq!(
            tester.call(Method::DELETE, "/v2/user/technician/7", None).await.0,
            status
        );
    }
}

#[tokio::test]
async fn lists_match_the_expected_counts_under_every_prefix() {
    let expected = Tenant::fixture("msp").unwrap().expected();
    let tester = Tester::msp().await;
    for prefix in ["", "/api", "/ws/api"] {
        let count = async |path: &str| tester.rows(&format!("{prefix}{path}")).await.len() as u64;
        assert_eq!(count("/v2/user/technicians").await, expected.technicians);
        assert_eq!(count("/v2/user/end-users").await, expected.end_users);
        assert_eq!(count("/v2/user/roles").await, expected.roles);
        assert_eq!(count("/v2/organizations").await, expected.organizations);
        assert_eq!(count("/v2/devices").await, expected.devices);
    }
    // User lists take no paging parameters.
    assert_eq!(
        tester.rows("/v2/users?pageSize=1&after=900").await.len(),
        tester.rows("/v2/users").await.len()
    );
    let technicians = tester
        .rows("/v2/users?userType=TECHNICIAN&includeRoles=true")
        .await;
    assert!(
        technicians
            .iter()
            .all(|row| row["userType"] != "END_USER" && row["roles"].is_array())
    );
    assert!(tester.rows("/v2/users").await[0].get("roles").is_none());
    assert_eq!(tester.get("/v2/user/technician/901").await.0, 400);
    assert_eq!(tester.get("/v2/user/end-user/424242").await.0, 404);
    assert_eq!(tester.get("/v2/nothing").await.0, 404);
}

#[tokio::test]
async fn pages_go_by_id() {
    let tester = Tester::switched(|behavior| behavior.reads.page_size_cap = Some(4)).await;
    let mut after = 0;
    let mut seen = Vec::new();
    loop {
        let page = tester
            .rows(&format!("/v2/organizations?pageSize=1000&after={after}"))
            .await;
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 4);
        seen.extend(page.iter().map(|row| row["id"].as_i64().unwrap()));
        after = *seen.last().unwrap();
    }
    assert!(seen.is_sorted());
    assert_eq!(
        seen.len() as u64,
        Tenant::fixture("msp").unwrap().expected().organizations
    );
}

#[tokio::test]
async fn role_membership() {
    let tester = Tester::msp().await;
    let change = async |what: &str, body: Value| {
        tester
            .call(
                Method::PATCH,
                &format!("/v2/user/role/4/{what}-members"),
                Some(body),
            )
            .await
    };
    let ids = |answer: &Value| -> Vec<i64> {
        answer["members"]
            .as_array()
            .unwrap()
            .iter()
            .map(|member| member["id"].as_i64().unwrap())
            .collect()
    };
    assert_eq!(change("add", json!({"userIds": [7]})).await.0, 400);
    assert_eq!(change("add", json!([7, 7])).await.0, 400);
    assert_eq!(change("add", json!(["7"])).await.0, 400);
    assert_eq!(change("add", json!([4711])).await.0, 404);
    assert_eq!(
        change("add", json!([901])).await.0,
        400,
        "an end user in a technicians' role"
    );
    let (status, answer) = change("add", json!([7, 8])).await;
    assert_eq!((status, ids(&answer)), (200, vec![7, 8]));
    let (status, answer) = change("add", json!([8])).await;
    assert_eq!(
        (status, ids(&answer)),
        (200, vec![7, 8]),
        "adding again changes nothing"
    );
    let (status, answer) = change("remove", json!([7])).await;
    assert_eq!((status, ids(&answer)), (200, vec![8]));
    assert_eq!(
        tester
            .call(Method::PATCH, "/v2/user/role/4711/add-members", Some(json!([7])))
            .await
            .0,
        404
    );
    let (_, activities) = tester
        .get("/v2/activities?status=TECHNICIAN_ROLE_ASSIGNMENT_CHANGED&newerThan=7300000000")
        .await;
    assert!(!activities["activities"].as_array().unwrap().is_empty());

    let strict = Tester::switched(|behavior| {
        behavior.writes.repeated_membership = Repeated::Refused(404);
        behavior.writes.empty_role_answer = true;
    })
    .await;
    let path = "/v2/user/role/4/remove-members";
    assert_eq!(strict.call(Method::PATCH, path, Some(json!([7]))).await.0, 404);
    let added = strict
        .call(Method::PATCH, "/v2/user/role/4/add-members", Some(json!([7])))
        .await;
    assert_eq!(added, (200, Value::String(String::new())));
}

#[tokio::test]
async fn the_lifecycle_of_an_account() {
    let tester = Tester::msp().await;
    let requested =
        json!({"firstName": "Nia", "lastName": "New", "email": "nia.new@example.net", "organizationId": 2});
    let (status, created) = tester
        .call(
            Method::POST,
            "/v2/user/end-users?sendInvitation=true",
            Some(requested.clone()),
        )
        .await;
    assert_eq!(
        (status, &created["invitationStatus"], &created["enabled"]),
        (200, &json!("PENDING"), &json!(true))
    );
    let (status, refusal) = tester
        .call(
            Method::POST,
            "/v2/user/technicians",
            Some(json!({
                "firstName": "Nia", "lastName": "New", "email": " NIA.new@example.net", "administrator": true
            })),
        )
        .await;
    assert_eq!(
        (status, &refusal["resultCode"]),
        (409, &json!("EMAIL_ALREADY_IN_USE"))
    );
    let duplicate = json!({"firstName": "No", "lastName": "Body", "email": "already.taken@example.com"});
    assert_eq!(
        tester
            .call(Method::POST, "/v2/user/end-users", Some(duplicate))
            .await
            .0,
        409
    );
    let nameless = json!({"firstName": "", "lastName": "New", "email": "a@example.net"});
    assert_eq!(
        tester
            .call(Method::POST, "/v2/user/end-users", Some(nameless))
            .await
            .0,
        400
    );

    let path = format!("/v2/user/end-user/{}", created["id"]);
    let (status, updated) = tester
        .call(
            Method::PATCH,
            &path,
            Some(json!({"fullPortalAccess": true, "enabled": false})),
        )
        .await;
    assert_eq!(
        (status, &updated["fullPortalAccess"], &updated["enabled"]),
        (200, &json!(true), &json!(true))
    );
    assert_eq!(
        tester
            .call(Method::DELETE, &path.replace("end-user", "technician"), None)
            .await
            .0,
        400
    );
    assert_eq!(tester.call(Method::DELETE, &path, None).await.0, 204);
    assert_eq!(tester.call(Method::DELETE, &path, None).await.0, 404);
    assert_eq!(
        tester
            .call(Method::POST, "/v2/user/end-users", Some(requested))
            .await
            .0,
        200,
        "the address is free again"
    );
    let (_, page) = tester.get("/v2/activities?status=END_USER_DELETED_API").await;
    assert_eq!(page["activities"][0]["userId"], created["id"]);
}

#[tokio::test]
async fn activities_page_backwards_and_only_an_empty_page_ends() {
    let tester = Tester::msp().await;
    assert_eq!(tester.get("/v2/activities?pageSize=9").await.0, 400);
    let mut older = i64::MAX;
    let mut ids = Vec::new();
    let mut short = 0;
    loop {
        let (_, page) = tester
            .get(&format!("/v2/activities?pageSize=10&olderThan={older}"))
            .await;
        let page: Vec<i64> = page["activities"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["id"].as_i64().unwrap())
            .collect();
        let Some(last) = page.last() else { break };
        short += u32::from(page.len() < 10);
        older = *last;
        ids.extend(page);
    }
    assert!(ids.is_sorted_by(|a, b| a > b) && ids.len() > 15 && short > 0);
}

#[tokio::test]
async fn configurable_behavior() {
    let old = Tester::switched(|behavior| behavior.transport.old_instance = true).await;
    for path in ["/v2/user/technicians", "/v2/user/roles", "/v2/contacts"] {
        assert_eq!(old.get(path).await.0, 404);
    }
    assert_eq!(old.get("/v2/users?includeRoles=true").await.0, 200);

    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap().scim_managed());
    config.app = AppRegistration {
        scopes: Scopes::parse("monitoring,management"),
        ..AppRegistration::default()
    };
    let scim = Tester::new(config).await;
    let members = async || scim.rows("/v2/user/roles").await;
    let before = members().await;
    scim.call(Method::PATCH, "/v2/user/role/4/add-members", Some(json!([7])))
        .await;
    assert_ne!(members().await, before);
    scim.sim.scim_push();
    assert_eq!(members().await, before);
}

#[tokio::test]
async fn large_and_small_tenants_have_the_same_rows() {
    let size = GeneratedSize {
        technicians: 30,
        end_users: 2970,
        roles: 12,
        grants: 21_000,
        organizations: 40,
        ..GeneratedSize::default()
    };
    let tenant = Tenant::generated(size).unwrap();
    let expected = tenant.expected();
    let tester = Tester::new(SimConfig::new(tenant)).await;
    assert_eq!(tester.rows("/v2/users").await.len() as u64, expected.users);
    assert_eq!(
        tester.rows("/v2/user/end-users").await.len() as u64,
        expected.end_users
    );
    let roles = tester.rows("/v2/user/roles").await;
    let members: usize = roles
        .iter()
        .map(|role| role["members"].as_array().unwrap().len())
        .sum();
    assert_eq!(
        (roles.len() as u64, members as u64),
        (expected.roles, expected.role_members)
    );
    assert_eq!(
        tester.call(Method::DELETE, "/v2/user/technician/1", None).await.0,
        501
    );
}

#[tokio::test]
async fn faults_affect_the_selected_calls() {
    let tester = Tester::msp().await;
    let strike = |path: &str, when, fault| {
        tester.sim.faults().clear();
        tester.sim.faults().add(ninjaone_sim::FaultRule {
            method: None,
            path: path.to_owned(),
            when,
            fault,
        });
    };
    strike("/v2/users", When::Nth(2), Fault::Status(503));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(tester.get("/v2/users").await.0);
    }
    assert_eq!(statuses, [200, 503, 200]);
    strike("/v2/*", When::Always, Fault::Html(200));
    assert!(
        tester
            .get("/v2/organizations")
            .await
            .1
            .as_str()
            .unwrap()
            .contains("<title>")
    );
    strike("/v2/user/end-users", When::Always, Fault::LostWrite(500));
    let requested = json!({"firstName": "Nia", "lastName": "New", "email": "nia.new@example.net"});
    assert_eq!(
        tester
            .call(Method::POST, "/v2/user/end-users", Some(requested.clone()))
            .await
            .0,
        500
    );
    tester.sim.faults().clear();
    assert_eq!(
        tester
            .call(Method::POST, "/v2/user/end-users", Some(requested))
            .await
            .0,
        409,
        "the lost write was done"
    );
    strike("/v2/users", When::Always, Fault::Drop);
    let request = tester
        .http
        .get(format!("{}/v2/users", tester.sim.base_url()))
        .bearer_auth(&tester.token);
    assert!(request.send().await.is_err());
    assert_eq!(tester.sim.ledger().count("POST", "/v2/user/end-users"), 2);
}
