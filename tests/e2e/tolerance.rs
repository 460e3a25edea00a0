//! Invalid answers of NinjaOne, or of a proxy: the program reads them, retries, or reports
//! exactly what arrived.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;
use ninjaone_sim::{
    CertificateOptions, Edit, Fault, FaultRule, FaultSchedule, Rows, SimConfig, Tenant, To, Validity, When,
};

use crate::harness::{RunOutput, TestContext, report_skipped};

const TOKEN: &str = "/ws/oauth/token";
const TECHNICIANS: &str = "/v2/user/technicians";
const END_USERS: &str = "/v2/user/end-users";
const USERS: &str = "/v2/users";
const ROLES: &str = "/v2/user/roles";
const ORGANIZATIONS: &str = "/v2/organizations";
const JSON: &str = "application/json";

fn answer(status: u16, content_type: &'static str, body: &str) -> Fault {
    Fault::Answer {
        status,
        content_type,
        body: body.into(),
    }
}

/// The bytes of an answer, with these headers and no other.
fn raw(headers: &str, body: &[u8]) -> Fault {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\n{headers}content-length: {length}\r\n\r\n");
    Fault::Raw([head.as_bytes(), body].concat())
}

fn sync(path: &str, when: When, fault: Fault) -> (TestContext, RunOutput) {
    let context = TestContext::faulty(path, when, fault);
    let ran = context.run(&[]);
    (context, ran)
}

/// The error and its hint.
fn error_text(ran: &RunOutput) -> String {
    let lines: Vec<&str> = ran.stderr.lines().filter(|line| !line.starts_with('{')).collect();
    format!("exit {}\n{}", ran.code.unwrap_or(-1), lines.join("\n"))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "faults are made where they are named"
)]
fn fails(path: &str, fault: Fault, code: i32, words: &[&str]) -> String {
    let context = TestContext::faulty(path, When::Always, fault.clone());
    let ran = context.run(&["--ninja-one-retry-seconds=0"]);
    let error_text = error_text(&ran);
    assert_eq!(ran.code, Some(code), "{fault:?}: {error_text}");
    for word in words {
        assert!(
            error_text.contains(word),
            "{fault:?}: no `{word}` in {error_text}"
        );
    }
    error_text
}

fn works(path: &str, when: When, fault: Fault) -> RunOutput {
    let shown = format!("{path} {when:?} {fault:?}");
    let (context, ran) = sync(path, when, fault);
    assert_eq!(ran.code, Some(0), "{shown}: {}", ran.stderr);
    assert!(context.sim().faults().unfired().is_empty(), "{shown}");
    ran
}

/// A name that ends in half an emoji, one with a byte of Latin-1, and other difficult names.
#[test]
fn undecodable_names_are_replaced_and_reported() {
    for (verbatim, words) in [
        (
            r#""Cy \ud83d""#,
            "1 character that is not Unicode, shown as U+FFFD, in id 2",
        ),
        (
            r#""\ude00\ud83d""#,
            "2 characters that are not Unicode, shown as U+FFFD, in id 2",
        ),
        (
            "\"a\tb\"",
            "1 character that was not escaped as JSON demands in id 2",
        ),
        ("NaN", "1 value such as NaN, read as null, in id 2"),
    ] {
        let edit = Edit {
            list: "",
            rows: Rows::Nth(0),
            field: "/firstName".to_owned(),
            to: To::Verbatim(verbatim.to_owned()),
        };
        let ran = works(USERS, When::Always, Fault::Edit(edit));
        assert!(ran.stderr.contains("GET http://127.0.0.1"), "{}", ran.stderr);
        assert!(ran.stderr.contains(words), "{verbatim}: {}", ran.stderr);
    }
    let ran = works(ORGANIZATIONS, When::First(1), Fault::InvalidUtf8);
    assert!(
        ran.stderr.contains("2 characters that are not Unicode"),
        "{}",
        ran.stderr
    );
}

