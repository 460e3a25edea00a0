//! The simulated answers against NinjaOne's own OpenAPI document, where that is present.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests fail by panicking and say what they skip"
)]

use std::path::Path;

use ninjaone_sim::{Sim, SimConfig, Tenant};
use serde_json::Value;

const DOCUMENT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../shared/facts/ninjaone-openapi.yaml"
);

/// Undocumented keys of real answers (docs/reference/ninjaone-api.md §3.3), and an unknown one.
const UNDOCUMENTED: [&str; 3] = ["tags", "fields", "onCallTier"];

const READS: [(&str, &str); 11] = [
    ("/v2/users", "/v2/users?includeRoles=true"),
    ("/v2/user/technicians", "/v2/user/technicians"),
    ("/v2/user/technician/{id}", "/v2/user/technician/7"),
    ("/v2/user/end-users", "/v2/user/end-users"),
    ("/v2/user/end-user/{id}", "/v2/user/end-user/901"),
    ("/v2/user/roles", "/v2/user/roles"),
    ("/v2/organizations", "/v2/organizations"),
    ("/v2/locations", "/v2/locations"),
    ("/v2/devices", "/v2/devices"),
    ("/v2/contacts", "/v2/contacts"),
    ("/v2/activities", "/v2/activities"),
];

const WRITES: [(&str, &str); 10] = [
    ("patch", "/v2/user/role/{roleId}/add-members"),
    ("patch", "/v2/user/role/{roleId}/remove-members"),
    ("patch", "/v2/user/role/{roleId}/permissions/organizations"),
    ("post", "/v2/user/technicians"),
    ("patch", "/v2/user/technician/{id}"),
    ("delete", "/v2/user/technician/{id}"),
    ("post", "/v2/user/end-users"),
    ("patch", "/v2/user/end-user/{id}"),
    ("delete", "/v2/user/end-user/{id}"),
    ("patch", "/v2/user/end-user/{id}/device-access"),
];

fn document() -> Option<Value> {
    let text = std::fs::read_to_string(Path::new(DOCUMENT)).ok();
    if text.is_none() {
        eprintln!("SKIPPED the simulator against the OpenAPI document: it is not beside this checkout");
    }
    text.map(|text| serde_saphyr::from_str(&text).unwrap())
}

/// Follows `$ref`s.
fn resolved<'d>(document: &'d Value, mut schema: &'d Value) -> &'d Value {
    while let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        schema = document.pointer(reference.trim_start_matches('#')).unwrap();
    }
    schema
}

/// The schema of an operation's successful answer.
fn answer_schema<'d>(document: &'d Value, path: &str) -> &'d Value {
    let responses = &document["paths"][path]["get"]["responses"];
    let response = responses.get("200").or_else(|| responses.get("default")).unwrap();
    let content = response["content"].as_object().unwrap();
    resolved(document, &content.values().next().unwrap()["schema"])
}

fn check(document: &Value, schema: &Value, value: &Value, location: &str, problems: &mut Vec<String>) {
    let schema = resolved(document, schema);
    let fits = match (schema["type"].as_str(), value) {
        (_, Value::Null) | (None, _) => true,
        (Some("array"), Value::Array(elements)) => {
            for element in elements {
                check(document, &schema["items"], element, location, problems);
            }
            true
        }
        (Some("object"), Value::Object(fields)) => {
            let Some(known) = schema["properties"].as_object() else {
                return;
            };
            for (key, value) in fields {
                match known.get(key) {
                    Some(schema) => check(document, schema, value, &format!("{location}.{key}"), problems),
                    None if UNDOCUMENTED.contains(&key.as_str()) => {}
                    None => problems.push(format!("{location}.{key} is not documented")),
                }
            }
            true
        }
        (Some("integer"), value) => value.is_i64() || value.is_u64(),
        (Some("number"), value) => value.is_number(),
        (Some("boolean"), value) => value.is_boolean(),
        (Some("string"), value) => value.is_string(),
        _ => false,
    };
    if !fits {
        problems.push(format!(
            "{location} is {value} where {} is documented",
            schema["type"]
        ));
    }
}

#[tokio::test]
async fn answers_have_the_documented_shape() {
    let Some(document) = document() else { return };
    let sim = Sim::start(&SimConfig::new(Tenant::fixture("msp").unwrap())).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "sim-client"),
        ("client_secret", "sim-secret"),
    ];
    let signed_in = http
        .post(format!("{}/ws/oauth/token", sim.base_url()))
        .form(&form)
        .send()
        .await
        .unwrap();
    let token: Value = signed_in.json().await.unwrap();
    let mut problems = Vec::new();
    for (documented, path) in READS {
        let request = http
            .get(format!("{}{path}", sim.base_url()))
            .bearer_auth(token["access_token"].as_str().unwrap());
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert!(!answer.as_array().is_some_and(Vec::is_empty), "{path} is empty");
        check(
            &document,
            answer_schema(&document, documented),
            &answer,
            documented,
            &mut problems,
        );
    }
    problems.sort();
    problems.dedup();
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn every_write_is_documented() {
    let Some(document) = document() else { return };
    for (method, path) in WRITES {
        assert!(document["paths"][path].get(method).is_some(), "{method} {path}");
    }
}
