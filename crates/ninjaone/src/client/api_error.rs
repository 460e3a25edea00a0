//! NinjaOne's error responses: five JSON shapes, HTML pages and empty bodies (docs/reference/ninjaone-api.md §5.1).

use std::fmt;

use access_core::secrets::ServerText;
use serde::de::{IgnoredAny, MapAccess};
use serde_json::Value;

/// The keys of error texts (docs/reference/ninjaone-api.md §5.1).
const FAULT_KEYS: [&str; 7] = [
    "error",
    "error_description",
    "resultCode",
    "errorCode",
    "errorMessage",
    "message",
    "incidentId",
];

/// Maximum length of an error code or id in a sign-in response, in bytes.
const MAX_CODE_BYTES: usize = 64;

/// An error in the server's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiError {
    /// The code, e.g. `invalid_scope` or `Client app not exist`.
    pub code: Option<ServerText>,
    /// An explanation.
    pub text: Option<ServerText>,
    /// The request id that NinjaOne's support needs.
    pub incident_id: Option<ServerText>,
    /// The `x-nj-request-id` header, for support too.
    pub request_id: Option<ServerText>,
    /// Where the explanation comes from.
    source: TextSource,
    /// It has a field of errors, whatever its text is.
    reports_error: bool,
}

/// Where an explanation comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum TextSource {
    /// This program's description of the body.
    #[default]
    Own,
    /// OAuth's `error_description`.
    Description,
    /// The title of a web page.
    Page,
    /// Other text of the server.
    Words,
}