/// Only invalid JSON fails, with its location.
#[test]
fn a_list_that_is_not_json() {
    let rows: Vec<String> = (1000..2200)
        .map(|id| format!(r#"{{"id":{id},"firstName":"x"}}"#))
        .collect();
    let body = format!(
        r#"[{},{{"id":2200,"email":"zoe@customer.example" oops}}]"#,
        rows.join(",")
    );
    let error_text = fails(
        END_USERS,
        answer(200, JSON, &body),
        15,
        &["/v2/user/end-users: the answer cannot be read: in entry 1,201, after id 2199: "],
    );
    assert!(!error_text.contains("zoe@"), "{error_text}");
}

#[test]
fn empty_answers_count_as_empty_lists_where_allowed() {
    for fault in [
        answer(200, JSON, "null"),
        Fault::Empty(204),
        answer(200, JSON, " [ ] "),
    ] {
        works(ROLES, When::Always, fault.clone());
        works(ORGANIZATIONS, When::Always, fault.clone());
        for path in [TECHNICIANS, USERS] {
            fails(
                path,
                fault.clone(),
                9,
                &["the list is empty, but a technician must"],
            );
        }
        // There are end users in /v2/users, so that their own list is not believed.
        fails(
            END_USERS,
            fault.clone(),
            9,
            &["the list is empty, but /v2/users has end users"],
        );
    }
    for body in ["{}", r#""""#] {
        let context = TestContext::faulty(ROLES, When::Always, answer(200, JSON, body));
        let ran = context.run(&["--ninja-one-retry-seconds=0"]);
        assert!(matches!(ran.code, Some(14 | 15)), "{body}: {}", ran.stderr);
    }
    // A proxy answered so once.
    works(TECHNICIANS, When::First(1), Fault::Empty(204));
}

#[test]
fn error_messages_with_status_200() {
    fails(
        ROLES,
        answer(
            200,
            JSON,
            r#"{"resultCode":"FAILURE","errorMessage":"NullPointerException","incidentId":"X-200"}"#,
        ),
        14,
        &["FAILURE: NullPointerException (incident X-200)"],
    );
    fails(
        USERS,
        answer(
            200,
            JSON,
            r#"{"resultCode":"FAILURE","errorMessage":"maintenance","incidentId":"WEB-77"}"#,
        ),
        14,
        &["throttled", "FAILURE: maintenance (incident WEB-77)"],
    );
    fails(
        ORGANIZATIONS,
        answer(
            200,
            JSON,
            r#"{"resultCode":"permission_denied","incidentId":"X-1"}"#,
        ),
        7,
        &[
            "permission_denied (incident X-1)",
            "hint: a sync needs `monitoring` and `management`",
        ],
    );
    fails(
        TOKEN,
        answer(
            200,
            JSON,
            r#"{"error":"invalid_client","error_description":"no such client"}"#,
        ),
        16,
        &["invalid_client: no such client"],
    );
}

/// Throttling and maintenance in every dress: tried again.
#[test]
fn html_and_text_instead_of_json_is_retried() {
    let page = "<HTML><HEAD><TITLE>Please wait</TITLE></HEAD></HTML>";
    for fault in [
        answer(200, JSON, page),
        answer(200, "text/plain", page),
        raw("", page.as_bytes()),
        raw("", b"\xef\xbb\xbf \r\n<html>"),
        answer(200, JSON, "Request limit exceeded"),
        raw("", b"429 Too Many Requests"),
        answer(200, JSON, r#""Rate limit exceeded""#),
        answer(200, JSON, r#"{"message":"Too Many Requests"}"#),
        answer(403, JSON, r#"{"message":"Too Many Requests"}"#),
        answer(503, "text/html", page),
        answer(200, "text/plain", "Down for maintenance"),
        Fault::Status(408),
        Fault::Status(425),
        Fault::Empty(200),
    ] {
        for path in [USERS, TOKEN] {
            works(path, When::First(1), fault.clone());
        }
    }
    fails(
        USERS,
        answer(200, JSON, page),
        14,
        &["throttled", "an HTML page (Please wait)"],
    );
    fails(
        USERS,
        answer(200, JSON, "Request limit exceeded"),
        14,
        &["throttled", "Request limit exceeded"],
    );
    fails(USERS, Fault::Status(408), 14, &["the server failed", "408"]);
}

/// The pause is the server's `Retry-After`, up to the budget; the message names it.
#[test]
fn retry_after_is_followed_up_to_the_budget() {
    let context = TestContext::faulty(
        TECHNICIANS,
        When::First(2),
        Fault::RateLimit(Some("2".to_owned())),
    );
    let begin = Instant::now();
    let ran = context.run(&["--ninja-one-retry-seconds=10"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(begin.elapsed().as_secs() >= 4);

    for (budget, retry_after) in [("3", "4"), ("60", "61"), ("60", "18446744073709551615")] {
        let context = TestContext::faulty(
            TECHNICIANS,
            When::Always,
            Fault::RateLimit(Some(retry_after.to_owned())),
        );
        let ran = context.run(&["--ninja-one-retry-seconds", budget]);
        let error_text = error_text(&ran);
        assert_eq!(ran.code, Some(14), "{error_text}");
        let words = format!(
            "asked to wait {retry_after} s, which is more than is left of --ninja-one-retry-seconds ({budget})"
        );
        assert!(error_text.contains(&words), "{error_text}");
        assert!(
            error_text.contains("hint: raise --ninja-one-retry-seconds"),
            "{error_text}"
        );
        assert_eq!(context.sim().ledger().count("GET", TECHNICIANS), 1);
    }
}

#[test]
fn permission_errors_are_final_whatever_the_status() {
    for (status, code) in [
        (500, "permission_denied"),
        (500, "insufficient_privileges"),
        (502, "ACCESS_DENIED"),
        (400, "permission_denied"),
    ] {
        let body = format!(r#"{{"resultCode":"{code}","errorMessage":"{code}","incidentId":"X"}}"#);
        let context = TestContext::faulty(ROLES, When::Always, answer(status, JSON, &body));
        let ran = context.run(&[]);
        let error_text = error_text(&ran);
        assert_eq!(ran.code, Some(7), "{error_text}");
        assert!(
            error_text.contains("hint: a sync needs `monitoring` and `management`"),
            "{error_text}"
        );
        assert_eq!(context.sim().ledger().count("GET", ROLES), 1, "{status} {code}");
    }
    // The name of an exception is not a permission.
    let body = r#"{"resultCode":"FAILURE","errorMessage":"PermissionServiceException"}"#;
    fails(ROLES, answer(500, JSON, body), 14, &["the server failed"]);
}

#[test]
fn a_wrong_address_is_not_reported_as_a_wrong_secret() {
    let failure = r#"{"resultCode":"FAILURE","errorMessage":"HTTP 404 Not Found","incidentId":"X"}"#;
    let nginx = "<html><head><title>404 Not Found</title></head></html>";
    for fault in [
        answer(404, JSON, failure),
        answer(405, JSON, failure),
        answer(415, JSON, failure),
        answer(404, "text/html", nginx),
        Fault::Empty(404),
    ] {
        fails(
            TOKEN,
            fault,
            16,
            &[
                "there is no token endpoint here",
                "hint: check --ninja-one-base-url and --ninja-one-token-path (older hosts: /oauth/token)",
            ],
        );
    }
    for fault in [
        answer(200, "text/html", "<title>NinjaOne</title>"),
        answer(200, JSON, "<title>NinjaOne</title>"),
        answer(403, "text/html", "<title>Access Denied</title>"),
    ] {
        fails(
            TOKEN,
            fault,
            14,
            &[
                "answered with a web page instead of a token",
                "hint: check --ninja-one-base-url, and whether a portal, a proxy",
            ],
        );
    }
    fails(
        TOKEN,
        answer(
            404,
            JSON,
            r#"{"resultCode":"Client app not exist","incidentId":"X"}"#,
        ),
        16,
        &["the client id is unknown on this host"],
    );
}

/// Separators and capitals are normalized before the scope is sent; an unknown scope is reported as a likely typing error.
#[test]
fn a_misspelled_scope() {
    let refusal = answer(400, JSON, r#"{"error":"invalid_scope"}"#);
    let hint = "scopes are separated by spaces, in lower case";
    for (scope, sent, is_misspelled) in [
        ("monitoring,management", "monitoring management", false),
        ("monitoring+management", "monitoring management", false),
        ("Monitoring Management", "monitoring management", false),
        ("monitoring", "monitoring", false),
        ("monitoring managment", "monitoring managment", true),
        ("monitoring.management", "monitoring.management", true),
    ] {
        let context = TestContext::faulty(TOKEN, When::Always, refusal.clone());
        let ran = context.run(&["--ninja-one-scope", scope]);
        let error_text = error_text(&ran);
        assert_eq!(ran.code, Some(7), "{error_text}");
        assert!(
            error_text.contains(&format!("the scope `{sent}`")),
            "{error_text}"
        );
        assert_eq!(error_text.contains(hint), is_misspelled, "{error_text}");
    }
}

/// A body that is not an error is never quoted.
#[test]
fn no_error_shows_personal_data() {
    let people = r#"[{"id":7,"firstName":"Zoe","email":"zoe.berg@customer.example"}]"#;
    for fault in [
        answer(200, "text/html", people),
        answer(403, JSON, people),
        answer(500, JSON, people),
        answer(418, "text/html", people),
        answer(
            200,
            JSON,
            &people.replace("[{", "{\"users\":[{").replace("}]", "}]}"),
        ),
        answer(200, JSON, "\"zoe.berg@customer.example\""),
        answer(200, JSON, &people[..people.len() - 10]),
        answer(500, JSON, &people[..people.len() - 10]),
        answer(200, "text/csv", "Unknown <zoe.berg@customer.example>"),
    ] {
        for path in [USERS, TOKEN] {
            let context = TestContext::faulty(path, When::Always, fault.clone());
            let ran = context.run(&["--ninja-one-retry-seconds=0"]);
            assert_ne!(ran.code, Some(0));
            assert!(!ran.stderr.contains("zoe.berg"), "{fault:?}: {}", ran.stderr);
            assert!(!ran.stderr.contains("Zoe"), "{fault:?}: {}", ran.stderr);
        }
    }
}

#[test]
fn gzip_with_several_members_is_read_completely() {
    let gzip = |body: &[u8]| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(body).unwrap();
        gzip.finish().unwrap()
    };
    let parts: [&[u8]; 3] = [br#"[{"id":3,"name":"Serv"#, b"", br#"ice Desk","members":[]}]"#];
    let members: Vec<u8> = parts.into_iter().flat_map(gzip).collect();
    let headers = "content-type: application/json\r\ncontent-encoding: gzip\r\n";
    works(ROLES, When::Always, raw(headers, &members));
    // A member that is cut is a cut answer.
    fails(
        ROLES,
        raw(headers, &members[..members.len() - 9]),
        14,
        &["cut short"],
    );
}

/// A page that begins with, or is only, the row that it should begin after.
#[test]
fn a_short_page_that_cannot_advance_is_the_last() {
    let context = TestContext::msp();
    let ran = context.run(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let one = r#"[{"id":15,"name":"Only"}]"#;
    let ran = works(ORGANIZATIONS, When::Always, answer(200, JSON, one));
    assert!(
        ran.stderr.contains("the page after id 15 has only id 15 again"),
        "{}",
        ran.stderr
    );

    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    config.faults = FaultSchedule::new(
        [(1, r#"[{"id":12},{"id":15}]"#), (2, r#"[{"id":15},{"id":16}]"#)].map(|(call, body)| FaultRule {
            method: None,
            path: ORGANIZATIONS.to_owned(),
            when: When::Nth(call),
            fault: answer(200, JSON, body),
        }),
    );
    config.faults.add(FaultRule {
        method: None,
        path: ORGANIZATIONS.to_owned(),
        when: When::After(2),
        fault: answer(200, JSON, r#"[{"id":16}]"#),
    });
    let context = TestContext::with(&config);
    let ran = context.run(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("the page after id 16 has only id 16 again"),
        "{}",
        ran.stderr
    );
    assert_eq!(context.sim().ledger().count("GET", ORGANIZATIONS), 3);

    // A server that ignores `after`: its only page is short, so that it is the end, but more may lie behind it.
    let ran = works(ORGANIZATIONS, When::Always, Fault::NoProgress);
    assert!(
        ran.stderr
            .contains("the server may ignore `after`, and entries may be missing"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains(r#""sync_type":"partial""#), "{}", ran.stderr);

    // A full page without progress is not the end.
    let full: Vec<String> = (1..=1000).map(|id| format!(r#"{{"id":{id}}}"#)).collect();
    let full = format!("[{}]", full.join(","));
    fails(ORGANIZATIONS, answer(200, JSON, &full), 15, &["did not advance"]);
}

#[test]
fn a_wrong_clock_is_named_as_a_possible_cause() {
    for validity in [Validity::Expired, Validity::NotYet] {
        let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
        config.tls = Some(CertificateOptions {
            validity,
            ..CertificateOptions::default()
        });
        let context = TestContext::with(&config);
        std::fs::write(context.path("ca.pem"), context.sim().ca_pem().unwrap()).unwrap();
        let ran = context.run(&["--ca-file", "ca.pem"]);
        let error_text = error_text(&ran);
        assert_eq!(ran.code, Some(14), "{error_text}");
        assert!(
            error_text.contains("hint: check this machine's date and time first"),
            "{error_text}"
        );
    }
}

/// A resolver that fails like musl's, a few times or always.
#[test]
fn resolver_error_texts_do_not_decide() {
    let folder = tempfile::tempdir().unwrap();
    let Some(shim) = resolver_shim(folder.path()) else {
        return report_skipped("the resolver that fails", "there is no C compiler");
    };
    for (fails, code) in [(2, 0), (100, 14)] {
        let mut context = TestContext::msp();
        context.base_url = context.base_url.map(|url| url.replace("127.0.0.1", "localhost"));
        let mut command = context.command(&["--ninja-one-retry-seconds=20"]);
        command
            .env("LD_PRELOAD", &shim)
            .env("FAIL_LOOKUPS", fails.to_string());
        let ran = context.finish(&mut command);
        let error_text = error_text(&ran);
        assert_eq!(ran.code, Some(code), "{error_text}");
        if code == 14 {
            assert!(
                error_text.contains("cannot resolve the host name `localhost` (5 tries): "),
                "{error_text}"
            );
            assert!(
                error_text.contains("typos, and that this machine can resolve names"),
                "{error_text}"
            );
        }
    }
}

fn resolver_shim(folder: &Path) -> Option<PathBuf> {
    let (source, library) = (folder.join("resolver.c"), folder.join("resolver.so"));
    let code = r#"
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <netdb.h>
        #include <stdlib.h>
        typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);
        int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
            static int failed;
            const char *fail = getenv("FAIL_LOOKUPS");
            if (fail && failed++ < atoi(fail)) return EAI_AGAIN;
            return ((lookup *)dlsym(RTLD_NEXT, "getaddrinfo"))(node, service, hints, found);
        }
        const char *gai_strerror(int code) { return code == EAI_AGAIN ? "Try again" : "Name does not resolve"; }
    "#;
    std::fs::write(&source, code).unwrap();
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .status();
    compiled.is_ok_and(|status| status.success()).then_some(library)
}
