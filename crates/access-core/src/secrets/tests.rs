#![expect(clippy::format_collect, reason = "short texts, as plain as can be")]

use proptest::prelude::*;

use super::*;

/// Base64 in a second implementation.
fn base64(bytes: &[u8]) -> String {
    let digits: Vec<char> = ('A'..='Z')
        .chain('a'..='z')
        .chain('0'..='9')
        .chain(['+', '/'])
        .collect();
    let mut text = String::new();
    for piece in bytes.chunks(3) {
        let mut number = 0_u32;
        for at in 0..3 {
            number = number << 8 | u32::from(piece.get(at).copied().unwrap_or(0));
        }
        for at in 0..4 {
            if at <= piece.len() {
                text.push(digits[(number >> (18 - 6 * at) & 63) as usize]);
            } else {
                text.push('=');
            }
        }
    }
    text
}

fn percent_all(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn json_all(text: &str) -> String {
    text.chars().map(|c| format!("\\u{:04X}", u32::from(c))).collect()
}

fn every_form(secret: &str) -> Vec<String> {
    let mut split = String::new();
    for (at, c) in secret.chars().enumerate() {
        split.push(c);
        if at % 5 == 4 {
            split.push_str("\r\n ");
        }
    }
    vec![
        secret.to_owned(),
        secret.to_uppercase(),
        secret.to_lowercase(),
        percent_all(secret),
        percent_all(&percent_all(secret)),
        json_all(secret),
        json_all(secret).replace('\\', "\\\\"),
        secret.chars().map(|c| format!("&#{};", u32::from(c))).collect(),
        secret
            .chars()
            .map(|c| format!("&#x{:x};", u32::from(c)))
            .collect(),
        secret.replace('/', "\\/").replace('+', "%2B"),
        split.replace("\r\n", "\\r\\n"),
        split,
        base64(secret.as_bytes()),
        secret.bytes().map(|byte| format!("{byte:02X}")).collect(),
    ]
}

/// No twelve consecutive characters of any form remain.
fn assert_gone(shown: &str, secret: &str) {
    let lower = shown.to_lowercase();
    for form in every_form(secret) {
        let form = form.to_lowercase();
        let window = 12.min(form.chars().count());
        let chars: Vec<char> = form.chars().collect();
        for piece in chars.windows(window) {
            let piece: String = piece.iter().collect();
            assert!(!lower.contains(&piece), "`{piece}` in `{shown}`");
        }
    }
}

#[test]
fn a_secret_is_found_in_every_form() {
    for secret in [
        "SEKRIT-9d81c0ffee",
        "a+b/c=d&e%f g\"h'Q7zX",
        "kV8~x7Q.Yw9-pT3_nB5",
    ] {
        register(secret);
        for form in every_form(secret) {
            for text in [
                form.clone(),
                format!("blocked: grant_type=x&client_secret={form}&scope=y"),
                format!("<title>{form}</title>"),
                format!("{{\"message\":\"{form}\"}}"),
                format!("{}{form}{}", "ä".repeat(40), "ö".repeat(3)),
            ] {
                assert_gone(&redact(&text), secret);
                assert_gone(ServerText::new(&text).as_str(), secret);
            }
        }
        for credentials in
            ["id:", "client:", "client-7:"].map(|id| base64(format!("{id}{secret}&x=y").as_bytes()))
        {
            for text in [
                credentials.clone(),
                credentials.replace('+', "-").replace('/', "_"),
            ] {
                let shown = redact(&text).into_owned();
                assert!(
                    shown.contains(REDACTED) && shown.len() < REDACTED.len() + 28,
                    "{shown}"
                );
            }
        }
    }
}

#[test]
fn a_secret_is_redacted_in_data_from_its_registration_on() {
    let secret = "registered-later-4711-Ab";
    assert_eq!(redact_data(secret), secret);
    register(secret);
    assert_eq!(redact_data(secret), REDACTED);
}

#[test]
fn half_a_secret_is_found_too() {
    let token = "tok9E1mZr4Lq7Wd2Ky6Vb8Xn5Cs3Jh0Pf";
    register_token(token);
    for cut in [&token[..17], &token[..25], &token[16..], &token[10..]] {
        assert_eq!(redact(&format!("x {cut}")), format!("x {REDACTED}"), "{cut}");
    }
}

#[test]
fn long_texts_are_searched_completely() {
    let secret = "l0ng-SEKRIT-7c2b9e";
    register(secret);
    let line = format!("{}\n", "größer ".repeat(9));
    let lines = line.repeat(4_000);
    assert!(matches!(redact(&lines), Cow::Borrowed(_)));
    for at in [0, 1_000, 3_999] {
        let text = format!("{}x {secret} y\n{}", line.repeat(at), line.repeat(4_000 - at));
        let expected = format!("{}x {REDACTED} y\n{}", line.repeat(at), line.repeat(4_000 - at));
        assert!(redact(&text) == expected, "{at}");
    }
}

#[test]
fn words_that_are_half_a_secret_stay() {
    register("s3cr3t-do-not-print");
    for text in ["cannot print", "do not print", "s3cr3t"] {
        assert_eq!(redact(text), text);
    }
    assert_eq!(redact("s3cr3t do not print"), REDACTED);
}

#[test]
fn the_rest_of_a_text_stays() {
    register("SEKRIT-9d81c0ffee");
    assert_eq!(
        redact("größer: SEKRIT-9d81c0ffee, 日本 & more %41"),
        "größer: [redacted], 日本 & more %41"
    );
    assert_eq!(redact("nothing here"), "nothing here");
}

#[test]
fn short_secrets_and_plain_words_are_not_redacted() {
    for secret in ["a", "abc", "role", "monitoring"] {
        register(secret);
    }
    let text = "abc a role: monitoring of roles";
    assert_eq!(redact(text), text);
    // In server text they are redacted as separate words.
    assert_eq!(ServerText::new("no role, abc").as_str(), "no [redacted], abc");
    assert_eq!(ServerText::new("roles").as_str(), "roles");
}

#[test]
fn values_go_by_their_names() {
    for (text, shown) in [
        ("client_secret=x1&scope=m", "client_secret=[redacted]&scope=m"),
        ("client%5Fsecret%3Dx1", "client%5Fsecret%3D[redacted]"),
        (
            r#"{"access_token":"ab","x":1}"#,
            r#"{"access_token":"[redacted]","x":1}"#,
        ),
        (
            "Authorization: Bearer abcdefabcdef.x",
            "Authorization: Bearer [redacted]",
        ),
        (
            "authorization: Basic Y2xpZW50OnNlY3JldA==",
            "authorization: Basic [redacted]",
        ),
        ("Bearer token is invalid", "Bearer token is invalid"),
        ("invalid client_secret", "invalid client_secret"),
        ("the client_secret is wrong", "the client_secret is wrong"),
        ("password: hunter2", "password: [redacted]"),
        ("password: must not be empty", "password: must not be empty"),
    ] {
        assert_eq!(ServerText::new(text).as_str(), shown, "{text}");
    }
}

#[test]
fn a_secret_at_the_clipping_bound_is_redacted() {
    let secret = "bOrDeR-1234567890-xyz";
    register(secret);
    for before in 280..305 {
        let text = format!("{}{secret} and more", "-".repeat(before));
        assert_gone(ServerText::new(&text).as_str(), secret);
    }
}

proptest! {
    #[test]
    fn any_text_is_shown_on_one_line_and_short(text in "\\PC{0,400}", noise in any::<Vec<u8>>()) {
        register("SEKRIT-9d81c0ffee");
        for text in [text, String::from_utf8_lossy(&noise).into_owned()] {
            let shown = ServerText::new(&text);
            prop_assert!(!shown.as_str().chars().any(char::is_control));
            prop_assert!(shown.as_str().chars().count() <= 300 * 10 + 1);
            let _ = redact(&text);
        }
    }

    #[test]
    fn every_secret_is_redacted(secret in "[!-$\'-\\[\\]-~]{24,40}", before in "[a-z=& %+]{0,20}", after in "[a-z=& %+]{0,20}") {
        prop_assume!(secret.bytes().filter(u8::is_ascii_alphanumeric).count() >= 12);
        register_token(&secret);
        let shown = redact(&format!("{before}{secret}{after}")).into_owned();
        prop_assert!(!shown.contains(&secret), "{}", shown);
        let encoded = base64(format!("{before}:{secret}").as_bytes());
        let shown = redact(&encoded).into_owned();
        prop_assert!(shown.contains(REDACTED), "{} in {}", secret, shown);
    }
}
