//! What a store's response to a failed request means.

use access_core::error_chain;
use object_store::Error;

use super::redact::without_secrets;
use crate::error::DatasetError;

/// The longest quotation of a store's message, in bytes.
const MAX_REASON_BYTES: usize = 600;

/// A store's response to a failed request.
pub(super) struct StoreResponse {
    /// Its code, e.g. `NoSuchBucket`.
    code: Option<String>,
    /// The HTTP status.
    status: Option<u16>,
    /// The region that it names.
    pub(super) region: Option<String>,
    /// On one line, for people.
    pub(super) reason: String,
}

/// The class of a failure. Only failures that may pass are [`Self::Unavailable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FailureClass {
    WrongRegion,
    NoBucket,
    NoObject,
    Unauthenticated,
    Denied,
    ChecksumRequired,
    WrongClock,
    Unsupported,
    Refused,
    Unavailable,
}

impl FailureClass {
    pub(super) fn error_at(self, location: String, reason: String) -> DatasetError {
        match self {
            Self::WrongRegion => DatasetError::WrongRegion {
                location,
                reason,
                region: None,
            },
            Self::NoBucket | Self::NoObject => DatasetError::Missing { location, reason },
            Self::Unauthenticated => DatasetError::Unauthenticated { location, reason },
            Self::Denied => DatasetError::PermissionDenied { location, reason },
            Self::ChecksumRequired => DatasetError::ChecksumRequired { location, reason },
            Self::WrongClock => DatasetError::WrongClock { location, reason },
            Self::Unsupported => DatasetError::Unsupported { location, reason },
            Self::Refused => DatasetError::Refused { location, reason },
            Self::Unavailable => DatasetError::Unavailable { location, reason },
        }
    }
}

impl StoreResponse {
    pub(super) fn from_error(error: &Error) -> Self {
        let text = error_chain(error);
        let region = element(&text, "Region").or_else(|| {
            let (_, rest) = text.split_once("expecting '")?;
            Some(rest.split_once('\'')?.0)
        });
        let status = text.split_once("status code: ");
        Self {
            code: element(&text, "Code").map(str::to_owned),
            status: status.and_then(|(_, rest)| rest.get(..3)?.parse().ok()),
            region: region.filter(|region| !region.is_empty()).map(str::to_owned),
            reason: one_line(&text),
        }
    }

    /// The reason without the library's report of its own settings and attempts, e.g. `tcp connect error: Connection refused (os
    /// error 111), after 4 retries`.
    pub(super) fn short_reason(&self) -> String {
        let Some((attempts, cause)) = self
            .reason
            .split_once(" retry_timeout: ")
            .and_then(|(attempts, rest)| Some((attempts, rest.split_once(" - ")?.1)))
        else {
            return self.reason.clone();
        };
        let cause = [
            "HTTP error: ",
            "error sending request: ",
            "client error (Connect): ",
        ]
        .into_iter()
        .fold(cause, |cause, prefix| cause.strip_prefix(prefix).unwrap_or(cause));
        let retries = attempts.rsplit(", ").find(|part| part.starts_with("after "));
        retries.map_or_else(|| cause.to_owned(), |retries| format!("{cause}, {retries}"))
    }

    /// The class by the store's code if it sends one: its status and the library's error are less precise.
    pub(super) fn meaning(&self, error: &Error) -> FailureClass {
        let mentions = |words: &str| self.reason.contains(words);
        match self.code.as_deref().unwrap_or_default() {
            "PermanentRedirect" | "IllegalLocationConstraintException" => return FailureClass::WrongRegion,
            "AuthorizationHeaderMalformed" if self.region.is_some() || mentions("region") => {
                return FailureClass::WrongRegion;
            }
            "NoSuchBucket" | "ContainerNotFound" => return FailureClass::NoBucket,
            "NoSuchKey" | "NoSuchVersion" | "BlobNotFound" => return FailureClass::NoObject,
            "RequestTimeTooSkewed" | "RequestExpired" => return FailureClass::WrongClock,
            // Azure's code for a wrong key and for a wrong time is the same.
            "AuthenticationFailed" if mentions("date header") => return FailureClass::WrongClock,
            "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidToken"
            | "TokenRefreshRequired"
            | "AuthorizationHeaderMalformed"
            | "AuthenticationFailed"
            | "AuthorizationFailure"
            | "InvalidAuthenticationInfo"
            | "NoAuthenticationInformation" => return FailureClass::Unauthenticated,
            "InvalidRequest" | "MissingContentMD5" if mentions("Content-MD5") || mentions("checksum") => {
                return FailureClass::ChecksumRequired;
            }
            "NotImplemented" => return FailureClass::Unsupported,
            _ => {}
        }
        match error {
            // There are no credentials in a file, and no metadata service of a cloud answers.
            _ if mentions("169.254.169.254") || mentions("Failed to read token file") => {
                FailureClass::Unauthenticated
            }
            Error::Unauthenticated { .. } => FailureClass::Unauthenticated,
            Error::PermissionDenied { .. } => FailureClass::Denied,
            // A proxy can answer so; only the store itself, by its code, can state that an object does not exist.
            Error::NotFound { .. } => FailureClass::Unavailable,
            Error::NotImplemented { .. } | Error::NotSupported { .. } => FailureClass::Unsupported,
            _ if mentions("ETag Header missing") || mentions("ETag required") => FailureClass::Unsupported,
            // Lists and removals of many say no more than this.
            _ => match self.status {
                Some(401) => FailureClass::Unauthenticated,
                Some(403) => FailureClass::Denied,
                Some(501) => FailureClass::Unsupported,
                // A proxy's 404, timeout, conflict with another request, too early, too many.
                Some(404 | 408 | 409 | 412 | 425 | 429) => FailureClass::Unavailable,
                Some(400..=499) => FailureClass::Refused,
                _ => FailureClass::Unavailable,
            },
        }
    }
}

