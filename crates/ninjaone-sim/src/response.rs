//! Answers of the simulated server.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::generated::Rows;

/// An answer before it is put on the wire.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Payload,
}

/// A body.
#[derive(Debug)]
pub(crate) enum Payload {
    Bytes(Bytes),
    /// Written while it is sent.
    Rows(Box<Rows>),
    /// A repeated piece without an end.
    Endless(Endless),
}

/// A body without an end.
#[derive(Debug)]
pub(crate) struct Endless {
    pub(crate) begin: Vec<u8>,
    pub(crate) again: Vec<u8>,
    /// Remaining bytes until it ends.
    pub(crate) left: u64,
}

impl Endless {
    /// Appends up to about `size` bytes to `out`; none at the end.
    pub(crate) fn fill(&mut self, out: &mut Vec<u8>, size: usize) {
        out.append(&mut self.begin);
        while out.len() < size && self.left > 0 {
            out.extend_from_slice(&self.again);
            self.left = self.left.saturating_sub(self.again.len().max(1) as u64);
        }
    }
}

impl Payload {
    /// The complete body in memory.
    pub(crate) fn into_bytes(self) -> Bytes {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Rows(rows) => rows.collect().into(),
            Self::Endless(mut endless) => {
                let mut body = Vec::new();
                endless.fill(&mut body, usize::MAX);
                body.into()
            }
        }
    }
}

const JSON: &str = "application/json";

impl Answer {
    fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type,
            headers: Vec::new(),
            body: Payload::Bytes(body.into()),
        }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, JSON, body.to_string())
    }

    pub(crate) fn raw_json(body: Vec<u8>) -> Self {
        Self::new(200, JSON, body)
    }

    pub(crate) fn rows(rows: Rows) -> Self {
        Self {
            status: 200,
            content_type: JSON,
            headers: Vec::new(),
            body: Payload::Rows(Box::new(rows)),
        }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self::new(status, JSON, Bytes::new())
    }

    pub(crate) fn text(body: &'static str) -> Self {
        Self::new(200, "text/plain", body)
    }

    /// A web server's own page.
    pub(crate) fn html(status: u16, title: &str) -> Self {
        let page = format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
             <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        );
        Self::new(status, "text/html", page)
    }

    /// The authentication layer's error shape (docs/reference/ninjaone-api.md §5.1, shape 1).
    pub(crate) fn auth_error(status: u16, error: &str, description: &str, code: u32) -> Self {
        let body = json!({ "error": error, "error_description": description, "error_code": code });
        Self::json(status, &body)
    }

    /// An OAuth error of the token endpoint.
    pub(crate) fn oauth_error(status: u16, error: &str, description: &str) -> Self {
        Self::json(
            status,
            &json!({ "error": error, "error_description": description }),
        )
    }

    /// The application layer's error shape (shape 2).
    pub(crate) fn application_error(status: u16, message: &str, incidents: &Incidents) -> Self {
        let body =
            json!({ "resultCode": "FAILURE", "errorMessage": message, "incidentId": incidents.next() });
        Self::json(status, &body)
    }

    /// An application error with its message in `resultCode`.
    pub(crate) fn result_code(status: u16, code: &str, incidents: &Incidents) -> Self {
        Self::json(
            status,
            &json!({ "resultCode": code, "incidentId": incidents.next() }),
        )
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Numbers incidents in order, so that runs can be compared.
#[derive(Debug, Default)]
pub(crate) struct Incidents(AtomicU64);

impl Incidents {
    fn next(&self) -> String {
        format!(
            "WEB_MGMT_SERVICE-{:04}",
            self.0.fetch_add(1, Ordering::Relaxed) + 1
        )
    }
}
