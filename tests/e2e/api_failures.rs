//! Failures of settings and of the tenant: the exact messages and exit codes, and nothing is lost.

use insta::assert_snapshot;
use ninjaone_sim::{AppRegistration, Behavior, Cut, Fault, Scopes, SimConfig, Tenant, When, WrongSecret};

use crate::harness::TestContext;

fn app(app: AppRegistration) -> TestContext {
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    config.app = app;
    TestContext::with(&config)
}

#[test]
fn no_settings() {
    assert_snapshot!(TestContext::bare().failure_snapshot(&[]));
}

#[test]
fn invalid_base_urls() {
    for (name, address) in [
        ("malformed", "htp:/eu.ninjarmm"),
        ("no_scheme", "eu.ninjarmm.com"),
        ("public_http", "http://eu.ninjarmm.com"),
        ("with_password", "https://user:pass@eu.ninjarmm.com"),
        ("comma_at_the_end", "https://eu.example.com,"),
    ] {
        let context = TestContext {
            base_url: Some(address.to_owned()),
            ..TestContext::bare()
        };
        // The address is part of the message here.
        let shown = context
            .failure_snapshot(&["--ninja-one-base-url", address])
            .replace("[TENANT]", address);
        assert_snapshot!(name, shown);
    }
}

#[test]
fn wrong_region_or_client_id() {
    assert_snapshot!(
        app(AppRegistration {
            other_region: true,
            ..AppRegistration::default()
        })
        .failure_snapshot(&[])
    );
}

#[test]
fn wrong_secret() {
    for (name, wrong_secret) in [
        ("secret_401", WrongSecret::Unauthorized),
        ("secret_400", WrongSecret::BadRequest),
        ("secret_404", WrongSecret::NotFound),
    ] {
        let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
        config.app.client_secret = "another one".to_owned();
        config.behavior.token.wrong_secret = wrong_secret;
        assert_snapshot!(name, TestContext::with(&config).failure_snapshot(&[]));
    }
}

#[test]
fn missing_scopes() {
    let monitoring = AppRegistration {
        scopes: Scopes::parse("monitoring"),
        ..AppRegistration::default()
    };
    assert_snapshot!(
        "scope_not_granted",
        app(monitoring.clone()).failure_snapshot(&["--ninja-one-scope", "monitoring management"])
    );

    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    config.app = monitoring;
    config.behavior.authorization.role_reads_need_management = true;
    assert_snapshot!(
        "scope_missing_for_roles",
        TestContext::with(&config).failure_snapshot(&[])
    );
    assert_snapshot!(
        "offline_access",
        TestContext::msp().failure_snapshot(&["--ninja-one-scope", "monitoring offline_access"])
    );
}

#[test]
fn unreachable_tenant() {
    let refused = TestContext {
        base_url: Some("http://127.0.0.1:1".to_owned()),
        ..TestContext::bare()
    };
    assert_snapshot!(
        "refused_connection",
        refused.failure_snapshot(&["--ninja-one-retry-seconds=0"])
    );

    let nowhere = TestContext {
        base_url: Some("https://no-such-host.invalid".to_owned()),
        ..TestContext::bare()
    };
    // The resolver's own words differ from one C library to another.
    let shown = nowhere.failure_snapshot(&["--ninja-one-retry-seconds=0"]);
    let (begin, rest) = shown.split_once("`: ").unwrap();
    let (_, hint) = rest.split_once('\n').unwrap();
    assert_snapshot!("unknown_host", format!("{begin}`: [RESOLVER]\n{hint}"));
}

#[test]
fn a_server_that_always_fails() {
    for (name, status) in [("fails_500", 500), ("fails_502", 502)] {
        let context = TestContext::faulty("/v2/users", When::Always, Fault::Status(status));
        let shown = context.failure_snapshot(&["--ninja-one-retry-seconds=0"]);
        assert_snapshot!(name, shown);
    }
    // With a budget, reads are tried again.
    let context = TestContext::faulty("/v2/users", When::Always, Fault::Status(500));
    assert!(
        context
            .failure_snapshot(&["--ninja-one-retry-seconds=2"])
            .starts_with("exit 14\n")
    );
    assert!(context.sim().ledger().count("GET", "/v2/users") > 1);
}

#[test]
fn throttling_longer_than_the_retry_budget() {
    let limit = Fault::RateLimit(Some("3600".to_owned()));
    assert_snapshot!(
        "rate_limit",
        TestContext::faulty("/v2/user/roles", When::Always, limit).failure_snapshot(&[])
    );
    for (name, status) in [("html_200", 200), ("html_403", 403), ("html_503", 503)] {
        let context = TestContext::faulty("/v2/user/technicians", When::Always, Fault::Html(status));
        assert_snapshot!(name, context.failure_snapshot(&["--ninja-one-retry-seconds=0"]));
    }
}

