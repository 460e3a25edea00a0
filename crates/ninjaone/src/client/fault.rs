//! What NinjaOne says when it refuses. Five JSON shapes, HTML and nothing at all are known (NinjaOne facts §5.1).

use std::fmt;

use serde_json::Value;

/// How much of a server's text is repeated, in characters.
const LONGEST_QUOTE: usize = 300;

/// A refusal in the server's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiFault {
    /// A word for programs, e.g. `invalid_scope` or `Client app not exist`.
    pub code: Option<String>,
    /// An explanation.
    pub text: Option<String>,
    /// What NinjaOne's support asks for.
    pub incident_id: Option<String>,
    /// The `x-nj-request-id` header, for support too.
    pub request_id: Option<String>,
}

impl ApiFault {
    /// Reads a body, whatever its shape.
    #[must_use]
    pub fn parse(body: &[u8], request_id: Option<String>) -> Self {
        let fault = match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(object)) => Self::from_object(&object),
            Ok(Value::String(text)) => Self {
                text: Some(quote(&text)),
                ..Self::default()
            },
            Ok(other) => Self {
                text: Some(quote(&other.to_string())),
                ..Self::default()
            },
            Err(_) => Self::from_text(&String::from_utf8_lossy(body)),
        };
        Self {
            request_id: request_id.map(|id| quote(&id)),
            ..fault
        }
    }

    fn from_object(object: &serde_json::Map<String, Value>) -> Self {
        let text = |key: &str| object.get(key).and_then(Value::as_str).map(quote);
        let mut fault = Self {
            code: text("error")
                .or_else(|| text("resultCode"))
                .or_else(|| text("errorCode")),
            text: text("error_description").or_else(|| text("message")),
            incident_id: text("incidentId"),
            request_id: None,
        };
        match object.get("errorMessage") {
            Some(Value::String(message)) => fault.text = Some(quote(message)),
            Some(Value::Object(structured)) => {
                let code = structured.get("code").map(plain).unwrap_or_default();
                let params = structured.get("params").filter(|params| !params.is_null());
                let params = params.map(|params| format!(" {params}")).unwrap_or_default();
                fault.text = Some(quote(&format!("{code}{params}")));
            }
            _ => {}
        }
        fault
    }

    fn from_text(text: &str) -> Self {
        let text = text.trim();
        let shown = match (text.is_empty(), text.starts_with('<')) {
            (true, _) => "an empty body".to_owned(),
            (false, true) => format!("an HTML page ({})", quote(title(text))),
            (false, false) => quote(text),
        };
        Self {
            text: Some(shown),
            ..Self::default()
        }
    }

    /// Whether it is a fault as NinjaOne's own API words them: a result code and an incident (NinjaOne facts §5.1).
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.code.is_some() && self.incident_id.is_some()
    }

    /// Whether the code is this one, whatever the case.
    #[must_use]
    pub fn is(&self, code: &str) -> bool {
        self.code
            .as_deref()
            .is_some_and(|own| own.eq_ignore_ascii_case(code))
    }
}

impl fmt::Display for ApiFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.code, &self.text) {
            (Some(code), Some(text)) => write!(f, "{code}: {text}")?,
            (Some(only), None) | (None, Some(only)) => f.write_str(only)?,
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

/// What an HTML page calls itself.
fn title(page: &str) -> &str {
    let after = page.split_once("<title>").map_or("untitled", |(_, rest)| rest);
    after.split_once("</").map_or(after, |(title, _)| title).trim()
}

/// A server's text, shortened, with control characters made visible so that it cannot play with the terminal.
pub(crate) fn quote(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST_QUOTE).flat_map(visible).collect();
    if text.chars().nth(LONGEST_QUOTE).is_some() {
        shown.push('…');
    }
    shown
}

fn visible(c: char) -> impl Iterator<Item = char> {
    let escaped = c.is_control().then(|| c.escape_default());
    let plain = (!c.is_control()).then_some(c);
    escaped.into_iter().flatten().chain(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_known_shape() {
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
            .map(|body| ApiFault::parse(body.as_bytes(), Some("r-1".to_owned())).to_string())
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
        [1,2] (request r-1)
        no explanation (request r-1)
        "#);
    }

    proptest! {
        #[test]
        fn any_body_is_shown_on_one_line_and_short(body: Vec<u8>, text in "\\PC{0,2000}") {
            for body in [body.as_slice(), text.as_bytes()] {
                let shown = ApiFault::parse(body, None).to_string();
                prop_assert!(!shown.chars().any(char::is_control));
                prop_assert!(shown.len() < 20_000);
            }
        }
    }
}