impl ApiError {
    /// Parses a body of any shape. Only JSON fields that are known to be the server's own texts are kept: anything else may
    /// be personal data.
    #[must_use]
    pub fn parse(body: &[u8], request_id: Option<String>) -> Self {
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        let fault = match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(object)) => Self::from_object(&object),
            Ok(Value::String(text)) => Self::from_server_text(&text),
            Ok(Value::Array(_)) => Self::from_description("a JSON list"),
            Ok(_) => Self::from_description("JSON without an error"),
            Err(_) => Self::from_text(body),
        };
        Self {
            request_id: request_id.map(|id| ServerText::new(&id)),
            ..fault
        }
    }

    /// An error that this program describes.
    pub(crate) fn from_description(text: &'static str) -> Self {
        Self {
            text: Some(ServerText::own(text)),
            ..Self::default()
        }
    }

    /// An error in the server's own words.
    pub(crate) fn from_server_text(text: &str) -> Self {
        Self {
            text: Some(ServerText::new(&without_addresses(text))),
            source: TextSource::Words,
            ..Self::default()
        }
    }

    /// The parts of a sign-in response that may be shown: OAuth's error code and description, and ids for support, if they
    /// do not contain a secret. The request contains the secret, and a response can repeat the request.
    pub(super) fn for_sign_in(self) -> Self {
        let is_plain = |text: &ServerText| {
            text.as_str().len() <= MAX_CODE_BYTES
                && text
                    .as_str()
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"_-.: ".contains(&byte))
        };
        let code = |code: ServerText| {
            if is_plain(&code) {
                code
            } else {
                ServerText::own("an error code that is not repeated")
            }
        };
        let text = match self.source {
            TextSource::Own | TextSource::Description => self.text,
            TextSource::Page => Some(ServerText::own("an HTML page")),
            TextSource::Words if self.code.is_some() => None,
            TextSource::Words => Some(ServerText::own("words that are not OAuth's")),
        };
        Self {
            code: self.code.map(code),
            text,
            incident_id: self.incident_id.filter(is_plain),
            request_id: self.request_id.filter(is_plain),
            source: self.source,
            reports_error: self.reports_error,
        }
    }

    /// Reads an object; `None` if it does not report a failure.
    pub(crate) fn from_map<'de, A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        let mut words = serde_json::Map::new();
        while let Some(key) = object.next_key::<String>()? {
            if FAULT_KEYS.contains(&key.as_str()) {
                words.insert(key, object.next_value()?);
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Self::is_failure(&words).then(|| Self::from_object(&words)))
    }

    /// The failure in an object of a response with a success status, if it reports one.
    pub(crate) fn from_failure_body(body: &[u8]) -> Option<Self> {
        /// Failures are shorter.
        const MAX_DIGITS: usize = 64 << 10;
        if body.len() > MAX_DIGITS {
            return None;
        }
        match serde_json::from_slice::<Value>(body).ok()? {
            Value::Object(object) => Self::is_failure(&object).then(|| Self::from_object(&object)),
            Value::String(text) => Some(Self::from_server_text(&text)),
            _ => None,
        }
    }

    fn is_failure(object: &serde_json::Map<String, Value>) -> bool {
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        let good = |code: &str| {
            ["success", "ok"]
                .iter()
                .any(|word| code.eq_ignore_ascii_case(word))
        };
        let coded = text("resultCode").or_else(|| text("errorCode"));
        coded.is_some_and(|code| !good(code))
            || text("error").is_some()
            || object
                .get("errorMessage")
                .is_some_and(|message| !message.is_null())
            || (object.contains_key("incidentId") && coded.is_none())
            || (object.len() == 1 && text("message").is_some())
    }

    fn from_object(object: &serde_json::Map<String, Value>) -> Self {
        let text = |key: &str| object.get(key).and_then(Value::as_str).map(ServerText::new);
        let description = text("error_description");
        let mut fault = Self {
            code: text("error")
                .or_else(|| text("resultCode"))
                .or_else(|| text("errorCode")),
            source: if description.is_some() {
                TextSource::Description
            } else {
                TextSource::Words
            },
            text: description.or_else(|| text("message")),
            incident_id: text("incidentId"),
            request_id: None,
            reports_error: ["error", "errorMessage", "errorCode"]
                .iter()
                .any(|key| object.get(*key).is_some_and(|value| !value.is_null())),
        };
        if let Some(Value::String(_) | Value::Object(_)) = object.get("errorMessage") {
            fault.source = TextSource::Words;
        }
        match object.get("errorMessage") {
            Some(Value::String(message)) => fault.text = Some(ServerText::new(message)),
            Some(Value::Object(structured)) => {
                let code = structured.get("code").map(plain).unwrap_or_default();
                let params = structured.get("params").filter(|params| !params.is_null());
                let params = params.map(|params| format!(" {params}")).unwrap_or_default();
                fault.text = Some(ServerText::new(&format!("{code}{params}")));
            }
            _ => {}
        }
        fault
    }

    fn from_text(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        match text.as_bytes() {
            [] => Self::from_description("an empty body"),
            [b'<', ..] => Self {
                text: Some(ServerText::new(&format!("an HTML page ({})", title(text)))),
                source: TextSource::Page,
                ..Self::default()
            },
            [b'[' | b'{', ..] => Self::from_description("JSON that is cut off or broken"),
            _ => Self::from_server_text(text),
        }
    }

    fn contains_phrase(&self, phrases: &[&str]) -> bool {
        let words = [&self.code, &self.text];
        words.into_iter().flatten().any(|words| {
            let words = words.as_str().to_lowercase().replace(['_', '-'], " ");
            phrases.iter().any(|phrase| words.contains(phrase))
        })
    }

    /// Whether the text asks for fewer requests.
    pub(crate) fn asks_to_wait(&self) -> bool {
        const PHRASES: [&str; 14] = [
            "too many requests",
            "too many calls",
            "rate limit",
            "ratelimit",
            "request limit",
            "limit exceeded",
            "quota exceeded",
            "throttl",
            "slow down",
            "maintenance",
            "temporarily unavailable",
            "temporarilyunavailable",
            "service unavailable",
            "try again later",
        ];
        self.contains_phrase(&PHRASES)
    }

    /// Whether the text is about permissions of the caller, with any status (docs/reference/ninjaone-api.md §5.1).
    pub(crate) fn denies_permission(&self) -> bool {
        const PHRASES: [&str; 16] = [
            "permission denied",
            "permissions denied",
            "no permission",
            "not have permission",
            "not have the permission",
            "missing permission",
            "insufficient permission",
            "insufficient privilege",
            "insufficient scope",
            "insufficient access",
            "not have privilege",
            "not have access",
            "access denied",
            "access is denied",
            "accessdenied",
            "not authorized",
        ];
        /// The words of a code; the name of an exception is not a code.
        const CODES: [&str; 4] = ["permission", "privilege", "forbidden", "unauthorized"];
        let coded = self
            .code
            .as_ref()
            .map(|code| code.as_str().to_lowercase())
            .is_some_and(|code| CODES.iter().any(|word| code.contains(word)) && !code.contains("exception"));
        coded || self.contains_phrase(&PHRASES)
    }

    /// Whether it is an error of NinjaOne's own API, with a result code and an incident (docs/reference/ninjaone-api.md
    /// §5.1).
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.code.is_some() && self.incident_id.is_some()
    }

    /// Whether NinjaOne itself answered, and not a proxy before it: the error has a code, and an incident or NinjaOne's request id.
    pub(crate) fn is_from_tenant(&self) -> bool {
        self.code.is_some() && (self.incident_id.is_some() || self.request_id.is_some())
    }

    /// Whether the text says that something was not done.
    pub(crate) fn is_refusal(&self) -> bool {
        const PHRASES: [&str; 12] = [
            "cannot",
            "could not",
            "denied",
            "error",
            "exception",
            "fail",
            "forbidden",
            "invalid",
            "not allowed",
            "not found",
            "refused",
            "rejected",
        ];
        self.reports_error
            || self.contains_phrase(&PHRASES)
            || self.denies_permission()
            || self.asks_to_wait()
    }

    /// Whether the code is this one, ignoring case.
    #[must_use]
    pub fn is(&self, code: &str) -> bool {
        self.code
            .as_ref()
            .is_some_and(|own| own.as_str().eq_ignore_ascii_case(code))
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.code, &self.text) {
            (Some(code), Some(text)) => write!(f, "{code}: {text}")?,
            (Some(only), None) | (None, Some(only)) => f.write_str(only.as_str())?,
            (None, None) => f.write_str("no explanation")?,
        }
        match (&self.request_id, &self.incident_id) {
            (None, None) => Ok(()),
            (Some(request), None) => write!(f, " (request {request})"),
            (None, Some(incident)) => write!(f, " (incident {incident})"),
            (Some(request), Some(incident)) => write!(f, " (request {request}, incident {incident})"),
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The title of an HTML page.
fn title(page: &str) -> &str {
    let find = |text: &str, tag: &str| {
        let mut windows = text.as_bytes().windows(tag.len());
        windows.position(|window| window.eq_ignore_ascii_case(tag.as_bytes()))
    };
    let title = find(page, "<title").and_then(|at| {
        let after = &page[at + "<title".len()..];
        let after = &after[after.find('>')? + 1..];
        Some(after.split_once("</").map_or(after, |(title, _)| title).trim())
    });
    title.filter(|title| !title.is_empty()).unwrap_or("untitled")
}

/// Removes what looks like an email address, which is personal data.
fn without_addresses(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        if word.contains('@') {
            shown.push('…');
            shown.push_str(&word[word.trim_end().len()..]);
        } else {
            shown.push_str(word);
        }
    }
    shown
}

