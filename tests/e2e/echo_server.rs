//! A server before the simulated tenant that repeats a request in its answer, wherever an answer has room for it.
#![expect(clippy::format_collect, reason = "tests are plain")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;

/// The part of an answer that repeats the request. `{}` is replaced by the request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum EchoLocation {
    /// The status line's reason.
    Reason(u16),
    /// A header of an answer with this status.
    Header(u16, &'static str, &'static str),
    /// A body of this type with this status.
    Body(u16, &'static str, &'static str),
    /// The same, compressed.
    Packed(u16, &'static str, &'static str),
    /// The extension of a chunk, and a trailer.
    Chunk,
}

pub(crate) const JSON: &str = "application/json";
const HTML: &str = "text/html";
const TEXT: &str = "text/plain";

/// Every location.
pub(crate) const ECHO_LOCATIONS: &[EchoLocation] = &[
    EchoLocation::Reason(403),
    EchoLocation::Reason(500),
    EchoLocation::Reason(200),
    EchoLocation::Header(302, "Location", "https://elsewhere.example/?{}"),
    EchoLocation::Header(302, "Location", "http://{}.example/"),
    EchoLocation::Header(302, "Location", "{}"),
    EchoLocation::Header(307, "Location", "/elsewhere/{}?{}"),
    EchoLocation::Header(503, "Retry-After", "{}"),
    EchoLocation::Header(401, "WWW-Authenticate", "Bearer error={}"),
    EchoLocation::Header(500, "Content-Type", "{}"),
    EchoLocation::Header(200, "Content-Type", "text/html; {}"),
    EchoLocation::Header(200, "Content-Encoding", "{}"),
    EchoLocation::Header(500, "x-nj-request-id", "{}"),
    EchoLocation::Header(403, "x-nj-request-id", "{}"),
    EchoLocation::Header(404, "x-nj-request-id", "{}"),
    EchoLocation::Body(
        400,
        JSON,
        r#"{"error":"invalid_client","error_description":"{}"}"#,
    ),
    EchoLocation::Body(400, JSON, r#"{"error":"{}","error_description":"no"}"#),
    EchoLocation::Body(401, JSON, r#"{"error":"{}"}"#),
    EchoLocation::Body(403, JSON, r#"{"resultCode":"{}","incidentId":"{}"}"#),
    EchoLocation::Body(
        404,
        JSON,
        r#"{"resultCode":"Client app not exist","incidentId":"{}"}"#,
    ),
    EchoLocation::Body(
        500,
        JSON,
        r#"{"resultCode":"FAILURE","errorMessage":"{}","incidentId":"X-1"}"#,
    ),
    EchoLocation::Body(
        400,
        JSON,
        r#"{"errorMessage":{"code":"{}","params":{"{}":"{}"}}}"#,
    ),
    EchoLocation::Body(200, JSON, r#"{"resultCode":"FAILURE","errorMessage":"{}"}"#),
    EchoLocation::Body(200, JSON, r#"{"message":"{}"}"#),
    EchoLocation::Body(429, JSON, r#"{"errorCode":"throttled","message":"{}"}"#),
    EchoLocation::Body(200, JSON, r#""{}""#),
    EchoLocation::Body(500, JSON, r#"{"error":"x","error_description":"{}"#),
    EchoLocation::Body(200, JSON, r#"[{"id":"{}","name":7,"members":"{}"}]"#),
    EchoLocation::Body(200, JSON, r#"[{"id":1,"name":"{}"},{"id":2,"{}":"x"},"{}"]"#),
    EchoLocation::Body(200, JSON, r#"{"id":"{}","{}":1}"#),
    EchoLocation::Body(
        200,
        JSON,
        r#"{"access_token":{"x":"{}"},"scope":"{}","token_type":"{}"}"#,
    ),
    EchoLocation::Body(200, JSON, r#"{"access_token":"{}","expires_in":"{}"}"#),
    EchoLocation::Body(
        200,
        JSON,
        r#"{"access_token":"t0ken-of-nobody-42","token_type":"{}","scope":"{}","expires_in":3600}"#,
    ),
    EchoLocation::Body(
        200,
        JSON,
        r#"{"access_token":"t0ken-of-nobody-42","scope":["{}","monitoring"]}"#,
    ),
    EchoLocation::Body(
        403,
        HTML,
        "<html><head><title>blocked: {}</title></head><body>{}</body></html>",
    ),
    EchoLocation::Body(200, HTML, "<title>{}</title>"),
    EchoLocation::Body(503, HTML, "<html>{}</html>"),
    EchoLocation::Body(500, TEXT, "{}"),
    EchoLocation::Body(403, TEXT, "blocked {}"),
    EchoLocation::Body(200, TEXT, "{}"),
    EchoLocation::Packed(403, HTML, "<title>{}</title>"),
    EchoLocation::Packed(500, TEXT, "{}"),
    EchoLocation::Packed(
        400,
        JSON,
        r#"{"error":"invalid_client","error_description":"{}"}"#,
    ),
    EchoLocation::Chunk,
];

/// How a request is repeated.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    /// As it came.
    Raw,
    /// With each secret as configured, not as the request encodes it.
    Decoded,
    /// Each byte percent-encoded.
    Percent,
    /// In base64.
    Base64,
    /// In capitals.
    Capitals,
    /// A space after every seventh character.
    Split,
}

pub(crate) const FORMS: [Form; 6] = [
    Form::Raw,
    Form::Decoded,
    Form::Percent,
    Form::Base64,
    Form::Capitals,
    Form::Split,
];

impl Form {
    fn of(self, request: &str) -> String {
        match self {
            Self::Raw => request.to_owned(),
            Self::Decoded => {
                let bytes = request.replace('+', " ");
                percent_decoded(&bytes)
            }
            Self::Percent => request.bytes().map(|byte| format!("%{byte:02x}")).collect(),
            Self::Base64 => STANDARD.encode(percent_decoded(request)),
            Self::Capitals => request.to_uppercase(),
            Self::Split => {
                let mut split = String::new();
                for (at, c) in request.chars().enumerate() {
                    split.push(c);
                    if at % 7 == 6 {
                        split.push(' ');
                    }
                }
                split
            }
        }
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The answer that repeats a request.
fn answer(location: EchoLocation, form: Form, request: &str) -> Vec<u8> {
    // The parts with secrets: the body of a sign-in, the authorization of another request.
    let echo = request
        .lines()
        .filter(|line| line.to_lowercase().starts_with("authorization:"))
        .chain(request.split("\r\n\r\n").skip(1))
        .collect::<Vec<_>>()
        .join(" ");
    let echo = form.of(&echo);
    let on_a_line = echo.replace(['\r', '\n'], " ");
    let in_json = |text: &str| {
        let quoted = serde_json::to_string(text).unwrap();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let (status, reason, header, body) = match location {
        EchoLocation::Reason(status) => (status, on_a_line, String::new(), b"{}".to_vec()),
        EchoLocation::Header(status, name, value) => {
            let value = if name == "Location" {
                value.replace("{}", &on_a_line.replace(' ', "%20"))
            } else {
                value.replace("{}", &on_a_line)
            };
            (
                status,
                "X".to_owned(),
                format!("{name}: {value}\r\n"),
                b"{}".to_vec(),
            )
        }
        EchoLocation::Body(status, kind, body) | EchoLocation::Packed(status, kind, body) => {
            let echo = if kind == JSON { in_json(&echo) } else { echo };
            let body = body.replace("{}", &echo).into_bytes();
            let header = format!("Content-Type: {kind}\r\n");
            if matches!(location, EchoLocation::Packed(..)) {
                let mut packed = GzEncoder::new(Vec::new(), Compression::default());
                packed.write_all(&body).unwrap();
                let header = format!("{header}Content-Encoding: gzip\r\n");
                (status, "X".to_owned(), header, packed.finish().unwrap())
            } else {
                (status, "X".to_owned(), header, body)
            }
        }
        EchoLocation::Chunk => {
            let head = "HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
            let tail = format!("2;told={on_a_line}\r\n{{}}\r\n0\r\nX-Told: {on_a_line}\r\n\r\n");
            return format!("{head}{tail}").into_bytes();
        }
    };
    let mut answer = format!(
        "HTTP/1.1 {status} {reason}\r\n{header}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(&body);
    answer
}

/// Starts a server before a tenant that repeats what is sent to some address; everything else is the tenant's. Returns its own
/// address.
pub(crate) fn start_echo_server(
    tenant: &str,
    path: &'static str,
    location: EchoLocation,
    form: Form,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let tenant: Arc<str> = tenant.trim_start_matches("http://").into();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(client), tenant) = (client, Arc::clone(&tenant)) else {
                return;
            };
            thread::spawn(move || serve(client, &tenant, path, location, form));
        }
    });
    address
}

fn serve(mut client: TcpStream, tenant: &str, path: &str, location: EchoLocation, form: Form) -> Option<()> {
    let mut request = Vec::new();
    let head = loop {
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        let mut buffer = [0; 4096];
        let read = client.read(&mut buffer).ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&buffer[..read]);
    };
    let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .map_or(0, |length| length.trim().parse::<usize>().unwrap());
    let mut rest = vec![0; (head + length).saturating_sub(request.len())];
    client.read_exact(&mut rest).ok()?;
    request.extend_from_slice(&rest);
    let target = text.split(' ').nth(1).unwrap_or_default();
    let is_echoed = target.starts_with(path) || target.starts_with("/elsewhere/");
    if is_echoed {
        let request = String::from_utf8_lossy(&request).into_owned();
        client.write_all(&answer(location, form, &request)).ok()?;
        return Some(());
    }
    // One request for each connection.
    let request = String::from_utf8_lossy(&request).into_owned();
    let request = request.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    let mut server = TcpStream::connect(tenant).ok()?;
    server.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = answer.split_at(end);
    client.write_all(head).ok()?;
    if !String::from_utf8_lossy(head)
        .to_lowercase()
        .contains("connection: close")
    {
        client.write_all(b"\r\nconnection: close").ok()?;
    }
    client.write_all(body).ok()
}

/// Finds a secret in a text, in any form in which a server may have repeated it.
pub(crate) fn leak(text: &str, secret: &str) -> Option<String> {
    let fold = |text: &str| -> String {
        let plain = text.chars().filter(char::is_ascii_alphanumeric);
        plain.map(|c| c.to_ascii_lowercase()).collect()
    };
    let folded = fold(text);
    let decoded = fold(&percent_decoded(&percent_decoded(text)));
    let mut forms = vec![fold(secret)];
    for before in 0..3 {
        let encoded = STANDARD.encode(format!("{}{secret}", "x".repeat(before)));
        // Without the ends, which depend on the neighboring bytes.
        let encoded = encoded.trim_end_matches('=');
        forms.push(fold(&encoded[4..encoded.len() - 2]));
    }
    forms.push(secret.bytes().map(|byte| format!("{byte:02x}")).collect());
    let found = forms
        .into_iter()
        .find(|form| folded.contains(form.as_str()) || decoded.contains(form.as_str()))?;
    let shown: String = text.chars().take(4000).collect();
    Some(format!("{found} in {shown}"))
}