/// A message on one line and without secrets; a store's XML response as its code and message.
pub(super) fn one_line(text: &str) -> String {
    let parts: Vec<&str> = ["Code", "Message"]
        .iter()
        .filter_map(|name| element(text, name))
        .collect();
    let text = if parts.is_empty() { text } else { &parts.join(": ") };
    let text = without_secrets(text);
    let mut line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() > MAX_REASON_BYTES {
        line.truncate(line.floor_char_boundary(MAX_REASON_BYTES));
        line.push('…');
    }
    line
}

/// The text of the first XML element of a name.
pub(super) fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    Some(rest.split_once("</")?.0)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// A response as the store's library reports it.
    fn error_response(status: u16, body: &str) -> Error {
        let words = format!("Server returned non-2xx status code: {status} Words: {body}");
        let source = io::Error::other(words).into();
        let path = String::new();
        match status {
            401 => Error::Unauthenticated { path, source },
            403 => Error::PermissionDenied { path, source },
            404 => Error::NotFound { path, source },
            409 => Error::AlreadyExists { path, source },
            412 => Error::Precondition { path, source },
            _ => Error::Generic { store: "S3", source },
        }
    }

    fn xml_error(code: &str, message: &str) -> String {
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>")
    }

    #[test]
    fn an_unreachable_store_is_one_cause() {
        let text = "Generic S3 error: Error performing GET http://127.0.0.1:9/b/latest.json in 1.145250794s, after 4 retries, \
                    max_retries: 4, retry_timeout: 30s - HTTP error: error sending request: client error (Connect): \
                    tcp connect error: Connection refused (os error 111)";
        let source = io::Error::other(text).into();
        let response = StoreResponse::from_error(&Error::Generic { store: "S3", source });
        assert_eq!(
            response.short_reason(),
            "tcp connect error: Connection refused (os error 111), after 4 retries"
        );
        let denied = StoreResponse::from_error(&error_response(403, &xml_error("AccessDenied", "no")));
        assert_eq!(denied.short_reason(), "AccessDenied: no");
    }

    #[test]
    fn permanent_failures_are_not_unavailable() {
        use FailureClass::*;

        let malformed = "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-central-1'";
        let locked = "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters";
        let old = "Request date header too old: 'Mon, 30 Nov 2026 12:00:00 GMT'";
        let azure = "Server failed to authenticate the request.";
        for (status, code, message, meaning) in [
            (400, "PermanentRedirect", "look elsewhere", WrongRegion),
            (400, "AuthorizationHeaderMalformed", malformed, WrongRegion),
            (
                400,
                "AuthorizationHeaderMalformed",
                "no credential",
                Unauthenticated,
            ),
            (400, "InvalidRequest", locked, ChecksumRequired),
            (400, "InvalidRequest", "something else", Refused),
            (400, "InvalidArgument", "no", Refused),
            (403, "RequestTimeTooSkewed", "too large", WrongClock),
            (403, "AuthenticationFailed", old, WrongClock),
            (403, "AuthenticationFailed", azure, Unauthenticated),
            (403, "AuthorizationFailure", "not authorized", Unauthenticated),
            (403, "InvalidAccessKeyId", "no such key", Unauthenticated),
            (403, "AuthorizationPermissionMismatch", "no", Denied),
            (403, "AccessDenied", "no", Denied),
            (404, "NoSuchBucket", "no", NoBucket),
            (404, "ContainerNotFound", "no", NoBucket),
            (404, "BlobNotFound", "no", NoObject),
            (404, "NoSuchKey", "no", NoObject),
            (404, "", "not found", Unavailable),
            (404, "RouteNotFound", "a proxy's", Unavailable),
            (501, "NotImplemented", "a header", Unsupported),
            (501, "Other", "a header", Unsupported),
            (500, "InternalError", "sorry", Unavailable),
            (503, "SlowDown", "sorry", Unavailable),
            (429, "TooManyRequests", "sorry", Unavailable),
            (409, "OperationAborted", "sorry", Unavailable),
        ] {
            let error = error_response(status, &xml_error(code, message));
            assert_eq!(
                StoreResponse::from_error(&error).meaning(&error),
                meaning,
                "{status} {code}: {message}"
            );
        }
        let region = StoreResponse::from_error(&error_response(
            400,
            &xml_error("AuthorizationHeaderMalformed", malformed),
        ))
        .region;
        assert_eq!(region.as_deref(), Some("eu-central-1"));
        for (words, meaning) in [
            (
                "Unable to extract metadata from headers: ETag Header missing from response",
                Unsupported,
            ),
            (
                "Failed to read token file '/var/run/token': No such file or directory",
                Unauthenticated,
            ),
            ("error sending request: connection refused", Unavailable),
        ] {
            let error = Error::Generic {
                store: "S3",
                source: io::Error::other(words).into(),
            };
            assert_eq!(
                StoreResponse::from_error(&error).meaning(&error),
                meaning,
                "{words}"
            );
        }
    }
}