/// A server's text as [`ServerText`] shows it.
pub(crate) fn sanitize(text: &str) -> String {
    ServerText::new(text).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_known_shape_is_parsed() {
        let bodies = [
            r#"{"error":"user_context_required","error_description":"Access key does not have user context which is required for this request","error_code":5}"#,
            r#"{"resultCode":"FAILURE","errorMessage":"NullPointerException","incidentId":"WEB_MGMT_SERVICE-1"}"#,
            r#"{"resultCode":"FAILURE","errorMessage":{"code":"validation","params":{"field":"email"}},"incidentId":"X-2"}"#,
            r#"{"resultCode":"Client app not exist","incidentId":"X-3"}"#,
            r#""just a string""#,
            r#"{"errorCode":"E7","message":"billing is off"}"#,
            "<html><head><title>403 Forbidden</title></head><body>no</body></html>",
            "",
            "  plain \u{1b}[31mwords\n",
            "[1,2]",
            "{}",
        ];
        let shown: Vec<String> = bodies
            .iter()
            .map(|body| ApiError::parse(body.as_bytes(), Some("r-1".to_owned())).to_string())
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        user_context_required: Access key does not have user context which is required for this request (request r-1)
        FAILURE: NullPointerException (request r-1, incident WEB_MGMT_SERVICE-1)
        FAILURE: validation {"field":"email"} (request r-1, incident X-2)
        Client app not exist (request r-1, incident X-3)
        just a string (request r-1)
        E7: billing is off (request r-1)
        an HTML page (403 Forbidden) (request r-1)
        an empty body (request r-1)
        plain \u{1b}[31mwords (request r-1)
        a JSON list (request r-1)
        no explanation (request r-1)
        "#);
    }

    /// A success status does not prove success, but data that has the key of an error text is not a failure.
    #[test]
    fn failure_is_recognized_despite_a_success_status() {
        for (body, expected) in [
            (r#"{"resultCode":"FAILURE"}"#, Some("FAILURE")),
            (r#"{"resultCode":"Success","id":7}"#, None),
            (r#"{"errorCode":"E7","name":"a"}"#, Some("E7")),
            (r#"{"errorCode":"ok"}"#, None),
            (r#"{"error":"invalid_scope","id":7}"#, Some("invalid_scope")),
            (r#"{"error":null,"id":7}"#, None),
            (r#"{"errorMessage":"broken","id":7}"#, Some("broken")),
            (r#"{"errorMessage":null,"id":7}"#, None),
            (
                r#"{"incidentId":"X-1","id":7}"#,
                Some("no explanation (incident X-1)"),
            ),
            (r#"{"resultCode":"SUCCESS","incidentId":"X-1"}"#, None),
            (r#"{"message":"closed"}"#, Some("closed")),
            (r#"{"message":"a field of the data","id":7}"#, None),
            (r#"{"id":7}"#, None),
            (r#""closed""#, Some("closed")),
            ("[7]", None),
            ("{", None),
        ] {
            let fault = ApiError::from_failure_body(body.as_bytes());
            let shown = fault.map(|fault| fault.to_string());
            assert_eq!(shown.as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn failure_is_searched_in_64_kib_at_most() {
        let mut body = br#"{"error":"down"}"#.to_vec();
        body.resize(64 << 10, b' ');
        assert!(ApiError::from_failure_body(&body).is_some());
        body.push(b' ');
        assert_eq!(ApiError::from_failure_body(&body), None);
    }

    /// A response can repeat the request, which contains the secret.
    #[test]
    fn sign_in_error_shows_oauth_fields_and_ids_only() {
        let longest = "c".repeat(64);
        let too_long = "c".repeat(65);
        let unknown = "an error code that is not repeated";
        for (code, shown) in [
            ("invalid_client", "invalid_client"),
            ("Client app not exist: E-7.1", "Client app not exist: E-7.1"),
            (&longest, &longest),
            (&too_long, unknown),
            ("a=b", unknown),
            ("caf\u{e9}", unknown),
        ] {
            let body = format!(r#"{{"error":"{code}"}}"#);
            let fault = ApiError::parse(body.as_bytes(), None).for_sign_in();
            assert_eq!(fault.to_string(), shown);
        }
        for (body, shown) in [
            (
                r#"{"error":"x","error_description":"why?"}"#,
                "x: why? (request r-1)",
            ),
            (r#"{"error":"x","message":"why?"}"#, "x (request r-1)"),
            (
                r#"{"message":"why?"}"#,
                "words that are not OAuth's (request r-1)",
            ),
            ("<title>why?</title>", "an HTML page (request r-1)"),
            (
                r#"{"error":"x","incidentId":"X-1"}"#,
                "x (request r-1, incident X-1)",
            ),
            (r#"{"error":"x","incidentId":"a=b"}"#, "x (request r-1)"),
        ] {
            let fault = ApiError::parse(body.as_bytes(), Some("r-1".to_owned())).for_sign_in();
            assert_eq!(fault.to_string(), shown, "{body}");
        }
        let fault = ApiError::parse(b"{}", Some("a=b".to_owned())).for_sign_in();
        assert_eq!(fault.request_id, None);
    }

    #[test]
    fn denied_permissions_are_recognized_by_code_and_text() {
        for (body, expected) in [
            (r#"{"error":"FORBIDDEN"}"#, true),
            (r#"{"errorCode":"missing_permission_x"}"#, true),
            (r#"{"errorMessage":"Access is denied."}"#, true),
            (r#"{"error":"E7","message":"You do not have permission"}"#, true),
            (r#"{"error":"insufficient-scope"}"#, true),
            // The name of an exception contains the word, but is not a code.
            (r#"{"error":"PermissionCacheException"}"#, false),
            (
                r#"{"error":"E7","message":"the permission cache is down"}"#,
                false,
            ),
            (r#"{"errorMessage":"NullPointerException"}"#, false),
            ("{}", false),
        ] {
            let fault = ApiError::parse(body.as_bytes(), None);
            assert_eq!(fault.denies_permission(), expected, "{body}");
        }
    }

    #[test]
    fn requests_to_wait_are_recognized() {
        for (body, expected) in [
            (r#"{"error":"TOO_MANY_REQUESTS"}"#, true),
            (r#"{"errorMessage":"Rate-Limit reached"}"#, true),
            ("Scheduled maintenance", true),
            (r#"{"errorMessage":"NullPointerException"}"#, false),
            ("{}", false),
        ] {
            let fault = ApiError::parse(body.as_bytes(), None);
            assert_eq!(fault.asks_to_wait(), expected, "{body}");
        }
    }

    /// The page of a proxy has no incident, so its 404 does not prove that an endpoint is missing.
    #[test]
    fn own_errors_have_a_code_and_an_incident() {
        for (body, expected) in [
            (r#"{"resultCode":"FAILURE","incidentId":"X-1"}"#, true),
            (r#"{"resultCode":"FAILURE"}"#, false),
            (r#"{"incidentId":"X-1"}"#, false),
            ("<title>404</title>", false),
        ] {
            let fault = ApiError::parse(body.as_bytes(), None);
            assert_eq!(fault.is_own(), expected, "{body}");
        }
        let fault = ApiError::parse(br#"{"error":"Invalid_Scope"}"#, None);
        assert!(fault.is("invalid_scope") && !fault.is("invalid_client"));
    }

    proptest! {
        #[test]
        fn any_body_is_shown_on_one_short_line(body: Vec<u8>, text in "\\PC{0,2000}") {
            for body in [body.as_slice(), text.as_bytes()] {
                let shown = ApiError::parse(body, None).to_string();
                prop_assert!(!shown.chars().any(char::is_control));
                prop_assert!(shown.len() < 20_000);
            }
        }
    }
}