/// As many organizations as requested, on every page.
fn full_page() -> String {
    let rows: Vec<String> = (1..=1000).map(|id| format!(r#"{{"id":{id}}}"#)).collect();
    format!("[{}]", rows.join(","))
}

#[test]
fn refusals() {
    let answer = |status, body: &str| Fault::Answer {
        status,
        content_type: "application/json",
        body: body.into(),
    };
    for (name, path, fault) in [
        ("missing_scope", "/v2/user/roles", Fault::MissingScope),
        (
            "forbidden",
            "/v2/users",
            answer(
                403,
                r#"{"resultCode":"FAILURE","errorMessage":"no","incidentId":"X-1"}"#,
            ),
        ),
        ("string_error", "/v2/users", answer(400, r#""just a string""#)),
        (
            "structured_error",
            "/v2/users",
            answer(
                400,
                r#"{"resultCode":"FAILURE","errorMessage":{"code":"c","params":{"a":1}}}"#,
            ),
        ),
        ("end_users_missing", "/v2/user/end-users", Fault::MissingEndpoint),
        (
            "redirect",
            "/v2/users",
            Fault::Redirect("https://elsewhere.example/v2/users".to_owned()),
        ),
        ("null_technicians", "/v2/user/technicians", answer(200, "null")),
        (
            "failure_200",
            "/v2/user/roles",
            answer(
                200,
                r#"{"resultCode":"FAILURE","errorMessage":"NullPointerException","incidentId":"X-200"}"#,
            ),
        ),
        (
            "denied_500",
            "/v2/user/roles",
            answer(
                500,
                r#"{"resultCode":"permission_denied","errorMessage":"permission_denied","incidentId":"X"}"#,
            ),
        ),
        (
            "json_as_html",
            "/v2/users",
            Fault::ContentType("text/html; charset=utf-8"),
        ),
        ("empty_technicians", "/v2/user/technicians", Fault::EmptyList),
        ("empty_users", "/v2/users", Fault::EmptyList),
        ("no_progress", "/v2/organizations", answer(200, &full_page())),
        ("not_a_list", "/v2/users", answer(200, r#"{"users":[]}"#)),
        ("not_json", "/v2/users", answer(200, "users: none")),
        ("empty_body", "/v2/users", Fault::Empty(200)),
    ] {
        let context = TestContext::faulty(path, When::Always, fault);
        assert_snapshot!(name, context.failure_snapshot(&["--ninja-one-retry-seconds=0"]));
    }
}

#[test]
fn a_token_that_is_always_refused() {
    assert_snapshot!(
        TestContext::faulty("/v2/users", When::Always, Fault::RevokeTokens).failure_snapshot(&[])
    );
}

#[test]
fn text_that_is_not_utf8() {
    let context = TestContext::faulty("/v2/users", When::Always, Fault::InvalidUtf8);
    let ran = context.run(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("2 characters that are not Unicode, shown as U+FFFD, in id "),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_body_cut_anywhere_is_never_a_shorter_list() {
    for path in [
        "/v2/user/technicians",
        "/v2/user/end-users",
        "/v2/users",
        "/v2/user/roles",
        "/v2/organizations",
    ] {
        for eighths in 0..8 {
            for clean in [false, true] {
                let fault = Fault::CutBody {
                    at: Cut::Eighths(eighths),
                    clean,
                };
                let context = TestContext::faulty(path, When::Always, fault);
                let shown = context.failure_snapshot(&["--ninja-one-retry-seconds=0"]);
                assert!(
                    shown.starts_with("exit 14\n"),
                    "{path} {eighths}/8 {clean}: {shown}"
                );
            }
        }
    }
    let cut = Fault::CutBody {
        at: Cut::Eighths(4),
        clean: true,
    };
    assert_snapshot!(
        TestContext::faulty("/v2/users", When::Always, cut)
            .failure_snapshot(&["--ninja-one-retry-seconds=0"])
    );
}

#[test]
fn untrusted_certificates() {
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    config.tls = Some(ninjaone_sim::CertificateOptions::default());
    config.behavior = Behavior::default();
    let context = TestContext::with(&config);
    assert_snapshot!("unknown_authority", context.failure_snapshot(&[]));
    std::fs::write(
        context.path("tmp").join("../ca.pem"),
        context.sim().ca_pem().unwrap(),
    )
    .unwrap();
    let ran = context.run(&["--ca-file", "ca.pem"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    std::fs::write(context.path("ca.pem"), "no certificate").unwrap();
    let ran = context.run(&["--ca-file", "ca.pem"]);
    assert_snapshot!("ca_file_without_certificate", context.error_snapshot(&ran));
    let ran = context.run(&["--ca-file", "nowhere.pem"]);
    assert_snapshot!("ca_file_missing", context.error_snapshot(&ran));
}

#[test]
fn a_tenant_that_does_not_answer() {
    let silent = Fault::SlowBody {
        first: std::time::Duration::from_mins(10),
        pause: std::time::Duration::ZERO,
        piece: 1,
    };
    let context = TestContext::faulty("/v2/users", When::Always, silent);
    let shown = context.failure_snapshot(&["--http-timeout-seconds=1", "--ninja-one-retry-seconds=0"]);
    assert_snapshot!(shown);
}

#[test]
fn a_proxy_is_used() {
    use std::io::{BufRead, BufReader, Write};

    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let proxy_request = std::thread::spawn(move || {
        let (mut stream, _) = proxy.accept().unwrap();
        let mut line = String::new();
        BufReader::new(stream.try_clone().unwrap())
            .read_line(&mut line)
            .unwrap();
        stream
            .write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
            .unwrap();
        line
    });
    let context = TestContext {
        base_url: Some("https://tenant.example".to_owned()),
        ..TestContext::bare()
    };
    let mut command = context.command(&["--ninja-one-retry-seconds=0"]);
    let ran = context.finish(command.env("HTTPS_PROXY", address));
    assert_eq!(
        proxy_request.join().unwrap(),
        "CONNECT tenant.example:443 HTTP/1.1\r\n"
    );
    assert_snapshot!(context.error_snapshot(&ran));
}
